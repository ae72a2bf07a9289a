"""Writing a checked table of divisions in bulk: copied beside the divisions, compared with them, then taken over."""

from collections.abc import Callable, Iterator
from datetime import date

from django.db import connection

from lianfang.core.territory.pinyin import pinyin_key
from lianfang.core.territory.tables import DivisionRow

#: what is being done, how many rows of it are done, and of how many
Progress = Callable[[str, int, int], None]

STAGE = """
DROP TABLE IF EXISTS territory_incoming, territory_changed CASCADE;
CREATE TEMPORARY TABLE territory_incoming (
    code bigint, code_hi bigint, level text, name text, pinyin text, urban_rural text, parent_code bigint
) ON COMMIT DROP
"""
COPY = "COPY territory_incoming FROM STDIN"
JUDGE = """
ANALYZE territory_incoming;
CREATE TEMPORARY VIEW territory_judged AS
SELECT i.*, d.id AS existing, d.valid_from, d.valid_until, d.name AS former_name,
    coalesce(nullif(i.urban_rural, ''), d.urban_rural, '') AS new_class,
    CASE
        WHEN d.origin <> 'table' THEN 'kept'
        WHEN d.name = i.name AND i.urban_rural IN ('', d.urban_rural) THEN 'unchanged'
        WHEN d.id IS NOT NULL THEN 'changed'
        WHEN EXISTS (SELECT FROM territory_division any_day WHERE any_day.code = i.code) THEN 'kept'
        ELSE 'added'
    END AS verdict
FROM territory_incoming i LEFT JOIN territory_division d
    ON d.code = i.code AND d.valid_from <= %(since)s AND coalesce(d.valid_until, 'infinity') > %(since)s
"""
COUNT = "SELECT verdict, count(*) FROM territory_judged GROUP BY verdict"
ADD = """
INSERT INTO territory_division (code, code_hi, level, name, pinyin, urban_rural, parent_code, valid_from, origin, source)
SELECT code, code_hi, level, name, pinyin, urban_rural, parent_code, %(since)s, 'table', %(source)s
FROM territory_judged WHERE verdict = 'added' ORDER BY code
"""
# A table of the same date corrects the rows it wrote, also those an overlay has cut in two; a later one ends them
# on its date and goes on.
CHANGE = """
CREATE TEMPORARY TABLE territory_changed ON COMMIT DROP AS SELECT * FROM territory_judged WHERE verdict = 'changed';
UPDATE territory_division d
SET name = c.name, pinyin = c.pinyin, urban_rural = c.new_class, source = %(source)s
FROM territory_changed c
WHERE c.valid_from = %(since)s AND d.code = c.code AND d.name = c.former_name AND d.origin = 'table';
UPDATE territory_division d SET valid_until = %(since)s
FROM territory_changed c WHERE c.valid_from < %(since)s AND d.id = c.existing;
INSERT INTO territory_division (code, code_hi, level, name, pinyin, urban_rural, parent_code, valid_from, valid_until,
                                origin, source)
SELECT code, code_hi, level, name, pinyin, new_class, parent_code, %(since)s, valid_until, 'table', %(source)s
FROM territory_changed WHERE valid_from < %(since)s
"""


def write_table(rows: dict[int, DivisionRow], since: date, source: str, progress: Progress) -> dict[str, int]:
    """Write good rows as they hold from a day on, and return how many were added, changed, unchanged and kept."""
    given: dict[str, date | str] = {"since": since, "source": source}
    with connection.cursor() as cursor:
        cursor.execute(STAGE)
        with cursor.copy(COPY) as copy:
            for chunk in _copy_chunks(rows, progress):
                copy.write(chunk)
        progress("comparing", 0, len(rows))
        cursor.execute(JUDGE, given)
        cursor.execute(COUNT)
        counts: dict[str, int] = dict(cursor.fetchall())
        progress("writing", 0, counts.get("added", 0) + counts.get("changed", 0))
        if "changed" in counts:
            cursor.execute(CHANGE, given)
        if "added" in counts:
            cursor.execute(ADD, given)
        cursor.execute("DROP TABLE IF EXISTS territory_incoming, territory_changed CASCADE")
    progress("done", len(rows), len(rows))
    return counts


def _copy_chunks(rows: dict[int, DivisionRow], progress: Progress) -> Iterator[str]:
    ordered = list(rows.values())
    for start in range(0, len(ordered), 20_000):
        progress("romanising and copying", start, len(ordered))
        yield "".join(map(_copy_line, ordered[start : start + 20_000]))


def _copy_line(row: DivisionRow) -> str:
    name = row.name.replace("\\", "\\\\")
    parent = r"\N" if row.parent_code is None else row.parent_code
    key = pinyin_key(row.name).replace("\\", "\\\\")
    return f"{row.code}\t{row.code_hi}\t{row.level}\t{name}\t{key}\t{row.urban_rural}\t{parent}\n"
