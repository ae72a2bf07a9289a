"""Packs from files: an edition on its common base, with the amendments and overlays in force on a day."""

import datetime as dt
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lianfang.engines.protocol.errors import PackInvalid, PackNotFound, PackNotInForce, Problem
from lianfang.engines.protocol.merging import lay_over
from lianfang.engines.protocol.model import Overlay, Pack
from lianfang.engines.protocol.overreach import excesses
from lianfang.engines.protocol.sense import sense_problems, shape_problems
from lianfang.engines.protocol.yaml_file import PackFile, read_pack_file

PACKS = Path(__file__).parent / "packs"
OVERLAYS = PACKS / "overlays"
#: what an edition says about itself and must not take from the one it extends
_OWN = ("pack", "title", "zh", "edition", "effective", "extends", "amendments")


def pack_names() -> tuple[str, ...]:
    """Return the names of all packs, sorted; common bases (leading underscore) are not packs."""
    return tuple(sorted(path.stem for path in PACKS.glob("[!_]*.yaml")))


def overlay_names() -> tuple[str, ...]:
    """Return the names of the overlays that come with the project, sorted."""
    return tuple(sorted(path.stem for path in OVERLAYS.glob("*.yaml")))


def load_pack(name: str, *, overlays: Sequence[str | Path] = (), on: dt.date | None = None) -> Pack:
    """Return a pack with the amendments and overlays that are in force on a day (no day: all of them).

    An overlay is named, or given as a path; one that is not in force on the day is left out. Raises PackNotFound,
    PackNotInForce when the pack is not in force on the day, PackInvalid with every problem found. Answers are kept
    for the life of the process: a changed file counts from the next start.
    """
    return _loaded(name, tuple(Path(o) if isinstance(o, Path) else str(o) for o in overlays), on)


@lru_cache(maxsize=256)
def _loaded(name: str, overlays: tuple[str | Path, ...], on: dt.date | None) -> Pack:
    file = _pack_file(name)
    pack, raw, problems = _built(file, on)
    if pack is None or problems:
        raise PackInvalid(tuple(problems))
    if on is not None and not pack.effective.covers(on):
        span = f"{pack.effective.start} to {pack.effective.until or 'now'}"
        raise PackNotInForce(f"{name} is in force from {span}, not on {on}; see edition_on() for the one that is")
    local, exceeds = pack, set[str]()
    for overlay_path in overlays:
        overlay_file = read_pack_file(_overlay_path(overlay_path))
        overlay, problems = _overlay(overlay_file)
        if overlay is None or problems:
            raise PackInvalid(tuple(problems))
        if on is not None and not overlay.effective.covers(on):
            continue
        exceeds |= set(overlay.exceeds)
        local, raw = _overlaid(pack, raw, overlay, overlay_file, exceeds)
    return local


def dated_protocol(protocol: str, on: dt.date) -> str:
    """Return a protocol with the day whose text holds: ``covid19-cn-ed9+overlay`` → ``covid19-cn-ed9+overlay@2022-07-13``."""
    return protocol if "@" in protocol else f"{protocol}@{on}"


def pack_of_protocol(protocol: str) -> Pack:
    """Return the pack that a dated protocol (``pack+overlay@day``) names; raises what `load_pack` raises."""
    names, _, day = protocol.partition("@")
    name, *overlays = names.split("+")
    try:
        on = dt.date.fromisoformat(day) if day else None
    except ValueError:
        raise PackNotFound(
            f"“{protocol}” names no day after its @; write it as 2022-07-13, or leave it out to take the day of the fact."
        ) from None
    return load_pack(name, overlays=overlays, on=on)


def edition_on(disease: str, day: dt.date) -> str:
    """Return the name of the pack of a disease in force on a day; raises PackNotInForce when there is none."""
    packs = [pack for pack in map(load_pack, pack_names()) if pack.disease == disease]
    for pack in packs:
        if pack.effective.covers(day):
            return pack.pack
    spans = "; ".join(f"{p.pack} {p.effective.start} to {p.effective.until or 'now'}" for p in packs) or "none"
    raise PackNotInForce(f"no pack of {disease!r} is in force on {day}; known packs: {spans}")


