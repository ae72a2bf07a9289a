"""Duties so long overdue that somebody above answers for them now: figures by level and unit, and their lists."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.http import HttpResponse
from django.utils.translation import gettext as _

from lianfang.core.duties.permissions import READ_DUTIES
from lianfang.core.duties.queries import ClimbedCount, ClimbedDuty, climbed
from lianfang.kit.codes import county_of
from lianfang.kit.refusals import Refusal
from lianfang.surfaces.console import words
from lianfang.surfaces.console.addresses import address
from lianfang.surfaces.console.figures import Figure
from lianfang.surfaces.console.lists import Column, Filter, Listing, answer_list, whole
from lianfang.surfaces.console.queries import place_names
from lianfang.surfaces.session import ActingRequest
from lianfang.workflows.escalation import CountyEscalation, climbed_duty_counts, escalations

#: the units with most climbed duties that get a figure of their own; the filter names them all
UNIT_FIGURES = 12
DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


@dataclass(frozen=True)
class ClimbedLine:
    """A climbed duty with the names of its place and of the unit that answers for it now."""

    row: ClimbedDuty
    place: str
    unit: str
    overdue_for: timedelta
    #: whether nobody further up is left to be told
    at_the_top: bool


def show_climbed(request: ActingRequest) -> HttpResponse:
    """Show the climbed duties of the actor's area: figures by level and by answering unit, and the list."""
    request.actor.require(READ_DUTIES)
    if request.at:
        raise Refusal(_("Climbed duties are counted for the present only. Go back to now."))
    counts = climbed_duty_counts(by=request.actor, now=request.instant)
    level, unit = request.GET.get("level", ""), request.GET.get("unit", "")
    chosen = [one for one in counts if level in ("", str(one.level)) and unit in ("", str(one.unit_code))]
    names = place_names([one.unit_code for one in counts])
    units = list(unit_figures(request, counts, names))
    return answer_list(
        request, climbed_listing(request, counts, chosen, names), template="console/climbed.html",
        levels=list(level_figures(request, counts)), units=units[:UNIT_FIGURES],
        more_units=max(0, len(units) - UNIT_FIGURES),
    )  # fmt: skip


def climbed_total(request: ActingRequest) -> int:
    """Count all climbed duties of the actor's area now."""
    return sum(one.duties for one in climbed_duty_counts(by=request.actor, now=request.instant))


def level_figures(request: ActingRequest, counts: Sequence[ClimbedCount]) -> Iterator[Figure]:
    """Count climbed duties by level, the highest first."""
    for level in sorted({one.level for one in counts}, reverse=True):
        at_it = [one for one in counts if one.level == level]
        note = _("units: %(n)s") % {"n": len({one.unit_code for one in at_it})}
        href = address(request, "climbed", level=level)
        yield Figure(_level(level), sum(one.duties for one in at_it), href, note, "overdue")


def unit_figures(request: ActingRequest, counts: Sequence[ClimbedCount], names: dict[int, str]) -> Iterator[Figure]:
    """Count climbed duties by answering unit and level, in the order of the counts."""
    # two posts may answer at one unit and level, where two headquarters divide it
    joined: dict[tuple[int, int], list[ClimbedCount]] = {}
    for one in counts:
        joined.setdefault((one.level, one.unit_code), []).append(one)
    for (level, unit), parts in joined.items():
        posts = "、".join(dict.fromkeys(one.post_title for one in parts if one.post_title))
        note = " · ".join(part for part in (_level(level), posts) if part)
        href = address(request, "climbed", level=level, unit=unit)
        yield Figure(names[unit], sum(one.duties for one in parts), href, note)


def climbed_listing(
    request: ActingRequest, counts: Sequence[ClimbedCount], chosen: Sequence[ClimbedCount], names: dict[int, str]
) -> Listing:
    """Return the list of the climbed duties that the chosen ones of all counts count."""
    levels = sorted({one.level for one in counts}, reverse=True)
    units = sorted({one.unit_code for one in counts})
    total, read = (sum(one.duties for one in chosen), _reader(request, chosen)) if chosen else whole([])
    return Listing(
        name="climbed",
        columns=climbed_columns(request),
        total=total,
        read=read,
        empty=_("No climbed duty fits these questions. Choose another level or unit.")
        if counts
        else _(
            "By the clocks of the running incidents no overdue duty has climbed. All overdue ones stand under Duties."
        ),
        filters=(
            Filter("level", _("Level"), [("", _("all")), *((str(one), _level(one)) for one in levels)]),
            Filter("unit", _("Who answers now"), [("", _("all")), *((str(one), names[one]) for one in units)]),
        ),
    )


def climbed_columns(request: ActingRequest) -> list[Column]:
    """Return the columns of a list of climbed duties."""
    return [
        Column(
            _("Duty"), lambda one: words.in_language(one.row.duty.name_zh, one.row.duty.name_en),
            lambda one: address(request, "duty", one.row.duty.id),
        ),
        Column(_("Place"), lambda one: one.place),
        Column(_("Due"), lambda one: one.row.duty.due_at, look="time"),
        Column(_("Overdue for"), lambda one: lasting(one.overdue_for), tone=lambda one: "overdue"),
        Column(
            _("Level"), lambda one: _level(one.row.level), look="mark",
            tone=lambda one: "overdue" if one.at_the_top else "warn",
        ),
        Column(_("Who answers now"), lambda one: one.unit),
        Column(_("Post"), lambda one: one.row.post_title or _("no chain is set here")),
    ]  # fmt: skip


def lasting(span: timedelta) -> str:
    """Return how long something lasts in the two units that matter: days and hours, or hours and minutes."""
    days, rest = divmod(span, DAY)
    hours, rest = divmod(rest, HOUR)
    if days:
        return _("%(days)s d %(hours)s h") % {"days": days, "hours": hours}
    return _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": rest // MINUTE}


def _level(level: int) -> str:
    return _("level %(n)s") % {"n": level}


def _reader(request: ActingRequest, chosen: Sequence[ClimbedCount]) -> Callable[[int, int], list[ClimbedLine]]:
    """Return how to read the duties that the chosen counts count, one level and one unit where they agree on it."""
    asked_level, asked_unit = request.GET.get("level"), request.GET.get("unit")
    level = chosen[0].level if asked_level else None
    unit = chosen[0].unit_code if asked_unit else None

    def read(limit: int, offset: int) -> list[ClimbedLine]:
        counties = escalations(by=request.actor, now=request.instant)
        found = [row for county in counties for row in _of_county(request, county, level, unit, limit + offset)]
        found.sort(key=lambda one: (one.duty.rank, -one.level, one.duty.due_at, one.duty.id))
        return _named(request, found[offset : offset + limit], counties)

    return read


def _of_county(
    request: ActingRequest, county: CountyEscalation, level: int | None, unit: int | None, limit: int
) -> list[ClimbedDuty]:
    return climbed(
        by=request.actor,
        now=request.instant,
        steps=county.steps,
        within=county.within,
        level=level,
        unit=unit,
        limit=limit,
    )


def _named(
    request: ActingRequest, rows: Sequence[ClimbedDuty], counties: Sequence[CountyEscalation]
) -> list[ClimbedLine]:
    names = place_names({code for row in rows for code in (row.duty.division_code, row.unit_code)})
    highest = {county.county: len(county.steps) for county in counties}
    return [
        ClimbedLine(
            row, names[row.duty.division_code], names[row.unit_code], request.instant - row.duty.due_at,
            row.level == highest[county_of(row.duty.division_code)],
        )
        for row in rows
    ]  # fmt: skip
