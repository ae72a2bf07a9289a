"""Each line of the table of conflicts, with real commands on real duties."""

import sys
import uuid
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from conftest import JIANGNAN, XINZHU, make_actor
from lianfang.core.access.actions import ADMINISTRATION, revoke_device, revoke_grant
from lianfang.core.access.commands import Envelope
from lianfang.core.access.models import AuditEntry
from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.core.access.sign_in import token_of
from lianfang.core.duties.actions import declare_kinds, waive_duties
from lianfang.core.duties.queries import duties, ledger_disagreements
from lianfang.core.intake.models import Parcel
from lianfang.core.intake.queries import count_parcels, look_inside, parcels, receipts_of
from lianfang.core.intake.rules import (
    RULES,
    STANDS_BY_ITSELF,
    TABLE,
    ParcelCannotBeApplied,
    ParcelDecided,
    ParcelUnknown,
)
from lianfang.core.people.models import Resident, ResidentCode
from lianfang.kit.clock import clock_at, response_now
from lianfang.kit.ids import new_id
from lianfang.kit.parcels import new_private_key, public_key
from lianfang.response.quarantine.duties import KINDS
from lianfang.response.quarantine.models import DailyCheck
from lianfang.workflows import take_parcels as taking
from lianfang.workflows.commands import COMMANDS, submit
from making import make_resident
from parcel_making import decider, desk_of, phone, sealed

sys.path.insert(0, str(Path(__file__).parents[1] / "response/quarantine"))
from order_making import HOME, declare, due, issued, make_officer, noon, roll

pytestmark = pytest.mark.django_db
SLOT = "2022-07-14/0"


