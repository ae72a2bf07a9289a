"""Overdue duties climb: the running incident's protocol says after how long, the place's own chain says to whom."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from lianfang.core.access.rules import Actor
from lianfang.core.duties.queries import ClimbedCount, ClimbedDuty, climbed, climbed_counts
from lianfang.core.duties.rules import EscalationStep
from lianfang.engines.protocol import escalation, load_pack
from lianfang.kit.clock import local_date
from lianfang.kit.codes import LEVELS, CodeRange, unit_range
from lianfang.kit.refusals import Refusal
from lianfang.response.command.permissions import READ_COMMAND
from lianfang.response.command.queries import IncidentRow, incidents

#: what packs call a level → the units that answer there
UNITS = {"grid_lead": "grid"}


@dataclass(frozen=True)
class CountyEscalation:
    """The steps that the running incidents of a county set, for the part of it that an actor sees."""

    county: int
    within: CodeRange
    steps: tuple[EscalationStep, ...]


def escalations(*, by: Actor, now: datetime) -> list[CountyEscalation]:
    """Return the steps in force in each county of the actor's area where an incident runs.

    Where several run, a level is told after the shortest of their clocks.
    """
    # Whoever has duties under a protocol may be told them by it, without reading about incidents.
    reader = replace(by, permissions=by.permissions | {READ_COMMAND})
    running: dict[int, list[IncidentRow]] = {}
    for incident in incidents(by=reader, at=now):
        running.setdefault(incident.county, []).append(incident)
    return [
        CountyEscalation(county, _inside(by.scope, unit_range(county * 10**9)), _steps(of_county))
        for county, of_county in sorted(running.items())
    ]


def climbed_duties(*, by: Actor, now: datetime, limit: int = 100) -> list[ClimbedDuty]:
    """List the overdue duties of the actor's area that have climbed, gravest kinds and highest level first."""
    found = [
        one
        for county in escalations(by=by, now=now)
        for one in climbed(by=by, now=now, steps=county.steps, within=county.within, limit=limit)
    ]
    found.sort(key=lambda one: (one.duty.rank, -one.level, one.duty.due_at, one.duty.id))
    return found[:limit]


def climbed_duty_counts(*, by: Actor, now: datetime) -> list[ClimbedCount]:
    """Count the climbed duties of the actor's area by answering unit and level, the highest level first."""
    found = [
        one
        for county in escalations(by=by, now=now)
        for one in climbed_counts(by=by, now=now, steps=county.steps, within=county.within)
    ]
    return sorted(found, key=lambda one: (-one.level, -one.duties, one.unit_code))


def _steps(of_county: list[IncidentRow]) -> tuple[EscalationStep, ...]:
    shortest: dict[str, timedelta] = {}
    for incident in of_county:
        pack = load_pack(incident.pack, overlays=incident.overlays, on=local_date(incident.declared_at))
        for step in escalation(pack):
            level = UNITS.get(step.level, step.level)
            if level not in LEVELS:
                raise Refusal(
                    f"{incident.pack} escalates to “{level}”, which is no level of units: correct the pack to one of "
                    f"{', '.join((*UNITS, *LEVELS))}."
                )
            shortest[level] = min(step.after, shortest.get(level, step.after))
    return tuple(EscalationStep(level, after) for level, after in sorted(shortest.items(), key=lambda item: item[1]))


def _inside(scope: CodeRange, county: CodeRange) -> CodeRange:
    return CodeRange(max(scope.lo, county.lo), min(scope.hi, county.hi))
