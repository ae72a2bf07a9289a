"""Single values of a pack, all its statements with their sources, and the difference of two packs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from pydantic import BaseModel

from lianfang.engines.protocol.errors import PackSilent
from lianfang.engines.protocol.model import Confidence, Grids, Pack, Sourced

#: fields that say where a rule comes from or what the pack is, not what holds
_NOT_RULES = frozenset({"source", "marks", "note", "sources", "pack", "extends", "amendments", "overlays"})


@dataclass(frozen=True)
class Statement:
    """One value of a pack with the path it stands at, its source and how far that was checked."""

    path: str
    value: str
    source: str
    confidence: Confidence


@dataclass(frozen=True)
class Difference:
    """A path whose value differs between two packs; None where one of them says nothing."""

    path: str
    old: str | None
    new: str | None
    old_source: str | None
    new_source: str | None


@dataclass(frozen=True)
class EscalationAt:
    """A level of responsibility and how long after the due time it is told."""

    level: str
    after: timedelta
    source: str


def clock(pack: Pack, name: str) -> timedelta:
    """Return the length of a clock; raises PackSilent when the pack has none of this name."""
    if name not in pack.clocks:
        raise PackSilent(f"{pack.pack} has no clock {name!r}; it has: {', '.join(pack.clocks)}")
    return timedelta(hours=pack.clocks[name].hours)


def escalation(pack: Pack) -> tuple[EscalationAt, ...]:
    """Return who is told of an overdue duty and after how long, nearest first."""
    return tuple(EscalationAt(step.level, clock(pack, step.clock), step.source) for step in pack.escalation)


def grid_size(pack: Pack) -> Grids:
    """Return the households per grid, micro-grid and mutual-help group; raises PackSilent without any."""
    if pack.grids is None:
        raise PackSilent(f"{pack.pack} does not size grids")
    return pack.grids


def overdue_rank(pack: Pack, kind: str) -> int:
    """Return the place of a duty kind among overdue ones, 0 first; kinds not named share the last place."""
    return pack.overdue.ranks.get(kind, max(pack.overdue.ranks.values(), default=-1) + 1)


def report_due(pack: Pack, report: str) -> timedelta:
    """Return when a daily report is due, counted from local midnight; raises PackSilent when it is not known."""
    if report not in pack.reports:
        raise PackSilent(f"{pack.pack} has no report {report!r}; it has: {', '.join(pack.reports)}")
    hours, minutes = pack.reports[report].at.split(":")
    return timedelta(hours=int(hours), minutes=int(minutes))


def describe(pack: Pack) -> tuple[Statement, ...]:
    """Return every value that the files of a pack state, with its source."""
    return tuple(
        Statement(path, value, _title(pack, key), pack.sources[key].confidence)
        for path, value, key in _leaves(pack, "", None)
        if key is not None
    )


def _title(pack: Pack, key: str) -> str:
    source = pack.sources[key]
    return f"{source.title} ({source.issued})" if source.issued else source.title


def _leaves(node: object, path: str, key: str | None) -> Iterator[tuple[str, str, str | None]]:
    """Yield (path, value as text, source key) of every value below a node."""
    if isinstance(node, BaseModel):
        for field in type(node).model_fields:
            # A default nobody wrote down has no source, so it is no statement of the text.
            if field not in _NOT_RULES and field in node.model_fields_set:
                below = node.source_of(field) if isinstance(node, Sourced) else key
                yield from _leaves(getattr(node, field), f"{path}.{field}" if path else field, below)
    elif isinstance(node, Mapping):
        for name, value in node.items():
            yield from _leaves(value, f"{path}.{name}", key)
    elif isinstance(node, tuple) and any(isinstance(item, BaseModel) for item in node):
        for index, value in enumerate(node):
            yield from _leaves(value, f"{path}.{index}", key)
    elif node is not None and node != ():
        yield path, _text(node), key


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def diff_packs(a: Pack, b: Pack) -> tuple[Difference, ...]:
    """Return every path whose value differs between two packs, with both values and both sources."""
    old, new = ({s.path: s for s in describe(pack)} for pack in (a, b))
    found = []
    for path in dict.fromkeys((*old, *new)):
        was, now = old.get(path), new.get(path)
        if (was and was.value) != (now and now.value):
            found.append(
                Difference(
                    path,
                    was.value if was else None,
                    now.value if now else None,
                    was.source if was else None,
                    now.source if now else None,
                )
            )
    return tuple(found)
