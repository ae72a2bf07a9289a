"""The register of a village as its officers carry it: who lives or stays behind which door. No ID, no phone, no health."""

from typing import Any

from lianfang.surfaces.field.phone.buckets import Family

PEOPLE_COLUMNS = ("id", "household", "name", "pinyin", "sex", "birth_year", "relation")
HOME_COLUMNS = ("id", "number", "street", "building", "unit", "room", "address", "lon", "lat")

# A household is told by its number, and an address is spelt out only where building, unit and room do not say it: thousands of
# rows go over a thin line. Guests stand where they stay; whoever is away stands where they live.
PEOPLE = """
WITH door AS MATERIALIZED (SELECT h.id, h.number FROM people_household h WHERE h.division_code BETWEEN %(lo)s AND %(hi)s)
SELECT 'people:' || r.code AS bucket, coalesce(h.number, 0) AS place, r.id, h.number, r.name, r.name_key, r.sex,
       extract(year FROM r.birth_date)::int, r.relation
FROM (
    SELECT r.*, r.division_code AS code FROM people_resident r
    WHERE r.division_code BETWEEN %(lo)s AND %(hi)s AND r.merged_into IS NULL
    UNION ALL
    SELECT r.*, r.present_code FROM people_resident r
    WHERE r.present_code BETWEEN %(lo)s AND %(hi)s AND r.present_code <> r.division_code AND r.merged_into IS NULL
      AND r.division_code NOT BETWEEN %(lo)s AND %(hi)s
) AS r LEFT JOIN door AS h ON h.id = r.household
"""

HOMES = """
SELECT 'homes:' || h.division_code AS bucket, h.number AS place, h.id, h.number, coalesce(yard.name, v.name, ''), b.name,
       h.unit, h.room, CASE WHEN h.room = '' OR b.id IS NULL THEN h.address END, round(coalesce(b.lon, yard.lon)::numeric, 5)::float,
       round(coalesce(b.lat, yard.lat)::numeric, 5)::float
FROM people_household h
LEFT JOIN LATERAL (SELECT b.* FROM territory_building b WHERE b.id = h.building LIMIT 1) AS b ON true
LEFT JOIN LATERAL (SELECT y.* FROM territory_compound y WHERE y.id = b.compound_id LIMIT 1) AS yard ON true
LEFT JOIN LATERAL (
    SELECT v.name FROM territory_division v WHERE v.code = h.division_code AND v.valid_from <= %(day)s
      AND (v.valid_until IS NULL OR v.valid_until > %(day)s) ORDER BY v.valid_from DESC LIMIT 1) AS v ON true
WHERE h.division_code BETWEEN %(lo)s AND %(hi)s
"""


def register_families(asked: dict[str, Any]) -> list[Family]:
    """Return the households and the people of a range of codes, a bucket of each for every grid."""
    return [Family(HOME_COLUMNS, HOMES, asked), Family(PEOPLE_COLUMNS, PEOPLE, asked, wide=True)]
