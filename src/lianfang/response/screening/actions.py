"""Writing rounds: open and freeze, found and excluded people, call-backs, visits, sign-off, the decision after it."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Max

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import finish_duties, ledger_keeper, reconcile
from lianfang.core.duties.rules import Changes
from lianfang.engines.protocol import clock, load_pack, round_target
from lianfang.kit.clock import local_date, response_now
from lianfang.kit.codes import CodeRange, county_of
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Refusal
from lianfang.response.screening import queries
from lianfang.response.screening.duties import ROUND_VISIT, SETTLED, visits
from lianfang.response.screening.models import Round, RoundArea, RoundDecision, SamplingSite, VisitAssignment
from lianfang.response.screening.permissions import (
    CLOSE_ROUND,
    DECIDE_ROUND,
    EXCLUDE_PEOPLE,
    OPEN_ROUND,
    OPEN_SITES,
    ORDER_VISITS,
    RECALL_EXCLUSIONS,
    RECORD_FOUND,
    RECORD_VISITS,
)
from lianfang.response.screening.rules import (
    Account,
    AreaEntry,
    AreaPlan,
    Entry,
    ExclusionEntry,
    ExclusionUnknown,
    FoundEntry,
    Member,
    PeopleRefused,
    RefusedPerson,
    RemainderNotAccepted,
    RosterEmpty,
    RoundAlreadyClosed,
    RoundNumberTaken,
    RoundUnknown,
    SecondPersonNeeded,
    SiteEntry,
    VisitEntry,
    check_areas,
    exclusion_of,
    judge_exclusion,
    judge_visit,
    plan_areas,
    sort_out,
    visits_from,
)
from lianfang.response.specimens.queries import SAMPLED_IN_ROUNDS
from lianfang.response.specimens.rules import county_hand

# Whoever lives in the scope, wherever they are now (who is away is excluded with a reason, not forgotten), and whoever
# stays in it and lives elsewhere.
FREEZE = """
INSERT INTO screening_rosterentry (county, round, resident, division_code, household)
SELECT %(county)s, %(round)s, r.id, r.division_code, r.household
FROM people_resident r JOIN unnest(%(los)s::bigint[], %(his)s::bigint[]) AS area (lo, hi)
  ON r.division_code BETWEEN area.lo AND area.hi
WHERE r.merged_into IS NULL
UNION ALL
SELECT %(county)s, %(round)s, r.id, r.present_code, r.household
FROM people_resident r JOIN unnest(%(los)s::bigint[], %(his)s::bigint[]) AS area (lo, hi)
  ON r.present_code BETWEEN area.lo AND area.hi
WHERE r.present_code <> r.division_code AND r.merged_into IS NULL
  AND NOT EXISTS (SELECT 1 FROM unnest(%(los)s::bigint[], %(his)s::bigint[]) AS home (lo, hi)
                  WHERE r.division_code BETWEEN home.lo AND home.hi)
"""

# A person is placed where they were found; else where they live or stay inside the round; else at the sampling table.
INSERT_FOUND = """
INSERT INTO screening_foundentry (county, round, resident, division_code, household, reason, valid_at, recorded_at,
                                  recorded_by)
SELECT %(county)s, %(round)s, found.resident, coalesce(found.division_code, (
           SELECT home.code FROM (VALUES (1, r.division_code), (2, r.present_code)) AS home (rank, code)
           JOIN screening_roundarea a ON a.round_id = %(round)s AND home.code BETWEEN a.code_lo AND a.code_hi
           ORDER BY home.rank LIMIT 1), found.table_code, r.present_code),
       r.household, found.reason, %(valid_at)s, %(now)s, %(account)s
FROM ({found}) AS found (resident, reason, division_code, table_code) JOIN people_resident r ON r.id = found.resident
WHERE r.merged_into IS NULL AND NOT EXISTS (
    SELECT 1 FROM screening_rosterentry m
    WHERE m.county = %(county)s AND m.round = %(round)s AND m.resident = found.resident)
ON CONFLICT (county, round, resident) DO NOTHING
RETURNING resident
"""

SENT = """
SELECT sent.*, NULL::bigint FROM unnest(%(residents)s::uuid[], %(reasons)s::text[], %(codes)s::bigint[])
    AS sent (resident, reason, division_code)
