"""The people behind the counts of a round: all of them, the missing with who is responsible, those off the roster."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from lianfang.core.access.rules import Actor
from lianfang.core.people.permissions import READ_PEOPLE
from lianfang.core.people.queries import masked_name
from lianfang.kit.codes import CodeRange
from lianfang.response.screening.permissions import READ_ROUNDS
from lianfang.response.screening.queries.standing import RESPONSIBLE, STANDING, UNIT_NAME, asked_of, fetched, masked
from lianfang.response.specimens.queries import SAMPLED_IN_ROUNDS


@dataclass(frozen=True)
class RoundPerson:
    """Somebody a round counts, where, and how they stand: sampled, excluded (reason, where) or missing.

    ``found_as`` says how somebody came to the round who was not on its roster, ``excluded_by`` is the account that wrote
    the exclusion that stands.
    """

    resident: uuid.UUID
    name: str
    household: uuid.UUID | None
    division_code: int
    added: bool
    standing: str
    reason: str | None
    where: str | None
    found_as: str | None
    exclusion: uuid.UUID | None
    excluded_by: uuid.UUID | None


@dataclass(frozen=True)
class MissingPerson:
    """Somebody neither sampled nor excluded, how to reach them, and who is responsible."""

    resident: uuid.UUID
    name: str
    sex: str
    birth_date: date
    phone: str
    household: uuid.UUID | None
    address: str | None
    division_code: int
    grid: str | None
    post: uuid.UUID | None
    post_title: str | None
    holder: str | None
    visits: int
    last_outcome: str | None
    appointment_at: datetime | None


@dataclass(frozen=True)
class MissingGrid:
    """A grid with missing people, how many of how many, and who is responsible."""

    code: int
    name: str | None
    missing: int
    everybody: int
    post: uuid.UUID | None
    post_title: str | None
    holder: str | None


@dataclass(frozen=True)
class Asked:
    """Which people of a round a list holds; what is left empty does not narrow it.

    ``standing``: sampled, excluded, missing, or counted, who is sampled or missing; ``origin``: frozen or found;
    ``reason``: why they were found, or why they stand as excluded; ``building`` and ``household``: behind which door they
    live; ``exclusion``: whom this one excludes.
    """

    standing: str = ""
    origin: str = ""
    reason: str = ""
    building: uuid.UUID | None = None
    household: uuid.UUID | None = None
    exclusion: uuid.UUID | None = None


LISTED = f"""
{STANDING}, listed AS (
    SELECT t.* FROM standing t
    WHERE %(standing)s IN ('', t.standing, CASE WHEN t.standing <> 'excluded' THEN 'counted' END)
      AND %(origin)s IN ('', CASE WHEN t.added THEN 'found' ELSE 'frozen' END)
      AND (%(reason)s IN ('', t.found_as) OR t.standing = 'excluded' AND t.reason = %(reason)s)
      AND (%(exclusion)s::uuid IS NULL OR t.exclusion = %(exclusion)s)
      AND (%(household)s::uuid IS NULL OR t.household = %(household)s)
      AND (%(building)s::uuid IS NULL OR (t.household, t.division_code) IN (
           SELECT h.id, h.division_code FROM people_household h WHERE h.building = %(building)s))
)
"""  # noqa: S608 - made of constants


def round_people(
    round: uuid.UUID,
    *,
    by: Actor,
    standing: str = "",
    at: datetime | None = None,
    within: CodeRange | None = None,
    asked: Asked | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[RoundPerson]:
    """List the people behind `accounted`: all of them, those who stand as sampled, excluded or missing, or as ``asked``.

    Whoever may count a round and not read its people (an inspector) sees surnames, and not where anybody is.
    """
    by.require(READ_ROUNDS)
    statement = f"""
    {LISTED}
    SELECT t.resident, (SELECT p.name FROM people_resident p WHERE p.id = t.resident), t.household,
        t.division_code, t.added, t.standing, t.reason, t.where, t.found_as, t.exclusion, t.recorded_by
    FROM listed t ORDER BY t.division_code, t.household, t.resident LIMIT %(limit)s OFFSET %(offset)s
    """  # noqa: S608
    params = asked_of(by, [round], at, within) | vars(asked or Asked(standing)) | {"limit": limit, "offset": offset}
    rows = [RoundPerson(*row) for row in fetched(by, statement, params)]
    return rows if by.may(READ_PEOPLE) else [replace(row, name=masked_name(row.name or ""), where="") for row in rows]


def count_round_people(
    round: uuid.UUID, asked: Asked, *, by: Actor, at: datetime | None = None, within: CodeRange | None = None
) -> int:
    """Count the people whom `round_people` lists."""
    params = asked_of(by, [round], at, within) | vars(asked)
    return int(fetched(by, f"{LISTED} SELECT count(*) FROM listed", params)[0][0])  # noqa: S608


def missing(
    round: uuid.UUID,
    *,
    by: Actor,
    at: datetime | None = None,
    within: CodeRange | None = None,
    residents: Sequence[uuid.UUID] | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[MissingPerson]:
    """List the missing of a round by grid and household, phone masked, with the responsible post and past visits.

    ``residents`` narrows the list to those of some people who are missing.
    """
    by.require(READ_ROUNDS)
    by.require(READ_PEOPLE)
    statement = f"""
    {STANDING}, page AS (
        SELECT t.resident, t.household, t.division_code FROM standing t
        WHERE t.standing = 'missing' AND (%(residents)s::uuid[] IS NULL OR t.resident = ANY(%(residents)s))
        ORDER BY t.division_code, t.household, t.resident LIMIT %(limit)s OFFSET %(offset)s
    )
    SELECT p.id, p.name, p.sex, p.birth_date, p.phone_cipher, t.household,
           (SELECT h.address FROM people_household h WHERE h.id = t.household), t.division_code,
           {UNIT_NAME.format(code="t.division_code")}, responsible.post, responsible.title, responsible.holder,
           coalesce(v.attempt, 0), v.outcome, v.appointment_at
    FROM page t
    JOIN LATERAL (SELECT p.* FROM people_resident p WHERE p.id = t.resident LIMIT 1) AS p ON true
    {RESPONSIBLE.format(code="t.division_code")}
    LEFT JOIN LATERAL (
        SELECT v.attempt, v.outcome, v.appointment_at FROM screening_visit v
        WHERE v.county = %(county)s AND v.round = ANY(%(rounds)s) AND v.resident = t.resident AND v.recorded_at <= %(at)s
        ORDER BY v.attempt DESC LIMIT 1) AS v ON true
    ORDER BY t.division_code, t.household, t.resident
    """  # noqa: S608
    some = None if residents is None else list(residents)
    params = asked_of(by, [round], at, within) | {"residents": some, "limit": limit, "offset": offset}
    return [
        MissingPerson(*[*row[:4], masked(row[4], params["county"]), *row[5:]]) for row in fetched(by, statement, params)
    ]


def missing_by_grid(
    round: uuid.UUID, *, by: Actor, at: datetime | None = None, within: CodeRange | None = None
) -> list[MissingGrid]:
    """List the grids with missing people, most missing first, with the post and the account that answers for each."""
    statement = f"""
    {STANDING}, grid AS (
        SELECT t.division_code AS code, count(*) FILTER (WHERE t.standing = 'missing') AS missing, count(*) AS everybody
        FROM standing t GROUP BY 1
    )
    SELECT g.code, {UNIT_NAME.format(code="g.code")}, g.missing, g.everybody, responsible.post, responsible.title,
           responsible.holder
    FROM grid g {RESPONSIBLE.format(code="g.code")} WHERE g.missing > 0 ORDER BY g.missing DESC, g.code
    """  # noqa: S608
    return [MissingGrid(*row) for row in fetched(by, statement, asked_of(by, [round], at, within))]


def sampled_off_roster(round: uuid.UUID, *, by: Actor, at: datetime | None = None) -> list[uuid.UUID]:
    """List residents sampled in a round who are neither on its roster nor recorded as found."""
    by.require(READ_ROUNDS)
    statement = f"""
    SELECT DISTINCT s.resident FROM ({SAMPLED_IN_ROUNDS}) AS s JOIN people_resident p ON p.id = s.resident
    WHERE (p.division_code BETWEEN %(lo)s AND %(hi)s OR p.present_code BETWEEN %(lo)s AND %(hi)s)
      AND NOT EXISTS (SELECT 1 FROM screening_rosterentry m
                      WHERE m.county = %(county)s AND m.round = s.round AND m.resident = s.resident)
      AND NOT EXISTS (SELECT 1 FROM screening_foundentry f
                      WHERE f.county = %(county)s AND f.round = s.round AND f.resident = s.resident)
    ORDER BY s.resident
    """  # noqa: S608 - made of constants
    return [row[0] for row in fetched(by, statement, asked_of(by, [round], at))]
