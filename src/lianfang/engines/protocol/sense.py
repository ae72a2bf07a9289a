"""Whether a pack holds together: its shape, and that everything it names exists and agrees."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from lianfang.engines.protocol.errors import Problem
from lianfang.engines.protocol.model import Leg, Pack, Sourced, Tier
from lianfang.engines.protocol.yaml_file import PackFile

Fault = tuple[tuple[object, ...], str, str]

_ENDINGS = (
    "days_without_new",
    "days_at_level",
    "days_since_contact_exposure",
    "screen_from_day",
    "screen_within_days",
    "stricter_zones_lifted",
)

_SHAPES: dict[str, tuple[str, str]] = {
    "missing": ("is missing", "Add it"),
    "extra_forbidden": ("is not a field of this block", "Remove it or correct its spelling"),
    "greater_than_equal": ("is {input} but must be at least {ge}", "Write a larger number"),
    "greater_than": ("is {input} but must be more than {gt}", "Write a larger number"),
    "int_type": ("is {input!r}, not a whole number", "Write a whole number without quotes"),
    "literal_error": ("is {input!r}, which is not one of {expected}", "Write one of those"),
    "string_type": ("is {input!r}, not text", "Write text, in quotes if it looks like a number"),
    "string_pattern_mismatch": ("is {input!r}, not a time of day", 'Write hours and minutes, such as "18:00"'),
    "bool_type": ("is {input!r}, neither true nor false", "Write true or false"),
}


def shape_problems(error: ValidationError, file: PackFile, prefix: tuple[str, ...] = ()) -> list[Problem]:
    """Return every problem of a pydantic error as a sentence on the line of its field."""
    found = []
    for fault in error.errors():
        why, remedy = _SHAPES.get(
            fault["type"], (fault["msg"].replace("{", "{{").replace("}", "}}"), "Correct the value")
        )
        context: dict[str, Any] = {**fault.get("ctx", {}), "input": fault["input"]}
        found.append(file.problem((*prefix, *fault["loc"]), why.format(**context), remedy))
    return found


def blocks(node: object, path: tuple[object, ...] = ()) -> Iterator[tuple[tuple[object, ...], Sourced]]:
    """Yield every sourced block below a node with its path."""
    if isinstance(node, Sourced):
        yield path, node
    if isinstance(node, BaseModel):
        for field in type(node).model_fields:
            yield from blocks(getattr(node, field), (*path, field))
    elif isinstance(node, Mapping):
        for key, value in node.items():
            yield from blocks(value, (*path, key))
    elif isinstance(node, tuple):
        for index, value in enumerate(node):
            yield from blocks(value, (*path, index))


def sense_problems(pack: Pack, file: PackFile) -> list[Problem]:
    """Return everything a well-shaped pack says that cannot hold, each with its field."""
    return [file.problem(*fault) for check in _CHECKS for fault in check(pack)]


def _unknown(path: tuple[object, ...], name: str, known: Collection[str], what: str) -> Iterator[Fault]:
    if name not in known:
        listed = ", ".join(sorted(known)) or "none"
        yield path, f"names the {what} {name!r}, which this pack does not define", f"Use one of: {listed}"


def _sources(pack: Pack) -> Iterator[Fault]:
    for path, block in blocks(pack):
        yield from _unknown((*path, "source"), block.source, pack.sources, "source")
        for field, source in block.marks.items():
            yield from _unknown((*path, "marks", field), source, pack.sources, "source")
            if field not in type(block).model_fields:
                yield (*path, "marks", field), "marks a field this block does not have", "Correct its spelling"


def _dates(pack: Pack) -> Iterator[Fault]:
    begin, end = pack.effective.start, pack.effective.until
    if end is not None and end < begin:
        yield ("effective", "until"), f"is {end}, before the first day {begin}", "Exchange the two dates"
    for index, amendment in enumerate(pack.amendments):
        if not pack.effective.covers(amendment.start):
            why = f"is {amendment.start}, a day on which the pack is not in force"
            yield ("amendments", index, "from"), why, "Move the date or the effective dates"


def _leg(path: tuple[object, ...], leg: Leg, pack: Pack) -> Iterator[Fault]:
    days = leg.test_days
    if any(day > leg.days for day in days):
        why = f"tests on day {max(days)} of a leg of {leg.days} days"
        yield (*path, "test_days"), why, "Test inside the leg or lengthen it"
    if list(days) != sorted(set(days)):
        yield (*path, "test_days"), "is not in rising order without repeats", "Sort the days"
    if not set(leg.double_test_days) <= set(days):
        yield (*path, "double_test_days"), "names a day without a test", "Add the day to test_days"
    wanted = dict.fromkeys(leg.on_entry, 1) | {"release_decision": 1}
    wanted |= {"daily_check": leg.checks_per_day} if leg.checks_per_day else {}
    wanted |= {"quarantine_test": 1} if days else {}
    wanted |= {"closed_loop_transfer": 1} if leg.kind == "central_quarantine" else {}
    for kind, times in wanted.items():
        held = len(pack.duty_windows[kind].windows) if kind in pack.duty_windows else 0
        if held < times:
            yield path, f"needs {times} daily window(s) for {kind} and the pack has {held}", "Add them to duty_windows"


def _tier(path: tuple[object, ...], tier: Tier, pack: Pack) -> Iterator[Fault]:
    for index, leg in enumerate(tier.legs):
        yield from _leg((*path, "legs", index), leg, pack)
    upgrade = (*path, "upgrade")
    yield from _unknown((*upgrade, "on_positive"), tier.upgrade.on_positive, pack.case_classes, "case class")
    if tier.upgrade.on_symptoms:
        yield from _unknown((*upgrade, "on_symptoms"), tier.upgrade.on_symptoms, pack.case_classes, "case class")
    linked = tier.upgrade.on_linked_positive
    if linked:
        yield from _unknown((*upgrade, "on_linked_positive"), linked, pack.tiers, "tier")
    elif tier.release.linked_contact_first_tests:
        why = "is missing although release waits for the linked contact's tests"
        yield (*upgrade, "on_linked_positive"), why, "Say which tier the person is upgraded to"


def _tiers(pack: Pack) -> Iterator[Fault]:
    for name, tier in pack.tiers.items():
        yield from _tier(("tiers", name), tier, pack)


def _case_names(pack: Pack) -> Iterator[Fault]:
    for index, finding in enumerate(pack.clinical_findings):
        yield from _unknown(("clinical_findings", index), finding, pack.findings, "finding")
    for name, case in pack.case_classes.items():
        if case.report_clock:
            yield from _unknown(("case_classes", name, "report_clock"), case.report_clock, pack.clocks, "clock")
    for name, rule in pack.reclassification.items():
        path = ("reclassification", name)
        for group in (*rule.from_classes, rule.to):
            yield from _unknown(path, group, pack.case_classes, "case class")
        for finding in (*rule.all_of, *rule.any_of, *rule.none_of):
            yield from _unknown(path, finding, pack.findings, "finding")
    for name, release in pack.infected_release.items():
        for group in release.classes:
            yield from _unknown(("infected_release", name, "classes"), group, pack.case_classes, "case class")
    named = [(("severities", n), f) for n, s in pack.severities.items() for f in s.any_of]
    named += [(("suspicion", str(n)), f) for n, s in enumerate(pack.suspicion) for f in s.all_of]
    for where, finding in named:
        yield from _unknown(where, finding, pack.findings, "finding")


def _zones(pack: Pack) -> Iterator[Fault]:
    for name, level in pack.zones.items():
        for index, rule in enumerate(level.release):
            path = ("zones", name, "release", index)
            for field, other in (("to", rule.to), ("stepped_down_from", rule.stepped_down_from)):
                if other:
                    yield from _unknown((*path, field), other, pack.zones, "zone level")
            if not any(getattr(rule, field) for field in _ENDINGS):
                yield path, "has no condition, so the zone would end at once", "Give at least one condition"
            if rule.to and rule.to in pack.zones and pack.zones[rule.to].rank >= level.rank:
                yield (*path, "to"), f"leads to {rule.to}, which is not below {name}", "Step down, never up"
    for name in pack.screening.pools if pack.screening else ():
        known = {*pack.zones, "elsewhere", "isolation_site"}
        yield from _unknown(("screening", "pools", name), name, known, "zone level")


def _ladders(pack: Pack) -> Iterator[Fault]:
    hours = []
    for index, step in enumerate(pack.escalation):
        yield from _unknown(("escalation", index, "clock"), step.clock, pack.clocks, "clock")
        hours.append(pack.clocks[step.clock].hours if step.clock in pack.clocks else 0)
    if hours != sorted(hours):
        yield ("escalation",), "has a later step with a shorter clock", "Order the steps by their clocks"
    for kind, block in pack.duty_windows.items():
        for index, window in enumerate(block.windows):
            if window.opens >= window.due:
                why = f"opens at {window.opens} and is due at {window.due}"
                yield ("duty_windows", kind, "windows", index), why, "Let it open before it is due"


_CHECKS: tuple[Callable[[Pack], Iterator[Fault]], ...] = (
    _sources, _dates, _tiers, _case_names, _zones, _ladders,
)  # fmt: skip