"""

AT_TABLES = f"""
SELECT s.resident, 'sampled', NULL::bigint, min(s.site_code) FROM ({SAMPLED_IN_ROUNDS}) AS s GROUP BY s.resident
"""  # noqa: S608 - made of constants

MEMBERS = """
SELECT m.resident, m.division_code, e.id IS NOT NULL,
       (SELECT coalesce(max(v.attempt), 0) FROM screening_visit v
        WHERE v.county = %(county)s AND v.round = %(round)s AND v.resident = m.resident)
FROM (SELECT resident, division_code FROM screening_rosterentry
      WHERE county = %(county)s AND round = %(round)s AND resident = ANY(%(residents)s)
      UNION ALL
      SELECT resident, division_code FROM screening_foundentry
      WHERE county = %(county)s AND round = %(round)s AND resident = ANY(%(residents)s)) AS m
LEFT JOIN screening_exclusion e ON e.county = %(county)s AND e.round = %(round)s AND e.resident = m.resident
                                AND e.withdrawn_at IS NULL
"""

INSERT_EXCLUSIONS = """
INSERT INTO screening_exclusion (county, round, id, resident, division_code, reason, "where", valid_at, recorded_at,
                                 recorded_by)
SELECT %(county)s, %(round)s, id, resident, division_code, reason, place, %(valid_at)s, %(now)s, %(account)s
FROM unnest(%(ids)s::uuid[], %(residents)s::uuid[], %(codes)s::bigint[], %(reasons)s::text[], %(places)s::text[])
     AS sent (id, resident, division_code, reason, place)
"""

INSERT_VISITS = """
INSERT INTO screening_visit (county, round, id, resident, division_code, attempt, outcome, visited_at, appointment_at, note,
                             recorded_at, recorded_by)
SELECT %(county)s, %(round)s, id, resident, division_code, attempt, outcome, %(valid_at)s, appointment_at, note, %(now)s,
       %(account)s
FROM unnest(%(ids)s::uuid[], %(residents)s::uuid[], %(codes)s::bigint[], %(attempts)s::int[], %(outcomes)s::text[],
            %(appointments)s::timestamptz[], %(notes)s::text[])
     AS sent (id, resident, division_code, attempt, outcome, appointment_at, note)
"""

OPEN_VISITS = f"""
SELECT subject, period FROM duties_duty WHERE county = %(county)s AND kind = '{ROUND_VISIT}' AND state = 'outstanding'
   AND source = %(round)s AND subject = ANY(%(residents)s)
