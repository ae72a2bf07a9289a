"""Writing what a sheet truly says where its typings differ: samples registered, moved or voided line by line."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import response_now
from lianfang.kit.ids import new_id
from lianfang.response.screening.actions.sheets import insert_typing, sheet_of, tube_entry, typed_lines
from lianfang.response.screening.actions.visits import bring_visits_up_to_date
from lianfang.response.screening.models import PaperSheet, SheetTyping
from lianfang.response.screening.paper import (
    PrintedSheet,
    SheetLineEntry,
    SheetRefused,
    SheetTypedAlready,
    TypedLine,
    differing,
    typing_faults,
)
from lianfang.response.screening.permissions import TYPE_IN_SHEETS
from lianfang.response.screening.queries.sheets import StandingSample, standing_samples
from lianfang.response.specimens.actions import move_sample, register_tubes, registered_tubes, void_samples
from lianfang.response.specimens.rules import VoidEntry


@dataclass(frozen=True)
class SettledReceipt:
    """What settling a sheet did to the samples of its lines."""

    registered: int
    moved: int
    voided: int
    unchanged: int


def settle_sheet(
    sheet: uuid.UUID,
    lines: Sequence[SheetLineEntry],
    *,
    by: Actor,
    note: str,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> SettledReceipt:
    """Say, with the paper in hand, what the lines that differ truly say, and put the samples right accordingly.

    Every differing line is named; others may be, when both typed them wrong. Whoever typed the sheet and is not the one
    who settles it is the witness where a sealed tube changes. Once per sheet. Raises `SheetRefused`, `SheetTypedAlready`,
    or what voiding, moving and registering raise, and then nothing is written.
    """
    by.require(TYPE_IN_SHEETS)
    with acting(by):
        record = sheet_of(sheet, by)
        by.require(TYPE_IN_SHEETS, record.division_code)
        typings = {typing.kind: typing for typing in SheetTyping.objects.filter(county=record.county, sheet=sheet)}
        settled = typings.get("settled")
        if settled is not None:
            return _settled_before(settled, id)
        said = typed_lines(record)
        truth = _truth(record, said, lines, note)
        done = _put_right(record, truth, by, _witness(typings, by), valid_at, cause)
        ticked = [*truth, *[line for line in said["first"] if line.line not in {one.line for one in truth}]]
        insert_typing(record, "settled", truth, sum(line.sampled for line in ticked), by, valid_at,
                      id=id or new_id(), note=note.strip())  # fmt: skip
        record_audit(by, "screening.settle_sheet", subject=("sheet", sheet), division_code=record.division_code,
                     count=len(truth), moved=done.moved, voided=done.voided, registered=done.registered,
                     command=cause)  # fmt: skip
        bring_visits_up_to_date(by, record.county, valid_at, cause, [line.resident for line in truth])
        return done


def _settled_before(settled: SheetTyping, id: uuid.UUID | None) -> SettledReceipt:
    if settled.id != id:
        raise SheetTypedAlready(
            "This sheet was settled before: put a single sample right by voiding or moving it at the table."
        )
    return SettledReceipt(0, 0, 0, settled.ticked)


def _truth(
    sheet: PaperSheet, said: Mapping[str, Sequence[TypedLine]], lines: Sequence[SheetLineEntry], note: str
) -> list[TypedLine]:
    if "first" not in said:
        raise SheetRefused("This sheet was not typed in yet: type it in first.")
    if not note.strip():
        raise SheetRefused("Say in a few words how the differences were settled, for whoever reads this later.")
    # a line added by hand may be settled too, by whom it names
    last = max([sheet.lines, *(line.line for typing in said.values() for line in typing)])
    faults = typing_faults(lines, [], PrintedSheet(last, sheet.printed_at), 0, response_now())
    missed = sorted(set(differing(said["first"], said.get("second", said["first"]))) - {line.line for line in lines})
    if missed:
        faults.append(f"Lines {', '.join(map(str, missed))} differ and are not settled: say what the paper says there.")
    who = {line.line: line.resident for typing in ("second", "first") for line in said.get(typing, [])}
    faults += [f"Line {line.line}: nobody typed this line." for line in lines if line.line not in who]
    if faults:
        raise SheetRefused(f"{' '.join(faults[:5])} Nothing of this sheet was written.")
    return [
        TypedLine(line.line, line.sampled, line.tube_code.strip(), line.taken_at, who[line.line]) for line in lines
    ]  # fmt: skip


def _witness(typings: Mapping[str, SheetTyping], by: Actor) -> uuid.UUID | None:
    others = [typing.recorded_by for typing in typings.values() if typing.recorded_by != by.account_id]
    return others[0] if others else None


def _put_right(
    sheet: PaperSheet,
    truth: Sequence[TypedLine],
    by: Actor,
    witness: uuid.UUID | None,
    valid_at: datetime,
    cause: uuid.UUID | None,
) -> SettledReceipt:
    standing = standing_samples(sheet.round, [line.resident for line in truth], by=by)
    counts = {"registered": 0, "moved": 0, "voided": 0, "unchanged": 0}
    for line in truth:
        counts[_put_line_right(sheet, line, standing.get(line.resident), by, witness, valid_at, cause)] += 1
    return SettledReceipt(**counts)


def _put_line_right(
    sheet: PaperSheet,
    line: TypedLine,
    there: StandingSample | None,
    by: Actor,
    witness: uuid.UUID | None,
    valid_at: datetime,
    cause: uuid.UUID | None,
) -> str:
    if line.sampled == (there is not None) and (there is None or there.code == line.tube_code):
        return "unchanged"
    if there is not None and not line.sampled:
        void_samples(there.tube, [VoidEntry(there.sample, line.resident)], by=by, code=there.code, reason="not_taken",
                     valid_at=valid_at, cause=cause, witness=witness, on_record=True)  # fmt: skip
        return "voided"
    known = registered_tubes([line.tube_code], by=by, county=sheet.county).get(line.tube_code)
    to = tube_entry(sheet, line.tube_code, [line], known, None, "settled")
    if there is None:
        register_tubes([to], by=by, valid_at=valid_at, cause=cause)
        return "registered"
    move_sample(there.tube, there.sample, line.resident, by=by, code=there.code, reason="wrong_tube", to=to,
                valid_at=valid_at, cause=cause, witness=witness, on_record=True)  # fmt: skip
    return "moved"
