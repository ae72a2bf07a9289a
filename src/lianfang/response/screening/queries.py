"""Reading rounds: coverage, the account of everybody, the missing by grid and responsible person, rounds compared.

Counts and their lists come from one statement of who stands where. It is read with the county's hand, because a sample
or exclusion may lie in a neighbour's area, and bounded in every list by the actor's own range of codes.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting, planned_wide
from lianfang.core.duties.rules import Balance
from lianfang.core.people.actions import county_cipher
from lianfang.core.people.queries import mask_phone
from lianfang.engines.protocol import Pack, PointPlan, RoundFacts, RoundProposal, round_proposal, sizing
from lianfang.kit.clock import local_date, response_now
from lianfang.kit.codes import DIGITS, CodeRange
from lianfang.response.command.queries import county_in_view
from lianfang.response.screening.permissions import READ_ROUNDS
from lianfang.response.screening.rules import MISTAKES, Account, RoundUnknown, books, draw_recalls
from lianfang.response.specimens.queries import SAMPLED_IN_ROUNDS, count_positive_tubes
from lianfang.response.specimens.rules import county_hand

#: stands where a statement about a few people is told to look each of them up by index
PROBE = "/* probe */"

#: who stands where in some rounds and a range of codes, as known at an instant; params: county, rounds, at, lo, hi
STANDING = f"""
WITH member AS (
    SELECT m.round, m.resident, m.division_code, m.household, false AS added FROM screening_rosterentry m
    WHERE m.county = %(county)s AND m.round = ANY(%(rounds)s) AND m.division_code BETWEEN %(lo)s AND %(hi)s
    UNION ALL
    SELECT f.round, f.resident, f.division_code, f.household, true FROM screening_foundentry f
    WHERE f.county = %(county)s AND f.round = ANY(%(rounds)s) AND f.division_code BETWEEN %(lo)s AND %(hi)s
      AND f.recorded_at <= %(at)s
),
standing AS (
    SELECT m.*, e.reason, e.where,
           CASE WHEN s.resident IS NOT NULL OR EXISTS (
                    SELECT 1 FROM ({SAMPLED_IN_ROUNDS}) AS again
                    WHERE again.round = m.round AND again.resident = m.resident AND again.attempt > 1) THEN 'sampled'
                WHEN e.resident IS NOT NULL THEN 'excluded' ELSE 'missing' END AS standing
    FROM member m
    LEFT JOIN LATERAL (
        SELECT s.resident FROM ({SAMPLED_IN_ROUNDS}) AS s
        WHERE s.round = m.round AND s.resident = m.resident AND s.attempt = 1 {PROBE}) AS s ON true
    LEFT JOIN LATERAL (
        SELECT e.resident, e.reason, e.where FROM screening_exclusion e
        WHERE e.county = %(county)s AND e.round = ANY(%(rounds)s) AND e.round = m.round AND e.resident = m.resident
          AND e.recorded_at <= %(at)s AND (e.withdrawn_at IS NULL OR e.withdrawn_recorded_at > %(at)s) {PROBE}
    ) AS e ON true
)
"""  # noqa: S608 - made of constants

#: params: on
UNIT_NAME = """
(SELECT d.name FROM territory_division d WHERE d.code = {code} AND d.valid_from <= %(on)s
    AND (d.valid_until IS NULL OR d.valid_until > %(on)s) ORDER BY d.valid_from DESC LIMIT 1)