def check_file(path: Path) -> tuple[Problem, ...]:
    """Return every problem of a pack or overlay file, empty when it may be used."""
    try:
        file = read_pack_file(path)
        if "overlay" in file.content:
            return tuple(_overlay_problems(file))
        return () if path.stem.startswith("_") else tuple(_pack_problems(file, path))
    except OSError as error:
        return (Problem(path.name, 1, "", f"cannot be read: {error.strerror}", "Give the path of a YAML file"),)
    except PackInvalid as error:
        return error.problems


def all_files() -> tuple[Path, ...]:
    """Return the files of all packs and overlays that come with the project."""
    return (*sorted(PACKS.glob("*.yaml")), *sorted(OVERLAYS.glob("*.yaml")))


def _pack_file(name: str) -> PackFile:
    # Names come from outside: only those listed are ever looked up as files.
    if name not in pack_names():
        raise PackNotFound(f"no pack is called {name!r}; there are: {', '.join(pack_names())}")
    return read_pack_file(PACKS / f"{name}.yaml")


def _overlay_path(overlay: str | Path) -> Path:
    path = overlay if isinstance(overlay, Path) else OVERLAYS / f"{overlay}.yaml"
    # A name that is not listed is not even looked up: the file system breaks on very long ones.
    if (isinstance(overlay, str) and overlay not in overlay_names()) or not path.is_file():
        known = ", ".join(overlay_names()) or "none"
        raise PackNotFound(f"no overlay is called {str(overlay)!r}; there are: {known}, or give the path of a file")
    return path


def _patched(raw: Any, patch: Mapping[str, Any], file: PackFile, prefix: tuple[str, ...]) -> tuple[Any, list[Problem]]:
    """Lay a patch over raw fields, with a problem for whatever it changes without saying from where."""
    try:
        merged, unsourced = lay_over(raw, patch)
    except IndexError as error:
        return raw, [file.problem(prefix, str(error), "Use an existing position or replace the whole list")]
    except (TypeError, ValueError, AttributeError):
        return raw, [file.problem(prefix, "does not have the shape of what it changes", "Compare it with the base")]
    remedy = "Add source: with a key of sources to the same block"
    return merged, [file.problem((*prefix, *path), "is changed without a source", remedy) for path in unsourced]


def _assembled(file: PackFile) -> tuple[dict[str, Any], list[Problem]]:
    """Return the raw fields of a pack laid over those of the packs it extends."""
    parent = file.content.get("extends")
    if parent is None:
        return file.content, []
    path = PACKS / f"{parent}.yaml"
    if not path.is_file():
        return file.content, [file.problem(("extends",), f"names {parent!r}, which does not exist", "Correct it")]
    base, problems = _assembled(read_pack_file(path))
    for amendment in base.get("amendments", ()):
        base, more = _patched(base, amendment["set"], file, ())
        problems += more
    inherited = {field: value for field, value in base.items() if field not in _OWN}
    merged, more = _patched(inherited, file.content, file, ())
    return merged, problems + more


def _validated(raw: dict[str, Any], file: PackFile, prefix: tuple[str, ...] = ()) -> tuple[Pack | None, list[Problem]]:
    try:
        pack = Pack.model_validate(raw)
    except ValidationError as error:
        return None, shape_problems(error, file, prefix)
    return pack, sense_problems(pack, file)


def _built(file: PackFile, on: dt.date | None) -> tuple[Pack | None, dict[str, Any], list[Problem]]:
    """Return a pack, its raw fields and its problems, with the amendments made by a day."""
    raw, problems = _assembled(file)
    pack, more = _validated(raw, file)
    problems += more
    if pack is None or not pack.amendments:
        return pack, raw, problems
    for index, amendment in enumerate(pack.amendments):
        if on is None or amendment.start <= on:
            raw, more = _patched(raw, amendment.set, file, ("amendments", str(index), "set"))
            problems += more
    pack, more = _validated(raw, file)
    return pack, raw, problems + [problem for problem in more if problem not in problems]


