"""Writing paper sheets: printed from a roster, typed in by one person and again by another, settled where they differ."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.people.actions import register_visitor
from lianfang.kit.clock import response_now
from lianfang.kit.codes import CodeRange
from lianfang.kit.ids import derived_id, new_id
from lianfang.kit.refusals import Refusal
from lianfang.response.screening.actions.records import round_of, stamp
from lianfang.response.screening.actions.visits import bring_visits_up_to_date
from lianfang.response.screening.actions.walk_ins import count_as_found
from lianfang.response.screening.models import PaperSheet, Round, SheetEntry, SheetLine, SheetTyping
from lianfang.response.screening.paper import (
    MOST_PEOPLE,
    ExtraEntry,
    Listed,
    PrintedSheet,
    RefusedLine,
    SheetLineEntry,
    SheetPlan,
    SheetRefused,
    SheetTypedAlready,
    SheetUnknown,
    TypedLine,
    differing,
    lay_out,
    sheet_code,
    typing_faults,
)
from lianfang.response.screening.permissions import PRINT_SHEETS, TYPE_IN_SHEETS
from lianfang.response.screening.queries.sheets import people_to_print, standing_samples
from lianfang.response.screening.rules import RoundAlreadyClosed, SecondPersonNeeded
from lianfang.response.specimens.actions import register_tubes, registered_tubes
from lianfang.response.specimens.rules import KnownTube, SampleEntry, TubeEntry

INSERT_SHEETS = """
INSERT INTO screening_papersheet (id, county, code, round, number, run, division_code, mode, pool, tubes, lines, printed_at,
                                  recorded_at, recorded_by)
SELECT id, %(county)s, code, %(round)s, before.number + place, %(run)s, division_code, mode, pool, tubes, lines,
       %(valid_at)s, %(now)s, %(account)s
FROM unnest(%(ids)s::uuid[], %(codes)s::text[], %(divisions)s::bigint[], %(modes)s::text[], %(pools)s::int[],
            %(tubes)s::int[], %(lines)s::int[])
     WITH ORDINALITY AS made (id, code, division_code, mode, pool, tubes, lines, place),
     (SELECT coalesce(max(number), 0) AS number FROM screening_papersheet
      WHERE county = %(county)s AND round = %(round)s) AS before
"""

INSERT_LINES = """
INSERT INTO screening_sheetline (county, sheet, line, tube, resident, division_code, household)
SELECT %(county)s, sheet, line, tube, resident, division_code, household
FROM unnest(%(sheets)s::uuid[], %(numbers)s::int[], %(shared)s::int[], %(residents)s::uuid[], %(places)s::bigint[],
            %(households)s::uuid[]) AS made (sheet, line, tube, resident, division_code, household)
