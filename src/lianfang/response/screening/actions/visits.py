"""Writing visits to the missing: ordered, recorded, brought up to date."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from django.db import connection

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting, planned_wide
from lianfang.core.duties.actions import finish_duties, ledger_keeper, reconcile
from lianfang.core.duties.rules import Changes
from lianfang.kit.clock import response_now
from lianfang.kit.codes import CodeRange
from lianfang.kit.ids import new_id
from lianfang.response.screening.actions.records import (
    PeopleReceipt,
    insert_exclusions,
    members_of,
    round_of,
    stamp,
    unwritten,
)
from lianfang.response.screening.duties import ROUND_VISIT, SETTLED, visits
from lianfang.response.screening.models import Round, VisitAssignment
from lianfang.response.screening.permissions import (
    ORDER_VISITS,
    RECORD_VISITS,
)
from lianfang.response.screening.rules import (
    Member,
    PeopleRefused,
    VisitEntry,
    exclusion_of,
    judge_visit,
    sort_out,
)

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
        record = round_of(round, by)
        _, new = VisitAssignment.objects.get_or_create(
            id=id or new_id(),
            defaults={
                "county": record.county, "round": record, "code_lo": within.lo, "code_hi": within.hi,
                "called_at": valid_at, "recorded_at": response_now(), "recorded_by": by.account_id,
            },
        )  # fmt: skip
        if new:
            record_audit(by, ORDER_VISITS, subject=("round", round), division_code=within.lo, command=cause)
        return bring_visits_up_to_date(by, record.county, valid_at, cause)


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
        record = round_of(round, by)
        fresh = unwritten(people, "screening_visit", record)
        members = members_of(record, by, [entry.resident for entry in fresh])
        good, refused = sort_out(fresh, lambda entry: judge_visit(entry, members.get(entry.resident), valid_at))
        if refused and not accept_good:
            raise PeopleRefused(refused)
        if good:
            _insert_visits(record, good, members, by, valid_at)
            exclusions = [exclusion for exclusion in map(exclusion_of, good) if exclusion]
            if exclusions:
                insert_exclusions(record, exclusions, members, by, valid_at)
            _finish_visited(record, good, by, valid_at, cause)
            record_audit(by, RECORD_VISITS, subject=("round", round), division_code=record.area_code, count=len(good),
                         command=cause)  # fmt: skip
            bring_visits_up_to_date(by, record.county, valid_at, cause, [entry.resident for entry in good])
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
        cursor.execute(INSERT_VISITS, stamp(round, by, valid_at) | columns)


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
    return bring_visits_up_to_date(by, county, valid_at, cause)


def bring_visits_up_to_date(
    by: Actor,
    county: int,
    valid_at: datetime,
    cause: uuid.UUID | None,
    residents: Sequence[uuid.UUID] | None = None,
) -> Changes:
    """End the visits that a sample or exclusion has settled and reconcile the rest, of a county or of some people."""
    now = response_now()
    people = None if residents is None else list(residents)
    # with the ledger's hand: a sample taken in one village ends a visit in another
    with acting(ledger_keeper(by, county)), planned_wide(people is None), connection.cursor() as cursor:
        cursor.execute(SETTLED, {"county": county, "at": now, "residents": people})
        keys = [(outcome, (subject, period)) for subject, period, outcome in cursor.fetchall()]
        _finish(keys, by, county, valid_at, cause)
        return reconcile(visits(now, people), by=by, county=county, valid_at=valid_at, cause=cause)
