"""Writing sampling at home: ordered, not possible after all, brought up to date."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from django.db import connection

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting, read_rows
from lianfang.core.duties.actions import finish_duties, ledger_keeper, reconcile
from lianfang.core.duties.permissions import ROLL_DAY
from lianfang.core.duties.rules import Changes
from lianfang.kit.clock import response_now
from lianfang.response.sampling.duties import HOME_SAMPLING, SETTLED, home_samplings
from lianfang.response.sampling.models import HomeSampling, HomeSamplingAttempt
from lianfang.response.sampling.permissions import ORDER_HOME_SAMPLING, RECORD_HOME_SAMPLING
from lianfang.response.sampling.rules import HomeAttemptEntry, HomeEntry, HomeMember, judge_attempt, judge_home
from lianfang.response.screening.actions import PeopleReceipt, record_visits
from lianfang.response.screening.actions.records import round_of
from lianfang.response.screening.permissions import RECORD_VISITS
from lianfang.response.screening.queries import STANDING
from lianfang.response.screening.queries.standing import asked_of, fetched
from lianfang.response.screening.rules import PeopleRefused, RoundAlreadyClosed, VisitEntry, sort_out

MEMBERS = f"""
{STANDING}
SELECT t.resident, t.division_code, t.standing, o.id, o.number, o.number IS NOT NULL AND o.open, coalesce(o.attempts, 0)
FROM standing t
LEFT JOIN LATERAL (
    SELECT o.id, o.number,
           NOT EXISTS (SELECT 1 FROM sampling_homesamplingattempt a WHERE a.county = o.county AND a.round = o.round
                       AND a.home_sampling = o.id AND a.outcome = 'could_not') AS open,
           (SELECT count(*) FROM sampling_homesamplingattempt a WHERE a.county = o.county AND a.round = o.round
             AND a.home_sampling = o.id) AS attempts
    FROM sampling_homesampling o
    WHERE o.county = %(county)s AND o.round = t.round AND o.resident = t.resident ORDER BY o.number DESC LIMIT 1
) AS o ON true
WHERE t.resident = ANY(%(residents)s)
"""  # noqa: S608 - made of constants

ROUNDS = "SELECT DISTINCT round FROM sampling_homesampling WHERE county = %(county)s"

OPEN_DUTIES = f"""
SELECT subject, period FROM duties_duty WHERE county = %(county)s AND kind = '{HOME_SAMPLING}' AND state = 'outstanding'
   AND source = %(round)s AND subject = ANY(%(residents)s)
"""  # noqa: S608 - made of constants


EXPECTED = f"""
SELECT DISTINCT subject FROM duties_duty WHERE county = %(county)s AND kind = '{HOME_SAMPLING}' AND state = 'outstanding'
   AND subject = ANY(%(residents)s)