"""


@dataclass(frozen=True)
class PrintReceipt:
    """A printing: how many sheets it made, with how many people on them."""

    run: uuid.UUID
    sheets: int
    people: int


@dataclass(frozen=True)
class TypedReceipt:
    """A typing: which it is, how many lines were ticked, how many are registered now, where it differs from the first."""

    kind: str
    ticked: int
    total: int
    registered: int
    differing: tuple[int, ...]
    refused: tuple[RefusedLine, ...]


def print_sheets(
    round: uuid.UUID,
    *,
    by: Actor,
    within: CodeRange,
    valid_at: datetime,
    everybody: bool = False,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> PrintReceipt:
    """Freeze numbered sheets for the missing of a range (``everybody``: for all who are not excluded), by grid and door.

    The same id again returns the same printing. Raises `RoundAlreadyClosed`, or a `Refusal` when there is nobody to print
    or too many for one printing.
    """
    for code in (within.lo, within.hi):
        by.require(PRINT_SHEETS, code)
    run = id or new_id()
    with acting(by):
        record = round_of(round, by)
        there = PaperSheet.objects.filter(county=record.county, run=run)
        if there:
            return PrintReceipt(run, len(there), sum(sheet.lines for sheet in there))
        if record.closed_at is not None:
            raise RoundAlreadyClosed(f"{record.title} was signed off: print sheets for the next round.")
        # one printing at a time numbers the sheets of a round
        Round.objects.select_for_update().get(id=round)
        people = people_to_print(round, by=by, within=within, everybody=everybody)
        _refuse_printing(people)
        plans = lay_out(people)
        _insert_sheets(record, plans, run, by, valid_at)
        record_audit(by, PRINT_SHEETS, subject=("round", round), division_code=within.lo, count=len(people),
                     sheets=len(plans), run=run, command=cause)  # fmt: skip
    return PrintReceipt(run, len(plans), len(people))


def _refuse_printing(people: Sequence[Listed]) -> None:
    if not people:
        raise Refusal("Nobody is missing here: there is nothing to print. Choose another place, or print everybody.")
    if len(people) > MOST_PEOPLE:
        raise Refusal(f"More than {MOST_PEOPLE} people are too many for one printing: print by village or grid.")


def _insert_sheets(round: Round, plans: Sequence[SheetPlan], run: uuid.UUID, by: Actor, valid_at: datetime) -> None:
    ids = [derived_id("sheet", run, number) for number in range(len(plans))]
    rows = [
        (sheet, line, tube, person)
        for sheet, plan in zip(ids, plans, strict=True)
        for line, (tube, person) in enumerate(
            ((number, one) for number, shared in enumerate(plan.tubes, 1) for one in shared), 1
        )
    ]
    params: dict[str, Any] = stamp(round, by, valid_at) | {
        "run": run, "ids": ids, "codes": [sheet_code(id) for id in ids],
        "divisions": [plan.division_code for plan in plans], "modes": [plan.mode for plan in plans],
        "pools": [plan.pool for plan in plans], "tubes": [len(plan.tubes) for plan in plans],
        "lines": [len(plan.people) for plan in plans], "sheets": [row[0] for row in rows],
        "numbers": [row[1] for row in rows], "shared": [row[2] for row in rows],
        "residents": [row[3].resident for row in rows], "places": [row[3].division_code for row in rows],
        "households": [row[3].household for row in rows],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(INSERT_SHEETS, params)
        cursor.execute(INSERT_LINES, params)


def type_in_sheet(
    sheet: uuid.UUID,
    lines: Sequence[SheetLineEntry],
    *,
    by: Actor,
    total: int,
    valid_at: datetime,
    extras: Sequence[ExtraEntry] = (),
    sealed_at: datetime | None = None,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> TypedReceipt:
    """Type a sheet in: the first typing registers who is ticked, a second by somebody else is compared with it.

    Lines that are not sent were not ticked and stay missing. People added by hand are registered as walk-ins are. What
    cannot be registered is returned line by line with its sentence. The same id again gives the same receipt. Raises
    `SheetUnknown`, `SheetRefused` with every fault, `SecondPersonNeeded` or `SheetTypedAlready`.
    """
    by.require(TYPE_IN_SHEETS)
    with acting(by):
        record = sheet_of(sheet, by)
        by.require(TYPE_IN_SHEETS, record.division_code)
        former = {typing.kind: typing for typing in SheetTyping.objects.filter(county=record.county, sheet=sheet)}
        again = next((typing for typing in former.values() if typing.id == id), None)
        if again is not None:
            return _receipt(record, again, [], by)
        kind = _kind_of_typing(former, by)
        faults = typing_faults(lines, extras, PrintedSheet(record.lines, record.printed_at), total, response_now())
        if faults:
            raise SheetRefused(f"{' '.join(faults[:5])} Nothing of this sheet was written.")
        typed = [*_printed_lines(record, lines), *_added_by_hand(record, extras, by, valid_at, cause)]
        typing = insert_typing(record, kind, typed, total, by, valid_at, id=id or new_id())
        refused = _register(record, typed, by, valid_at, sealed_at, cause) if kind == "first" else []
        record_audit(by, TYPE_IN_SHEETS, subject=("sheet", sheet), division_code=record.division_code,
                     count=typing.ticked, total=total, kind=kind, refused=len(refused), command=cause)  # fmt: skip
        bring_visits_up_to_date(by, record.county, valid_at, cause, [line.resident for line in typed])
        return _receipt(record, typing, refused, by)


def sheet_of(sheet: uuid.UUID, by: Actor) -> PaperSheet:
    """Return a sheet of the actor's area, or raise `SheetUnknown`."""
    record = PaperSheet.objects.filter(id=sheet).first()
    if record is None or record.division_code not in by.scope:
        raise SheetUnknown(
            "There is no such sheet in your area: read its code again, or choose it from the round's list."
        )
    return record


def _kind_of_typing(former: Mapping[str, SheetTyping], by: Actor) -> str:
    if not former:
        return "first"
    if "second" in former or "settled" in former:
        raise SheetTypedAlready("This sheet was typed in by two people: open its page and settle where they differ.")
    if former["first"].recorded_by == by.account_id:
        raise SecondPersonNeeded(
            "You typed this sheet in before: hand the paper to somebody else for the second typing."
        )
    return "second"


def _printed_lines(sheet: PaperSheet, lines: Sequence[SheetLineEntry]) -> list[TypedLine]:
    sent = {line.line: line for line in lines}
    empty = SheetLineEntry(0, False)
    printed = SheetLine.objects.filter(county=sheet.county, sheet=sheet.id).order_by("line")
    return [
        TypedLine(row.line, said.sampled, said.tube_code.strip(), said.taken_at, row.resident)
        for row in printed
        for said in [sent.get(row.line, empty)]
    ]


