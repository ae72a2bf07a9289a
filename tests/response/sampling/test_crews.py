"""Crews and lanes of a site: who is needed, who is there, where somebody belongs."""

import uuid
from datetime import date

import pytest
from django.db import connection

from conftest import make_actor
from lianfang.core.access.actions import ADMINISTRATION, create_posts
from lianfang.core.access.rules import NewPost, NotPermitted
from lianfang.core.access.scope import acting
from lianfang.kit.clock import clock_at
from lianfang.kit.ids import new_id
from lianfang.response.cases.actions import determine_contacts, register_case
from lianfang.response.cases.permissions import PERMISSIONS
from lianfang.response.cases.rules import NewContact
from lianfang.response.sampling import permissions as may
from lianfang.response.sampling.actions import assign_crew, open_lanes, relieve_crew
from lianfang.response.sampling.queries import crew_candidates, crew_of, lane_for, lanes_of, site_of
from lianfang.response.sampling.rules import CrewEntry, CrewRefused, LaneEntry
from lianfang.response.workforce.models import Organisation, Responder
from making import make_resident
from response.sampling.site_making import GRID, NOON, VILLAGE, county_actor, opened, site, village_actor

pytestmark = pytest.mark.django_db


@pytest.fixture
def by():
    return county_actor()


@pytest.fixture
def round(by):
    make_resident(by=by, grid=GRID)
    return opened(by)


@pytest.fixture
def post(by, round):
    return site(by, round.id, tables=2, samplers=3)


def on_duty(by, name="王", **fields):
    with acting(by):
        hospital, _ = Organisation.objects.get_or_create(
            county=469021,
            name="县医院",
            defaults={
                "kind": "hospital",
                "level": "county",
                "division_code": VILLAGE,
                "recorded_at": NOON,
                "account": by.account_id,
            },
        )
        return Responder.objects.create(
            county=469021, name=name, kind="medic", organisation=hospital, division_code=VILLAGE, present_code=VILLAGE,
            recorded_at=NOON, registered_by=by.account_id, **fields,
        ).id  # fmt: skip


def assigned(by, post, *entries, at=NOON):
    with clock_at(at):
        return assign_crew(post, entries, by=by, valid_at=at)


def lines(by, post):
    return {line.function: (line.needed, len(line.members), line.missing) for line in crew_of(post, by=by)}


def test_a_site_needs_the_crew_of_its_tables_and_samplers(by, post):
    needed = {function: line[0] for function, line in lines(by, post).items()}
    assert needed == {
        "leader": 1, "registrar": 2, "sampler": 3, "order_keeper": 2, "disinfection": 1, "packer": 1, "courier": 1,
        "temperature": 1, "volunteer": 2,
    }  # fmt: skip


def test_people_and_posts_fill_it_and_who_is_missing_is_told(by, post):
    leader = NewPost("township", "community", "定城镇包点领导", by.scope)
    create_posts([leader], by=ADMINISTRATION)
    entries = [CrewEntry(new_id(), "sampler", responder=on_duty(by, name)) for name in "甲乙"]
    entries.append(CrewEntry(new_id(), "leader", post=leader.id))
    for _ in range(2):
        assert assigned(by, post, *entries) == len(entries)
    assert lines(by, post)["sampler"] == (3, 2, 1)
    assert {member.name for line in crew_of(post, by=by) for member in line.members} == {"甲", "乙", "定城镇包点领导"}


def test_a_post_does_a_function_once(by, post):
    leader = NewPost("township", "community", "定城镇包点领导", by.scope)
    create_posts([leader], by=ADMINISTRATION)
    assigned(by, post, CrewEntry(new_id(), "leader", post=leader.id))
    with pytest.raises(CrewRefused, match="does this here already"):
        assigned(by, post, CrewEntry(new_id(), "leader", post=leader.id))
    assert site_of(post, by=by).leader_title == "定城镇包点领导"


def test_who_could_do_a_function_is_listed_the_nearest_and_fit_first(by, round, post):
    near, away = on_duty(by, "乙"), on_duty(by, "甲")
    with acting(by):
        Responder.objects.filter(id=away).update(present_code=469021100001000)
    on_duty(by, "丙", protective=False)
    on_duty(by, "丁", rests_until=date(2022, 7, 15))
    busy = on_duty(by, "戊")
    assigned(by, site(by, round.id, "学校"), CrewEntry(new_id(), "sampler", responder=busy))
    with clock_at(NOON):
        assert [one.id for one in crew_candidates(post, "sampler", by=by)[1]] == [near, away]
        assert [one.name for one in crew_candidates(post, "registrar", by=by, name="丙")[1]] == ["丙"]
        assert [one.id for one in crew_candidates(post, "sampler", by=by, most=1)[1]] == [near]
        assert crew_candidates(post, "juggler", by=by) == ([], [])
        with pytest.raises(NotPermitted):
            crew_candidates(post, "sampler", by=village_actor(may.READ_SITES))