"""  # noqa: S608 - made of constants

REMAINDER = f"""
INSERT INTO screening_missingentry (county, round, resident, division_code)
{queries.STANDING} SELECT %(county)s, t.round, t.resident, t.division_code FROM standing t WHERE t.standing = 'missing'
"""  # noqa: S608


@dataclass(frozen=True)
class PeopleReceipt:
    """How many people of a list stand in the records as it says, whether written now or before, and who was refused."""

    people: int
    refused: tuple[RefusedPerson, ...]


@dataclass(frozen=True)
class SignOff:
    """What a round was signed off with: the account, how many remain, and exclusions that nobody has called back yet."""

    round: uuid.UUID
    account: Account
    remaining: int
    recalls_outstanding: int


def open_round(
    *,
    by: Actor,
    incident: uuid.UUID,
    area_code: int,
    title: str,
    areas: Sequence[AreaEntry],
    pack: str,
    valid_at: datetime,
    overlays: Sequence[str] = (),
    number: int | None = None,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> Round:
    """Open a round: freeze its roster in one statement, set target, pool sizes and visits by the pack in force.

    Opening it again under the same id returns it as it stands. ``area_code`` is the unit its number counts in. Raises
    `RangesOverlap`, `RosterEmpty` or `RoundNumberTaken`.
    """
    ordered = check_areas(areas)
    for area in ordered:
        by.require(OPEN_ROUND, area.code_lo)
        by.require(OPEN_ROUND, area.code_hi)
    rules = load_pack(pack, overlays=overlays, on=local_date(valid_at))
    plans = plan_areas(rules, ordered)
    with acting(by):
        there = Round.objects.filter(id=id).first() if id else None
        if there is not None:
            return there
        round = Round(
            id=id or new_id(), county=county_of(ordered[0].code_lo), incident=incident, area_code=area_code, title=title,
            pack=pack, opened_at=valid_at, recorded_at=response_now(), recorded_by=by.account_id,
            visit_within=clock(rules, "door_visit"),
        )  # fmt: skip
        round.frozen = _freeze(round, ordered)
        round.target_at = valid_at + round_target(rules, round.frozen)
        round.visits_from = visits_from(valid_at, round.target_at, round.visit_within)
        _save_numbered(round, number, plans)
        record_audit(by, OPEN_ROUND, subject=("round", round.id), division_code=area_code, count=round.frozen,
                     number=round.number, pack=pack, command=cause)  # fmt: skip
    return round


def _freeze(round: Round, areas: Sequence[AreaEntry]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            FREEZE,
            {
                "county": round.county, "round": round.id, "los": [area.code_lo for area in areas],
                "his": [area.code_hi for area in areas],
            },
        )  # fmt: skip
        if not cursor.rowcount:
            raise RosterEmpty("Nobody is registered where this round is to be held: import the residents first.")
        return int(cursor.rowcount)


def _save_numbered(round: Round, number: int | None, plans: Sequence[AreaPlan]) -> None:
    former = Round.objects.filter(county=round.county, incident=round.incident, area_code=round.area_code)
    round.number = number or (former.aggregate(last=Max("number"))["last"] or 0) + 1
    try:
        with transaction.atomic():
            round.save(force_insert=True)
    except IntegrityError as clash:
        if "round_number_once" not in str(clash):
            raise
        raise RoundNumberTaken(
            f"Round {round.number} of {round.area_code} exists: leave the number out, or close that round."
        ) from clash
    RoundArea.objects.bulk_create(
        RoundArea(round=round, mode=plan.mode, pool=plan.pool, **vars(plan.area)) for plan in plans
    )


def record_found(
    round: uuid.UUID,
    people: Sequence[FoundEntry],
    *,
    by: Actor,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> PeopleReceipt:
    """Add people who are here and not on the roster; those on it, and those nobody has registered, are refused.

    The same people again give the same receipt. With anybody refused nothing is written and `PeopleRefused` raised.
    """
    by.require(RECORD_FOUND)
    for entry in people:
        by.require(RECORD_FOUND, entry.division_code)
    with acting(by):
        record = _round(round, by)
        refused = _refuse_found(record, people)
        if refused:
            raise PeopleRefused(refused)
        sent = {
            "residents": [entry.resident for entry in people], "reasons": [entry.reason for entry in people],
            "codes": [entry.division_code for entry in people],
        }  # fmt: skip
        fresh = _insert_found(record, SENT, by, valid_at, sent)
        if fresh:
            record_audit(by, RECORD_FOUND, subject=("round", round), division_code=record.area_code, count=len(fresh),
                         command=cause)  # fmt: skip
            _update_visits(by, record.county, valid_at, cause, fresh)
    return PeopleReceipt(len({entry.resident for entry in people}), ())


def _refuse_found(round: Round, people: Sequence[FoundEntry]) -> list[RefusedPerson]:
    residents = [entry.resident for entry in people]
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM people_resident WHERE id = ANY(%s) AND merged_into IS NULL", [residents])
        known = {row[0] for row in cursor.fetchall()}
        cursor.execute(
            "SELECT resident FROM screening_rosterentry WHERE county = %s AND round = %s AND resident = ANY(%s)",
            [round.county, round.id, residents],
        )
        frozen = {row[0] for row in cursor.fetchall()}
    unknown = "Nobody is registered under this id in your area: register the person first."
    listed = "This person is on the round's roster: sample them, nothing needs adding."
    return [RefusedPerson(resident, "unknown_person", unknown) for resident in residents if resident not in known] + [
        RefusedPerson(resident, "on_roster", listed) for resident in residents if resident in frozen
    ]


def _insert_found(
    round: Round, found: str, by: Actor, valid_at: datetime, params: Mapping[str, Any]
) -> list[uuid.UUID]:
    with connection.cursor() as cursor:
        cursor.execute(INSERT_FOUND.format(found=found), _stamp(round, by, valid_at) | dict(params))
        return [row[0] for row in cursor.fetchall()]


def record_sampled_off_roster(
    round: uuid.UUID, *, by: Actor, valid_at: datetime, cause: uuid.UUID | None = None
) -> int:
    """Add everybody sampled in a round who is not on its roster as found, and return how many were new."""
    by.require(RECORD_FOUND)
    with acting(by):
        return _add_sampled_off_roster(_round(round, by), by, valid_at, cause)


def _add_sampled_off_roster(round: Round, by: Actor, valid_at: datetime, cause: uuid.UUID | None) -> int:
    # with the county's hand: somebody of another village may have been sampled at this round's tables
    with acting(county_hand(by, round.county)):
        fresh = _insert_found(round, AT_TABLES, by, valid_at, {"rounds": [round.id], "at": response_now()})
        if fresh:
            record_audit(by, RECORD_FOUND, subject=("round", round.id), division_code=round.area_code, count=len(fresh),
                         command=cause)  # fmt: skip
    return len(fresh)


def exclude_people(
    round: uuid.UUID,
    people: Sequence[ExclusionEntry],
    *,
    by: Actor,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    accept_good: bool = False,
) -> PeopleReceipt:
    """Exclude people of the actor's area from a round, each with a reason; what is known by its id is a repeat.

    With anybody refused nothing is written and `PeopleRefused` is raised, unless ``accept_good``.
    """
    by.require(EXCLUDE_PEOPLE)
    with acting(by):
        record = _round(round, by)
        fresh = _unwritten(people, "screening_exclusion", record)
        members = _members(record, by, [entry.resident for entry in fresh])
        good, refused = sort_out(fresh, lambda entry: judge_exclusion(entry, members.get(entry.resident)))
        if refused and not accept_good:
            raise PeopleRefused(refused)
        if good:
            _insert_exclusions(record, good, members, by, valid_at)
            record_audit(by, EXCLUDE_PEOPLE, subject=("round", round), division_code=record.area_code, count=len(good),
                         command=cause)  # fmt: skip
            _update_visits(by, record.county, valid_at, cause, [entry.resident for entry in good])
    return PeopleReceipt(len(people) - len(refused), tuple(refused))


def _unwritten(people: Sequence[Entry], table: str, round: Round) -> list[Entry]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id FROM {table} WHERE county = %s AND round = %s AND id = ANY(%s)",  # noqa: S608 - a constant
            [round.county, round.id, [entry.id for entry in people]],
        )
        known = {row[0] for row in cursor.fetchall()}
    return [entry for entry in people if entry.id not in known]


def _members(round: Round, by: Actor, residents: Sequence[uuid.UUID]) -> dict[uuid.UUID, Member]:
    with connection.cursor() as cursor:
        cursor.execute(MEMBERS, {"county": round.county, "round": round.id, "residents": list(residents)})
        return {row[0]: Member(*row[1:]) for row in cursor.fetchall() if row[1] in by.scope}


def _insert_exclusions(
    round: Round, people: Sequence[ExclusionEntry], members: Mapping[uuid.UUID, Member], by: Actor, valid_at: datetime
) -> None:
    columns = {
        "ids": [entry.id for entry in people], "residents": [entry.resident for entry in people],
        "codes": [members[entry.resident].division_code for entry in people],
        "reasons": [entry.reason for entry in people], "places": [entry.where.strip() for entry in people],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(INSERT_EXCLUSIONS, _stamp(round, by, valid_at) | columns)


def record_recall(
    round: uuid.UUID,
    exclusion: uuid.UUID,
    *,
    by: Actor,
    confirmed: bool,
    valid_at: datetime,
    note: str = "",
    cause: uuid.UUID | None = None,
) -> None:
    """Record a second person's call about an exclusion; what is not confirmed is withdrawn and the person is missing again.

    Raises `SecondPersonNeeded` for whoever wrote it and `ExclusionUnknown` when none stands in the actor's area.
    """
    by.require(RECALL_EXCLUSIONS)
    with acting(by), connection.cursor() as cursor:
        record = _round(round, by)
        params = _stamp(record, by, valid_at) | {"exclusion": exclusion, "confirmed": confirmed, "note": note}
        cursor.execute(
            "SELECT recorded_by, division_code, resident FROM screening_exclusion WHERE county = %(county)s"
            " AND round = %(round)s AND id = %(exclusion)s AND withdrawn_at IS NULL FOR UPDATE",
            params,
        )
        row = cursor.fetchone()
        if row is None:
            raise ExclusionUnknown("No such exclusion stands in your area: refresh the list of call-backs.")
        writer, code, resident = row
        if writer == by.account_id:
            raise SecondPersonNeeded("You wrote this exclusion yourself: somebody else must call back.")
        _write_recall(params | {"code": code})
        record_audit(by, RECALL_EXCLUSIONS, subject=("exclusion", exclusion), division_code=code, confirmed=confirmed,
                     command=cause)  # fmt: skip
        _update_visits(by, record.county, valid_at, cause, [resident])


def _write_recall(params: Mapping[str, Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO screening_exclusionrecall (county, round, exclusion, division_code, confirmed, note, valid_at,
                                                   recorded_at, recorded_by)
            VALUES (%(county)s, %(round)s, %(exclusion)s, %(code)s, %(confirmed)s, %(note)s, %(valid_at)s, %(now)s,
                    %(account)s) ON CONFLICT (county, round, exclusion) DO NOTHING
            """,
            params,
        )
        if not params["confirmed"]:
            cursor.execute(
                """
                UPDATE screening_exclusion
                SET withdrawn_at = %(valid_at)s, withdrawn_recorded_at = %(now)s, withdrawn_by = %(account)s
                WHERE county = %(county)s AND round = %(round)s AND id = %(exclusion)s
                """,
                params,
            )


