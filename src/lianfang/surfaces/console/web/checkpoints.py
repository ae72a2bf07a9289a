"""Checkpoints: the order each stands on, and whether somebody was there at every hour."""

from collections.abc import Iterator

from django.http import HttpResponse
from django.utils.translation import gettext as _

from lianfang.kit.clock import local
from lianfang.kit.refusals import Refusal
from lianfang.response.checkpoints.queries import (
    CheckpointRow,
    Passed,
    checkpoints,
    passage_counts,
    passages,
)
from lianfang.surfaces.console import words
from lianfang.surfaces.console.addresses import address
from lianfang.surfaces.console.figures import Figure
from lianfang.surfaces.console.lists import Column, Filter, Listing, answer_list, as_text, whole
from lianfang.surfaces.console.queries import place_names
from lianfang.surfaces.session import ActingRequest

#: before any record of this system
BEGINNING = local("2000-01-01")


def checkpoint_figures(request: ActingRequest) -> Iterator[Figure]:
    """Count checkpoints standing, those staffed without a gap, and the people screened."""
    rows = checkpoints(by=request.actor, at=request.instant)
    gaps = sum(not row.staffing.round_the_clock for row in rows)
    yield Figure(_("Checkpoints standing"), len(rows), address(request, "checkpoints"))
    yield Figure(
        _("With a gap in staffing"),
        gaps,
        address(request, "checkpoints", staffed="gap"),
        tone="overdue" if gaps else "",
    )
    yield Figure(_("People screened"), sum(row.people for row in rows), address(request, "passages"))


def show_checkpoints(request: ActingRequest) -> HttpResponse:
    """List the checkpoints standing at the instant."""
    staffed = request.GET.get("staffed", "")
    rows = checkpoints(by=request.actor, at=request.instant)
    places = place_names({row.division_code for row in rows})
    rows = [
        row for row in rows if staffed not in ("gap", "full") or row.staffing.round_the_clock == (staffed == "full")
    ]
    columns = [
        Column(_("Checkpoint"), lambda c: c.name),
        Column(_("Place"), lambda c: c.place or places[c.division_code]),
        Column(_("Road"), lambda c: c.road),
        Column(_("Emergency lane"), lambda c: c.emergency_lane),
        Column(_("Opened"), lambda c: c.opened_at, look="time"),
        Column(
            _("Staffed"), _staffed, look="mark",
            tone=lambda c: "good" if c.staffing.round_the_clock else "overdue",
        ),
        Column(_("Gaps"), _gaps),
        Column(_("People screened"), lambda c: c.people, lambda c: address(request, "passages", checkpoint=c.id), look="number"),
        Column(_("Ordered until"), lambda c: c.ordered_until, look="time", tone=lambda c: "overdue" if c.overdue else ""),
        Column(_("Reason"), lambda c: c.reason),
        Column(_("On whose authority"), lambda c: c.authority),
    ]  # fmt: skip
    choices = [("", _("all")), ("gap", _("with a gap")), ("full", _("without a gap"))]
    listing = Listing(
        "checkpoints", columns, *whole(rows), _("No checkpoint stands in your area at this instant."),
        (Filter("staffed", _("Staffing"), choices),),
    )  # fmt: skip
    return answer_list(request, listing, heading=_("Checkpoints"))


def _staffed(row: CheckpointRow) -> str:
    if row.staffing.round_the_clock:
        return _("round the clock")
    return _("%(share)s of the time") % {"share": f"{100 * row.staffing.staffed_share:.1f}%"}


def _gaps(row: CheckpointRow) -> str:
    found = [gap for gap in row.staffing.gaps if gap.unstaffed]
    first = "、".join(f"{as_text(gap.starts_at)[5:]}–{as_text(gap.ends_at)[5:]}" for gap in found[:3])
    return f"{first} …" if len(found) > 3 else first


def show_passages(request: ActingRequest) -> HttpResponse:
    """List passages, the latest first."""
    chosen = request.GET.get("checkpoint", "")
    standing = checkpoints(by=request.actor, at=request.instant, closed=True)
    found = next((row.id for row in standing if str(row.id) == chosen), None)
    if chosen and found is None:
        raise Refusal(_("There is no such checkpoint in your area. Choose one from the list."))
    asked = Passed(BEGINNING, request.instant, checkpoint=found, outcome=request.GET.get("outcome") or None)
    counts = passage_counts(by=request.actor, passed=asked)
    outcomes = sorted({count.outcome for count in counts})
    columns = [
        Column(_("When"), lambda p: p.at, look="time"),
        Column(_("Checkpoint"), lambda p: p.name),
        Column(_("What"), lambda p: words.word(p.subject)),
        Column(_("People"), lambda p: p.people, look="number"),
        Column(_("Direction"), lambda p: words.word(p.direction)),
        Column(_("Purpose"), lambda p: words.word(p.purpose)),
        Column(_("Temperature"), lambda p: p.temperature, look="number"),
        Column(_("Outcome"), lambda p: words.word(p.outcome), look="mark"),
        Column(_("Reason"), lambda p: p.reason),
        Column(_("Destination"), lambda p: p.destination),
    ]
    listing = Listing(
        "passages", columns, sum(count.passages for count in counts),
        lambda limit, offset: passages(by=request.actor, passed=asked, limit=limit, offset=offset),
        _("No passage is recorded. The crew records each vehicle and person."),
        (
            Filter("checkpoint", _("Checkpoint"), [("", _("all")), *((str(row.id), row.name) for row in standing)]),
            Filter("outcome", _("Outcome"), [("", _("all")), *((one, words.word(one)) for one in outcomes)]),
        ),
    )  # fmt: skip
    return answer_list(request, listing, heading=_("Passages"))
