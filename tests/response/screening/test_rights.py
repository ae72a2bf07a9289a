"""A missed test opens a visit and touches nothing else: no service, no code, no order, no register."""

from datetime import timedelta

import pytest
from django.db import connection

from conftest import make_actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.queries import duties
from lianfang.kit.clock import clock_at
from lianfang.kit.codes import CodeRange
from lianfang.kit.ids import new_id
from lianfang.response.screening import actions, queries
from lianfang.response.screening.rules import (
    ExclusionEntry,
    ExclusionNotYours,
    ExclusionUnknown,
    SecondPersonNeeded,
    VisitEntry,
)
from making import appointed, make_resident
from response.screening.round_making import GRID, NOON, VILLAGE, county_actor, opened, sample, village_actor

pytestmark = pytest.mark.django_db

TARGET = NOON + timedelta(hours=24)
#: where a missed test may leave a trace: the round itself, the visit as a duty with its log, and the audit of the work
TOUCHED = {
    "screening_visitassignment", "screening_visit", "screening_exclusion", "screening_exclusionrecall",
    "screening_missingentry", "screening_round", "duties_duty", "duties_transition", "access_auditentry",
}  # fmt: skip


@pytest.fixture(autouse=True)
def noon():
    with clock_at(NOON):
        yield


@pytest.fixture
def county():
    return county_actor()


@pytest.fixture
def people(county):
    return [make_resident(by=county, grid=GRID).id for _ in range(5)]


def contents(by):
    """What every table holds, as a digest of its rows."""
    with acting(by), connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        names = [name for (name,) in cursor.fetchall()]
        found = {}
        for name in names:
            cursor.execute("SELECT has_table_privilege(current_user, %s, 'SELECT')", [name])
            if cursor.fetchone()[0]:
                cursor.execute(
                    f"SELECT md5(coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '')) FROM \"{name}\" t"
                )
                found[name] = cursor.fetchone()[0]
        return found


def test_a_missed_test_opens_a_visit_and_nothing_else_changes(county, people):
    round = opened(county)
    sample(county, round.id, people[0])
    township, before = appointed(), contents(county)
    later, worker = TARGET + timedelta(hours=2), village_actor()
    with clock_at(later):
        actions.order_visits(round.id, by=county, within=CodeRange(VILLAGE, VILLAGE + 999), valid_at=later)
        assert {duty.subject for duty in duties(by=county, kind="round_visit")} == set(people[1:])
        visits = [
            VisitEntry(new_id(), people[1], "could_not", note="nobody home"),
            VisitEntry(new_id(), people[2], "excluded", "away", "Haikou"),
        ]
        actions.record_visits(round.id, visits, by=worker, valid_at=later)
        actions.record_recall(round.id, visits[1].id, by=county, confirmed=False, valid_at=later)
        actions.close_round(round.id, by=county, valid_at=later, accepted_by=township, accepted_title="township")
    after = contents(county)
    changed = {name for name in before if before[name] != after[name]}
    assert {"screening_visit", "duties_duty", "screening_missingentry"} <= changed <= TOUCHED
    assert {"people_resident", "quarantine_order", "zones_zone", "cases_case", "duties_dutykind"} <= set(before)
    kinds = {duty.kind for state in ("outstanding", "done") for duty in duties(by=county, state=state)}
    assert kinds == {"round_visit"}


def excluded(by, round, resident):
    entry = ExclusionEntry(new_id(), resident, "away", "Haikou")
    actions.exclude_people(round, [entry], by=by, valid_at=NOON)
    return entry.id


def test_whoever_wrote_an_exclusion_takes_it_back_and_the_person_is_missing_again(county, people):
    round, worker = opened(county), village_actor()
    exclusion = excluded(worker, round.id, people[0])
    assert queries.accounted(round.id, by=county).missing == 4
    for _ in range(2):
        actions.withdraw_exclusion(round.id, exclusion, by=worker, valid_at=NOON)
    assert queries.accounted(round.id, by=county).missing == 5
    assert queries.recalls_to_make(round.id, by=county) == []
    assert excluded(worker, round.id, people[0]) != exclusion


def test_somebody_elses_exclusion_is_called_back_and_not_taken_back(county, people):
    round, worker = opened(county), village_actor()
    exclusion = excluded(worker, round.id, people[0])
    with pytest.raises(ExclusionNotYours, match="called back"):
        actions.withdraw_exclusion(round.id, exclusion, by=county, valid_at=NOON)
    with pytest.raises(ExclusionUnknown):
        actions.withdraw_exclusion(round.id, new_id(), by=county, valid_at=NOON)
    with pytest.raises(SecondPersonNeeded):
        actions.record_recall(round.id, exclusion, by=worker, confirmed=True, valid_at=NOON)
    assert queries.accounted(round.id, by=county).missing == 4


def test_taking_back_is_audited(county, people):
    round = opened(county)
    exclusion = excluded(county, round.id, people[0])
    actions.withdraw_exclusion(round.id, exclusion, by=county, valid_at=NOON)
    with acting(make_actor(line="audit")), connection.cursor() as cursor:
        cursor.execute("SELECT subject_id FROM access_auditentry WHERE detail ->> 'withdrawn' = 'true'")
        assert cursor.fetchall() == [(exclusion,)]
