"""Organisations, responders, teams, deployments and volunteers: written, refused, counted."""

import uuid
from datetime import date, timedelta

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from conftest import DINGAN, JIANGNAN, XINZHU, make_actor
from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.kit.clock import clock_at, local
from lianfang.kit.codes import code_range
from lianfang.kit.ids import derived_id
from lianfang.kit.refusals import Refusal
from lianfang.response.workforce import actions, queries
from lianfang.response.workforce.models import Deployment, Responder, VolunteerApplication
from lianfang.response.workforce.permissions import PERMISSIONS
from lianfang.response.workforce.queries import Sent
from lianfang.response.workforce.rules import (
    ApplicationAlreadyDecided,
    EntriesRefused,
    NewDeployment,
    NewOrganisation,
    NewResponder,
    NewTeam,
    NotOnTheRegister,
)

pytestmark = pytest.mark.django_db

COUNTY = DINGAN * 10**9
TOWN = 469021100 * 10**6
NOON = local("2022-07-13 12:00")
VILLAGE = XINZHU * 1000


@pytest.fixture(autouse=True)
def noon():
    with clock_at(NOON):
        yield


@pytest.fixture
def hq():
    return make_actor(*PERMISSIONS)


@pytest.fixture
def village():
    return make_actor(*PERMISSIONS, scope=str(XINZHU), role="village", line="community")


def organisation(hq, name="县教育局", kind="department", level="county", code=COUNTY):
    new = NewOrganisation(name, kind, level, code, id=derived_id("organisation", name))
    actions.register_organisations(by=hq, organisations=[new], valid_at=NOON)
    return new.id


def responders(hq, where, number, kind="cadre", **fields):
    new = [NewResponder(f"测试{n}", kind, where, **fields) for n in range(number)]
    assert actions.register_responders(by=hq, responders=new, valid_at=NOON) == number
    return [one.id for one in new]


def deploy(by, people, code=VILLAGE, kind="sent_down", at=NOON, until=None, line="community"):
    sent = [NewDeployment(one, code, kind, line, until) for one in people]
    assert actions.deploy(by=by, deployments=sent, reason="outbreak", authority="县委组织部", valid_at=at) == len(
        people
    )
    return [one.id for one in sent]


def audited(verb):
    with acting(make_actor(line="audit", role="auditor")), connection.cursor() as cursor:
        cursor.execute("SELECT count(*), sum(count) FROM access_auditentry WHERE verb = %s", [verb])
        return cursor.fetchone()


def test_registering_again_with_the_same_ids_adds_nothing(hq):
    new = [NewOrganisation("县教育局", "department", "county", COUNTY), NewOrganisation("新竹村委会", "village_committee", "village", VILLAGE)]  # fmt: skip
    assert actions.register_organisations(by=hq, organisations=new, valid_at=NOON) == 2
    assert actions.register_organisations(by=hq, organisations=new, valid_at=NOON) == 0
    assert audited("workforce.register_organisations") == (2, 2)
    people = [NewResponder("测试", "cadre", new[0].id)]
    assert actions.register_responders(by=hq, responders=people, valid_at=NOON) == 1
    assert actions.register_responders(by=hq, responders=people, valid_at=NOON) == 0


@pytest.mark.parametrize(
    ("new", "says"),
    [
        (NewOrganisation("甲", "circus", "county", COUNTY), "entry 1: “甲”: kind “circus” is unknown"),
        (NewOrganisation("甲", "department", "moon", COUNTY), "level “moon” is unknown"),
        (NewOrganisation("县教育局", "department", "county", COUNTY), "registered already"),
        (NewOrganisation("甲", "department", "county", COUNTY, parent=uuid.UUID(int=7)), "the organisation above it"),
    ],
)
def test_organisations_that_cannot_be_taken_are_named(hq, new, says):
    organisation(hq)
    with pytest.raises(EntriesRefused, match=says):
        actions.register_organisations(by=hq, organisations=[new], valid_at=NOON)


def test_a_village_registers_nobody_elsewhere(hq, village):
    with pytest.raises(NotPermitted):
        organisation(village)
    office = organisation(hq)
    with pytest.raises(NotPermitted):
        actions.register_responders(by=village, responders=[NewResponder("测试", "cadre", office)], valid_at=NOON)


def test_people_of_unknown_organisations_and_kinds_are_refused_together(hq):
    office = organisation(hq)
    new = [
        NewResponder("甲", "cadre", office),
        NewResponder("乙", "wizard", office),
        NewResponder("丙", "cadre", uuid.uuid4()),
    ]
    with pytest.raises(EntriesRefused, match=r"2 of 3 entries.*entry 2: “乙”.*entry 3: “丙”"):
        actions.register_responders(by=hq, responders=new, valid_at=NOON)
    with acting(hq):
        assert Responder.objects.count() == 0