"""

# The grid's own worker comes first, then whoever of the community line answers for the smallest unit around it.
RESPONSIBLE = """
LEFT JOIN LATERAL (
    SELECT p.id AS post, p.title, (
        SELECT a.title FROM access_grant g JOIN access_account a ON a.id = g.account_id
        WHERE g.post_id = p.id AND g.valid_from <= %(at)s AND (g.valid_until IS NULL OR g.valid_until > %(at)s)
        ORDER BY g.valid_from DESC LIMIT 1) AS holder
    FROM access_post p
    WHERE {code} BETWEEN p.division_code AND p.code_hi AND (p.role_id = 'grid_worker' OR p.line_id = 'community')
    ORDER BY p.role_id <> 'grid_worker', p.code_hi - p.division_code, p.title LIMIT 1
) AS responsible ON true
"""

ROUNDS = """
SELECT r.id, r.incident, r.area_code, {name}, r.number, r.title, r.pack, r.opened_at, r.target_at, r.frozen,
       CASE WHEN r.closed_recorded_at <= %(at)s THEN r.closed_at END,
       CASE WHEN r.closed_recorded_at <= %(at)s THEN r.remaining END,
       CASE WHEN r.closed_recorded_at <= %(at)s THEN r.accepted_title END
FROM screening_round r WHERE r.county = %(county)s AND r.recorded_at <= %(at)s
  AND (%(incident)s::uuid IS NULL OR r.incident = %(incident)s) AND (%(only)s::uuid IS NULL OR r.id = %(only)s)
  AND EXISTS (SELECT 1 FROM screening_roundarea a WHERE a.round_id = r.id AND a.code_lo <= %(hi)s AND a.code_hi >= %(lo)s)
ORDER BY r.opened_at, r.area_code, r.number
"""

NOBODY = Account(0, 0, 0, 0, 0)


@dataclass(frozen=True)
class RoundRow:
    """A round as known at an instant, with the account of its people inside the actor's area."""

    id: uuid.UUID
    incident: uuid.UUID
    area_code: int
    area: str | None
    number: int
    title: str
    pack: str
    opened_at: datetime
    target_at: datetime
    frozen: int
    closed_at: datetime | None
    remaining: int | None
    accepted_title: str | None
    account: Account


@dataclass(frozen=True)
class UnitCoverage:
    """The account of one unit (grid, village, township) in a round."""

    code: int
    name: str | None
    account: Account


@dataclass(frozen=True)
class RoundPerson:
    """Somebody a round counts, where, and how they stand: sampled, excluded (reason, where) or missing."""

    resident: uuid.UUID
    name: str
    household: uuid.UUID | None
    division_code: int
    added: bool
    standing: str
    reason: str | None
    where: str | None


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
class UnitComparison:
    """One unit in two rounds, and how many were missed by both."""

    code: int
    name: str | None
    first: Account
    second: Account
    missing_in_both: int


@dataclass(frozen=True)
class RecallToMake:
    """An exclusion that a second person has still to call back."""

    exclusion: uuid.UUID
    resident: uuid.UUID
    name: str
    phone: str
    division_code: int
    reason: str
    where: str
    recorded_by: uuid.UUID
    recorded_at: datetime


@dataclass(frozen=True)
class SitePlan:
    """What the pack asks for a round's people beside the sites opened so far."""

    population: int
    needed: PointPlan
    sites: int
    tables: int
    samplers: int


@dataclass(frozen=True)
class SiteRow:
    """An open sampling site, who leads it, and what it has done so far."""

    id: uuid.UUID
    name: str
    division_code: int
    place: uuid.UUID | None
    post_title: str | None
    tables: int
    samplers: int
    tubes: int
    people: int


def rounds(*, by: Actor, incident: uuid.UUID | None = None, at: datetime | None = None) -> list[RoundRow]:
    """List the rounds that touch the actor's area as known at an instant, each with its account there."""
    return _rounds(by, at, incident=incident)


def round_row(round: uuid.UUID, *, by: Actor, at: datetime | None = None) -> RoundRow:
    """Return one round of `rounds`, or raise `RoundUnknown`."""
    found = _rounds(by, at, only=round)
    if not found:
        raise RoundUnknown("There is no such round in your area: choose one from the list.")
    return found[0]


