"""Forms of custody: what came of looking for a tube, and who was told a finding."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from lianfang.kit.clock import LOCAL, response_now
from lianfang.kit.refusals import NotFound, Refusal
from lianfang.response.specimens import queries
from lianfang.response.specimens.permissions import FIND_TUBES, READ_CUSTODY, RECORD_TOLD
from lianfang.response.specimens.queries import DifferenceRow
from lianfang.surfaces.console import words
from lianfang.surfaces.console.addresses import MINUTE, address
from lianfang.surfaces.console.asking import confirmed, instant_given, words_given
from lianfang.surfaces.console.lists import as_text
from lianfang.surfaces.console.web.custody import difference_word
from lianfang.surfaces.session import ActingRequest

ENDS = {"missing": ("found", "lost", "miscounted"), "extra": ("explained", "returned", "miscounted")}
CHANNELS = ("phone", "in_person", "message", "system", "document")


def show_difference(request: ActingRequest, difference: UUID) -> HttpResponse:
    """Show what a hand-over lacked or had too much, and the form that says what came of it."""
    request.actor.require(READ_CUSTODY)
    row = _row(request, difference)
    facts = [
        (_("Tube"), row.code or ngettext("not named: %(n)s tube", "not named: %(n)s tubes", row.number) % {"n": row.number},
         address(request, "tube", row.code) if row.tube else ""),
        (_("Given by"), row.giver, ""), (_("Received by"), row.taker, ""), (_("Noticed"), as_text(row.noticed_at), ""),
        (_("Clear up by"), as_text(row.due_at), ""), (_("Responsible"), words.role_word(row.role), ""),
        (_("Outcome"), " · ".join(p for p in (words.word(row.outcome), row.place, row.reason) if p), ""),
    ]  # fmt: skip
    context = {
        "heading": f"{difference_word(row)} · {row.code or row.number}", "facts": facts, "difference": row,
        "outcomes": [(one, words.word(one)) for one in ENDS[row.kind]],
        "open": row.settled_at is None and request.at is None and request.actor.may(FIND_TUBES),
        "now": response_now().astimezone(LOCAL).strftime(MINUTE),
    }  # fmt: skip
    return render(request, "console/difference.html", context)


def show_notice(request: ActingRequest, notice: UUID) -> HttpResponse:
    """Lead from the duty to tell a finding to the tube in which it was found."""
    request.actor.require(READ_CUSTODY)
    code = queries.code_of_notice(notice, by=request.actor)
    if code is None:
        raise NotFound(_("There is no such finding in your area. Choose one of your duties."))
    return redirect(address(request, "tube", code))


@require_POST
def settle(request: ActingRequest, difference: UUID) -> HttpResponse:
    """Record what came of looking for a tube, after asking."""
    row = _row(request, difference)
    outcome = words_given(request, "outcome", _("Outcome"))
    place, reason = (request.POST.get(name, "").strip() for name in ("place", "reason"))
    codes = request.POST.get("codes", "").replace(",", " ").replace("，", " ").split()
    question = (
        _("The people in this tube will be missing in their round again and are visited to be sampled anew. Is it so?")
        if outcome == "lost"
        else _("This is kept for good and cannot be taken back. Is it so?")
    )
    payload = {"outcome": outcome, "difference": str(difference), "place": place, "reason": reason, "codes": codes}
    return confirmed(
        request, "record_tube_found", payload,
        heading=_("Clear up: %(what)s") % {"what": row.code or row.number}, question=question, yes=_("Yes, record it"),
        facts=[
            (_("Outcome"), words.word(outcome)), (_("Found at"), place), (_("Reason"), reason),
            (_("Tubes"), " ".join(codes) or row.code), (_("When it happened"), as_text(instant_given(request))),
        ],
        back=address(request, "custody"), done=_("The outcome is recorded."),
    )  # fmt: skip


@require_POST
def tell(request: ActingRequest, code: str) -> HttpResponse:
    """Record that everybody who had to hear a finding was told, after asking."""
    request.actor.require(RECORD_TOLD)
    tube = queries.tube_record(code, by=request.actor)
    if tube is None:
        raise NotFound(_("There is no tube of this code in your area. Read the printed code again."))
    told_to, channel = words_given(request, "told_to", _("Told to")), request.POST.get("channel", "")
    if channel not in CHANNELS:
        raise Refusal(_("Choose how it was told."))
    return confirmed(
        request, "record_told", {"tube": str(tube.tube), "channel": channel, "told_to": told_to},
        heading=_("Told: tube %(code)s") % {"code": tube.code},
        question=_("Everybody who still had to be told counts as told. Is it so?"), yes=_("Yes, they were told"),
        facts=[
            (_("Told to"), told_to), (_("How"), words.word(channel)), (_("When it happened"), as_text(instant_given(request))),
        ],
        back=address(request, "tube", tube.code), done=_("It is recorded who was told."),
    )  # fmt: skip


def _row(request: ActingRequest, difference: UUID) -> DifferenceRow:
    for row in queries.differences(by=request.actor, open=False):
        if row.id == difference:
            return row
    raise NotFound(_("There is no such difference in your area. Choose one of the list."))
