"""The audit, for its own line of work: who did or looked at what, and whether the seals hold."""

import uuid
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from lianfang.core.access.permissions import READ_AUDIT
from lianfang.core.access.sealer import verify_audit
from lianfang.kit.refusals import Refusal
from lianfang.surfaces.console import queries, words
from lianfang.surfaces.console.addresses import address
from lianfang.surfaces.console.figures import Figure
from lianfang.surfaces.console.lists import Column, Filter, Listing, answer_list
from lianfang.surfaces.session import ActingRequest


def show_audit(request: ActingRequest) -> HttpResponse:
    """List audit rows, the latest first; with ``verify=yes`` recompute the chain of seals."""
    request.actor.require(READ_AUDIT)
    get = request.GET.get
    asked: dict[str, Any] = {
        "by": request.actor, "at": request.at, "verb": get("verb", "").strip(), "account": get("account", "").strip(),
        "subject": _subject(get("subject", "").strip()),
    }  # fmt: skip
    listing = Listing(
        "audit", audit_columns(), queries.count_audit(**asked),
        lambda limit, offset: queries.audit_lines(**asked, limit=limit, offset=offset),
        _("Nothing of that kind was done or looked at in your area."),
        (
            Filter("verb", _("What (begins with)")),
            Filter("account", _("Account")),
            Filter("subject", _("Record (id)")),
        ),
    )  # fmt: skip
    return answer_list(request, listing, heading=_("Audit"), figures=_seals(request))


def audit_columns() -> list[Column]:
    """Return the columns of the audit; it holds no personal data, so neither do they."""
    return [
        Column(_("When"), lambda e: e.machine_at, look="time"),
        Column(_("Response time"), lambda e: e.response_at, look="time"),
        Column(_("What"), lambda e: e.verb),
        Column(_("By"), lambda e: e.title),
        Column(_("As"), lambda e: words.role_word(e.role)),
        Column(_("Place"), lambda e: e.division_code),
        Column(_("Record"), lambda e: f"{words.word(e.subject_kind)} {e.subject_id or ''}"),
        Column(_("Number"), lambda e: e.count, look="number"),
        Column(_("More"), lambda e: " ".join(f"{key}={value}" for key, value in e.detail.items())),
    ]


def _seals(request: ActingRequest) -> list[Figure]:
    latest = queries.seals(by=request.actor, limit=1)
    check = address(request, "audit", verify="yes")
    if request.GET.get("verify") != "yes":
        return [
            Figure(_("Sealed batches"), latest[0].number if latest else 0, check, _("check the seals")),
        ]
    found = verify_audit()
    whole_chain = found.broken is None
    verdict = _("the chain is whole") if whole_chain else _("batch %(n)s does not match its seal") % {"n": found.broken}
    return [
        Figure(_("Sealed batches"), found.batches, check, verdict, "good" if whole_chain else "overdue"),
        Figure(_("Sealed rows"), found.sealed, check),
        Figure(_("Rows not sealed yet"), found.unsealed, check),
    ]


def _subject(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if text else None
    except ValueError:
        raise Refusal(
            _("A record's id looks like 01234567-89ab-7cde-8f01-23456789abcd. Copy it from a list.")
        ) from None