def test_a_team_from_another_county_is_hosted_by_whoever_registers_it(hq):
    team = organisation(hq, "海口医疗队", "medical_team", "prefecture", 460105 * 10**9)
    [medic] = responders(hq, team, 1, kind="medic")
    with acting(hq):
        assert Responder.objects.get(id=medic).division_code == COUNTY
    deploy(hq, [medic], kind="support")
    [row] = queries.supporting_organisations(by=hq, within=code_range(str(XINZHU)))
    assert (row.name, row.persons) == ("海口医疗队", 1)


def test_the_person_deployed_becomes_visible_where_they_go_and_vanishes_when_called_back(hq, village):
    people = responders(hq, organisation(hq), 3)
    sent = deploy(hq, people[:2])
    with acting(village):
        assert set(Responder.objects.values_list("id", flat=True)) == set(people[:2])
    assert {row.name for row in queries.deployments(by=village)} == {"测试0", "测试1"}
    later = NOON + timedelta(days=1)
    assert actions.end_deployments(by=village, deployments=sent, reason="relieved", valid_at=later) == 2
    assert actions.end_deployments(by=village, deployments=sent, reason="relieved", valid_at=later) == 0
    with acting(village):
        assert Responder.objects.count() == 0
    assert queries.deployed_counts(by=hq, sent=Sent(until=NOON)).persons == 2
    assert queries.deployed_counts(by=hq, sent=Sent(until=later)).persons == 0
    assert queries.deployed_counts(by=hq, sent=Sent(since=NOON, until=later)).persons == 2


def test_nobody_is_sent_twice_for_the_same_work(hq):
    people = responders(hq, organisation(hq), 1)
    deploy(hq, people)
    with pytest.raises(EntriesRefused, match="is there for “community” already"):
        deploy(hq, people, at=NOON + timedelta(hours=1))


def test_somebody_sent_on_is_where_they_were_sent_last(hq):
    people = responders(hq, organisation(hq), 1)
    first = deploy(hq, people)
    deploy(hq, people, code=JIANGNAN * 1000, at=NOON + timedelta(hours=1))
    with acting(hq):
        assert Responder.objects.get(id=people[0]).present_code == JIANGNAN * 1000
    actions.end_deployments(by=hq, deployments=first, reason="done", valid_at=NOON + timedelta(hours=2))
    with acting(hq):
        assert Responder.objects.get(id=people[0]).present_code == JIANGNAN * 1000


def test_persons_and_organisations_are_counted_once_and_the_list_is_behind_the_count(hq):
    committees = [organisation(hq, f"{n}村委会", "village_committee", "village", 469021101000000 + (202 + n) * 1000) for n in range(6)]  # fmt: skip
    people = [one for where in committees for one in responders(hq, where, 2, kind="village_cadre")]
    deploy(hq, people, kind="support")
    deploy(hq, people[:3], kind="support", line="testing")
    own = organisation(hq, "新竹村委会", "village_committee", "village", VILLAGE)
    deploy(hq, responders(hq, own, 4, kind="village_cadre"), kind="in_place")
    deploy(hq, responders(hq, organisation(hq), 5))
    supporting = Sent(kinds=("support",), organisation_kinds=("village_committee",))
    rows = queries.supporting_organisations(by=hq, within=code_range(str(XINZHU)), sent=supporting)
    assert [row.persons for row in rows] == [2] * 6
    counts = queries.deployed_counts(by=hq, sent=Sent(within=code_range(str(XINZHU))))
    assert (counts.persons, counts.organisations, counts.deployments) == (21, 8, 24)
    listed = queries.deployments(by=hq, sent=Sent(within=code_range(str(XINZHU))))
    assert (len({row.responder for row in listed}), len(listed)) == (21, 24)
    assert queries.deployed_counts(by=hq, sent=Sent(levels=("county",), responder_kinds=("cadre",))).persons == 5
    assert queries.deployed_counts(by=hq, sent=Sent(line="testing")).persons == 3
    with acting(hq):
        Deployment.objects.filter(organisation=committees[0]).delete()
    assert len(queries.supporting_organisations(by=hq, within=code_range(str(XINZHU)), sent=supporting)) == 5


