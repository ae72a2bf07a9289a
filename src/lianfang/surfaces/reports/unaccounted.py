"""Who lives or stays where a round tests and stands in none of its groups: nobody, if the round was kept well."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import read_rows
from lianfang.response.screening.queries import RoundRow
from lianfang.response.specimens.queries import SAMPLED_IN_ROUNDS
from lianfang.surfaces.reports.lists import Cell, CountedList, Heading

# Read from the register and the samples, not from the roster's own groups, which add up by construction. Whoever came
# to stay after a round had opened belongs to the next one.
UNACCOUNTED = f"""
FROM (
    SELECT d.id AS round, d.title, r.id AS resident, r.name, r.division_code FROM screening_round d
    JOIN screening_roundarea a ON a.round_id = d.id JOIN people_resident r ON r.division_code BETWEEN a.code_lo AND a.code_hi
    WHERE d.id = ANY(%(rounds)s) AND r.merged_into IS NULL
    UNION
    SELECT d.id, d.title, r.id, r.name, r.present_code FROM screening_round d
    JOIN screening_roundarea a ON a.round_id = d.id JOIN people_resident r ON r.present_code BETWEEN a.code_lo AND a.code_hi
    WHERE d.id = ANY(%(rounds)s) AND r.merged_into IS NULL AND r.present_code <> r.division_code AND r.present_since <= d.opened_at
      AND NOT EXISTS (SELECT FROM screening_roundarea home WHERE home.round_id = d.id
                      AND r.division_code BETWEEN home.code_lo AND home.code_hi)
    UNION
    SELECT d.id, d.title, r.id, r.name, r.present_code FROM ({SAMPLED_IN_ROUNDS}) AS s
    JOIN screening_round d ON d.id = s.round JOIN people_resident r ON r.id = s.resident
) AS there
WHERE there.division_code BETWEEN %(lo)s AND %(hi)s
  AND NOT EXISTS (SELECT FROM screening_rosterentry m
                  WHERE m.county = %(county)s AND m.round = there.round AND m.resident = there.resident)
  AND NOT EXISTS (SELECT FROM screening_foundentry f WHERE f.county = %(county)s AND f.round = there.round
                  AND f.resident = there.resident AND f.recorded_at <= %(at)s)
"""  # noqa: S608 - made of the constant above
COLUMNS = (Heading("轮次", "round"), Heading("姓名", "name"), Heading("网格", "grid"))


def unaccounted_people(by: Actor, rounds: Sequence[RoundRow], at: datetime) -> CountedList:
    """List who lives, stays or was sampled where these rounds test, and is on no roster of theirs nor found since."""
    params = {
        "rounds": [row.id for row in rounds], "county": by.scope.lo // 10**9, "at": at, "lo": by.scope.lo,
        "hi": by.scope.hi,
    }  # fmt: skip
    total = read_rows(by, f"SELECT count(*) {UNACCOUNTED}", params)[0][0]

    def read(limit: int, offset: int) -> list[tuple[Cell, ...]]:
        page = "ORDER BY there.title, there.division_code, there.resident LIMIT %(limit)s OFFSET %(offset)s"
        statement = (
            f"SELECT there.round, there.title, there.resident, there.name, there.division_code {UNACCOUNTED} {page}"
        )
        return [_cells(*row) for row in read_rows(by, statement, params | {"limit": limit, "offset": offset})]

    return CountedList(COLUMNS, total, read, total)


def _cells(round: UUID, title: str, resident: UUID, name: str, code: int) -> tuple[Cell, ...]:
    return Cell(title, "round", round), Cell(name, "resident", resident), Cell(code)
