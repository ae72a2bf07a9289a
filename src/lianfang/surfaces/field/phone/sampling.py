"""What a sampling table needs without a line: open rounds, sites and lanes, who is still missing, tubes and laboratories."""

import hashlib
import json
from collections.abc import Sequence
from functools import partial
from typing import Any

from lianfang.core.people.actions import county_cipher
from lianfang.response.screening.queries.standing import PROBE, STANDING
from lianfang.surfaces.field.phone.buckets import Family
from lianfang.surfaces.field.phone.words import edition, round_words

#: what stands before a printed code when its tag is made, on phone and server alike
CODE_TAG = "lianfang code 1"

# The largest area of a round says how most of its people are sampled.
ROUNDS = """
SELECT 'rounds' AS bucket, r.number AS place, r.id, r.title, r.number, r.area_code, r.opened_at, r.target_at, r.closed_at,
       (array_agg(a.mode ORDER BY a.code_hi - a.code_lo DESC, a.code_lo))[1],
       (array_agg(a.pool ORDER BY a.code_hi - a.code_lo DESC, a.code_lo))[1],
       json_agg(json_build_object('code_lo', a.code_lo, 'code_hi', a.code_hi, 'mode', a.mode, 'pool', a.pool) ORDER BY a.code_lo)::text,
       NULL::text, NULL::text
FROM screening_round r JOIN screening_roundarea a ON a.round_id = r.id AND a.code_lo <= %(hi)s AND a.code_hi >= %(lo)s
WHERE r.county = %(county)s AND r.closed_at IS NULL GROUP BY r.id
"""
ROUND_COLUMNS = (
    "id",
    "title",
    "number",
    "area_code",
    "opened_at",
    "target_at",
    "closed_at",
    "mode",
    "pool",
    "areas",
    "name_zh",
    "name_en",
)

SITES = """
SELECT 'sites' AS bucket, s.name AS place, s.id, s.round_id, s.name, s.division_code, s.tables, p.lon, p.lat,
       coalesce((SELECT json_agg(json_build_object('kind', l.kind, 'tables', l.tables) ORDER BY l.kind)
                 FROM sampling_samplinglane l WHERE l.county = s.county AND l.site = s.id AND l.closed_at IS NULL), '[]')::text
FROM screening_samplingsite s JOIN screening_round r ON r.id = s.round_id AND r.closed_at IS NULL
LEFT JOIN territory_place p ON p.id = s.place
WHERE s.county = %(county)s AND s.division_code BETWEEN %(lo)s AND %(hi)s AND s.closed_at IS NULL
"""
SITE_COLUMNS = ("id", "round", "name", "division_code", "tables", "lon", "lat", "lanes")

# Read with the county's hand, as every account of a round is: a sample or exclusion may lie in a neighbour's area.
MISSING = f"""
SELECT q.* FROM ({STANDING.replace(PROBE, "LIMIT 1")}
    SELECT 'missing:' || t.division_code AS bucket, coalesce(h.number, 0) AS place, t.round, t.resident, p.name, p.sex,
           extract(year FROM p.birth_date)::int, h.number, b.name, h.unit, h.room,
           CASE WHEN h.room = '' OR b.id IS NULL THEN h.address END, c.serial
    FROM standing t
    JOIN LATERAL (SELECT p.* FROM people_resident p WHERE p.id = t.resident LIMIT 1) AS p ON true
    LEFT JOIN LATERAL (SELECT h.* FROM people_household h WHERE h.id = t.household LIMIT 1) AS h ON true
    LEFT JOIN LATERAL (SELECT b.* FROM territory_building b WHERE b.id = h.building LIMIT 1) AS b ON true
    LEFT JOIN LATERAL (SELECT c.serial FROM people_residentcode c WHERE c.county = %(county)s AND c.resident = t.resident
                       AND c.revoked_at IS NULL LIMIT 1) AS c ON true
    WHERE t.standing = 'missing') AS q
"""  # noqa: S608 - made of constants
MISSING_COLUMNS = (
    "round", "resident", "name", "sex", "birth_year", "household_number", "building", "unit", "room", "address",
    "code_tag",
)  # fmt: skip

# Tubes that wait for somebody: open or sealed where they were filled, or with whoever carries them.
TUBES = """
SELECT 'tubes' AS bucket, t.code AS place, t.id, t.code, t.mode, t.capacity, t.filled, t.opened_at, t.sealed_at, t.round, t.site,
       coalesce(p.stage, CASE WHEN t.sealed_at IS NULL THEN 'open' ELSE 'site' END),
       (SELECT x.code FROM specimens_boxentry e JOIN specimens_box x ON x.county = e.county AND x.id = e.box
        WHERE e.county = t.county AND e.tube = t.id AND e.removed_at IS NULL LIMIT 1)
FROM specimens_tube t LEFT JOIN specimens_tubeplace p ON p.county = t.county AND p.tube = t.id
WHERE t.county = %(county)s AND t.resulted_at IS NULL AND t.filled > 0 AND t.division_code BETWEEN %(lo)s AND %(hi)s
  AND t.opened_at >= %(yesterday)s AND coalesce(p.stage, 'site') NOT IN ('lab', 'lost')
"""
TUBE_COLUMNS = ("id", "code", "mode", "capacity", "filled", "opened_at", "sealed_at", "round", "site", "stage", "box")

LABS = """
SELECT 'labs' AS bucket, l.name AS place, l.id, l.name FROM specimens_lab l
WHERE l.county = %(county)s AND l.closed_at IS NULL
"""


def round_family(asked: dict[str, Any]) -> Family:
    """Return the open rounds that touch an area, with how their people are sampled."""
    return Family(ROUND_COLUMNS, ROUNDS, asked, _named_rounds, edition())


def _named_rounds(rows: list[tuple[Any, ...]]) -> Sequence[Sequence[Any]]:
    title, number, zh = (ROUND_COLUMNS.index(name) for name in ("title", "number", "name_zh"))
    made = _unpacked(ROUND_COLUMNS.index("areas"), rows)
    return [[*line[:zh], *round_words(line[number], line[title])] for line in made]


def site_family(asked: dict[str, Any]) -> Family:
    """Return the open sampling sites of an area with their lanes."""
    return Family(SITE_COLUMNS, SITES, asked, partial(_unpacked, SITE_COLUMNS.index("lanes")))


def missing_family(asked: dict[str, Any]) -> Family:
    """Return who is missing in the open rounds of a village, a bucket for each grid."""
    return Family(MISSING_COLUMNS, MISSING, asked, partial(_tagged, asked["county"]), CODE_TAG)


def tube_families(asked: dict[str, Any]) -> list[Family]:
    """Return the tubes of an area on their way, and the laboratories of its county."""
    return [Family(TUBE_COLUMNS, TUBES, asked), Family(("id", "name"), LABS, asked)]


def _tagged(county: int, rows: list[tuple[Any, ...]]) -> Sequence[Sequence[Any]]:
    """Put in place of a card's number what a phone recognises the card by, and nobody can make a card of."""
    cipher = county_cipher(county)
    return [[*row[:-1], code_tag(cipher.printed_code(row[1], row[-1])) if row[-1] else None] for row in rows]


def code_tag(code: str) -> str:
    """Return the 16 letters that tell a printed code without giving it away: its 120 random bits cannot be tried out."""
    return hashlib.sha256((CODE_TAG + code.strip().upper()).encode()).hexdigest()[:16]


def _unpacked(column: int, rows: list[tuple[Any, ...]]) -> Sequence[Sequence[Any]]:
    return [[*row[:column], json.loads(row[column]), *row[column + 1 :]] for row in rows]
