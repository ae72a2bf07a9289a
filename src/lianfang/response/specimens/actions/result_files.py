"""Taking in a laboratory's file of results: all bad rows told, the good ones written when they may be, once per file."""

import base64
import binascii
import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import response_now
from lianfang.kit.codes import county_of
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Refusal
from lianfang.response.specimens.actions.results import record_results, refused_results
from lianfang.response.specimens.permissions import RECORD_RESULTS
from lianfang.response.specimens.result_files import BadRow, GoodRow, ResultTable, read_results

#: what to do about a row whose tube the records refuse, by the reason's code
REMEDIES = {
    "unknown_tube": "keep the tube and ask the sampling site to send its batch",
    "outside_area": "report it to the laboratory that serves that place",
    "empty_tube": "find the sheet of this tube first",
    "another_lab": "let the laboratory that received it report it, or record its hand-over",
    "has_result": "correct that result with a reason, one by one",
    "twice": "keep one line",
}


@dataclass(frozen=True)
class FileReceipt:
    """What of a file is in the records now: rows in all, taken ones, and every row that is not, with its reason.

    ``written`` is false when nothing was written because of bad rows; ``repeated`` that the file was taken in before.
    """

    rows: int
    taken: int
    bad_rows: tuple[BadRow, ...]
    written: bool
    repeated: bool = False
    to_tell: int = 0


def check_result_file(name: str, content: bytes, *, by: Actor, lab: str, valid_at: datetime) -> FileReceipt:
    """Say what taking a file in would do, without writing: how many rows are good, and every bad one."""
    by.require(RECORD_RESULTS)
    with acting(by):
        table, good, bad = _looked_through(name, content, by, lab, valid_at)
    return FileReceipt(table.rows, len(good), bad, written=False)


def import_results(
    name: str,
    content: str | bytes,
    *,
    by: Actor,
    lab: str,
    valid_at: datetime,
    accept_good: bool = False,
    cause: uuid.UUID | None = None,
) -> FileReceipt:
    """Take in a file of results (bytes, or base64 text). Bad rows keep the whole file out unless ``accept_good``.

    Every bad row is told either way. The same file from the same laboratory again doubles nothing: rows that are in the
    records count as taken. Raises `FileUnreadable` when it is no list of results.
    """
    by.require(RECORD_RESULTS)
    if not lab.strip():
        raise Refusal("Say which laboratory reports: fill in its name.")
    raw, county = _bytes_of(content), county_of(by.scope.lo)
    with acting(by):
        table, good, bad = _looked_through(name, raw, by, lab, valid_at)
        if not good or (bad and not accept_good):
            return FileReceipt(table.rows, 0, bad, written=False)
        written = record_results([row.entry for row in good], by=by, lab=lab, valid_at=valid_at, cause=cause)
        fresh = _file_is_new(name, raw, table.rows, len(good), by, county, lab)
        record_audit(
            by, RECORD_RESULTS, subject=("result_file", cause), division_code=by.scope.lo, count=len(good),
            bad=len(bad), repeated=not fresh, digest=hashlib.sha256(raw).hexdigest(),
        )  # fmt: skip
    return FileReceipt(table.rows, len(good), bad, True, not fresh, written.to_tell)


def _bytes_of(content: str | bytes) -> bytes:
    if isinstance(content, bytes):
        return content
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError):
        raise Refusal("The file's content is not base64: encode the file's bytes and send it again.") from None


def _looked_through(
    name: str, content: bytes, by: Actor, lab: str, valid_at: datetime
) -> tuple[ResultTable, Sequence[GoodRow], tuple[BadRow, ...]]:
    table = read_results(name, content, valid_at)
    refused = refused_results([row.entry for row in table.good], by=by, lab=lab)
    good = [row for row, item in zip(table.good, refused, strict=True) if item is None]
    turned_down = [
        BadRow(row.row, "管码", item.sentence.partition(": ")[0], REMEDIES[item.why], item.why, row.entry.code)
        for row, item in zip(table.good, refused, strict=True)
        if item is not None
    ]
    return table, good, tuple(sorted([*table.bad, *turned_down], key=lambda bad: bad.row))


def _file_is_new(name: str, content: bytes, rows: int, taken: int, by: Actor, county: int, lab: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO specimens_resultfile (county, id, digest, name, lab, rows, taken, bad, recorded_at, recorded_by)
            VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT (county, lab, digest) DO NOTHING
            """,
            [
                county, new_id(), hashlib.sha256(content).digest(), name[:120], lab, rows, taken, rows - taken,
                response_now(), by.account_id,
            ],
        )  # fmt: skip
        return bool(cursor.rowcount)
