"""Reading a laboratory's file of results: every row good or bad, a bad one with its field, why, and what to do. Pure."""

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook

from lianfang.kit.clock import LOCAL
from lianfang.kit.refusals import Refusal
from lianfang.response.specimens.rules import ResultEntry, Value

#: a file of more rows, or of more bytes, is split: it is checked row by row while somebody waits
MOST_ROWS = 5000
MOST_BYTES = 1_500_000
MOST_UNPACKED = 40_000_000
LONGEST_CODE = 40

#: what laboratories call the columns, by what they hold
COLUMNS = {
    "code": "管码 试管码 采样管码 采样管编号 试管编号 管号 条码 条形码 样本编号 标本编号 code tube tube_code barcode",
    "value": "结果 检测结果 核酸结果 检验结果 result value finding",
    "tested_at": "检测时间 检验时间 检测日期 tested_at tested test_time",
    "reported_at": "报告时间 报告日期 审核时间 reported_at reported report_time",
    "ct": "ct ct值 最低ct ct_value",
}
TITLES = {"code": "管码", "value": "结果", "tested_at": "检测时间", "reported_at": "报告时间", "ct": "Ct"}
#: how laboratories write the four findings
SPELLINGS: dict[Value, str] = {
    "negative": "阴性 阴 阴性(-) (-) - 未检出 neg negative n",
    "positive": "阳性 阳 阳性(+) (+) + 检出 pos positive p",
    "indeterminate": "可疑 灰区 可疑阳性 疑似 待复检 单靶阳性 indeterminate suspicious grey gray inconclusive",
    "insufficient": "样本不足 不合格 样本不合格 标本不合格 量不足 无效 样本量不足 insufficient invalid unqualified",
}
VALUES_BY_WORD: dict[str, Value] = {word: value for value, words in SPELLINGS.items() for word in words.split()}
FIELDS_BY_TITLE = {word: field for field, words in COLUMNS.items() for word in words.split()}
TIMES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%Y-%m-%d", "%Y/%m/%d")
LATEST_CT = 60.0
#: an earlier year is a slip of the keyboard, or a spreadsheet's zero
EARLIEST_YEAR = 2000


class FileUnreadable(Refusal):
    """A file that is no list of results: what is wrong with it as a whole."""


@dataclass(frozen=True)
class BadRow:
    """A row that cannot be taken: its number as the spreadsheet counts, the column, why, and what to do.

    ``fault`` is the reason as a code and ``given`` what stands there, for whoever says it in another language.
    """

    row: int
    field: str
    why: str
    remedy: str
    fault: str = ""
    given: str = ""

    def __str__(self) -> str:
        return f"Row {self.row}, {self.field}: {self.why}; {self.remedy}."


@dataclass(frozen=True)
class GoodRow:
    """A row that can be read, and what it says."""

    row: int
    entry: ResultEntry


@dataclass(frozen=True)
class ResultTable:
    """A file's rows, each in exactly one of the two lists."""

    good: tuple[GoodRow, ...]
    bad: tuple[BadRow, ...]

    @property
    def rows(self) -> int:
        """Return how many rows the file holds below its titles, empty ones left out."""
        return len(self.good) + len(self.bad)


def read_results(name: str, content: bytes, otherwise: datetime) -> ResultTable:
    """Read a CSV or XLSX file of results; ``otherwise`` is when tubes were tested where no column says it.

    Raises `FileUnreadable` when the file as a whole is no list of results.
    """
    if len(content) > MOST_BYTES:
        raise FileUnreadable(f"{name} is larger than {MOST_BYTES // 1000} kB: split it and send the parts.")
    lines = [(row, cells) for row, cells in _lines(name, content) if any(_text(cell) for cell in cells)]
    if not lines:
        raise FileUnreadable(f"{name} is empty: export the results again and send that file.")
    places = _places(name, lines[0][1])
    if len(lines) - 1 > MOST_ROWS:
        raise FileUnreadable(
            f"{name} has {len(lines) - 1} rows, a file takes {MOST_ROWS}: split it and send the parts."
        )
    return _sorted_out(lines[1:], places, otherwise)


def read_value(text: str) -> Value | None:
    """Return the finding that a laboratory's word means, or None; blanks, case and width of characters do not matter."""
    plain = text.strip().lower().replace(" ", "").replace("（", "(").replace("）", ")").replace("＋", "+")
    plain = plain.replace("－", "-").replace("—", "-").replace("−", "-")
    return VALUES_BY_WORD.get(plain)


def _lines(name: str, content: bytes) -> Iterable[tuple[int, Sequence[Any]]]:
    if name.lower().endswith((".xlsx", ".xls", ".ods")):
        _check_unpacked(name, content)
        try:
            book = CalamineWorkbook.from_filelike(io.BytesIO(content))
            sheet = book.get_sheet_by_index(0)
        except (CalamineError, ValueError, IndexError) as error:
            raise FileUnreadable(f"{name} cannot be opened as a spreadsheet: save it as XLSX or CSV again.") from error
        first = sheet.start[0] if sheet.start else 0
        return list(enumerate(sheet.to_python(skip_empty_area=True), first + 1))
    if not name.lower().endswith((".csv", ".txt")):
        raise FileUnreadable(f"{name} is neither CSV nor XLSX: save it as one of these and send it again.")
    return list(enumerate(csv.reader(io.StringIO(_decoded(name, content), newline="")), 1))