@pytest.fixture(autouse=True, scope="module")
def kinds(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        declare_kinds(KINDS)


@pytest.fixture(autouse=True)
def midday():
    with clock_at(noon(14)):
        yield


@pytest.fixture
def officer():
    declare()
    return make_officer()


@pytest.fixture
def check(officer):
    """A daily check due in Xinzhu: (order, duty)."""
    order = issued(officer, "secondary_contact").id
    roll(officer, noon(14))
    found = [one for one in duties(by=officer, kind="daily_check") if one.subject == order]
    (duty,) = [one for one in found if one.period == SLOT]
    return order, duty.id


def checked(order, temperature="36.5", **fields):
    return {"checks": [{"order": str(order), "temperature": temperature, "id": str(new_id())} | fields]}


def state_of(duty, by):
    from lianfang.core.duties.queries import duty_standing

    return duty_standing(duty, by=by)


def checks_of(order, by):
    with acting(by):
        return DailyCheck.objects.filter(order_id=order).count()


def told(receipt):
    return receipt.status, receipt.code


def test_a_finished_check_is_applied_once_and_its_receipt_stays_the_same(check, officer):
    order, duty = check
    worker = phone(XINZHU)
    parcel = worker.parcel("record_checks", checked(order), duty=duty)
    (first,) = worker.send(parcel)
    assert told(first) == ("applied", "")
    assert state_of(duty, officer).outcome == "normal"
    assert worker.send(parcel, parcel) == [first, first]
    assert checks_of(order, officer) == 1
    with acting(worker.actor):
        kept = Parcel.objects.get(id=parcel.id)
        assert (kept.sealed, kept.note) == (None, None), "what was applied is not kept a second time"


def test_the_same_outcome_of_somebody_else_is_noted(check, officer):
    order, duty = check
    first, second = phone(XINZHU), phone(XINZHU)
    first.send(first.parcel("record_checks", checked(order), duty=duty))
    (receipt,) = second.send(second.parcel("record_checks", checked(order, "36.8"), duty=duty))
    assert told(receipt) == ("noted", "duty_done")
    assert checks_of(order, officer) == 1
    assert state_of(duty, officer).finished_by == first.actor.account_id


def test_another_outcome_is_held_and_a_human_decides(check, officer):
    order, duty = check
    first, second, desk = phone(XINZHU), phone(XINZHU), decider(XINZHU)
    first.send(first.parcel("record_checks", checked(order), duty=duty))
    could_not = checked(order, None, could_not="nobody answered")
    parcel = second.parcel("record_checks", could_not, duty=duty)
    (receipt,) = second.send(parcel)
    assert told(receipt) == ("held", "duty_done")
    inside = look_inside(parcel.id, by=desk)
    assert inside.outcome == "could_not"
    assert inside.content["envelope"]["payload"] == could_not
    assert "token" not in inside.content
    decide(desk, parcel.id, "apply")
    standing = state_of(duty, officer)
    assert (standing.outcome, standing.finished_by) == ("could_not", second.actor.account_id)
    assert checks_of(order, officer) == 2
    assert ledger_disagreements(by=officer) == []
    [(_, later)] = receipts_of(by=second.actor)
    assert told(later) == ("applied", "decided")
    assert told(second.send(parcel)[0]) == ("applied", "decided")
    with pytest.raises(ParcelDecided):
        decide(desk, parcel.id, "set_aside")


def test_an_alarming_finding_waits_for_nobody(check, officer):
    order, duty = check
    first, second = phone(XINZHU), phone(XINZHU)
    first.send(first.parcel("record_checks", checked(order), duty=duty))
    (receipt,) = second.send(second.parcel("record_checks", checked(order, "38.2"), duty=duty))
    assert told(receipt) == ("applied", "alarming")
    assert due(officer, "transfer_to_hospital"), "the car is on its way"
    assert state_of(duty, officer).outcome == "normal"


def decide(desk, parcel, decision, reason="asked both workers by phone", id=None):
    return submit(
        Envelope(id or new_id(), "decide_parcel", response_now(),
                 {"parcel": str(parcel), "decision": decision, "reason": reason}),
        by=desk,
    )  # fmt: skip


def test_a_cancelled_duty_does_not_cancel_what_was_found(check, officer):
    order, duty = check
    worker = phone(XINZHU)
    chief = make_actor("duties.waive_duty")
    waive_duties([duty], by=chief, reason="order lifted", authority="county HQ", valid_at=noon(14))
    (receipt,) = worker.send(worker.parcel("record_checks", checked(order), duty=duty))
    assert told(receipt) == ("applied", "duty_cancelled")
    assert checks_of(order, officer) == 1


def test_what_cannot_stand_without_its_cancelled_duty_is_held(check, officer):
    _, duty = check
    worker = phone(XINZHU)
    chief = make_actor("duties.waive_duty")
    waive_duties([duty], by=chief, reason="order lifted", authority="county HQ", valid_at=noon(14))
    (receipt,) = worker.send(worker.parcel("record_checks", checked(uuid.uuid4()), duty=duty))
    assert told(receipt) == ("held", "duty_cancelled")


def test_that_nobody_was_there_needs_no_decision_when_the_duty_is_done(check):
    order, duty = check
    first, second = phone(XINZHU), phone(XINZHU)
    in_vain = {"duty": duty, "reason": "no_answer"}
    (receipt,) = second.send(second.parcel("record_attempt", in_vain, duty=duty))
    assert told(receipt) == ("applied", "")
    first.send(first.parcel("record_checks", checked(order), duty=duty))
    (receipt,) = second.send(second.parcel("record_attempt", in_vain, duty=duty))
    assert told(receipt) == ("noted", "tried_in_vain")


def test_a_person_who_moved_is_recorded_where_they_live_now(check, officer):
    order, duty = check
    worker = phone(XINZHU)
    parcel = worker.parcel("record_checks", checked(order), duty=duty)
    move(order, duty, JIANGNAN * 1000 + 1)
    (receipt,) = worker.send(parcel)
    assert told(receipt) == ("applied", "person_moved")
    there = make_actor("duties.read_duties", scope=str(JIANGNAN))
    assert state_of(duty, there).outcome == "normal"


def move(order, duty, code):
    """Have an order, its person and its duty move to another grid, as the rooms' own reconciling leaves them."""
    from django.db import connection

    from lianfang.response.quarantine.models import Leg, Order

    county = make_actor()
    with acting(county), connection.cursor() as cursor:
        Order.objects.filter(id=order).update(division_code=code)
        Resident.objects.filter(id=Order.objects.get(id=order).resident).update(division_code=code, present_code=code)
        Leg.objects.filter(order_id=order).update(site_code=code)
        cursor.execute("UPDATE duties_duty SET division_code = %s WHERE id = %s", [code, duty])


def test_nobody_reaches_another_village_by_naming_its_duty(check, officer):
    order, duty = check
    stranger = phone(JIANGNAN)
    (receipt,) = stranger.send(stranger.parcel("record_checks", checked(order), duty=duty))
    assert told(receipt) == ("held", "not_found")
    assert checks_of(order, officer) == 0


def test_a_merged_person_is_recorded_with_the_record_that_stayed(officer):
    stays = make_resident(by=officer, grid=HOME)
    merged = make_resident(by=officer, grid=HOME, merged_into=stays.id)
    worker = phone(XINZHU)
    payload = {"resident": str(merged.id)}
    parcel = worker.parcel("record_found", payload)
    assert told(worker.send(parcel)[0])[1] in {"old_form"}, "the payload is no round's, but the rule comes first"
    content = taking.read_content(taking.opened(parcel.id, taking.from_text(parcel.sealed)))
    survivors = taking.survivors_of([merged.id, stays.id], by=officer)
    assert survivors == {merged.id: stays.id}
    assert content.envelope.payload == payload


def test_work_of_an_ended_shift_is_applied_when_it_was_done_inside_of_it(check, monkeypatch):
    order, duty = check
    worker = phone(XINZHU)
    done_at = response_now()
    inside = worker.parcel("record_checks", checked(order), duty=duty, valid_at=done_at)
    outside = worker.parcel("record_checks", checked(order), duty=duty, valid_at=done_at + timedelta(hours=13))
    with clock_at(done_at + timedelta(hours=14)):
        monkeypatch.setattr(taking, "machine_now", lambda: real_now() + timedelta(hours=14))
        assert told(worker.send(inside)[0]) == ("applied", "")
        assert told(worker.send(outside)[0]) == ("held", "after_session")


real_now = taking.machine_now


def test_work_after_the_grant_ended_is_held(check):
    order, duty = check
    worker = phone(XINZHU)
    with acting(ADMINISTRATION):
        revoke_grant(worker.actor.grant_id, by=ADMINISTRATION, at=real_now() - timedelta(hours=1))
    assert told(worker.send(worker.parcel("record_checks", checked(order), duty=duty))[0]) == ("held", "after_grant")


def test_a_lost_phone_hands_in_what_was_done_before_it_was_lost(check, monkeypatch):
    order, duty = check
    worker, minutes = phone(XINZHU), timedelta(minutes=1)
    before = worker.parcel("record_checks", checked(order), duty=duty, valid_at=noon(14) + minutes)
    after = worker.parcel("record_checks", checked(order), duty=duty, valid_at=noon(14) + 6 * minutes)
    with clock_at(noon(14) + 20 * minutes):
        monkeypatch.setattr(taking, "machine_now", lambda: real_now() + 20 * minutes)
        since = noon(14) + 5 * minutes
        revoke_device(by=desk_of(XINZHU), device=worker.device, reason="lost", valid_at=since, cause=new_id())
        assert told(worker.send(before)[0]) == ("applied", "")
        assert told(worker.send(after)[0]) == ("held", "device_revoked")


def test_a_sign_in_of_another_phone_is_held(check):
    order, duty = check
    worker, other = phone(XINZHU), phone(XINZHU)
    parcel = worker.parcel("record_checks", checked(order), duty=duty, token=other.token)
    assert told(worker.send(parcel)[0]) == ("held", "other_device")


def test_a_forged_sign_in_is_held_under_the_devices_unit_and_only_set_aside(check):
    order, duty = check
    worker, desk = phone(XINZHU), decider(XINZHU)
    forged = token_of(worker.actor)[:-4] + "AAAA"
    parcel = worker.parcel("record_checks", checked(order), duty=duty, token=forged)
    assert told(worker.send(parcel)[0]) == ("held", "token_unknown")
    with pytest.raises(ParcelCannotBeApplied, match="Nobody can say whose work"):
        decide(desk, parcel.id, "apply")
    decide(desk, parcel.id, "set_aside")
    assert told(worker.send(parcel)[0]) == ("noted", "set_aside")


def test_what_contradicts_the_record_is_held(check, officer):
    order, _ = check
    worker = phone(XINZHU)
    parcel = worker.parcel("record_checks", checked(order))
    submit(Envelope(parcel.id, "record_checks", noon(14), checked(order, "37.0")), by=worker.actor)
    assert told(worker.send(parcel)[0]) == ("held", "id_taken")


def test_what_came_in_another_way_before_is_repeated(check, officer):
    order, duty = check
    worker, payload = phone(XINZHU), checked(order)
    parcel = worker.parcel("record_checks", payload, duty=duty)
    submit(Envelope(parcel.id, "record_checks", response_now(), payload), by=worker.actor)
    assert told(worker.send(parcel)[0]) == ("repeated", "")
    assert checks_of(order, officer) == 1


def test_a_payload_of_an_older_app_is_held(check):
    worker, desk = phone(XINZHU), decider(XINZHU)
    old = worker.parcel("record_checks", {"order": "1", "fever": True})
    unknown = worker.parcel("record_smell", {})
    strange = sealed(new_id(), b"v0|check|36.5")
    assert [told(one) for one in worker.send(old, unknown, strange)] == [("held", "old_form")] * 3
    assert "cannot be read" in look_inside(old.id, by=desk).said
    assert look_inside(strange.id, by=desk).content == {}
    with pytest.raises(ParcelCannotBeApplied):
        decide(desk, old.id, "apply")


def test_a_post_that_may_not_is_held(check):
    order, duty = check
    worker = phone(XINZHU, "driver", "transfer")
    assert told(worker.send(worker.parcel("record_checks", checked(order), duty=duty))[0]) == ("held", "not_allowed")


def test_a_clock_far_ahead_is_held(check):
    order, _ = check
    worker = phone(XINZHU)
    parcel = worker.parcel("record_checks", checked(order), valid_at=response_now() + timedelta(hours=3))
    assert told(worker.send(parcel)[0]) == ("held", "clock_wrong")


def test_a_broken_parcel_is_kept_and_does_not_hold_up_the_others(check, officer, monkeypatch, caplog):
    order, duty = check
    worker = phone(XINZHU)
    bad = worker.parcel("record_checks", {"checks": [{"secret": "王小明"}]})
    good = worker.parcel("record_checks", checked(order), duty=duty)
    true_submit = taking.submit

    def breaking(envelope, *, by):
        if envelope.id == bad.id:
            raise KeyError("a fault of ours")
        return true_submit(envelope, by=by)

    monkeypatch.setattr(taking, "submit", breaking)
    assert [told(one) for one in worker.send(bad, good)] == [("held", "broken"), ("applied", "")]
    assert "王小明" not in caplog.text


def test_a_parcel_for_another_server_is_refused_and_not_kept(check):
    order, duty = check
    worker = phone(XINZHU)
    parcel = worker.parcel("record_checks", checked(order), duty=duty, public=public_key(new_private_key()))
    (receipt,) = worker.send(parcel)
    assert told(receipt) == ("refused", "unknown_key")
    assert "另一台服务器" in receipt.zh and "another server" in receipt.en
    with acting(make_actor()):
        assert not Parcel.objects.exists()


def test_altered_bytes_and_other_ids_are_refused(check):
    order, duty = check
    worker = phone(XINZHU)
    parcel = worker.parcel("record_checks", checked(order), duty=duty)
    last = parcel.sealed[-4]
    altered = replace(parcel, sealed=parcel.sealed[:-4] + ("A" if last != "A" else "B") + parcel.sealed[-3:])
    renamed = replace(parcel, id=new_id())
    cut = replace(parcel, sealed=parcel.sealed[:40])
    noise = replace(parcel, sealed="你好")
    assert {told(one) for one in worker.send(altered, renamed, cut, noise)} == {("refused", "damaged")}


def test_too_much_waits_and_keeps_the_order(check, monkeypatch):
    order, _ = check
    worker = phone(XINZHU)
    parcels_ = [worker.parcel("record_checks", checked(order)) for _ in range(3)]
    calls = iter([None, taking.TooMuch("wait", 7.0)])

    def some(*_):
        if fault := next(calls):
            raise fault

    monkeypatch.setattr(taking, "take_people", some)
    receipts = worker.send(*parcels_)
    assert [told(one) for one in receipts] == [("applied", ""), ("later", "too_much"), ("later", "too_much")]
    assert receipts[-1].retry_after == 7.0


def test_held_parcels_are_seen_by_whoever_answers_for_the_place_and_each_look_is_logged(check):
    order, duty = check
    worker = phone(XINZHU, "driver", "transfer")
    parcel = worker.parcel("record_checks", checked(order), duty=duty)
    worker.send(parcel)
    here, elsewhere, above = decider(XINZHU), decider(JIANGNAN), decider("469021101", "township")
    assert [one.id for one in parcels(by=here)] == [parcel.id] == [one.id for one in parcels(by=above)]
    assert count_parcels(by=here) == {"held": 1} and count_parcels(by=elsewhere) == {}
    with pytest.raises(ParcelUnknown):
        look_inside(parcel.id, by=elsewhere)
    with pytest.raises(ParcelUnknown):
        decide(elsewhere, parcel.id, "set_aside")
    with pytest.raises(NotPermitted):
        parcels(by=worker.actor)
    look_inside(parcel.id, by=here)
    with acting(make_actor("access.read_audit", line="audit")):
        assert AuditEntry.objects.filter(verb="intake.view_parcel", subject_id=parcel.id).count() == 1


def test_a_decision_pressed_twice_is_one(check):
    order, duty = check
    first, second, desk, id = phone(XINZHU), phone(XINZHU), decider(XINZHU), new_id()
    first.send(first.parcel("record_checks", checked(order), duty=duty))
    parcel = second.parcel("record_checks", checked(order, None, could_not="nobody answered"), duty=duty)
    second.send(parcel)
    assert not decide(desk, parcel.id, "apply", id=id).repeated
    assert decide(desk, parcel.id, "apply", id=id).repeated


def test_the_table_names_commands_and_sentences_that_exist():
    assert set(COMMANDS) >= STANDS_BY_ITSELF
    assert len(RULES) == len(TABLE)
    assert all(rule.zh and rule.en and rule.when for rule in TABLE)


def test_the_documents_show_the_table_as_it_is():
    page = (Path(__file__).parents[2] / "docs/states/parcel.md").read_text()
    shown = [line for line in page.partition("## The table")[2].splitlines() if line.startswith("| ")][1:]
    assert shown == [f"| {rule.state} | {f'`{rule.code}`' if rule.code else '–'} | {rule.when} |" for rule in TABLE]


def test_what_names_a_merged_person_is_applied_to_the_record_that_stayed(officer):
    stays = make_resident(by=officer, grid=HOME)
    merged = make_resident(by=officer, grid=HOME, merged_into=stays.id)
    worker = phone(XINZHU, "community")
    parcel = worker.parcel("issue_resident_codes", {"residents": [str(merged.id)]})
    (receipt,) = worker.send(parcel)
    assert told(receipt) == ("applied", "person_merged")
    assert "保留的档案" in receipt.zh
    with acting(make_actor()):
        assert list(ResidentCode.objects.values_list("resident", flat=True)) == [stays.id]


def test_what_is_refused_where_the_person_lives_now_is_held_with_that_reason(check, officer):
    order, duty = check
    worker = phone(XINZHU)
    parcel = worker.parcel("record_checks", checked(order, None), duty=duty)
    move(order, duty, JIANGNAN * 1000 + 1)
    (receipt,) = worker.send(parcel)
    assert told(receipt) == ("held", "person_moved")
    assert checks_of(order, officer) == 0
    assert state_of(duty, make_actor("duties.read_duties", scope=str(JIANGNAN))).state == "outstanding"
    with acting(make_actor()):
        assert Parcel.objects.get(id=parcel.id).division_code == worker.actor.scope.lo, "the worker's own desk decides"
    assert "say why" in look_inside(parcel.id, by=decider(XINZHU)).said


def test_a_database_that_does_not_answer_in_time_makes_it_later_and_nothing_is_lost(check, officer):
    order, _ = check
    worker = phone(XINZHU)
    first, second = (worker.parcel("record_checks", checked(order)) for _ in range(2))
    other = connection.copy()
    try:
        with other.cursor() as cursor:  # somebody else is at the very same parcel, and does not end
            cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 4))", [str(first.id)])
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'")
        receipts = worker.send(first, second)
    finally:
        other.close()
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = 0")
    assert [told(one) for one in receipts] == [("later", "busy")] * 2, "the second one waits for the first"
    assert receipts[0].retry_after == taking.BUSY
    assert checks_of(order, officer) == 0
    assert [told(one) for one in worker.send(first, second)] == [("applied", ""), ("applied", "")]
    assert checks_of(order, officer) == 2
