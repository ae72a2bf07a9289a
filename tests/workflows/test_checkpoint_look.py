"""A look at a checkpoint: yes or no about somebody's document, never why; no number stays anywhere."""

from dataclasses import replace
from datetime import timedelta

import pytest

from conftest import JIANGNAN, make_actor
from lianfang.core.access.models import AuditEntry
from lianfang.core.access.rules import NotPermitted, TooMuch
from lianfang.core.access.scope import acting
from lianfang.core.access.sign_in import token_of
from lianfang.core.people.actions import county_cipher
from lianfang.core.people.identity import check_character
from lianfang.core.people.models import Resident
from lianfang.kit.clock import clock_at
from lianfang.kit.codes import county_of
from lianfang.kit.rates import Rate
from lianfang.response.cases import actions as cases
from lianfang.response.checkpoints.permissions import RECORD_PASSAGE
from lianfang.response.quarantine import actions as quarantine
from lianfang.workflows.checkpoint_look import NOT_ON_LIST, ON_LIST, look_at_checkpoint
from making import make_resident
from response.quarantine.order_making import ED9, HOME, INCIDENT, declare, issued, make_officer, noon
from surfaces.console.browsing import account
from surfaces.field.field_scene import enrolled_device, everything

pytestmark = pytest.mark.django_db

NUMBER = "46902119900307001X"


@pytest.fixture(autouse=True)
def incident():
    declare()


def somebody(grid=HOME, number=NUMBER):
    lookup = county_cipher(county_of(grid)).lookup(number)
    return make_resident(by=make_actor(scope="46"), grid=grid, id_lookup=lookup).id


def crew(role="checkpoint", line="checkpoints", scope=str(JIANGNAN)):
    """A post of another township than the one in which these people live."""
    return replace(account((role, line, scope))[1][0], device_id=enrolled_device()[0])


def on_list(at, number=NUMBER, by=None):
    with clock_at(at):
        found = look_at_checkpoint("resident_id", number, by=by or crew())
    assert (found.zh, found.en) == (ON_LIST if found.on_list else NOT_ON_LIST)
    return found.on_list


def asked(client, by, **body):
    headers = {"Authorization": f"Bearer {token_of(by)}"}
    return client.post("/api/field/checkpoint-look", body, content_type="application/json", headers=headers)


def test_an_order_that_runs_is_a_hit_in_the_whole_county_until_it_ends():
    assert on_list(noon(14)) is False
    person = somebody()
    assert on_list(noon(14)) is False
    issued(make_officer(), resident=person)
    assert on_list(noon(14)) is True
    assert on_list(noon(14), " 469021 19900307 001x") is True
    assert on_list(noon(14), "469021199003070028") is False
    assert on_list(noon(22)) is True, "the leg at home"
    assert on_list(noon(23)) is False, "an order does not extend itself"


def test_a_lifted_order_is_none():
    order = issued(make_officer(), resident=somebody())
    with clock_at(noon(14)):
        quarantine.lift_orders(by=make_officer(), orders=[order.id], reason="no contact", valid_at=noon(14))
    assert on_list(noon(14)) is False


def test_whoever_is_only_tested_may_go_out():
    issued(make_officer(), "zone_leaver_low", resident=somebody())
    assert on_list(noon(13)) is False


def test_a_hold_is_a_hit_until_it_ends():
    by, person = make_actor(*everything()), somebody()
    with clock_at(noon(14)):
        positive = cases.report_positive(
            by=by,
            incident=INCIDENT,
            resident=person,
            protocol=ED9,
            detected_by="community_screening",
            valid_at=noon(14),
        )
        assert on_list(noon(14)) is False, "nobody has held them"
        hold = cases.hold_in_place(
            by=by, positive=positive.id, place="home", reason="retest", authority="county HQ", appeal_to="the duty desk",
            valid_at=noon(14),
        )  # fmt: skip
    assert on_list(noon(14)) is True
    assert on_list(hold.ends_at + timedelta(seconds=1)) is False