def _rounds(
    by: Actor, at: datetime | None, incident: uuid.UUID | None = None, only: uuid.UUID | None = None
) -> list[RoundRow]:
    params = _params(by, [], at) | {"incident": incident, "only": only}
    rows = _rows(by, ROUNDS.format(name=UNIT_NAME.format(code="r.area_code")), params)
    counted = _accounts(by, [row[0] for row in rows], "round", at)
    return [RoundRow(*[*row, counted.get(row[0], NOBODY)]) for row in rows]


def accounted(round: uuid.UUID, *, by: Actor, at: datetime | None = None, within: CodeRange | None = None) -> Account:
    """Account for everybody in a round as known at an instant: found, reasoned, missing; `round_people` lists them."""
    return _accounts(by, [round], "round", at, within).get(round, NOBODY)


def coverage(
    round: uuid.UUID, *, by: Actor, digits: int = DIGITS, at: datetime | None = None, within: CodeRange | None = None
) -> list[UnitCoverage]:
    """List the account of each unit of a round: ``digits`` 15 for grids, 12 for villages, 9 for townships."""
    step = 10 ** (DIGITS - digits)
    counted = _accounts(by, [round], f"division_code / {step} * {step}", at, within)
    names = unit_names(by, list(counted), at)
    return [UnitCoverage(code, names.get(code), counted[code]) for code in sorted(counted)]


def _accounts(
    by: Actor, rounds: Sequence[uuid.UUID], key: str, at: datetime | None, within: CodeRange | None = None
) -> dict[Any, Account]:
    statement = f"""
    {STANDING} SELECT {key}, count(*) FILTER (WHERE NOT added), count(*) FILTER (WHERE added),
        count(*) FILTER (WHERE standing = 'sampled'), count(*) FILTER (WHERE standing = 'excluded'),
        count(*) FILTER (WHERE standing = 'missing')
    FROM standing GROUP BY 1
    """  # noqa: S608 - made of the constants above
    if not rounds:
        return {}
    return {row[0]: Account(*row[1:]) for row in _rows(by, statement, _params(by, rounds, at, within))}


def unit_names(by: Actor, codes: Sequence[int], at: datetime | None = None) -> dict[int, str]:
    """Return the names that units bear on the day of an instant, by their 15-digit codes."""
    name = UNIT_NAME.format(code="unit.code")
    statement = f"SELECT unit.code, {name} FROM unnest(%(codes)s::bigint[]) AS unit (code)"  # noqa: S608
    return {code: name for code, name in _rows(by, statement, _params(by, [], at) | {"codes": list(codes)}) if name}