def order_visits(
    round: uuid.UUID,
    *,
    by: Actor,
    within: CodeRange,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> Changes:
    """Order visits to the missing of a range from now on, before the round nears its target."""
    by.require(ORDER_VISITS, within.lo)
    by.require(ORDER_VISITS, within.hi)
    with acting(by):
        record = _round(round, by)
        _, new = VisitAssignment.objects.get_or_create(
            id=id or new_id(),
            defaults={
                "county": record.county, "round": record, "code_lo": within.lo, "code_hi": within.hi,
                "called_at": valid_at, "recorded_at": response_now(), "recorded_by": by.account_id,
            },
        )  # fmt: skip
        if new:
            record_audit(by, ORDER_VISITS, subject=("round", round), division_code=within.lo, command=cause)
        return _update_visits(by, record.county, valid_at, cause)


def record_visits(
    round: uuid.UUID,
    people: Sequence[VisitEntry],
    *,
    by: Actor,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    accept_good: bool = False,
) -> PeopleReceipt:
    """Record what came of visits to the missing; whoever is still missing gets the next visit.

    With anything refused nothing is written and `PeopleRefused` is raised, unless ``accept_good``.
    """
    by.require(RECORD_VISITS)
    with acting(by):
        record = _round(round, by)
        fresh = _unwritten(people, "screening_visit", record)
        members = _members(record, by, [entry.resident for entry in fresh])
        good, refused = sort_out(fresh, lambda entry: judge_visit(entry, members.get(entry.resident), valid_at))
        if refused and not accept_good:
            raise PeopleRefused(refused)
        if good:
            _insert_visits(record, good, members, by, valid_at)
            exclusions = [exclusion for exclusion in map(exclusion_of, good) if exclusion]
            if exclusions:
                _insert_exclusions(record, exclusions, members, by, valid_at)
            _finish_visited(record, good, by, valid_at, cause)
            record_audit(by, RECORD_VISITS, subject=("round", round), division_code=record.area_code, count=len(good),
                         command=cause)  # fmt: skip
            _update_visits(by, record.county, valid_at, cause, [entry.resident for entry in good])
    return PeopleReceipt(len(people) - len(refused), tuple(refused))


def _insert_visits(
    round: Round, people: Sequence[VisitEntry], members: Mapping[uuid.UUID, Member], by: Actor, valid_at: datetime
) -> None:
    columns = {
        "ids": [entry.id for entry in people], "residents": [entry.resident for entry in people],
        "codes": [members[entry.resident].division_code for entry in people],
        "attempts": [members[entry.resident].visits + 1 for entry in people],
        "outcomes": [entry.outcome for entry in people],
        "appointments": [entry.appointment_at if entry.outcome == "appointment" else None for entry in people],
        "notes": [entry.note.strip() for entry in people],
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(INSERT_VISITS, _stamp(round, by, valid_at) | columns)


def _finish_visited(
    round: Round, people: Sequence[VisitEntry], by: Actor, valid_at: datetime, cause: uuid.UUID | None
) -> None:
    outcomes = {entry.resident: entry.outcome for entry in people}
    with acting(ledger_keeper(by, round.county)), connection.cursor() as cursor:
        cursor.execute(OPEN_VISITS, {"county": round.county, "round": round.id, "residents": list(outcomes)})
        keys = [(str(outcomes[subject]), (subject, period)) for subject, period in cursor.fetchall()]
    _finish(keys, by, round.county, valid_at, cause)


def _finish(
    keys: list[tuple[str, tuple[uuid.UUID, str]]], by: Actor, county: int, valid_at: datetime, cause: uuid.UUID | None
) -> int:
    finished = 0
    for outcome, group in groupby(sorted(keys), key=itemgetter(0)):
        finished += finish_duties(
            [key for _, key in group], kind=ROUND_VISIT, by=by, county=county, outcome=outcome, valid_at=valid_at,
            cause=cause,
        )  # fmt: skip
    return finished


def update_visits(*, by: Actor, county: int, valid_at: datetime, cause: uuid.UUID | None = None) -> Changes:
    """Bring the visits of all rounds of a county up to date: end those settled by a sample or exclusion, open what is due.

    For whatever makes time pass (the roll of the day, a worker's tick); repeating it changes nothing.
    """
    by.require(ORDER_VISITS)
    return _update_visits(by, county, valid_at, cause)


def _update_visits(
    by: Actor,
    county: int,
    valid_at: datetime,
    cause: uuid.UUID | None,
    residents: Sequence[uuid.UUID] | None = None,
) -> Changes:
    now = response_now()
    people = None if residents is None else list(residents)
    # with the ledger's hand: a sample taken in one village ends a visit in another
    with acting(ledger_keeper(by, county)), connection.cursor() as cursor:
        cursor.execute(SETTLED, {"county": county, "at": now, "residents": people})
        keys = [(outcome, (subject, period)) for subject, period, outcome in cursor.fetchall()]
        _finish(keys, by, county, valid_at, cause)
        return reconcile(visits(now, people), by=by, county=county, valid_at=valid_at, cause=cause)


def close_round(
    round: uuid.UUID,
    *,
    by: Actor,
    valid_at: datetime,
    accepted_by: uuid.UUID | None = None,
    accepted_title: str = "",
    cause: uuid.UUID | None = None,
) -> SignOff:
    """Sign a round off: list who remains, name the account that accepts it, and carry the remainder on as visits.

    Raises `RoundAlreadyClosed`, and `RemainderNotAccepted` when people remain and nobody is named.
    """
    with acting(by):
        record = Round.objects.select_for_update().filter(id=round).first() or _round(round, by)
        for area in record.areas.all():
            by.require(CLOSE_ROUND, area.code_lo)
            by.require(CLOSE_ROUND, area.code_hi)
        if record.closed_at is not None:
            raise RoundAlreadyClosed(
                f"{record.title} was signed off with {record.remaining} people remaining: open its page."
            )
        _add_sampled_off_roster(record, by, valid_at, cause)
        account = _county_account(record, by)
        if account.missing and (accepted_by is None or not accepted_title.strip()):
            raise RemainderNotAccepted(
                f"{account.missing} people are neither sampled nor excluded: name the post that accepts them, or go on."
            )
        _close(record, account, by, valid_at, accepted_by, accepted_title)
        record_audit(by, CLOSE_ROUND, subject=("round", round), division_code=record.area_code, count=account.everybody,
                     remaining=account.missing, accepted_by=accepted_by, command=cause)  # fmt: skip
        _update_visits(by, record.county, valid_at, cause)
        outstanding = queries.count_recalls_to_make(round, by=by)
    return SignOff(round, account, account.missing, outstanding)


def _county_account(round: Round, by: Actor) -> Account:
    """Account for everybody of the round, also those found outside the signing post's own area."""
    return queries.accounted(round.id, by=county_hand(by, round.county))


def _close(
    round: Round, account: Account, by: Actor, valid_at: datetime, accepted_by: uuid.UUID | None, accepted_title: str
) -> None:
    whole = county_hand(by, round.county)
    params: dict[str, Any] = {
        "county": round.county, "rounds": [round.id], "at": response_now(), "lo": whole.scope.lo, "hi": whole.scope.hi
    }  # fmt: skip
    with acting(whole), connection.cursor() as cursor:
        cursor.execute(REMAINDER, params)
        if cursor.rowcount != account.missing:
            raise Refusal("Samples came in while the round was signed off: look at the figures and sign again.")
    round.closed_at, round.closed_recorded_at, round.closed_by = valid_at, response_now(), by.account_id
    round.accepted_by = accepted_by if account.missing else None
    round.accepted_title = accepted_title.strip() if account.missing else ""
    round.remaining = account.missing
    round.save(force_update=True)


def decide_next_round(
    *,
    by: Actor,
    incident: uuid.UUID,
    area_code: int,
    pack: str,
    situation: str,
    decision: str,
    reason: str,
    valid_at: datetime,
    overlays: Sequence[str] = (),
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> RoundDecision:
    """Record what a person decides after the closed rounds, beside what the pack proposes from the records right now.

    A decision other than the proposal needs a reason. The same id again returns the decision as it stands.
    """
    by.require(DECIDE_ROUND, area_code)
    day: date = local_date(valid_at)
    with acting(by):
        there = RoundDecision.objects.filter(id=id).first() if id else None
        if there is not None:
            return there
        proposal = queries.propose_next_round(
            by=by, incident=incident, area_code=area_code, pack=load_pack(pack, overlays=overlays, on=day),
            situation=situation, on=day,
        )  # fmt: skip
        if decision != proposal.proposal and not reason.strip():
            raise Refusal(f"The pack proposes {proposal.proposal} ({proposal.sentence}) To decide otherwise, say why.")
        made = RoundDecision.objects.create(
            id=id or new_id(), county=county_of(area_code), incident=incident, area_code=area_code,
            proposal=proposal.proposal.value, not_before=proposal.not_before, rule=proposal.rule, why=proposal.sentence,
            decision=decision, reason=reason.strip(), decided_at=valid_at, recorded_at=response_now(),
            recorded_by=by.account_id,
        )  # fmt: skip
        record_audit(by, DECIDE_ROUND, subject=("round_decision", made.id), division_code=area_code,
                     proposal=made.proposal, decision=decision, command=cause)  # fmt: skip
        return made


def open_sites(
    round: uuid.UUID, sites: Sequence[SiteEntry], *, by: Actor, valid_at: datetime, cause: uuid.UUID | None = None
) -> int:
    """Open sampling sites for a round and return how many of these stand now; the same ids again change nothing."""
    for site in sites:
        by.require(OPEN_SITES, site.division_code)
    with acting(by):
        record = _round(round, by)
        if record.closed_at is not None:
            raise RoundAlreadyClosed(f"{record.title} was signed off: open sites for the next round.")
        SamplingSite.objects.bulk_create(
            [
                SamplingSite(
                    county=record.county, round=record, opened_at=valid_at, recorded_at=response_now(),
                    recorded_by=by.account_id, **vars(site),
                )
                for site in sites
            ],
            ignore_conflicts=True,
        )  # fmt: skip
        record_audit(by, OPEN_SITES, subject=("round", round), division_code=record.area_code, count=len(sites),
                     command=cause)  # fmt: skip
        return SamplingSite.objects.filter(id__in=[site.id for site in sites], round=record).count()


def _round(round: uuid.UUID, by: Actor) -> Round:
    record = Round.objects.filter(id=round, areas__code_lo__lte=by.scope.hi, areas__code_hi__gte=by.scope.lo).first()
    if record is None:
        raise RoundUnknown("There is no such round in your area: choose one from the list.")
    return record


def _stamp(round: Round, by: Actor, valid_at: datetime) -> dict[str, Any]:
    return {
        "county": round.county, "round": round.id, "valid_at": valid_at, "now": response_now(), "account": by.account_id
    }  # fmt: skip
