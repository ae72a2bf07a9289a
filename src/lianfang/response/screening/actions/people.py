"""Writing who a round counts: found, excluded with a reason, called back by a second person."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import response_now
from lianfang.response.screening.actions.records import (
    PeopleReceipt,
    insert_exclusions,
    members_of,
    round_of,
    stamp,
    unwritten,
)
from lianfang.response.screening.actions.visits import bring_visits_up_to_date
from lianfang.response.screening.models import Round
from lianfang.response.screening.permissions import (
    EXCLUDE_PEOPLE,
    ORDER_VISITS,
    RECALL_EXCLUSIONS,
    RECORD_FOUND,
    RECORD_VISITS,
)
from lianfang.response.screening.rules import (
    ExclusionEntry,
    ExclusionNotYours,
    ExclusionUnknown,
    FoundEntry,
    PeopleRefused,
    RefusedPerson,
    SecondPersonNeeded,
    judge_exclusion,
    sort_out,
)
from lianfang.response.specimens.queries import SAMPLED_IN_ROUNDS
from lianfang.response.specimens.rules import county_hand

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


#: the same of some people only: a phone that sends after the sign-off
LATE_AT_TABLES = f"""
SELECT s.resident, 'sampled', NULL::bigint, min(s.site_code) FROM ({SAMPLED_IN_ROUNDS}) AS s
WHERE s.resident = ANY(%(residents)s) GROUP BY s.resident
"""  # noqa: S608 - made of constants


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
        record = round_of(round, by)
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
            bring_visits_up_to_date(by, record.county, valid_at, cause, fresh)
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
        cursor.execute(INSERT_FOUND.format(found=found), stamp(round, by, valid_at) | dict(params))
        return [row[0] for row in cursor.fetchall()]


def record_sampled_off_roster(
    round: uuid.UUID, *, by: Actor, valid_at: datetime, cause: uuid.UUID | None = None
) -> int:
    """Add everybody sampled in a round who is not on its roster as found, and return how many were new."""
    by.require(RECORD_FOUND)
    with acting(by):
        return add_sampled_off_roster(round_of(round, by), by, valid_at, cause)


def add_sampled_off_roster(round: Round, by: Actor, valid_at: datetime, cause: uuid.UUID | None) -> int:
    """Add whoever was sampled and is on no roster as found, and return how many were new."""
    return _count_found_at_tables(round, AT_TABLES, {}, by, valid_at, cause)


def add_sampled_late(
    rounds: Sequence[uuid.UUID], residents: Sequence[uuid.UUID], *, by: Actor, valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> int:  # fmt: skip
    """Add those of some people as found whose samples came after the sign-off and who are on no roster; the figure of
    the sign-off stays. Whoever registered the samples may do it: it follows from them."""
    with acting(by):
        return sum(
            _count_found_at_tables(round, LATE_AT_TABLES, {"residents": list(residents)}, by, valid_at, cause)
            for round in Round.objects.filter(id__in=rounds, closed_at__isnull=False)
        )


#: a batch under way while a round is signed off is written within this
UNDER_WAY = timedelta(minutes=10)


def add_sampled_meanwhile(*, by: Actor, county: int, valid_at: datetime, cause: uuid.UUID | None = None) -> int:
    """Add as found whoever was sampled off the roster by a batch that was being written while a round was signed off.

    For the worker's turn; repeating it changes nothing.
    """
    by.require(ORDER_VISITS)
    with acting(by):
        lately = Round.objects.filter(county=county, closed_recorded_at__gt=response_now() - UNDER_WAY)
        return sum(add_sampled_off_roster(round, by, valid_at, cause) for round in lately)


def _count_found_at_tables(
    round: Round, found: str, people: Mapping[str, Any], by: Actor, valid_at: datetime, cause: uuid.UUID | None
) -> int:
    # with the county's hand: somebody of another village may have been sampled at this round's tables
    with acting(county_hand(by, round.county)):
        fresh = _insert_found(round, found, by, valid_at, {"rounds": [round.id], "at": response_now(), **people})
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
        record = round_of(round, by)
        fresh = unwritten(people, "screening_exclusion", record)
        members = members_of(record, by, [entry.resident for entry in fresh])
        good, refused = sort_out(fresh, lambda entry: judge_exclusion(entry, members.get(entry.resident)))
        if refused and not accept_good:
            raise PeopleRefused(refused)
        if good:
            insert_exclusions(record, good, members, by, valid_at)
            record_audit(by, EXCLUDE_PEOPLE, subject=("round", round), division_code=record.area_code, count=len(good),
                         command=cause)  # fmt: skip
            bring_visits_up_to_date(by, record.county, valid_at, cause, [entry.resident for entry in good])
    return PeopleReceipt(len(people) - len(refused), tuple(refused))


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
        record = round_of(round, by)
        params = stamp(record, by, valid_at) | {"exclusion": exclusion, "confirmed": confirmed, "note": note}
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
        bring_visits_up_to_date(by, record.county, valid_at, cause, [resident])


def withdraw_exclusion(
    round: uuid.UUID,
    exclusion: uuid.UUID,
    *,
    by: Actor,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> None:
    """Take back an exclusion that one wrote oneself; the person is missing again and visited. Repeats change nothing.

    Raises `ExclusionUnknown` when there is none in the actor's area and `ExclusionNotYours` for somebody else's, which
    is called back instead.
    """
    by.require(EXCLUDE_PEOPLE if by.may(EXCLUDE_PEOPLE) else RECORD_VISITS)
    with acting(by), connection.cursor() as cursor:
        record = round_of(round, by)
        params = stamp(record, by, valid_at) | {"exclusion": exclusion}
        cursor.execute(
            "SELECT recorded_by, division_code, resident, withdrawn_at IS NULL FROM screening_exclusion"
            " WHERE county = %(county)s AND round = %(round)s AND id = %(exclusion)s FOR UPDATE",
            params,
        )
        row = cursor.fetchone()
        if row is None:
            raise ExclusionUnknown("There is no such exclusion in your area: refresh the list of those excluded.")
        writer, code, resident, stands = row
        if writer != by.account_id:
            raise ExclusionNotYours("Somebody else wrote this exclusion: have it called back if it is not true.")
        if not stands:
            return
        cursor.execute(WITHDRAW, params)
        record_audit(by, EXCLUDE_PEOPLE, subject=("exclusion", exclusion), division_code=code, withdrawn=True,
                     command=cause)  # fmt: skip
        bring_visits_up_to_date(by, record.county, valid_at, cause, [resident])


WITHDRAW = """
UPDATE screening_exclusion
SET withdrawn_at = %(valid_at)s, withdrawn_recorded_at = %(now)s, withdrawn_by = %(account)s
WHERE county = %(county)s AND round = %(round)s AND id = %(exclusion)s
"""


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
            cursor.execute(WITHDRAW, params)
