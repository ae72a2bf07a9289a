"""Checks, tests, visits and transports under an order."""

import uuid
from decimal import Decimal

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from order_making import HOME, ISSUED, SITE, declare, due, hours, issued, make_officer, noon, roll

from conftest import make_actor
from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import declare_kinds
from lianfang.core.duties.queries import duties
from lianfang.kit.clock import clock_at, local
from lianfang.response.quarantine import actions, queries
from lianfang.response.quarantine.duties import KINDS
from lianfang.response.quarantine.rules import CheckRefused, NewCheck, NewTest, OrderNotFound

pytestmark = pytest.mark.django_db

STEPS = {"informed": True, "reassured": True, "test_checked": True, "notice_handed": True, "shopping_asked": True}


@pytest.fixture(autouse=True, scope="module")
def kinds(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        declare_kinds(KINDS)


@pytest.fixture
def officer():
    declare()
    return make_officer()


def check(by, at, *checks):
    with clock_at(at):
        return actions.record_checks(by=by, checks=checks, valid_at=at)


def visit(by, order, at=ISSUED, **steps):
    with clock_at(at):
        return actions.record_visit(by=by, order=order.id, valid_at=at, **steps)


def test_a_normal_check_finishes_the_windows_duty(officer):
    order = issued(officer)
    assert check(officer, noon(13), NewCheck(order.id, Decimal("36.6"))) == []
    done = [(duty.period, duty.outcome) for duty in duties(by=officer, kind="daily_check", state="done")]
    assert done == [("2022-07-13/0", "normal")]
    with clock_at(noon(13)):
        assert queries.order_counts(by=officer)["check_due"] == 0
    with clock_at(noon(14)):
        assert queries.order_counts(by=officer)["check_due"] == 1


def test_a_repeated_check_is_harmless(officer):
    order = issued(officer)
    same = NewCheck(order.id, Decimal("38.6"))
    assert check(officer, noon(13), same) == [order.id]
    assert check(officer, noon(13), same) == []


def test_could_not_is_an_answer_and_no_offence(officer):
    order = issued(officer)
    check(officer, noon(13), NewCheck(order.id, could_not="asleep"))
    assert [duty.outcome for duty in duties(by=officer, kind="daily_check", state="done")] == ["could_not"]
    with pytest.raises(CheckRefused, match="say why"):
        check(officer, noon(13), NewCheck(order.id))


def test_an_abnormal_check_calls_the_car_at_once(officer):
    order = issued(officer)
    assert check(officer, noon(13), NewCheck(order.id, Decimal("37.9"), ("cough",))) == [order.id]
    assert due(officer, "transfer_to_hospital") == [("2022-07-13", noon(13) + hours(0.5), SITE)]
    with clock_at(noon(13)):
        assert [row.id for row in queries.orders(by=officer, listed="abnormal")] == [order.id]
        actions.record_transport(by=officer, order=order.id, purpose="hospital", destination="county hospital",
                                 vehicle="ambulance 1", valid_at=noon(13))  # fmt: skip
        assert queries.orders(by=officer, listed="abnormal") == []
    assert due(officer, "transfer_to_hospital") == []


def test_a_check_made_before_the_days_roll_counts_all_the_same(officer):
    order = issued(officer)
    check(officer, noon(15), NewCheck(order.id, Decimal("36.6")))
    roll(officer, noon(15))
    assert "2022-07-15/0" not in [row[0] for row in due(officer, "daily_check")]
    assert [row[0] for row in due(officer, "daily_check", "done")] == ["2022-07-15/0"]


def test_a_sample_finishes_its_day_and_a_late_one_makes_good(officer):
    order = issued(officer)
    roll(officer, noon(14))
    late = local("2022-07-16 08:00")
    with clock_at(late):
        assert actions.record_tests(by=officer, tests=[NewTest(order.id, late, "pending")], valid_at=late) == 1
    assert [row[0] for row in due(officer, "quarantine_test", "done")] == ["2022-07-15"]
    with clock_at(noon(16)):
        (row,) = queries.orders(by=officer)
        assert str(row.last_day) == "2022-07-19"


def test_a_missed_test_opens_a_visit_and_nothing_else(officer):
    order = issued(officer)
    before = {duty.kind for duty in duties(by=officer)}
    roll(officer, local("2022-07-13 18:00"))
    assert {duty.kind for duty in duties(by=officer)} - before == {"missed_test_visit"}
    assert due(officer, "missed_test_visit") == [("2022-07-13", local("2022-07-14 06:00"), SITE)]
    visit(officer, order, local("2022-07-13 19:00"), informed=True, missed_day=local("2022-07-13").date())
    assert due(officer, "missed_test_visit") == []
    roll(officer, local("2022-07-13 20:00"))
    assert len(due(officer, "missed_test_visit", "done")) == 1


def test_a_missed_test_made_good_needs_no_visit(officer):
    order = issued(officer)
    at = local("2022-07-13 18:30")
    roll(officer, at)
    with clock_at(at):
        actions.record_tests(by=officer, tests=[NewTest(order.id, at, "pending")], valid_at=at)
    assert due(officer, "missed_test_visit") == []


@pytest.mark.parametrize("pledge", ["signed", "refused", "not_asked"])
def test_refusing_the_pledge_costs_nothing(officer, pledge):
    order = issued(officer, "secondary_contact")
    assert visit(officer, order, pledge=pledge, needs="rice", **STEPS).complete
    assert due(officer, "door_visit") == []
    assert {duty.kind for duty in duties(by=officer)} == {"daily_check", "quarantine_test"}


@pytest.mark.parametrize("steps", [{"nobody_home": True}, STEPS | {"notice_handed": False}])
def test_a_visit_that_missed_something_stays_due(officer, steps):
    order = issued(officer, "secondary_contact")
    assert not visit(officer, order, **steps).complete
    assert [row[0] for row in due(officer, "door_visit")] == ["leg0"]


def test_a_visit_is_recorded_once(officer):
    order = issued(officer, "secondary_contact")
    id = uuid.uuid4()
    assert visit(officer, order, id=id) == visit(officer, order, id=id)


def test_records_need_their_permission_and_the_order_in_sight(officer):
    order = issued(officer)
    with pytest.raises(NotPermitted, match="check_person"):
        check(make_actor("quarantine.read_orders"), noon(13), NewCheck(order.id, Decimal("36.6")))
    stranger = make_actor("quarantine.check_person", scope=str(HOME + 1))
    with pytest.raises(OrderNotFound, match="not in your area"):
        check(stranger, noon(13), NewCheck(order.id, Decimal("36.6")))


def test_overdue_orders_are_listed_and_counted(officer):
    issued(officer)
    with clock_at(ISSUED):
        assert queries.order_counts(by=officer)["overdue"] == 0
    with clock_at(noon(14)):
        assert queries.order_counts(by=officer)["overdue"] == 1
        assert len(queries.orders(by=officer, listed="overdue")) == 1


@pytest.mark.parametrize("table", ["dailycheck", "quarantinetest", "doorvisit", "transport", "release"])
def test_what_was_recorded_cannot_be_rewritten(officer, table):
    with acting(officer), pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"DELETE FROM quarantine_{table}")


def test_a_second_check_of_a_done_slot_works_nothing_out_anew(officer):
    order = issued(officer, "secondary_contact").id
    roll(officer, noon(14))

    def statements(temperature):
        with CaptureQueriesContext(connection) as seen:
            check(officer, noon(14), NewCheck(order, Decimal(temperature)))
        return [one["sql"] for one in seen.captured_queries]

    first, again = statements("36.5"), statements("36.6")
    assert not any("WITH plan AS" in one for one in first + again), "what the order obliges was worked out anew"
    assert len(again) <= len(first) + 6, "one look whether the duty had been opened"
