"""Sampling at home: proposed, ordered, done by a sample, or not possible and visited again."""

from datetime import date, timedelta

import pytest
from django.db import ProgrammingError, connection, transaction

from conftest import make_actor
from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.core.duties.queries import duties
from lianfang.core.people.models import Vulnerability
from lianfang.kit.clock import clock_at
from lianfang.kit.ids import new_id
from lianfang.response.command import permissions as command
from lianfang.response.command.actions import declare_incident
from lianfang.response.sampling import permissions as may
from lianfang.response.sampling.actions import order_home_sampling, record_home_sampling, update_home_sampling
from lianfang.response.sampling.queries import home_sampling_candidates, home_sampling_list
from lianfang.response.sampling.rules import HomeAttemptEntry, HomeEntry
from lianfang.response.screening.actions import close_round, exclude_people, update_visits
from lianfang.response.screening.rules import ExclusionEntry, PeopleRefused, RoundAlreadyClosed
from lianfang.response.specimens.rules import SampleEntry, TubeEntry
from lianfang.workflows import positive_pool
from lianfang.workflows.tick import tick
from making import appointed, make_resident
from response.sampling.site_making import GRID, NOON, county_actor, opened, sampled, site, village_actor

pytestmark = pytest.mark.django_db
COUNTY = 469021


def after(hours):
    return NOON + timedelta(hours=hours)


@pytest.fixture
def by():
    return county_actor()


@pytest.fixture
def people(by):
    return [make_resident(by=by, grid=GRID).id for _ in range(4)]


@pytest.fixture
def round(by, people):
    return opened(by)


def order(by, round, *people, reason="bedridden", at=NOON, **fields):
    entries = [HomeEntry(new_id(), one, reason) for one in people]
    with clock_at(at):
        return order_home_sampling(round.id, entries, by=by, valid_at=at, **fields)


def attempt(by, round, resident, outcome, at, **fields):
    with clock_at(at):
        return record_home_sampling(
            round.id, [HomeAttemptEntry(new_id(), resident, outcome, **fields)], by=by, valid_at=at
        )


def standing(by, state="outstanding", kind="home_sampling"):
    return [(d.subject, d.role, d.due_at, d.outcome) for d in duties(by=by, kind=kind, state=state)]


def test_an_order_is_a_duty_of_the_samplers_until_the_target(by, people, round):
    assert order(by, round, people[0]).people == 1
    assert standing(by) == [(people[0], "sampler", round.target_at, None)]


def test_the_same_order_again_changes_nothing(by, people, round):
    entry = HomeEntry(new_id(), people[0], "disabled")
    with clock_at(NOON):
        for _ in range(2):
            assert order_home_sampling(round.id, [entry], by=by, valid_at=NOON).people == 1
    assert len(standing(by)) == 1 and len(home_sampling_list(round.id, by=by)) == 1


def test_a_sample_is_the_end_of_it_wherever_it_was_taken(by, people, round):
    order(by, round, *people[:2])
    sampled(by, round.id, site(by, round.id), people[0], at=after(1))
    with clock_at(after(1)):
        for _ in range(2):
            update_home_sampling(by=by, county=COUNTY, valid_at=after(1))
    assert [row[0] for row in standing(by)] == [people[1]]
    assert [(row[0], row[3]) for row in standing(by, "done")] == [(people[0], "sampled")]
    assert {row.resident: row.state for row in home_sampling_list(round.id, by=by)} == {
        people[0]: "sampled", people[1]: "ordered"
    }  # fmt: skip


def test_a_sample_that_comes_in_by_a_command_ends_it_at_once(by, people, round):
    order(by, round, *people[:2])
    swab = SampleEntry(new_id(), people[0])
    tube = TubeEntry(
        new_id(), "T0000000000HOME", "single", 1, "area_screening", GRID, after(1), (swab,), round=round.id
    )
    with clock_at(after(1)):
        positive_pool.register_tubes([tube], by=by, valid_at=after(1))
    assert [row[0] for row in standing(by)] == [people[1]], "whoever was not sampled is still expected"
    assert [(row[0], row[3]) for row in standing(by, "done")] == [(people[0], "sampled")]


def test_time_passing_is_enough_to_end_it(by, people, round):
    order(by, round, people[0])
    sampled(by, round.id, site(by, round.id), people[0], at=after(1))
    hand = make_actor(*command.PERMISSIONS)
    with clock_at(NOON):
        declare_incident(
            by=hand, id=round.incident, division_code=COUNTY * 10**9, title_zh="测试疫情", title_en="a test outbreak",
            disease="covid19-cn", pack="covid19-cn-ed9", authority="county HQ", areas=(hand.scope,), valid_at=NOON,
        )  # fmt: skip
    tick(after(2))
    assert standing(by, "done")[0][3] == "sampled"


def test_an_exclusion_is_the_end_of_it_too(by, people, round):
    order(by, round, people[0])
    with clock_at(after(1)):
        exclude_people(round.id, [ExclusionEntry(new_id(), people[0], "medical")], by=by, valid_at=after(1))
        update_home_sampling(by=by, county=COUNTY, valid_at=after(1))
    assert standing(by) == [] and standing(by, "done")[0][3] == "excluded"


def test_an_appointment_becomes_the_next_sampling(by, people, round):
    order(by, round, people[0])
    attempt(by, round, people[0], "appointment", after(1), appointment_at=after(30))
    assert [row[2] > after(30) for row in standing(by)] == [True]
    assert standing(by, "done")[0][3] == "appointment"