def _check_unpacked(name: str, content: bytes) -> None:
    """Refuse a workbook that is small as a file and huge once unpacked, before anything unpacks it."""
    if not zipfile.is_zipfile(io.BytesIO(content)):
        return
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            size = sum(part.file_size for part in parts.infolist())
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise FileUnreadable(f"{name} cannot be opened as a spreadsheet: save it as XLSX or CSV again.") from error
    if size > MOST_UNPACKED:
        raise FileUnreadable(f"{name} holds far more than {MOST_ROWS} rows: split it and send the parts.")


def _decoded(name: str, content: bytes) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\0" not in text:
            return text
    raise FileUnreadable(f"{name} is no text in UTF-8 or GB 18030: save it as CSV again.")


def _places(name: str, titles: Sequence[Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for place, title in enumerate(titles):
        field = FIELDS_BY_TITLE.get(_text(title).lower().replace(" ", ""))
        if field is not None:
            found.setdefault(field, place)
    lacking = [TITLES[field] for field in ("code", "value") if field not in found]
    if lacking:
        raise FileUnreadable(
            f"{name} has no column {' and no column '.join(lacking)}: its first row must name the columns, for example "
            "管码, 结果, 检测时间, Ct."
        )
    return found


def _sorted_out(lines: Sequence[tuple[int, Sequence[Any]]], places: dict[str, int], otherwise: datetime) -> ResultTable:
    good: list[GoodRow] = []
    bad: list[BadRow] = []
    seen: dict[str, int] = {}
    for row, cells in lines:
        read = _read_row(row, {field: cells[at] for field, at in places.items() if at < len(cells)}, otherwise)
        if isinstance(read, GoodRow) and (first := seen.setdefault(read.entry.code, row)) != row:
            read = BadRow(
                row,
                TITLES["code"],
                f"tube {read.entry.code} stands in row {first} already",
                "keep one of the two",
                "twice",
                str(first),
            )
        if isinstance(read, GoodRow):
            good.append(read)
        else:
            bad.append(read)
    return ResultTable(tuple(good), tuple(bad))


def _read_row(row: int, cells: dict[str, Any], otherwise: datetime) -> GoodRow | BadRow:
    code, word = _text(cells.get("code")), _text(cells.get("value"))
    if not code:
        return BadRow(row, TITLES["code"], "it is empty", "fill in the code printed on the tube", "no_code")
    if len(code) > LONGEST_CODE or not code.isprintable():
        return BadRow(
            row, TITLES["code"], f"“{code[:20]}…” is no printed code", "scan the tube again", "not_a_code", code[:20]
        )
    value = read_value(word)
    if value is None:
        return BadRow(
            row,
            TITLES["value"],
            f"“{word[:20]}” is no finding",
            "write 阴性, 阳性, 可疑 or 样本不足",
            "not_a_finding",
            word[:20],
        )
    moments: dict[str, datetime] = {}
    for field in ("tested_at", "reported_at"):
        moment = _moment(cells.get(field))
        if isinstance(moment, datetime) and moment.year < EARLIEST_YEAR:
            moment = moment.date().isoformat()
        if isinstance(moment, str):
            return BadRow(
                row,
                TITLES[field],
                f"“{moment[:20]}” is no date and time",
                "write it like 2022-07-14 18:30",
                "not_a_time",
                moment[:20],
            )
        if moment is not None:
            moments[field] = moment
    tested = moments.get("tested_at", min(moments.get("reported_at", otherwise), otherwise))
    reported = moments.get("reported_at")
    if tested > otherwise or (reported is not None and reported > otherwise):
        return BadRow(row, TITLES["tested_at"], "it lies after now", "correct the date", "still_to_come")
    if reported is not None and reported < tested:
        return BadRow(
            row, TITLES["reported_at"], "it lies before the test", "correct one of the two", "before_the_test"
        )
    ct = _number(cells.get("ct"))
    if isinstance(ct, str):
        return BadRow(
            row,
            TITLES["ct"],
            f"“{ct[:20]}” is no Ct value",
            f"write a number up to {LATEST_CT:.0f} or leave it empty",
            "not_a_ct",
            ct[:20],
        )
    return GoodRow(row, ResultEntry(value, tested, code=code, reported_at=reported, ct=ct))


def _text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        # a spreadsheet turns printed digits into a number
        return str(int(cell))
    return "" if cell is None else str(cell).strip()


def _moment(cell: Any) -> datetime | str | None:
    """Return a local time as an instant, None when there is none, or the text that is none."""
    if isinstance(cell, datetime):
        return cell if cell.tzinfo else cell.replace(tzinfo=LOCAL)
    if isinstance(cell, date):
        return datetime.combine(cell, time(), LOCAL)
    text = _text(cell)
    if not text:
        return None
    for form in TIMES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=LOCAL)
        except ValueError:
            continue
    return text


def _number(cell: Any) -> float | str | None:
    text = _text(cell)
    if text.lower() in ("", "-", "/", "无", "na", "noct"):
        return None
    try:
        value = float(text)
    except ValueError:
        return text
    return value if 0 < value <= LATEST_CT else text
