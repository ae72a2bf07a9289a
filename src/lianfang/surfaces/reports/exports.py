"""A list as a file: the same rows and columns as on the screen, as CSV or as a workbook that says where it came from."""

import csv
import io
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import xlsxwriter

from lianfang.kit.refusals import Refusal
from lianfang.surfaces.reports.lists import Cell
from lianfang.surfaces.reports.rules import value_text

#: what a spreadsheet still opens at ease on an old desktop
MOST_ROWS = 50_000
#: a spreadsheet would run text that begins like this
FORMULA = ("=", "+", "-", "@", "\t", "\r")
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


class ListTooLong(Refusal):
    """A list that no spreadsheet opens."""


class FormatUnknown(Refusal):
    """A file of a kind that lists are not made in."""


def as_file(kind: str, titles: Sequence[str], rows: Sequence[Sequence[Cell]], origin: Mapping[str, str]) -> bytes:
    """Return rows as the bytes of a file; ``origin`` goes on a second sheet of a workbook.

    Raises `ListTooLong` past 50,000 rows and `FormatUnknown`.
    """
    if kind not in TYPES:
        raise FormatUnknown(f"“{kind[:20]}” is no kind of file here. Choose csv or xlsx.")
    if len(rows) > MOST_ROWS:
        raise ListTooLong(
            f"The list has {len(rows)} rows; a file takes {MOST_ROWS}. Narrow it by place, then export again."
        )
    values = [[_plain(cell.value) for cell in row] for row in rows]
    return _csv(titles, values) if kind == "csv" else _xlsx(titles, values, origin)


def _csv(titles: Sequence[str], rows: Sequence[Sequence[int | float | str]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(titles)
    writer.writerows([[_harmless(value) for value in row] for row in rows])
    # the mark by which spreadsheet programs recognise UTF-8
    return "\ufeff".encode() + out.getvalue().encode()


def _xlsx(titles: Sequence[str], rows: Sequence[Sequence[int | float | str]], origin: Mapping[str, str]) -> bytes:
    out = io.BytesIO()
    plain = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(out, plain) as book:
        sheet = book.add_worksheet("list")
        sheet.write_row(0, 0, titles, book.add_format({"bold": True}))
        for number, row in enumerate(rows, 1):
            sheet.write_row(number, 0, row)
        sheet.freeze_panes(1, 0)
        sheet.autofit()
        source = book.add_worksheet("origin")
        for number, line in enumerate(origin.items()):
            source.write_row(number, 0, line)
    return out.getvalue()


def _plain(value: Any) -> int | float | str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        # a division code has more digits than a spreadsheet's number keeps
        return str(value) if abs(value) >= 10**12 else value
    return text_of(value)


def text_of(value: Any) -> str:
    """Return a value as lists show it: local times to the minute, nothing for none."""
    if value is None or isinstance(value, datetime):
        return value_text(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def _harmless(value: int | float | str) -> int | float | str:
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
