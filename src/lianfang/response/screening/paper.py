"""How paper sheets are laid out, coded, read back and compared: pure."""

import hashlib
import re
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Literal

from pydantic import AwareDatetime

from lianfang.core.people.rules import VisitorEntry
from lianfang.kit.clock import local_date
from lianfang.kit.refusals import Conflict, NotFound, Refusal
from lianfang.kit.sentences import in_chinese
from lianfang.response.specimens.rules import tube_code_fault

#: lines of people on a page of A4 that can be filled in with gloves on, and blank ones below for people who are not listed
LINES, BLANK = 20, 4
#: people of one household whom one tube takes, where the round does not say
HOUSEHOLD = 10
#: people printed by one command: a small township
MOST_PEOPLE = 20_000
#: without I, L, O and U, which are misread (Crockford's base 32)
LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
#: how far the watch at the table may stand before the printer's clock
CLOCKS_DIFFER = timedelta(hours=1)
SHEET_MARK = "LFS1:"
KINDS = ("first", "second", "settled")
STATES = ("printed", "typed", "agreed", "differing", "settled")


class SheetUnknown(NotFound):
    """There is no such sheet in the actor's area."""


class SheetRefused(Refusal):
    """A sheet cannot be typed in as sent: which lines, and why."""


class SheetTypedAlready(Conflict):
    """A sheet was typed in twice, or settled."""


@dataclass(frozen=True)
class Listed:
    """Somebody to print: where, behind which door of which building, and how people are sampled there."""

    resident: uuid.UUID
    division_code: int
    building: uuid.UUID | None
    household: uuid.UUID | None
    mode: str
    pool: int


@dataclass(frozen=True)
class SheetPlan:
    """One sheet: people of one grid (and building), in the groups that share a tube."""

    division_code: int
    mode: str
    pool: int
    tubes: tuple[tuple[Listed, ...], ...]

    @property
    def people(self) -> tuple[Listed, ...]:
        """Everybody on the sheet, line by line."""
        return tuple(person for tube in self.tubes for person in tube)


@dataclass(frozen=True)
class PrintedSheet:
    """What must be known of a sheet to judge what was typed: its printed lines, and when it was printed."""

    lines: int
    printed_at: datetime


@dataclass(frozen=True)
class SheetLineEntry:
    """One line as it is ticked on the paper; a line that is not sent was not ticked."""

    line: int
    sampled: bool
    tube_code: str = ""
    taken_at: AwareDatetime | None = None


@dataclass(frozen=True)
class ExtraEntry:
    """Somebody written by hand below the printed lines, all of them sampled, and how they come to be here."""

    line: int
    visitor: VisitorEntry
    reason: Literal["visitor", "newcomer", "unregistered"]
    tube_code: str
    taken_at: AwareDatetime


@dataclass(frozen=True)
class TypedLine:
    """A line as it was typed in: what two typings are compared by."""

    line: int
    sampled: bool
    tube_code: str
    taken_at: datetime | None
    resident: uuid.UUID


def lay_out(people: Iterable[Listed]) -> list[SheetPlan]:
    """Return sheets for people in their order (by grid, building and door): nobody twice, households kept in one tube.

    A sheet holds one grid and building and one way of sampling, at most `LINES` lines, and never half a tube.
    """
    sheets = []
    for (code, _, mode, pool), group in groupby(people, lambda p: (p.division_code, p.building, p.mode, p.pool)):
        size = min(max(pool, HOUSEHOLD) if mode == "household" else pool, LINES)
        sheets += [SheetPlan(code, mode, size, tubes) for tubes in _pages(_tubes(list(group), mode, size))]
    return sheets


def _tubes(people: Sequence[Listed], mode: str, pool: int) -> Iterator[tuple[Listed, ...]]:
    waiting: list[Listed] = []
    for household in _households(people):
        if waiting and (mode != "pooled" or len(waiting) + len(household) > pool):
            yield tuple(waiting)
            waiting = []
        waiting += household
        while len(waiting) > pool:
            yield tuple(waiting[:pool])
            waiting = waiting[pool:]
    if waiting:
        yield tuple(waiting)


def _households(people: Sequence[Listed]) -> Iterator[list[Listed]]:
    # whoever has no household stands alone
    for _, group in groupby(people, lambda p: p.household or p.resident):
        yield list(group)


def _pages(tubes: Iterable[tuple[Listed, ...]]) -> Iterator[tuple[tuple[Listed, ...], ...]]:
    page: list[tuple[Listed, ...]] = []
    for tube in tubes:
        if page and sum(map(len, page)) + len(tube) > LINES:
            yield tuple(page)
            page = []
        page.append(tube)
    if page:
        yield tuple(page)