def test_nobody_stands_at_two_sites(by, round, post):
    person, other = on_duty(by), site(by, round.id, "学校")
    mine = CrewEntry(new_id(), "sampler", responder=person)
    assigned(by, post, mine)
    with pytest.raises(CrewRefused, match="works at 村委会"):
        assigned(by, other, CrewEntry(new_id(), "sampler", responder=person))
    with clock_at(NOON):
        assert [relieve_crew(post, [mine.id], by=by, valid_at=NOON) for _ in range(2)] == [1, 0]
    assert assigned(by, other, CrewEntry(new_id(), "sampler", responder=person)) == 1
    assert lines(by, post)["sampler"][1] == 0


def test_who_may_not_wear_the_clothing_is_not_a_sampler(by, post):
    person = on_duty(by, protective=False)
    with pytest.raises(CrewRefused, match="protective clothing"):
        assigned(by, post, CrewEntry(new_id(), "sampler", responder=person))
    assert assigned(by, post, CrewEntry(new_id(), "registrar", responder=person)) == 1


def test_another_areas_people_are_not_taken(by, post):
    person = on_duty(county_actor())
    neighbour = make_actor(may.ASSIGN_CREW, may.READ_SITES, scope="469021100", role="township", line="community")
    with pytest.raises(Exception, match="no such sampling site"):
        assigned(neighbour, post, CrewEntry(new_id(), "sampler", responder=person))
    with pytest.raises(CrewRefused, match="not on duty"):
        assigned(by, post, CrewEntry(new_id(), "sampler", responder=uuid.uuid4()))


def test_which_lane_somebody_belongs_to_is_told_and_not_why(by, post):
    person = make_resident(by=by, grid=GRID).id
    with clock_at(NOON):
        open_lanes(post, [LaneEntry("ordinary", 1), LaneEntry("symptomatic", 1)], by=by, valid_at=NOON)
        assert lanes_of(post, by=by) == {"ordinary": 1, "symptomatic": 1}
        plain, ill = lane_for(post, person, by=by), lane_for(post, person, by=by, symptoms=True)
        yellow = lane_for(post, person, by=by, code="yellow")
    assert (plain.lane, plain.mode, plain.pool) == ("ordinary", "pooled", 10)
    assert (ill.lane, ill.mode) == ("symptomatic", "single") and yellow.lane == "home"
    with acting(make_actor(line="audit")), connection.cursor() as cursor:
        cursor.execute("SELECT detail::text FROM access_auditentry WHERE verb = %s", [may.ASSIGN_LANE])
        assert len([row for row in cursor.fetchall() if "symptom" not in row[0]]) == 3


def test_a_close_contact_goes_to_a_lane_of_its_own(by, post):
    person = make_resident(by=by, grid=GRID).id
    contact_of(by, person)
    with clock_at(NOON):
        open_lanes(post, [LaneEntry("ordinary", 1), LaneEntry("yellow_code", 1)], by=by, valid_at=NOON)
        assert lane_for(post, person, by=by).lane == "yellow_code"
        assert lane_for(post, person, by=by).mode == "single"


def contact_of(by, person):
    """Make somebody a close contact, by the room of cases."""
    doctor = make_actor(*PERMISSIONS, role="epidemiologist", line="epidemiology")
    ill = make_resident(by=by, grid=GRID).id
    with clock_at(NOON):
        case = register_case(
            by=doctor, incident=uuid.UUID(int=5), resident=ill, protocol="covid19-cn-ed9", detected_by="fever_clinic",
            class_code="confirmed_case", severity="mild", reason="ill and positive", sampled_at=NOON, valid_at=NOON,
        )  # fmt: skip
        determine_contacts(
            by=doctor, incident=uuid.UUID(int=5), protocol="covid19-cn-ed9", division_code=GRID, valid_at=NOON,
            contacts=[NewContact(person, "close_contact", NOON, case=case.id, category="co_living")],
        )  # fmt: skip


def test_permissions(by, post):
    outsider = village_actor(may.READ_SITES)
    for act in (
        lambda: assigned(outsider, post, CrewEntry(new_id(), "leader", post=uuid.uuid4())),
        lambda: relieve_crew(post, [], by=outsider, valid_at=NOON),
        lambda: lane_for(post, uuid.uuid4(), by=outsider),
    ):
        with pytest.raises(NotPermitted):
            act()