def round_people(
    round: uuid.UUID,
    *,
    by: Actor,
    standing: str = "",
    at: datetime | None = None,
    within: CodeRange | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[RoundPerson]:
    """List the people behind `accounted`: all of them, or those who stand as sampled, excluded or missing."""
    by.require(READ_ROUNDS)
    statement = f"""
    {STANDING} SELECT t.resident, (SELECT p.name FROM people_resident p WHERE p.id = t.resident), t.household,
        t.division_code, t.added, t.standing, t.reason, t.where
    FROM standing t WHERE %(standing)s IN ('', t.standing)
    ORDER BY t.division_code, t.household, t.resident LIMIT %(limit)s OFFSET %(offset)s
    """  # noqa: S608
    params = _params(by, [round], at, within) | {"standing": standing, "limit": limit, "offset": offset}
    return [RoundPerson(*row) for row in _rows(by, statement, params)]


def missing(
    round: uuid.UUID,
    *,
    by: Actor,
    at: datetime | None = None,
    within: CodeRange | None = None,
    limit: int = 100,
    offset: int = 0,
) -> list[MissingPerson]:
    """List the missing of a round by grid and household, phone masked, with the responsible post and past visits."""
    by.require(READ_ROUNDS)
    statement = f"""
    {STANDING}, page AS (
        SELECT t.resident, t.household, t.division_code FROM standing t WHERE t.standing = 'missing'
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
    params = _params(by, [round], at, within) | {"limit": limit, "offset": offset}
    return [
        MissingPerson(*[*row[:4], _masked(row[4], params["county"]), *row[5:]]) for row in _rows(by, statement, params)
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
    return [MissingGrid(*row) for row in _rows(by, statement, _params(by, [round], at, within))]


def compare_rounds(
    first: uuid.UUID, second: uuid.UUID, *, by: Actor, digits: int = DIGITS, at: datetime | None = None
) -> list[UnitComparison]:
    """Set two rounds beside each other unit by unit; `missing_in_both` lists whom both missed."""
    step = 10 ** (DIGITS - digits)
    one, two = ({row.code: row for row in coverage(round, by=by, digits=digits, at=at)} for round in (first, second))
    both = dict(
        _rows(by, _MISSED_TWICE.format(select=f"division_code / {step} * {step}, count(*)", tail="GROUP BY 1"),
              _params(by, [first, second], at))
    )  # fmt: skip
    return [
        UnitComparison(
            code, (one.get(code) or two[code]).name, one[code].account if code in one else NOBODY,
            two[code].account if code in two else NOBODY, both.get(code, 0),
        )
        for code in sorted(one | two)
    ]  # fmt: skip


_MISSED_TWICE = f"""
{STANDING} SELECT {{select}} FROM (
    SELECT t.resident, min(t.division_code) AS division_code FROM standing t WHERE t.standing = 'missing'
    GROUP BY 1 HAVING count(*) = 2) AS missed {{tail}}
"""  # noqa: S608


def missing_in_both(first: uuid.UUID, second: uuid.UUID, *, by: Actor, at: datetime | None = None) -> list[uuid.UUID]:
    """List the residents of the actor's area who are missing in both rounds, by grid."""
    by.require(READ_ROUNDS)
    statement = _MISSED_TWICE.format(select="resident", tail="ORDER BY division_code, resident")
    return [row[0] for row in _rows(by, statement, _params(by, [first, second], at))]


def round_balance(
    round: uuid.UUID, *, by: Actor, at: datetime | None = None, within: CodeRange | None = None
) -> Balance:
    """Return the ledger's books of a round, computed from roster, samples and exclusions.

    Everybody on it is opened; sampled is done, excused waived, listed by mistake cancelled, missing outstanding.
    """
    statement = f"{STANDING} SELECT count(*) FROM standing WHERE standing = 'excluded' AND reason = ANY(%(mistakes)s)"  # noqa: S608
    params = _params(by, [round], at, within) | {"mistakes": list(MISTAKES)}
    return books(accounted(round, by=by, at=at, within=within), _rows(by, statement, params)[0][0])


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
    return [row[0] for row in _rows(by, statement, _params(by, [round], at))]


def recalls_to_make(round: uuid.UUID, *, by: Actor) -> list[RecallToMake]:
    """List the drawn exclusions of the actor's area that nobody has called back yet, with a masked phone."""
    by.require(READ_ROUNDS)
    statement = f"""
    SELECT e.id, e.resident, p.name, p.phone_cipher, e.division_code, e.reason, e.where, e.recorded_by, e.recorded_at
    {_TO_RECALL} ORDER BY e.division_code, e.id
    """
    params = _drawn(round, by)
    return [
        RecallToMake(*[*row[:3], _masked(row[3], params["county"]), *row[4:]]) for row in _rows(by, statement, params)
    ]


def count_recalls_to_make(round: uuid.UUID, *, by: Actor) -> int:
    """Count the exclusions of `recalls_to_make`."""
    return int(_rows(by, f"SELECT count(*) {_TO_RECALL}", _drawn(round, by))[0][0])


_TO_RECALL = """
FROM screening_exclusion e JOIN people_resident p ON p.id = e.resident
WHERE e.county = %(county)s AND e.round = ANY(%(rounds)s) AND e.id = ANY(%(drawn)s) AND e.withdrawn_at IS NULL
  AND e.division_code BETWEEN %(lo)s AND %(hi)s AND NOT EXISTS (
    SELECT 1 FROM screening_exclusionrecall c
    WHERE c.county = e.county AND c.round = e.round AND c.exclusion = e.id)
"""


def _drawn(round: uuid.UUID, by: Actor) -> dict[str, Any]:
    """Return the parameters of `_TO_RECALL`; the draw is over the whole county's exclusions, withdrawn ones too, so
    that it does not depend on who looks or when."""
    params = _params(by, [round], None)
    statement = "SELECT id, recorded_by FROM screening_exclusion WHERE county = %(county)s AND round = ANY(%(rounds)s)"
    return params | {"drawn": list(draw_recalls(dict(_rows(by, statement, params)), round))}


def propose_next_round(
    *, by: Actor, incident: uuid.UUID, area_code: int, pack: Pack, situation: str, on: date | None = None
) -> RoundProposal:
    """Return what the pack proposes for an area after its closed rounds, counted anew from the records; a person decides.

    A round counts as missing whoever is neither sampled nor excluded by now, and as positive the tubes that stand so.
    """
    closed = [row for row in rounds(by=by, incident=incident) if row.area_code == area_code and row.closed_at]
    positive = count_positive_tubes(by=by, rounds=[row.id for row in closed])
    facts = [
        RoundFacts(local_date(row.closed_at), row.account.missing, positive.get(row.id, 0))
        for row in closed
        if row.closed_at
    ]
    return round_proposal(pack, facts, situation=situation, on=on or local_date(response_now()))


def site_plan(round: uuid.UUID, *, by: Actor, pack: Pack) -> SitePlan:
    """Return the sampling sites, tables and samplers the pack asks for a round's people, beside those opened."""
    population = round_row(round, by=by).account.denominator
    sites = sampling_sites(round, by=by)
    return SitePlan(
        population, sizing(pack, population), len(sites), sum(s.tables for s in sites), sum(s.samplers for s in sites)
    )


def sampling_sites(round: uuid.UUID, *, by: Actor) -> list[SiteRow]:
    """List a round's open sampling sites in the actor's area, with the tubes and people registered at each."""
    statement = """
    SELECT s.id, s.name, s.division_code, s.place, p.title, s.tables, s.samplers, coalesce(t.tubes, 0),
           coalesce(t.people, 0)
    FROM screening_samplingsite s LEFT JOIN access_post p ON p.id = s.leader_post
    LEFT JOIN (SELECT site, count(*) AS tubes, sum(filled) AS people FROM specimens_tube
               WHERE county = %(county)s AND round = ANY(%(rounds)s) GROUP BY site) AS t ON t.site = s.id
    WHERE s.round_id = ANY(%(rounds)s) AND s.closed_at IS NULL AND s.division_code BETWEEN %(lo)s AND %(hi)s
    ORDER BY s.division_code, s.name
    """
    return [SiteRow(*row) for row in _rows(by, statement, _params(by, [round], None))]


def _masked(cipher: bytes | None, county: int) -> str:
    return mask_phone(county_cipher(county).open(bytes(cipher))) if cipher is not None else ""


def _params(
    by: Actor, rounds: Sequence[uuid.UUID], at: datetime | None, within: CodeRange | None = None
) -> dict[str, Any]:
    span, instant = within or by.scope, at or response_now()
    return {
        "county": county_in_view(by), "rounds": list(rounds), "at": instant, "on": local_date(instant),
        "lo": max(span.lo, by.scope.lo), "hi": min(span.hi, by.scope.hi),
    }  # fmt: skip


def _rows(by: Actor, statement: str, params: dict[str, Any]) -> list[Any]:
    wide = params["lo"] // 1000 != params["hi"] // 1000
    if not wide:
        statement = statement.replace(PROBE, "LIMIT 1")
    with acting(county_hand(by, params["county"])), planned_wide(wide), connection.cursor() as cursor:
        cursor.execute(statement, params)
        return cursor.fetchall()
