"""One set of rules laid over another, with the source of every changed value kept."""

from collections.abc import Mapping
from typing import Any

Unsourced = tuple[tuple[str, ...], ...]


def _speaks_for_itself(value: object) -> bool:
    """Say whether a value brings its own source or consists of blocks that do."""
    if isinstance(value, Mapping):
        return "source" in value or (bool(value) and all(_speaks_for_itself(v) for v in value.values()))
    return isinstance(value, list) and bool(value) and all(_speaks_for_itself(v) for v in value)


def lay_over(base: Any, patch: Any, path: tuple[str, ...] = ()) -> tuple[Any, Unsourced]:
    """Return the base with a patch laid over it, and the paths that were changed without naming a source.

    Mappings merge, null removes, anything else replaces; single items of a list are reached by their position.
    A field changed inside a sourced block is marked with the source of the patch; the rest keeps its own.
    """
    if isinstance(base, list) and isinstance(patch, Mapping):
        return _over_list(base, patch, path)
    if not (isinstance(base, Mapping) and isinstance(patch, Mapping)):
        return patch, ()
    return _over_mapping(base, patch, path)


def _over_list(base: list[Any], patch: Mapping[Any, Any], path: tuple[str, ...]) -> tuple[list[Any], Unsourced]:
    items = list(base)
    unsourced: list[tuple[str, ...]] = []
    for position, change in patch.items():
        here = (*path, str(position))
        if not isinstance(position, int) or not 0 <= position < len(items):
            raise IndexError(f"{'.'.join(here)} does not exist: the list has {len(items)} items, from 0")
        items[position], missing = lay_over(items[position], change, here)
        unsourced.extend(missing)
    return items, tuple(unsourced)


def _over_mapping(
    base: Mapping[str, Any], patch: Mapping[str, Any], path: tuple[str, ...]
) -> tuple[dict[str, Any], Unsourced]:
    merged = dict(base)
    unsourced: list[tuple[str, ...]] = []
    marks = dict(base.get("marks", {}))
    for field, change in patch.items():
        if field in ("source", "marks"):
            continue
        if change is None:
            merged.pop(field, None)
            marks.pop(field, None)
            continue
        merged[field], missing = lay_over(base[field], change, (*path, field)) if field in base else (change, ())
        unsourced.extend(missing)
        sourced_inside = isinstance(change, Mapping) and _speaks_for_itself(base.get(field))
        if "source" in base and not (_speaks_for_itself(change) or sourced_inside):
            if "source" in patch:
                marks[field] = patch["source"]
            elif field not in patch.get("marks", {}):
                unsourced.append((*path, field))
    if "source" in patch and "source" not in base:
        merged["source"] = patch["source"]
    if "source" in merged:
        merged["marks"] = {**marks, **patch.get("marks", {})}
    return merged, tuple(unsourced)