def test_nobody_too_young_resting_or_unknown_is_sent(hq, village):
    office = organisation(hq)
    [young] = responders(hq, office, 1, kind="student", birth_year=2005)
    [tired] = responders(hq, office, 1)
    actions.rest_responder(by=hq, responder=tired, until=date(2022, 7, 20), valid_at=NOON)
    sent = [NewDeployment(one, VILLAGE, "sent_down", "community") for one in (young, tired, uuid.uuid4())]
    sent.append(NewDeployment(tired, VILLAGE, "sent_up", "community"))
    with pytest.raises(EntriesRefused, match=r"4 of 4.*not surely 18.*rests until 2022-07-20.*not on duty in your area.*“sent_up”"):  # fmt: skip
        actions.deploy(by=hq, deployments=sent, reason="r", authority="a", valid_at=NOON)
    with pytest.raises(Refusal, match="fill in both"):
        actions.deploy(by=hq, deployments=[], reason="r", authority=" ", valid_at=NOON)
    with pytest.raises(EntriesRefused, match="leave before coming"):
        actions.deploy(by=hq, deployments=[NewDeployment(tired, VILLAGE, "support", "x", NOON)], reason="r", authority="a", valid_at=NOON)  # fmt: skip
    with pytest.raises(NotPermitted):
        actions.deploy(by=village, deployments=[NewDeployment(tired, JIANGNAN * 1000, "support", "x")], reason="r", authority="a", valid_at=NOON)  # fmt: skip
    with pytest.raises(NotOnTheRegister):
        actions.rest_responder(by=village, responder=tired, until=date(2022, 7, 20), valid_at=NOON)
    with pytest.raises(Refusal, match="for a reason"):
        actions.end_deployments(by=hq, deployments=[], reason="", valid_at=NOON)


def test_the_database_refuses_a_deployment_without_an_authority(hq):
    [one] = deploy(hq, responders(hq, organisation(hq), 1))
    with acting(hq), pytest.raises(IntegrityError, match="deployment_founded"), transaction.atomic():
        Deployment.objects.filter(id=one).update(authority="")


def branch(hq, number, leader, members=()):
    return NewTeam("party_branch", f"第{number}党支部", TOWN, leader, tuple(members))


def test_teams_of_a_town_are_counted_with_leaders_and_members(hq):
    people = responders(hq, organisation(hq, "定城镇政府", "town_government", "township", TOWN), 6)
    teams = [branch(hq, n, people[n], [people[5], people[n]]) for n in range(3)]
    assert actions.form_teams(by=hq, teams=teams, valid_at=NOON) == 3
    assert actions.form_teams(by=hq, teams=teams, valid_at=NOON) == 0
    rows = queries.teams(by=hq, within=code_range("469021100"), kinds=["party_branch"])
    assert [(row.leader, row.members) for row in rows] == [("测试0", 2), ("测试1", 2), ("测试2", 2)]
    assert queries.teams(by=hq, within=code_range("469021101")) == []
    later = NOON + timedelta(days=3)
    assert actions.change_members(by=hq, team=teams[0].id, join=[people[3], people[3]], leave=[people[5]], leader=people[3], valid_at=later) == 2  # fmt: skip
    now = queries.teams(by=hq, at=later)[0]
    assert (now.leader, now.members) == ("测试3", 2)
    assert actions.disband_teams(by=hq, teams=[teams[1].id], valid_at=later) == 1
    assert len(queries.teams(by=hq, at=later)) == 2
    assert len(queries.teams(by=hq, at=NOON)) == 3


def test_teams_that_cannot_be_formed_are_named(hq, village):
    people = responders(hq, organisation(hq), 2)
    wrong = [NewTeam("circus", "甲", TOWN, people[0]), NewTeam("strike", "乙", TOWN, people[0], (uuid.uuid4(),))]
    with pytest.raises(EntriesRefused, match=r"entry 1: “甲”: kind.*entry 2: “乙”: a member is not on duty"):
        actions.form_teams(by=hq, teams=wrong, valid_at=NOON)
    with pytest.raises(NotPermitted):
        actions.form_teams(by=village, teams=[branch(hq, 1, people[0])], valid_at=NOON)
    team = branch(hq, 1, people[0])
    actions.form_teams(by=hq, teams=[team], valid_at=NOON)
    with pytest.raises(EntriesRefused, match="stands already; change its members"):
        actions.form_teams(by=hq, teams=[branch(hq, 1, people[1])], valid_at=NOON)
    with pytest.raises(EntriesRefused, match=r"organisation .* is not registered"):
        actions.form_teams(by=hq, teams=[NewTeam("strike", "丙", TOWN, people[0], (), uuid.uuid4())], valid_at=NOON)
    with pytest.raises(NotOnTheRegister, match="not a member"):
        actions.change_members(by=hq, team=team.id, leader=people[1], valid_at=NOON)
    with pytest.raises(NotOnTheRegister, match="deployed to you"):
        actions.change_members(by=hq, team=team.id, join=[uuid.uuid4()], valid_at=NOON)
    with pytest.raises(NotOnTheRegister, match="no team"):
        actions.change_members(by=hq, team=uuid.uuid4(), valid_at=NOON)