def test_what_could_not_be_done_becomes_a_visit(by, people, round):
    order(by, round, people[0])
    attempt(by, round, people[0], "could_not", after(1), note="asleep after the night shift")
    assert standing(by) == [] and standing(by, "done")[0][3] == "could_not"
    with clock_at(round.visits_from):
        update_visits(by=by, county=COUNTY, valid_at=round.visits_from)
    assert people[0] in [row[0] for row in standing(by, kind="round_visit")]
    order(by, round, people[0], at=after(2))
    assert [row[0] for row in standing(by)] == [people[0]]


def test_the_same_attempt_again_changes_nothing(by, people, round):
    order(by, round, people[0])
    entry = HomeAttemptEntry(new_id(), people[0], "could_not", "nobody answers")
    with clock_at(after(1)):
        for _ in range(2):
            assert record_home_sampling(round.id, [entry], by=by, valid_at=after(1)).people == 1
    assert len(standing(by, "done")) == 1


def test_who_is_refused_is_told_why_and_nothing_is_written(by, people, round):
    order(by, round, people[0])
    stranger = make_resident(by=by, grid=GRID).id
    with pytest.raises(PeopleRefused) as refusal:
        order(by, round, people[0], people[1], stranger)
    assert {one.why for one in refusal.value.refused} == {"ordered", "not_on_roster"}
    assert len(standing(by)) == 1
    receipt = order(by, round, people[0], people[1], accept_good=True)
    assert receipt.people == 1 and len(standing(by)) == 2
    with pytest.raises(PeopleRefused, match="No sampling at home is open"):
        attempt(by, round, people[2], "could_not", after(1), note="x")


def test_sign_off_ends_what_is_open(by, people, round):
    order(by, round, people[0])
    with clock_at(after(1)):
        close_round(round.id, by=by, valid_at=after(1), accepted_by=appointed(by), accepted_title="township")
        update_home_sampling(by=by, county=COUNTY, valid_at=after(1))
    assert standing(by) == [] and standing(by, "cancelled")[0][0] == people[0]
    with pytest.raises(RoundAlreadyClosed):
        order(by, round, people[1], at=after(2))


def vulnerable(by, resident, kind):
    with acting(by):
        Vulnerability.objects.create(
            county=COUNTY, resident=resident, division_code=GRID, kind=kind, since=date(2022, 1, 1)
        )


def test_candidates_are_who_may_not_be_able_to_come(by, round):
    old = make_resident(by=by, grid=GRID, birth_date=date(1940, 7, 14)).id
    younger = make_resident(by=by, grid=GRID, birth_date=date(1950, 1, 1)).id
    bed, pregnant = (make_resident(by=by, grid=GRID).id for _ in range(2))
    for one, kind in ((old, "lives_alone_70"), (younger, "lives_alone_70"), (bed, "bedridden"), (pregnant, "pregnant")):
        vulnerable(by, one, kind)
    second = opened(by, title="second")
    with clock_at(NOON):
        found = {one.resident: one.reason for one in home_sampling_candidates(second.id, by=by)}
    assert found == {old: "over_80_alone", bed: "bedridden"}
    order(by, second, bed)
    with clock_at(NOON):
        assert [one.resident for one in home_sampling_candidates(second.id, by=by)] == [old]


def test_a_look_at_candidates_is_logged_and_permitted(by, people, round):
    vulnerable(by, people[0], "disabled")
    with clock_at(NOON):
        assert len(home_sampling_candidates(round.id, by=village_actor())) == 1
        with acting(make_actor(line="audit")), connection.cursor() as cursor:
            cursor.execute("SELECT count FROM access_auditentry WHERE verb = %s", [may.READ_CANDIDATES])
            assert cursor.fetchall() == [(1,)]
        with pytest.raises(NotPermitted):
            home_sampling_candidates(round.id, by=village_actor(may.READ_SITES))


def test_a_look_at_who_is_sampled_at_home_and_why_is_logged(by, people, round):
    order(by, round, *people[:2])
    with clock_at(NOON):
        home_sampling_list(round.id, by=village_actor())
    with acting(make_actor(line="audit")), connection.cursor() as cursor:
        cursor.execute("SELECT count FROM access_auditentry WHERE verb = 'sampling.list_home_sampling'")
        assert cursor.fetchall() == [(2,)]


def test_permissions(by, people, round):
    outsider = village_actor(may.READ_SITES)
    with pytest.raises(NotPermitted):
        order(outsider, round, people[0])
    with pytest.raises(NotPermitted):
        attempt(outsider, round, people[0], "could_not", NOON, note="x")
    with pytest.raises(NotPermitted):
        home_sampling_list(round.id, by=outsider)
    with pytest.raises(NotPermitted):
        update_home_sampling(by=outsider, county=COUNTY, valid_at=NOON)


def test_orders_are_seen_where_the_person_lives_and_never_changed(by, people, round):
    order(by, round, people[0])
    elsewhere = village_actor()
    with acting(elsewhere), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sampling_homesampling")
        assert cursor.fetchone() == (1,)
    with acting(by), connection.cursor() as cursor, pytest.raises(ProgrammingError), transaction.atomic():
        cursor.execute("UPDATE sampling_homesampling SET reason = 'unable'")