def test_another_countys_person_is_not_found():
    there = 460105001001001
    issued(make_actor(*everything(), scope="46"), resident=somebody(grid=there), site_code=there + 1)
    assert on_list(noon(14)) is False
    assert on_list(noon(14), by=crew(scope="460105")) is True


def test_the_answer_says_what_to_do_and_nothing_of_why(client):
    person = somebody()
    issued(make_officer(), resident=person)
    with clock_at(noon(14)):
        answer = asked(client, crew(), number=NUMBER)
    assert answer.status_code == 200, answer.content
    assert answer.json() | {"desk": ""} == {"on_list": True, "zh": ON_LIST[0], "en": ON_LIST[1], "desk": ""}


def test_the_audit_keeps_who_looked_and_no_number(client):
    person, by = somebody(), crew()
    issued(make_officer(), resident=person)
    with clock_at(noon(14)):
        asked(client, by, number=NUMBER)
    with acting(make_actor(line="audit")):
        (row,) = AuditEntry.objects.filter(verb="checkpoints.look")
    assert (row.account_id, row.role, row.count, row.subject_id) == (by.account_id, "checkpoint", 1, None)
    assert row.detail == {"device": str(by.device_id)}


def test_a_volunteer_or_a_phone_that_is_not_enrolled_is_refused(client):
    volunteer = crew("volunteer", "community")
    assert asked(client, volunteer, number=NUMBER).status_code == 403
    answer = asked(client, replace(crew(), device_id=None), number=NUMBER)
    assert answer.json()["title"] == "DeviceNeeded"
    with pytest.raises(NotPermitted):
        look_at_checkpoint("resident_id", NUMBER, by=make_actor(*everything() - {RECORD_PASSAGE}))


def stranger(number):
    body = f"46010519900307{number:03}"
    return body + check_character(body)


def test_an_hour_of_strangers_on_a_busy_road_passes(client):
    somebody()
    by = crew()
    with clock_at(noon(14)):
        assert {asked(client, by, number=stranger(number)).status_code for number in range(250)} == {200}


def test_a_script_that_tries_numbers_is_stopped_on_its_phone_and_on_its_accounts_other_phone(client, settings):
    settings.RATE_CHECKPOINT_LOOKS = Rate(0.01, 5)
    by = crew()
    with clock_at(noon(14)):
        assert [asked(client, by, number=stranger(number)).status_code for number in range(6)] == [200] * 5 + [429]
        assert asked(client, by, number=NUMBER).json()["title"] == "TooMuch"
        other_phone = replace(by, device_id=enrolled_device()[0])
        with pytest.raises(TooMuch):
            look_at_checkpoint("resident_id", NUMBER, by=other_phone)
        with pytest.raises(TooMuch):
            look_at_checkpoint("resident_id", NUMBER, by=replace(crew(), device_id=by.device_id))
        assert on_list(noon(14)) is False, "another crew on another phone goes on"


def test_a_number_that_no_card_can_carry_is_refused_and_counted(client, settings):
    settings.RATE_CHECKPOINT_LOOKS = Rate(0.01, 3)
    by = crew()
    with clock_at(noon(14)):
        answers = [asked(client, by, number="110105194912310021").status_code for _ in range(4)]
    assert answers == [422, 422, 422, 429]


def test_an_order_on_a_record_that_was_merged_away_is_a_hit():
    first, second, kept = somebody(number="merged 1"), somebody(number="merged 2"), somebody()
    issued(make_officer(), resident=first)
    with acting(make_actor(*everything(), scope="46")):
        Resident.objects.filter(id=first).update(merged_into=second)
        Resident.objects.filter(id=second).update(merged_into=kept)
    assert on_list(noon(14)) is True


def test_a_passport_and_a_travel_permit_are_looked_up_by_their_kind():
    issued(make_officer(), resident=somebody(number="passport:E12345678"))
    with clock_at(noon(14)):
        assert look_at_checkpoint("passport", "E1234 5678", by=crew()).on_list is True
        assert look_at_checkpoint("travel_permit", "E12345678", by=crew()).on_list is False


def test_a_blank_is_no_document(client):
    assert asked(client, crew(), number="  ").status_code == 422
