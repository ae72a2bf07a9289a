"""What a form makes is sent and does what it is for: a fever calls the car, a swab at the door is the day's test."""

import uuid
from typing import Any

import pytest

from conftest import make_actor
from lianfang.config.kinds import KINDS
from lianfang.core.access.commands import Envelope
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import declare_kinds
from lianfang.core.duties.queries import DutyRow, duties
from lianfang.kit.clock import at_local, clock_at, local
from lianfang.kit.forms import Filling, could_not_payload, faults, payload_of, said_after
from lianfang.kit.ids import new_id
from lianfang.response.quarantine.models import DailyCheck, QuarantineTest
from lianfang.response.quarantine.permissions import PERMISSIONS
from lianfang.workflows.commands import submit
from lianfang.workflows.forms import FORMS
from response.quarantine.order_making import declare, issued, roll

pytestmark = pytest.mark.django_db
MORNING = local("2022-07-14 08:30")
BY_CODE = {form.code: form for form in FORMS}


@pytest.fixture(autouse=True, scope="module")
def kinds(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        declare_kinds(KINDS)


@pytest.fixture
def officer() -> Actor:
    declare()
    more = ("duties.read_duties", "duties.finish_duty", "specimens.register_tubes")
    return make_actor(*PERMISSIONS, *more, role="township", line="quarantine")


def one_duty(by: Actor, kind: str, state: str = "outstanding") -> DutyRow:
    """The duty of this kind whose window opened last."""
    return max(duties(by=by, kind=kind, state=state, opened_by=MORNING), key=lambda duty: duty.opens_at)


def filling(duty: DutyRow, values: dict[str, Any], resident: object = None) -> Filling:
    known = {"id": duty.id, "subject": str(duty.subject), "period": duty.period, "source": str(duty.source),
             "division_code": duty.division_code}  # fmt: skip
    return Filling(
        values,
        known,
        {"resident": resident and str(resident)},
        {},
        MORNING.isoformat(),
        [str(uuid.uuid4()) for _ in range(3)],
    )


def send(kind: str, payload: Any, by: Actor) -> None:
    with clock_at(MORNING):
        submit(Envelope(new_id(), kind, MORNING, payload), by=by)


def test_a_daily_check_of_38_2_opens_the_duty_of_the_car(officer):
    issued(officer)
    roll(officer, at_local(MORNING.date()))
    check, form = one_duty(officer, "daily_check"), BY_CODE["daily_check"]
    answers = filling(check, {"temperature": 38.2})
    assert faults(form, answers.values, answers) == []
    assert [note.tone for note in said_after(form, answers.values)] == ["alarm"]
    assert duties(by=officer, kind="transfer_to_hospital") == []
    send(form.command, payload_of(form, answers), officer)
    assert one_duty(officer, "daily_check", "done").outcome == "abnormal"
    car = one_duty(officer, "transfer_to_hospital")
    assert (car.subject, car.opens_at, car.rank) == (check.subject, MORNING, 1)


def test_a_check_that_could_not_be_done_says_why(officer):
    issued(officer)
    roll(officer, at_local(MORNING.date()))
    check, form = one_duty(officer, "daily_check"), BY_CODE["daily_check"]
    payload = could_not_payload(form, filling(check, {}), form.could_not.reasons[0], "邻居说出门了")
    send(form.could_not.command, payload, officer)
    with acting(officer):
        assert DailyCheck.objects.get().could_not == "敲门无人应答：邻居说出门了"
    assert one_duty(officer, "daily_check", "done").outcome == "could_not"


@pytest.mark.parametrize("pledge", ["signed", "refused", "not_asked"])
def test_a_visit_is_done_whatever_is_said_to_the_pledge(officer, pledge):
    issued(officer, "secondary_contact")
    roll(officer, at_local(MORNING.date()))
    visit, form = one_duty(officer, "door_visit"), BY_CODE["door_visit"]
    steps = ("informed", "reassured", "test_checked", "notice_handed", "shopping_asked")
    send(form.command, payload_of(form, filling(visit, dict.fromkeys(steps, True) | {"pledge": pledge})), officer)
    assert one_duty(officer, "door_visit", "done").id == visit.id


def test_a_visit_in_vain_leaves_the_duty_open(officer):
    issued(officer, "secondary_contact")
    roll(officer, at_local(MORNING.date()))
    visit, form = one_duty(officer, "door_visit"), BY_CODE["door_visit"]
    send(form.could_not.command, could_not_payload(form, filling(visit, {}), form.could_not.reasons[1]), officer)
    assert one_duty(officer, "door_visit").due_at == visit.due_at


def test_a_swab_under_an_order_is_the_test_of_its_day(officer):
    order = issued(officer)
    roll(officer, at_local(MORNING.date()))
    due, form = one_duty(officer, "quarantine_test"), BY_CODE["quarantine_test"]
    send(form.command, payload_of(form, filling(due, {"tube": "T-1"}, order.resident)), officer)
    with acting(officer):
        test = QuarantineTest.objects.get()
    assert (test.order_id, test.result, test.valid_at) == (order.id, "pending", MORNING)
    assert test.sample is not None
    assert one_duty(officer, "quarantine_test", "done").id == due.id