def _pack_problems(file: PackFile, path: Path) -> list[Problem]:
    problems = _built(file, None)[2]
    if file.content.get("pack") not in (None, path.stem):
        why = f"is {file.content['pack']!r} in a file called {path.stem}"
        problems.append(file.problem(("pack",), why, "Give both the same name"))
    return problems


def _overlay(file: PackFile) -> tuple[Overlay | None, list[Problem]]:
    """Return an overlay and what is wrong with it before it is laid over anything."""
    try:
        overlay = Overlay.model_validate(file.content)
    except ValidationError as error:
        return None, shape_problems(error, file)
    problems = []
    if overlay.base not in pack_names():
        remedy = f"Use one of: {', '.join(pack_names())}"
        problems.append(file.problem(("base",), f"is {overlay.base!r}, which is no pack", remedy))
    for path, basis in overlay.exceeds.items():
        if basis not in overlay.legal_basis:
            why = f"rests on the legal basis {basis!r}, which is not recorded"
            problems.append(file.problem(("exceeds", path), why, "Record it under legal_basis"))
    return overlay, problems


def _overlaid(
    base: Pack, raw: dict[str, Any], overlay: Overlay, file: PackFile, exceeds: set[str]
) -> tuple[Pack, dict[str, Any]]:
    """Lay an overlay over raw fields; raises PackInvalid when the result does not hold or overreaches."""
    if overlay.base != base.pack:
        why = f"is {overlay.base!r} and cannot be laid over {base.pack!r}"
        raise PackInvalid((file.problem(("base",), why, "Use an overlay made for this pack"),))
    sources = {key: source.model_dump() for key, source in overlay.sources.items()}
    known = {**raw, "sources": {**raw["sources"], **sources}, "overlays": [*raw.get("overlays", ()), overlay.overlay]}
    merged, problems = _patched(known, overlay.set, file, ("set",))
    pack, more = _validated(merged, file, ("set",))
    problems += more
    problems += _overreach(base, pack, file, exceeds) if pack else []
    if pack is None or problems:
        raise PackInvalid(tuple(problems))
    return pack, merged


def _overreach(base: Pack, local: Pack, file: PackFile, exceeds: set[str]) -> list[Problem]:
    remedy = "Keep to the base, or record the decision under legal_basis and name this path under exceeds"
    return [
        file.problem(("set", *path.split(".")), f"exceeds {base.pack}: {why}", remedy)
        for path, why in excesses(base, local)
        if path not in exceeds
    ]


def _overlay_problems(file: PackFile) -> list[Problem]:
    overlay, problems = _overlay(file)
    if overlay is None or problems:
        return problems
    base, raw, problems = _built(_pack_file(overlay.base), None)
    if base is None or problems:
        return problems
    local, _ = _overlaid(base, raw, overlay, file, set(overlay.exceeds))
    problems = _beyond_base_dates(overlay, base, file)
    idle = set(overlay.exceeds) - {path for path, _ in excesses(base, local)}
    why = "is claimed to exceed the base and does not"
    return problems + [file.problem(("exceeds", path), why, "Remove the line") for path in sorted(idle)]


def _beyond_base_dates(overlay: Overlay, base: Pack, file: PackFile) -> list[Problem]:
    start, until = overlay.effective.start, overlay.effective.until
    if until is not None and until < start:
        return [file.problem(("effective", "until"), f"is {until}, before the first day {start}", "Exchange them")]
    ends = base.effective.until
    if start < base.effective.start or (ends is not None and (until is None or until > ends)):
        span = f"{base.effective.start} to {ends or 'now'}"
        why = f"goes beyond the dates of {base.pack} ({span})"
        return [file.problem(("effective",), why, "Stay inside those dates")]
    return []