"""  # noqa: S608 - made of constants


def order_home_sampling(
    round: uuid.UUID,
    people: Sequence[HomeEntry],
    *,
    by: Actor,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    accept_good: bool = False,
) -> PeopleReceipt:
    """Order sampling at home for people of a round who cannot come; each becomes a duty of the samplers of their place.

    The same ids again change nothing. With anybody refused nothing is written and `PeopleRefused` is raised, unless
    ``accept_good``.
    """
    by.require(ORDER_HOME_SAMPLING)
    with acting(by):
        record = round_of(round, by)
        if record.closed_at is not None:
            raise RoundAlreadyClosed(
                f"{record.title} was signed off: who remained is visited; order it in the next round."
            )
        known = _known(HomeSampling, record.county, round, people)
        fresh = [one for one in people if one.id not in known]
        members = _members(round, by, [one.resident for one in fresh])
        good, refused = sort_out(fresh, lambda one: judge_home(members.get(one.resident)))
        if refused and not accept_good:
            raise PeopleRefused(refused)
        if good:
            HomeSampling.objects.bulk_create(
                HomeSampling(
                    county=record.county, round=round, division_code=members[one.resident].division_code,
                    number=members[one.resident].orders + 1, ordered_at=valid_at, recorded_at=response_now(),
                    recorded_by=by.account_id, **vars(one),
                )
                for one in good
            )  # fmt: skip
            record_audit(by, ORDER_HOME_SAMPLING, subject=("round", round), division_code=record.area_code,
                         count=len(good), command=cause)  # fmt: skip
            bring_home_samplings_up_to_date(by, record.county, valid_at, cause, [one.resident for one in good])
    return PeopleReceipt(len(people) - len(refused), tuple(refused))


def record_home_sampling(
    round: uuid.UUID,
    people: Sequence[HomeAttemptEntry],
    *,
    by: Actor,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    accept_good: bool = False,
) -> PeopleReceipt:
    """Record why samplings at home have not come about: an appointment becomes the next one, “could not” a visit.

    A sampling that came about is recorded by the sample itself. The same ids again change nothing; refusals as in
    `order_home_sampling`.
    """
    by.require(RECORD_HOME_SAMPLING)
    with acting(by):
        record = round_of(round, by)
        known = _known(HomeSamplingAttempt, record.county, round, people)
        fresh = [one for one in people if one.id not in known]
        members = _members(round, by, [one.resident for one in fresh])
        good, refused = sort_out(fresh, lambda one: judge_attempt(one, members.get(one.resident), valid_at))
        if refused and not accept_good:
            raise PeopleRefused(refused)
        if good:
            _insert_attempts(round, record.county, good, members, by, valid_at)
            _finish_attempted(round, record.county, good, by, valid_at, cause)
            record_audit(by, RECORD_HOME_SAMPLING, subject=("round", round), division_code=record.area_code,
                         count=len(good), command=cause)  # fmt: skip
            _hand_to_visits(round, good, by, valid_at, cause)
            bring_home_samplings_up_to_date(by, record.county, valid_at, cause, [one.resident for one in good])
    return PeopleReceipt(len(people) - len(refused), tuple(refused))


def _known(
    model: type[HomeSampling | HomeSamplingAttempt], county: int, round: uuid.UUID,
    people: Sequence[HomeEntry | HomeAttemptEntry],
) -> set[uuid.UUID]:  # fmt: skip
    ids = [one.id for one in people]
    return set(model.objects.filter(county=county, round=round, id__in=ids).values_list("id", flat=True))


def _members(round: uuid.UUID, by: Actor, residents: Sequence[uuid.UUID]) -> dict[uuid.UUID, HomeMember]:
    if not residents:
        return {}
    params = asked_of(by, [round], None) | {"residents": list(residents)}
    return {
        row[0]: HomeMember(row[1], row[2], row[3], row[4] or 0, row[5], row[6]) for row in fetched(by, MEMBERS, params)
    }


def _insert_attempts(
    round: uuid.UUID,
    county: int,
    people: Sequence[HomeAttemptEntry],
    members: Mapping[uuid.UUID, HomeMember],
    by: Actor,
    valid_at: datetime,
) -> None:
    HomeSamplingAttempt.objects.bulk_create(
        HomeSamplingAttempt(
            county=county, round=round, id=one.id, resident=one.resident, outcome=one.outcome, note=one.note.strip(),
            home_sampling=members[one.resident].standing_order, division_code=members[one.resident].division_code,
            attempt=members[one.resident].attempts + 1, visited_at=valid_at, recorded_at=response_now(),
            appointment_at=one.appointment_at if one.outcome == "appointment" else None, recorded_by=by.account_id,
        )
        for one in people
    )  # fmt: skip


def _finish_attempted(
    round: uuid.UUID,
    county: int,
    people: Sequence[HomeAttemptEntry],
    by: Actor,
    valid_at: datetime,
    cause: uuid.UUID | None,
) -> None:
    outcomes = {one.resident: one.outcome for one in people}
    with acting(ledger_keeper(by, county)), connection.cursor() as cursor:
        cursor.execute(OPEN_DUTIES, {"county": county, "round": round, "residents": list(outcomes)})
        keys = [(str(outcomes[subject]), (subject, period)) for subject, period in cursor.fetchall()]
    _finish(keys, by, county, valid_at, cause)


def _finish(
    keys: list[tuple[str, tuple[uuid.UUID, str]]], by: Actor, county: int, valid_at: datetime, cause: uuid.UUID | None
) -> None:
    for outcome, group in groupby(sorted(keys), key=itemgetter(0)):
        finish_duties(
            [key for _, key in group], kind=HOME_SAMPLING, by=by, county=county, outcome=outcome, valid_at=valid_at,
            cause=cause,
        )  # fmt: skip


def _hand_to_visits(
    round: uuid.UUID, people: Sequence[HomeAttemptEntry], by: Actor, valid_at: datetime, cause: uuid.UUID | None
) -> None:
    """Let whoever could not be sampled at home be visited again: the attempt was a visit that came to nothing."""
    visits = [
        VisitEntry(one.id, one.resident, "could_not", note=one.note) for one in people if one.outcome == "could_not"
    ]
    if visits:
        # the permission to record a sampling at home includes the visit that it was
        hand = replace(by, permissions=by.permissions | {RECORD_VISITS})
        record_visits(round, visits, by=hand, valid_at=valid_at, cause=cause)


def update_home_sampling(*, by: Actor, county: int, valid_at: datetime, cause: uuid.UUID | None = None) -> Changes:
    """End the samplings at home that a sample or exclusion has settled, in all rounds of a county.

    For whatever makes time pass; repeating it changes nothing.
    """
    by.require(ROLL_DAY)
    return bring_home_samplings_up_to_date(by, county, valid_at, cause)


def end_sampled_at_home(
    people: Sequence[uuid.UUID], *, by: Actor, county: int, valid_at: datetime, cause: uuid.UUID | None = None
) -> None:
    """End the samplings at home of people whose samples are being registered, in the same transaction."""
    with acting(ledger_keeper(by, county)):
        expected = read_rows(by, EXPECTED, {"county": county, "residents": list(people)})
    if expected:
        bring_home_samplings_up_to_date(by, county, valid_at, cause, [row[0] for row in expected])


def bring_home_samplings_up_to_date(
    by: Actor,
    county: int,
    valid_at: datetime,
    cause: uuid.UUID | None,
    residents: Sequence[uuid.UUID] | None = None,
) -> Changes:
    """End what a sample or exclusion has settled and reconcile the rest, of a county or of some people."""
    now, people = response_now(), None if residents is None else list(residents)
    # with the ledger's hand: a sample taken in one village ends a duty in another
    with acting(ledger_keeper(by, county)), connection.cursor() as cursor:
        cursor.execute(ROUNDS, {"county": county})
        rounds = [row[0] for row in cursor.fetchall()]
        cursor.execute(SETTLED, {"county": county, "at": now, "rounds": rounds, "residents": people})
        _finish(
            [(outcome, (subject, period)) for subject, period, outcome in cursor.fetchall()], by, county, valid_at, cause
        )  # fmt: skip
        return reconcile(home_samplings(now, rounds, people), by=by, county=county, valid_at=valid_at, cause=cause)