def test_members_of_a_team_elsewhere_are_out_of_sight(hq, village):
    people = responders(hq, organisation(hq), 1)
    actions.form_teams(by=hq, teams=[branch(hq, 1, people[0])], valid_at=NOON)
    for actor, seen in ((hq, 1), (village, 0)):
        with acting(actor), connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM workforce_teammember")
            assert cursor.fetchone()[0] == seen


def appeal(hq, **fields):
    office = organisation(hq, "团县委", "party_committee", "county")
    return actions.open_appeal(by=hq, organisation=office, division_code=COUNTY, title="招募", text="采样点志愿者", line="testing", needed=3, valid_at=NOON, **fields)  # fmt: skip


def test_a_volunteer_goes_from_appeal_to_assignment(hq):
    found = appeal(hq)
    people = responders(hq, organisation(hq, "志愿服务队", "social_organisation", "county"), 4, kind="volunteer")
    assert actions.apply_as_volunteers(by=hq, appeal=found.id, responders=people, valid_at=NOON) == 4
    assert actions.apply_as_volunteers(by=hq, appeal=found.id, responders=people, valid_at=NOON) == 0
    ids = [row.id for row in queries.applications(found.id, by=hq)]
    with pytest.raises(Refusal, match="told why"):
        actions.decide_applications(by=hq, applications=ids[3:], accept=False, valid_at=NOON)
    actions.decide_applications(
        by=hq, applications=ids[3:], accept=False, reason="lives in a sealed zone", valid_at=NOON
    )
    actions.decide_applications(by=hq, applications=ids[:3], accept=True, valid_at=NOON)
    with pytest.raises(ApplicationAlreadyDecided):
        actions.decide_applications(by=hq, applications=ids, accept=True, valid_at=NOON)
    with pytest.raises(NotOnTheRegister, match="Only accepted"):
        actions.assign_volunteers(by=hq, applications=ids, division_code=VILLAGE, line="testing", valid_at=NOON)
    for expected in (2, 0):
        assert actions.assign_volunteers(by=hq, applications=ids[:2], division_code=VILLAGE, line="testing", valid_at=NOON) == expected  # fmt: skip
    [row] = queries.appeals(by=hq)
    assert (row.needed, row.applied, row.accepted, row.declined, row.assigned) == (3, 4, 3, 1, 2)
    assert queries.deployed_counts(by=hq, sent=Sent(kinds=("volunteer",))).persons == 2


def test_appeals_that_are_closed_unknown_or_for_nobody(hq, village):
    people = responders(hq, organisation(hq), 1, kind="volunteer")
    closed = appeal(hq, closes_at=NOON)
    with pytest.raises(Refusal, match="is closed"):
        actions.apply_as_volunteers(by=hq, appeal=closed.id, responders=people, valid_at=NOON)
    with pytest.raises(NotOnTheRegister, match="no appeal"):
        actions.apply_as_volunteers(by=hq, appeal=uuid.uuid4(), responders=people, valid_at=NOON)
    running = appeal(hq, id=uuid.uuid4())
    with pytest.raises(NotOnTheRegister, match="register them first"):
        actions.apply_as_volunteers(by=hq, appeal=running.id, responders=[uuid.uuid4()], valid_at=NOON)
    with pytest.raises(Refusal, match="at least one"):
        actions.open_appeal(by=hq, organisation=running.organisation_id, division_code=COUNTY, title="t", text="t", line="x", needed=0, valid_at=NOON)  # fmt: skip
    with pytest.raises(NotOnTheRegister, match="before it appeals"):
        actions.open_appeal(by=hq, organisation=uuid.uuid4(), division_code=COUNTY, title="t", text="t", line="x", needed=1, valid_at=NOON)  # fmt: skip
    with pytest.raises(NotPermitted):
        actions.apply_as_volunteers(by=village, appeal=running.id, responders=people, valid_at=NOON)
    with acting(hq):
        assert VolunteerApplication.objects.count() == 0


def test_names_of_the_deployed_cannot_be_read_without_a_scope(hq):
    deploy(hq, responders(hq, organisation(hq), 1))
    with pytest.raises(DatabaseError, match="no scope is set"), transaction.atomic():
        Responder.objects.count()