def _added_by_hand(
    sheet: PaperSheet, extras: Sequence[ExtraEntry], by: Actor, valid_at: datetime, cause: uuid.UUID | None
) -> list[TypedLine]:
    made = []
    for extra in extras:
        person = register_visitor(
            extra.visitor, by=by, here=sheet.division_code, valid_at=valid_at, cause=cause
        ).resident
        count_as_found(round_of(sheet.round, by), person, extra.reason, sheet.division_code, by, valid_at)
        made.append(TypedLine(extra.line, True, extra.tube_code.strip(), extra.taken_at, person))
    return made


def insert_typing(
    sheet: PaperSheet,
    kind: str,
    typed: Sequence[TypedLine],
    total: int,
    by: Actor,
    valid_at: datetime,
    *,
    id: uuid.UUID,
    note: str = "",
) -> SheetTyping:
    """Write what one person typed, or settled, with its lines."""
    SheetEntry.objects.bulk_create(
        SheetEntry(
            county=sheet.county, sheet=sheet.id, kind=kind, line=line.line, resident=line.resident,
            division_code=sheet.division_code, sampled=line.sampled, tube_code=line.tube_code, taken_at=line.taken_at,
        )
        for line in typed
    )  # fmt: skip
    return SheetTyping.objects.create(
        county=sheet.county, sheet=sheet.id, kind=kind, id=id, total=total, typed_at=valid_at, note=note,
        ticked=sum(line.sampled for line in typed), recorded_at=response_now(), recorded_by=by.account_id,
    )  # fmt: skip


def _register(
    sheet: PaperSheet,
    typed: Iterable[TypedLine],
    by: Actor,
    valid_at: datetime,
    sealed_at: datetime | None,
    cause: uuid.UUID | None,
) -> list[RefusedLine]:
    shared: defaultdict[str, list[TypedLine]] = defaultdict(list)
    for line in typed:
        if line.sampled:
            shared[line.tube_code].append(line)
    if not shared:
        return []
    there = registered_tubes(shared, by=by, county=sheet.county)
    tubes = {code: tube_entry(sheet, code, lines, there.get(code), sealed_at) for code, lines in shared.items()}
    receipt = register_tubes(list(tubes.values()), by=by, valid_at=valid_at, cause=cause, accept="samples")
    refused = []
    for item in receipt.refused:
        lines = [
            line for code, group in shared.items() for line in group
            if (sample_of(sheet.id, line.line) == item.sample) or (item.sample is None and tubes[code].id == item.tube)
        ]  # fmt: skip
        refused += [RefusedLine(line.line, item.why, item.sentence) for line in lines]
    return refused


def sample_of(sheet: uuid.UUID, line: int, *more: object) -> uuid.UUID:
    """Return the id that the sample of a sheet's line always gets, so that typing it again doubles nobody."""
    return derived_id("paper_sample", sheet, line, *more)


def tube_entry(
    sheet: PaperSheet,
    code: str,
    lines: Sequence[TypedLine],
    there: KnownTube | None,
    sealed_at: datetime | None = None,
    *more: object,
) -> TubeEntry:
    """Return a tube with the people of some lines: the one registered before by a phone, or the sheet's own."""
    taken = [line.taken_at for line in lines if line.taken_at]
    return TubeEntry(
        there.id if there else derived_id("paper_tube", sheet.county, code), code,
        there.mode if there else sheet.mode, there.capacity if there else sheet.pool,  # type: ignore[arg-type]
        "area_screening", sheet.division_code, min(taken),
        tuple(SampleEntry(sample_of(sheet.id, line.line, *more), line.resident, line.taken_at) for line in lines),
        round=sheet.round, sealed_at=sealed_at if sealed_at and sealed_at >= max(taken) else None,
    )  # fmt: skip


def _receipt(sheet: PaperSheet, typing: SheetTyping, refused: Sequence[RefusedLine], by: Actor) -> TypedReceipt:
    entries = typed_lines(sheet)
    lines = differing(entries["first"], entries["second"]) if "second" in entries else []
    ticked = [line.resident for line in entries.get(typing.kind, []) if line.sampled]
    registered = len(standing_samples(sheet.round, ticked, by=by))
    return TypedReceipt(typing.kind, typing.ticked, typing.total, registered, tuple(lines), tuple(refused))


def typed_lines(sheet: PaperSheet) -> dict[str, list[TypedLine]]:
    """Return what each typing of a sheet says, line by line."""
    found: dict[str, list[TypedLine]] = {
        kind: []
        for kind in SheetTyping.objects.filter(county=sheet.county, sheet=sheet.id).values_list("kind", flat=True)
    }
    for row in SheetEntry.objects.filter(county=sheet.county, sheet=sheet.id).order_by("line"):
        found[row.kind].append(TypedLine(row.line, row.sampled, row.tube_code, row.taken_at, row.resident))
    return found