def sheet_code(sheet: uuid.UUID) -> str:
    """Return the code printed on a sheet: eight letters of its id (40 bits) and one that tells a misread one."""
    number = int.from_bytes(hashlib.sha256(sheet.bytes).digest()[:5])
    letters = "".join(LETTERS[number >> 5 * place & 31] for place in range(8))
    return letters + _check_letter(letters)


def _check_letter(letters: str) -> str:
    # an odd weight has an inverse modulo 32, so that every single letter misread changes the sum
    return LETTERS[sum((2 * place + 1) * LETTERS.index(letter) for place, letter in enumerate(letters)) % 32]


def read_sheet_code(text: str) -> str:
    """Return a sheet's code however it was scanned or typed; raises `SheetUnknown` when a letter must be misread."""
    plain = re.sub(r"[\s\-]", "", text.upper()).removeprefix(SHEET_MARK)
    plain = plain.translate(str.maketrans("OIL", "011"))
    if len(plain) != 9 or any(letter not in LETTERS for letter in plain) or _check_letter(plain[:8]) != plain[8]:
        raise SheetUnknown("This is no code of a sheet: it has nine letters and digits. Read it again from the paper.")
    return plain


def shown_code(code: str) -> str:
    """Return a sheet's code as it is printed: ``7K2-QF9-XW0``."""
    return f"{code[:3]}-{code[3:6]}-{code[6:]}"


@dataclass(frozen=True)
class RefusedLine:
    """A line that was typed and could not be registered: why as a code, and the sentence with the way out."""

    line: int
    why: str
    sentence: str
    sentence_zh: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sentence_zh", in_chinese(self.sentence) or "")


def typing_faults(
    lines: Sequence[SheetLineEntry], extras: Sequence[ExtraEntry], sheet: PrintedSheet, total: int, now: datetime
) -> list[str]:
    """Return everything that is wrong with a sheet as typed, line by line, as sentences."""
    faults = [f"Line {line.line}: {why}" for line in lines if (why := _line_fault(line, sheet, now))]
    faults += [f"Line {extra.line}: {why}" for extra in extras if (why := _extra_fault(extra, sheet, now))]
    numbers = Counter([*(line.line for line in lines), *(extra.line for extra in extras)])
    faults += [f"Line {line} was typed {times} times: keep one." for line, times in numbers.items() if times > 1]
    if total < 0:
        faults.append("The total at the foot of the sheet is a number of people: 0 or more.")
    return faults


def _line_fault(line: SheetLineEntry, sheet: PrintedSheet, now: datetime) -> str | None:
    if not 1 <= line.line <= sheet.lines:
        return f"the sheet has {sheet.lines} printed lines; whoever was added by hand is typed as a new person."
    if not line.sampled:
        told = line.tube_code or line.taken_at
        return "it is not ticked, yet it has a tube or a time: tick it, or clear them." if told else None
    if line.taken_at is None:
        return "it is ticked without a time: type the time beside it."
    return _time_fault(line.taken_at, sheet, now) or tube_code_fault(line.tube_code, local_date(now))


def _extra_fault(extra: ExtraEntry, sheet: PrintedSheet, now: datetime) -> str | None:
    if not sheet.lines < extra.line <= sheet.lines + BLANK:
        return f"people added by hand stand on lines {sheet.lines + 1} to {sheet.lines + BLANK}."
    return _time_fault(extra.taken_at, sheet, now) or tube_code_fault(extra.tube_code, local_date(now))


def _time_fault(taken_at: datetime, sheet: PrintedSheet, now: datetime) -> str | None:
    if taken_at > now:
        return "its time is still to come: read it again."
    if taken_at < sheet.printed_at - CLOCKS_DIFFER:
        return "its time lies before the sheet was printed: read it again."
    return None


def differing(first: Iterable[TypedLine], second: Iterable[TypedLine]) -> list[int]:
    """Return the lines that two typings of a sheet do not agree on; a line only one of them has differs when it is ticked."""
    one, other = ({line.line: _said(line) for line in typing} for typing in (first, second))
    return sorted(line for line in one.keys() | other.keys() if one.get(line, NOTHING) != other.get(line, NOTHING))


def _said(line: TypedLine) -> tuple[object, ...]:
    return (True, line.tube_code, line.taken_at, line.resident) if line.sampled else NOTHING


#: what an empty line says
NOTHING: tuple[object, ...] = (False,)


def sheet_state(typings: Mapping[str, Sequence[TypedLine]]) -> str:
    """Return how a sheet stands by its typings: printed, typed once, agreed or differing by two people, settled."""
    if "settled" in typings:
        return "settled"
    if "second" in typings:
        return "differing" if differing(typings["first"], typings["second"]) else "agreed"
    return "typed" if "first" in typings else "printed"
