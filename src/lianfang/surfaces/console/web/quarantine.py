"""Quarantine orders: those held too long first, then whom to check, test or release; an order as the person sees it."""

import uuid
from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lianfang.kit.clock import local
from lianfang.kit.refusals import NotFound
from lianfang.response.quarantine import queries
from lianfang.response.quarantine.queries import LISTS, OrderRow
from lianfang.surfaces.console import words
from lianfang.surfaces.console.addresses import address
from lianfang.surfaces.console.figures import Figure
from lianfang.surfaces.console.lists import Column, Filter, Listing, Section, answer_list, answer_record, as_text, whole
from lianfang.surfaces.session import ActingRequest

#: the gravest first; the rest of `LISTS` after them
ORDER = ("overstay", "abnormal", "overdue", "check_due", "ending", "appealed", "not_started", "in_force")
ALARMS = {"overstay": "overdue", "abnormal": "overdue", "overdue": "overdue", "appealed": "warn"}


def list_title(code: str) -> str:
    """Return the title of one of the lists of orders."""
    return {
        "overstay": _("held past the end"),
        "abnormal": _("unwell, not yet taken to hospital"),
        "overdue": _("with overdue duties"),
        "check_due": _("check due today"),
        "ending": _("ending today"),
        "appealed": _("appealed, undecided"),
        "not_started": _("not yet in place"),
        "in_force": _("in force"),
    }.get(code, words.word(code))


def quarantine_figures(request: ActingRequest) -> Iterator[Figure]:
    """Count the orders in force and those on each list, the gravest first."""
    known = {"at": request.instant, "known_at": request.instant}
    counted = queries.order_counts(by=request.actor, **known)
    for code in (*ORDER, *(one for one in LISTS if one not in ORDER)):
        number = counted[code]
        tone = ALARMS.get(code, "") if number else ""
        yield Figure(list_title(code), number, address(request, "quarantine", listed=code), tone=tone)


def show_orders(request: ActingRequest) -> HttpResponse:
    """List quarantine orders of one of the day's lists."""
    get = request.GET.get
    listed = get("listed", "in_force")
    listed = listed if listed in LISTS else "in_force"
    asked: dict[str, Any] = {"by": request.actor, "at": request.instant, "known_at": request.instant}
    asked["tier"] = get("tier") or None
    tiers = sorted({row.tier for row in queries.orders(by=request.actor, at=request.instant)})
    listing = Listing(
        "quarantine", order_columns(request), queries.order_counts(**asked)[listed],
        lambda limit, offset: queries.orders(listed=listed, limit=limit, offset=offset, **asked),
        _("No order of this list is in force in your area at this instant."),
        (
            Filter("listed", _("List"), [(code, list_title(code)) for code in ORDER]),
            Filter("tier", _("Tier"), [("", _("all")), *((tier, words.word(tier)) for tier in tiers)]),
        ),
    )  # fmt: skip
    return answer_list(request, listing, heading=_("Quarantine"), figures=list(quarantine_figures(request)))


def order_columns(request: ActingRequest) -> list[Column]:
    """Return the columns of a list of quarantine orders."""
    return [
        Column(_("Name"), lambda o: o.name or _("out of your area"), lambda o: address(request, "order", o.id)),
        Column(_("Left"), _left, look="mark", tone=lambda o: "overdue" if _over(request, o) else ""),
        Column(_("Ends"), lambda o: o.ends_at, look="time"),
        Column(_("Now in"), lambda o: words.word(o.leg_kind)),
        Column(_("Village"), lambda o: o.village or o.held_code),
        Column(_("Where"), lambda o: o.place),
        Column(_("Tier"), lambda o: words.word(o.tier)),
        Column(_("Begun"), lambda o: o.started_at or _("not yet"), look="time"),
        Column(_("Last exposure"), lambda o: o.last_exposure_at, look="time"),
    ]


def _over(request: ActingRequest, order: OrderRow) -> bool:
    return order.ends_at <= request.instant


def _left(order: OrderRow) -> str:
    if order.days_left <= 0:
        return _("overdue: past its end")
    return ngettext("%(n)s day left", "%(n)s days left", order.days_left) % {"n": order.days_left}


def show_order(request: ActingRequest, order: uuid.UUID) -> HttpResponse:
    """Show one order as the person under it sees it."""
    standing = queries.orders(by=request.actor, limit=100_000, at=request.instant, known_at=request.instant)
    row = next((one for one in standing if one.id == order), None)
    if row is None:
        raise NotFound(_("There is no such order in force in your area at this instant. Open the list of orders."))
    seen = queries.person_order(by=request.actor, order=order)
    facts = [
        (_("Person"), row.name, address(request, "resident", row.resident) if row.name else ""),
        (_("Tier"), words.word(seen.tier), ""),
        (_("Reason"), seen.reason, ""),
        (_("On whose authority"), seen.authority, ""),
        (_("Issued by"), seen.issued_by, ""),
        (_("Issued"), as_text(seen.issued_at), ""),
        (_("Ends"), as_text(seen.ends_at), ""),
        (_("Appeal to"), seen.appeal_to, ""),
        (_("State"), words.word(seen.status), ""),
    ]
    sections = [
        Section(_("Legs"), _legs(seen.legs)),
        Section(_("Tests"), _tests(seen.tests)),
        Section(_("Appeals"), _appeals(seen.appeals)),
    ]
    return answer_record(
        request, sections, heading=_("Quarantine order · %(name)s") % {"name": row.name or ""}, lead=_left(row),
        lead_tone="overdue" if _over(request, row) else "", facts=facts,
    )  # fmt: skip


def _legs(legs: list[dict[str, Any]]) -> Listing:
    columns = [
        Column(_("Kind"), lambda leg: words.word(leg["kind"]), look="mark"),
        Column(_("Where"), lambda leg: leg["place"]),
        Column(_("First day"), lambda leg: leg["first_day"], look="day"),
        Column(_("Last day"), lambda leg: leg["last_day"], look="day"),
    ]
    return Listing("legs", columns, *whole(legs), _("No leg is planned."))


def _tests(tests: list[dict[str, Any]]) -> Listing:
    columns = [
        Column(_("Sampled"), lambda test: local(test["sampled_at"]), look="time"),
        Column(
            _("Result"), lambda test: words.word(test["result"]), look="mark",
            tone=lambda test: {"positive": "overdue", "negative": "good"}.get(test["result"], ""),
        ),
    ]  # fmt: skip
    return Listing("tests", columns, *whole(tests), _("No test is recorded yet."))


def _appeals(appeals: list[dict[str, Any]]) -> Listing:
    columns = [
        Column(_("Filed"), lambda appeal: local(appeal["filed_at"]), look="time"),
        Column(_("Decision"), _decision, look="mark"),
        Column(_("Answer"), lambda appeal: appeal["answer"]),
    ]
    return Listing("appeals", columns, *whole(appeals), _("Nobody has appealed."))


def _decision(appeal: dict[str, Any]) -> str:
    return {None: _("undecided"), True: _("granted"), False: _("upheld")}[appeal["granted"]]
