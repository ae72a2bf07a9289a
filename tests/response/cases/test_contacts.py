"""Contacts and contacts of contacts: determined in bulk, placed within their clock, upgraded, withdrawn, linked."""

import uuid
from datetime import timedelta

import pytest

from conftest import DINGAN, JIANGNAN, XINZHU, make_actor
from lianfang.core.access.rules import NotPermitted
from lianfang.core.duties.actions import declare_kinds
from lianfang.core.duties.queries import duties
from lianfang.kit.clock import clock_at, local
from lianfang.response.cases import actions, queries
from lianfang.response.cases.duties import KINDS
from lianfang.response.cases.permissions import PERMISSIONS
from lianfang.response.cases.rules import CaseNotFound, NewContact, ReasonMissing, ResidentNotFound
from making import make_resident

pytestmark = pytest.mark.django_db

GRID = XINZHU * 1000 + 1
OTHER = JIANGNAN * 1000 + 1
KNOWN = local("2022-07-13 10:00")
MET = local("2022-07-11 19:00")
INCIDENT = uuid.UUID(int=9)
ED9 = "covid19-cn-ed9"


@pytest.fixture(autouse=True, scope="module")
def kinds(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        declare_kinds(KINDS)


@pytest.fixture
def epidemiologist():
    return make_actor(*PERMISSIONS, "duties.read_duties", role="epidemiologist", line="epidemiology")


@pytest.fixture
def case(epidemiologist):
    return make_case(epidemiologist, make_resident(by=epidemiologist, grid=GRID).id)


def make_case(by, resident, at=KNOWN):
    with clock_at(at):
        return actions.register_case(
            by=by, incident=INCIDENT, resident=resident, protocol=ED9, detected_by="contact_tracing", valid_at=at,
            class_code="asymptomatic_case", reason="retest positive", sampled_at=at,
        )  # fmt: skip


def determine(by, *contacts, at=KNOWN):
    with clock_at(at):
        return actions.determine_contacts(
            by=by, incident=INCIDENT, protocol=ED9, division_code=GRID, contacts=contacts, valid_at=at
        )


def close(by, case, grid=GRID, resident=None, met=MET):
    resident = resident or make_resident(by=by, grid=grid).id
    return NewContact(resident, "close_contact", met, case=case.id, category="co_living", relation="family")


def second(by, via, resident=None):
    resident = resident or make_resident(by=by, grid=OTHER).id
    return NewContact(resident, "secondary_contact", MET, via=via)


def outstanding(by):
    return {duty.subject: duty.due_at - KNOWN for duty in duties(by=by, kind="contact_in_quarantine")}


def test_each_tier_has_its_own_clock(epidemiologist, case):
    first = close(epidemiologist, case)
    met = determine(epidemiologist, first).contacts[first.resident]
    other = second(epidemiologist, met)
    further = determine(epidemiologist, other).contacts[other.resident]
    assert outstanding(epidemiologist) == {met: timedelta(hours=8), further: timedelta(hours=12)}
    assert queries.contact_counts(by=epidemiologist, at=KNOWN, known_at=KNOWN) == {
        ("close_contact", "active"): 1, ("secondary_contact", "active"): 1,
    }  # fmt: skip


def test_a_second_determination_moves_the_exposure_and_opens_nothing(epidemiologist, case):
    first = close(epidemiologist, case)
    determine(epidemiologist, first)
    again = close(epidemiologist, case, resident=first.resident, met=MET + timedelta(hours=5))
    earlier = close(epidemiologist, case, resident=first.resident, met=MET - timedelta(hours=5))
    done = determine(epidemiologist, again, earlier, at=KNOWN + timedelta(hours=1))
    assert (done.new, done.known) == (0, 1)
    (row,) = queries.contacts(by=epidemiologist, at=KNOWN + timedelta(hours=1), known_at=KNOWN + timedelta(hours=1))
    assert (row.id, row.last_exposure_at) == (first.id, MET + timedelta(hours=5))
    assert outstanding(epidemiologist) == {first.id: timedelta(hours=8)}


def test_repeating_a_determination_changes_nothing(epidemiologist, case):
    first = close(epidemiologist, case)
    determine(epidemiologist, first)
    assert determine(epidemiologist, first).new == 0
    assert len(queries.chain(by=epidemiologist, case=case.id)) == 1


def test_a_contacts_contact_who_met_the_case_leaves_the_lower_tier(epidemiologist, case):
    first = close(epidemiologist, case)
    via = determine(epidemiologist, first).contacts[first.resident]
    other = second(epidemiologist, via)
    determine(epidemiologist, other)
    done = determine(epidemiologist, close(epidemiologist, case, resident=other.resident))
    assert (done.new, done.upgraded) == (1, 1)
    rows = queries.contacts(by=epidemiologist, status="upgraded", at=KNOWN, known_at=KNOWN)
    assert [(row.resident, row.tier, row.upgraded_to) for row in rows] == [
        (other.resident, "secondary_contact", "close_contact")
    ]
    assert set(outstanding(epidemiologist).values()) == {timedelta(hours=8)}


def test_one_unknown_person_refuses_the_whole_list(epidemiologist, case):
    stranger = NewContact(uuid.uuid4(), "close_contact", MET, case=case.id)
    with pytest.raises(ResidentNotFound, match="1 of these people"):
        determine(epidemiologist, close(epidemiologist, case), stranger)
    assert queries.contacts(by=epidemiologist) == []


def test_an_investigator_of_one_village_determines_contacts_in_another(epidemiologist, case):
    villager = make_actor(*PERMISSIONS, scope=str(XINZHU), role="epidemiologist")
    away = close(epidemiologist, case, grid=OTHER)
    assert determine(villager, away).new == 1
    assert queries.contacts(by=villager) == []
    outsider = make_actor(*PERMISSIONS, scope=str(JIANGNAN), role="epidemiologist")
    with pytest.raises(NotPermitted, match="outside this post's area"):
        determine(outsider, close(epidemiologist, case))
    with pytest.raises(CaseNotFound, match="outside your area"):
        actions.withdraw_contacts(by=villager, contacts=[away.id], reason="mistaken", valid_at=KNOWN)


def test_being_placed_ends_the_clock_once(epidemiologist, case):
    first = close(epidemiologist, case)
    determine(epidemiologist, first)
    later = KNOWN + timedelta(hours=3)
    with clock_at(later):
        assert actions.record_placed(by=epidemiologist, contacts=[first.id], valid_at=later) == 1
        assert actions.record_placed(by=epidemiologist, contacts=[first.id], valid_at=later) == 0
        assert queries.contact_counts(by=epidemiologist, unplaced=True) == {}
        assert queries.contact_counts(by=epidemiologist, unplaced=True, at=KNOWN) == {("close_contact", "active"): 1}
    assert outstanding(epidemiologist) == {}


def test_the_site_that_receives_somebody_ends_their_clock_though_they_live_elsewhere(epidemiologist, case):
    first = close(epidemiologist, case)
    determine(epidemiologist, first)
    site = make_actor("cases.place_contact", scope=str(OTHER), role="site_team")
    with clock_at(KNOWN):
        assert actions.record_placed(by=site, contacts=[first.id], valid_at=KNOWN) == 1
    assert outstanding(epidemiologist) == {}
    with pytest.raises(CaseNotFound, match="outside your area"):
        actions.record_placed(by=site, contacts=[uuid.uuid4()], valid_at=KNOWN)
    with pytest.raises(NotPermitted):
        actions.record_placed(by=make_actor(scope=str(OTHER)), contacts=[first.id], valid_at=KNOWN)


def test_withdrawing_needs_a_reason_and_cancels_the_clock(epidemiologist, case):
    first = close(epidemiologist, case)
    determine(epidemiologist, first)
    with pytest.raises(ReasonMissing):
        actions.withdraw_contacts(by=epidemiologist, contacts=[first.id], reason="", valid_at=KNOWN)
    later = KNOWN + timedelta(hours=1)
    with clock_at(later):
        gone = actions.withdraw_contacts(by=epidemiologist, contacts=[first.id], reason="was away", valid_at=later)
        assert gone == [first.id]
        assert actions.withdraw_contacts(by=epidemiologist, contacts=[first.id], reason="again", valid_at=later) == []
        assert queries.contact_counts(by=epidemiologist) == {("close_contact", "withdrawn"): 1}
        assert queries.contact_counts(by=epidemiologist, at=KNOWN) == {("close_contact", "active"): 1}
    assert outstanding(epidemiologist) == {}


def test_a_contact_who_becomes_a_case_shows_what_hangs_on_them(epidemiologist, case):
    first = close(epidemiologist, case)
    via = determine(epidemiologist, first).contacts[first.resident]
    other = second(epidemiologist, via)
    further = determine(epidemiologist, other).contacts[other.resident]
    became = make_case(epidemiologist, first.resident, KNOWN + timedelta(days=2))
    assert outstanding(epidemiologist) == {further: timedelta(hours=12)}
    assert queries.hanging_on(by=epidemiologist, contacts=[via]) == [further]
    rows = queries.chain(by=epidemiologist, case=case.id)
    assert [(row.degree, row.contact, row.status, row.led_to) for row in rows] == [
        (1, via, "upgraded", became.id), (2, further, "active", None),
    ]  # fmt: skip


def test_two_hundred_contacts_cost_the_statements_of_one(epidemiologist, case, django_assert_max_num_queries):
    many = [close(epidemiologist, case) for _ in range(200)]
    with django_assert_max_num_queries(24):
        assert determine(epidemiologist, *many).new == 200
    assert len(duties(by=epidemiologist, kind="contact_in_quarantine", limit=500)) == 200
    assert {duty.due_at for duty in duties(by=epidemiologist)} >= {KNOWN + timedelta(hours=8)}
    assert DINGAN * 10**9 in epidemiologist.scope
