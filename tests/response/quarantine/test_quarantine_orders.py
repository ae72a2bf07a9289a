"""Orders from issue to release: legs, plan, upgrade, lifting, orders anew, overstay, appeals."""

import uuid

import pytest
from django.db import DatabaseError, connection, transaction
from order_making import (
    ED9,
    HOME,
    INCIDENT,
    ISSUED,
    MET,
    SITE,
    declare,
    due,
    hours,
    issue,
    issued,
    make_officer,
    new_order,
    noon,
    roll,
)

from conftest import DINGAN, make_actor
from lianfang.core.access.commands import Envelope, apply_command
from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import declare_kinds
from lianfang.core.duties.queries import balance, duties, ledger_disagreements
from lianfang.kit.clock import clock_at, local
from lianfang.response.quarantine import actions, queries
from lianfang.response.quarantine.duties import KINDS
from lianfang.response.quarantine.models import Release
from lianfang.response.quarantine.permissions import PERMISSIONS
from lianfang.response.quarantine.rules import (
    AppealAlreadyDecided,
    IssuerCannotDecide,
    NewTest,
    OrderAlreadyInForce,
    OrderClosed,
    OrderNotFound,
    OrderRefused,
    ReleaseRefused,
)
from lianfang.response.quarantine.schemas import COMMANDS
from making import make_resident

pytestmark = pytest.mark.django_db
MIDNIGHT_19 = local("2022-07-20")
MIDNIGHT_22 = local("2022-07-23")


@pytest.fixture(autouse=True, scope="module")
def kinds(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        declare_kinds(KINDS)


@pytest.fixture
def officer():
    declare()
    return make_officer()


def sampled(by, order, *days, result="negative"):
    for day in days:
        at = local(f"2022-07-{day} 09:00")
        with clock_at(at):
            actions.record_tests(by=by, tests=[NewTest(order, at, result)], valid_at=at)


def release(by, order, at, **fields):
    with clock_at(at):
        return actions.release_orders(by=by, orders=[order], valid_at=at, **fields)


def test_an_order_opens_the_day_at_the_place_where_it_is_served(officer):
    issued(officer)
    assert due(officer, "daily_check") == [
        ("2022-07-13/0", noon(13), SITE), ("2022-07-13/1", local("2022-07-13 20:00"), SITE),
    ]  # fmt: skip
    assert due(officer, "quarantine_test") == [("2022-07-13", local("2022-07-13 18:00"), SITE)]
    assert due(officer, "door_visit") == due(officer, "release_decision") == []


def test_home_quarantine_opens_a_visit_within_half_a_day_at_home(officer):
    issued(officer, "secondary_contact")
    assert due(officer, "door_visit") == [("leg0", ISSUED + hours(12), HOME)]


def test_the_legs_stand_on_the_calendar(officer):
    order = issued(officer)
    with clock_at(noon(14)):
        (row,) = queries.orders(by=officer)
        seen = queries.person_order(by=officer, order=order.id)
    assert (row.leg_kind, str(row.first_day), str(row.last_day), row.days_left) == (
        "central_quarantine", "2022-07-13", "2022-07-19", 6,
    )  # fmt: skip
    assert [(leg["kind"], leg["last_day"]) for leg in seen.legs] == [
        ("central_quarantine", "2022-07-19"), ("home_monitoring", "2022-07-22"),
    ]  # fmt: skip
    assert (seen.ends_at, seen.days_left, seen.appeal_to) == (MIDNIGHT_22, 9, "the county duty desk")
    assert (seen.reason, seen.authority, seen.issued_by) == ("met case 1", "county HQ", "township")


def test_issuing_is_audited_repeatable_and_refused_without_permission(officer):
    order = new_order(officer)
    assert issue(officer, order) == issue(officer, order) == [order.id]
    assert len(queries.orders(by=officer, at=noon(14), known_at=noon(14))) == 1
    with acting(make_actor(line="audit")), connection.cursor() as cursor:
        cursor.execute("SELECT verb FROM access_auditentry WHERE account_id = %s", [officer.account_id])
        assert cursor.fetchall() == [("quarantine.issue_orders",)]
    with pytest.raises(NotPermitted):
        issue(make_actor("quarantine.read_orders"), new_order(officer))


def test_a_bad_row_refuses_the_list_and_nothing_is_written(officer):
    with pytest.raises(OrderRefused, match="Row 2: fill in reason"):
        issue(officer, new_order(officer), new_order(officer, reason=""))
    with pytest.raises(OrderRefused, match="Row 1: person"):
        issue(officer, new_order(officer, resident=uuid.uuid4()))
    twice = new_order(officer)
    with pytest.raises(OrderRefused, match="twice"):
        issue(officer, twice, new_order(officer, resident=twice.resident))
    assert queries.orders(by=officer) == []


def test_a_person_is_under_one_order_of_an_incident(officer):
    order = issued(officer)
    with pytest.raises(OrderAlreadyInForce):
        issue(officer, new_order(officer, resident=order.resident))


def test_the_database_refuses_to_take_somebody_from_dependants_without_a_keeper(officer):
    order = issued(officer)
    with acting(officer), pytest.raises(DatabaseError, match="order_dependants_kept"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("UPDATE quarantine_order SET dependants = true WHERE id = %s", [order.id])


def test_both_the_home_and_the_site_see_an_order_and_nobody_else(officer):
    order = issued(officer)
    rights = (*PERMISSIONS, "duties.read_duties")
    seen = {
        code: len(queries.orders(by=make_actor(*rights, scope=str(code)), at=noon(14), known_at=noon(14)))
        for code in (HOME, SITE, SITE + 1)
    }
    assert seen == {HOME: 1, SITE: 1, SITE + 1: 0}
    with pytest.raises(OrderNotFound):
        release(make_actor(*rights, scope=str(SITE + 1)), order.id, noon(19))


def test_starting_is_recorded_once(officer):
    order = issued(officer)
    with clock_at(ISSUED + hours(2)):
        assert queries.order_counts(by=officer)["not_started"] == 1
        assert actions.start_orders(by=officer, orders=[order.id], valid_at=ISSUED + hours(2)) == 1
        assert actions.start_orders(by=officer, orders=[order.id], valid_at=ISSUED + hours(2)) == 0
        assert queries.order_counts(by=officer)["not_started"] == 0


def test_the_days_roll_on_and_rolling_twice_changes_nothing(officer):
    issued(officer)
    roll(officer, noon(14))
    assert [row[0] for row in due(officer, "quarantine_test")] == ["2022-07-13", "2022-07-14"]
    assert roll(officer, noon(14)).astuple() == (0, 0, 0, 0, 0)
    roll(officer, noon(19))
    assert due(officer, "release_decision") == [("leg0", MIDNIGHT_19, SITE)]
    assert due(officer, "closed_loop_transfer") == [("leg0", MIDNIGHT_19, SITE)]


def test_with_all_tests_the_leg_ends_at_its_end_and_monitoring_goes_on_at_home(officer):
    order = issued(officer)
    sampled(officer, order.id, 13, 14, 15, 17, 19)
    roll(officer, noon(19))
    decision = release(officer, order.id, noon(19))[order.id]
    assert decision.may_release
    assert due(officer, "release_decision") == []
    with clock_at(noon(19)):
        assert [row.leg_kind for row in queries.orders(by=officer)] == ["central_quarantine"]
    roll(officer, noon(20))
    with clock_at(noon(20)):
        assert [row.leg_kind for row in queries.orders(by=officer)] == ["home_monitoring"]
        actions.record_transport(by=officer, order=order.id, purpose="home", destination="home", vehicle="car 2",
                                 valid_at=noon(20))  # fmt: skip
    assert due(officer, "closed_loop_transfer") == []
    assert {row[2] for row in due(officer, "daily_check") if row[0] >= "2022-07-20"} == {HOME}
    assert [row[0] for row in due(officer, "door_visit")] == ["leg1"]
    sampled(officer, order.id, 22)
    release(officer, order.id, noon(22))
    with clock_at(MIDNIGHT_22):
        assert queries.orders(by=officer) == []
    with clock_at(noon(22)):
        assert len(queries.orders(by=officer)) == 1
    roll(officer, MIDNIGHT_22)
    assert duties(by=officer) == []
    assert balance(by=officer).holds and ledger_disagreements(by=officer) == []
    assert len(due(officer, "quarantine_test", "done")) == 6


def test_release_too_early_or_with_something_missing_is_refused(officer):
    order = issued(officer)
    sampled(officer, order.id, 13, 14, 15, 17)
    with pytest.raises(ReleaseRefused, match="lasts until 2022-07-19"):
        release(officer, order.id, noon(18))
    with pytest.raises(ReleaseRefused, match=r"sample taken on 2022-07-19.*Release with a reason"):
        release(officer, order.id, noon(19))
    released = release(officer, order.id, noon(19), reason="sample lost by the laboratory, retested at home")
    assert [missing.code for missing in released[order.id].missing] == ["test_missing"]
    with acting(officer):
        row = Release.objects.get()
    assert (row.outcome, row.effective_at, row.decision["may_release"]) == ("leg_ended", MIDNIGHT_19, False)


def test_a_positive_is_never_released(officer):
    order = issued(officer)
    sampled(officer, order.id, 13, result="positive")
    with pytest.raises(ReleaseRefused, match="upgraded to screen_positive"):
        release(officer, order.id, noon(19), reason="please")


def test_the_last_result_of_a_sample_counts(officer):
    order = issued(officer)
    sampled(officer, order.id, 13, result="pending")
    sampled(officer, order.id, 13, 14, 15, 17, 19)
    assert release(officer, order.id, noon(19))[order.id].may_release


def test_a_contacts_contact_waits_for_the_linked_contacts_first_two_tests(officer):
    linked = issued(officer)
    order = issued(officer, "secondary_contact", linked_resident=linked.resident)
    sampled(officer, order.id, 13, 16, 19)
    sampled(officer, linked.id, 13)
    village = make_actor(*PERMISSIONS, "duties.read_duties", scope=str(HOME))
    with pytest.raises(ReleaseRefused, match="linked contact's first 2 tests"):
        release(village, order.id, noon(19))
    sampled(officer, linked.id, 14)
    assert release(village, order.id, noon(19))[order.id].may_release


def test_when_the_linked_contact_is_positive_the_order_is_upgraded(officer):
    linked = issued(officer)
    former = issued(officer, "secondary_contact", linked_resident=linked.resident)
    sampled(officer, linked.id, 15, result="positive")
    with clock_at(noon(15)):
        (row,) = queries.linked_orders(by=officer, residents=[linked.resident], incident=INCIDENT)
        assert row.id == former.id
        with pytest.raises(ReleaseRefused, match="upgraded to close_contact"):
            release(officer, former.id, noon(19), reason="x")
        new = new_order(officer, resident=former.resident)
        given = {"by": officer, "incident": INCIDENT, "protocol": ED9, "orders": [new], "valid_at": noon(15),
                 "reason": "linked contact positive"}  # fmt: skip
        assert actions.upgrade_orders(**given) == actions.upgrade_orders(**given) == [new.id]
        rows = {row.resident: row.tier for row in queries.orders(by=officer)}
        assert rows[former.resident] == "close_contact"
        seen = queries.person_order(by=officer, order=former.id)
    assert (seen.status, seen.closed_at) == ("upgraded", noon(15))


def test_lifting_early_says_why_and_brings_the_person_home(officer):
    contact = uuid.uuid4()
    order = issued(officer, contact=contact)
    with clock_at(noon(14)):
        assert queries.orders_of_contacts(by=officer, contacts=[contact]) == [order.id]
        with pytest.raises(OrderRefused, match="Say why"):
            actions.lift_orders(by=officer, orders=[order.id], reason=" ", valid_at=noon(14))
        lift = {"by": officer, "orders": [order.id], "reason": "contact withdrawn", "valid_at": noon(14)}
        assert (actions.lift_orders(**lift), actions.lift_orders(**lift)) == (1, 0)
        with pytest.raises(OrderClosed):
            actions.release_orders(by=officer, orders=[order.id], valid_at=noon(14))
    assert {duty.kind for duty in duties(by=officer)} == {"closed_loop_transfer"}
    assert due(officer, "closed_loop_transfer") == [("leg0", noon(14) + hours(12), SITE)]


def test_whoever_becomes_a_case_is_not_brought_home(officer):
    order = issued(officer)
    with clock_at(noon(14)):
        given = {"by": officer, "orders": [order.id], "reason": "case 2", "valid_at": noon(14)}
        assert (actions.upgrade_to_case(**given), actions.upgrade_to_case(**given)) == (1, 0)
        assert queries.person_order(by=officer, order=order.id).status == "upgraded"
    assert duties(by=officer) == []


def test_who_is_held_past_the_end_outranks_every_other_overdue_duty(officer):
    order = issued(officer)
    roll(officer, noon(20))
    with clock_at(noon(20)):
        first = duties(by=officer)[0]
        assert (first.kind, first.period, first.due_at, first.rank) == ("overstay", "leg0", MIDNIGHT_19, 0)
        assert [row.id for row in queries.orders(by=officer, listed="overstay")] == [order.id]
        assert queries.order_counts(by=officer)["overstay"] == 1
    release(officer, order.id, noon(20), reason="samples late")
    roll(officer, local("2022-07-20 13:00"))
    assert due(officer, "overstay") == []
    assert len(due(officer, "overstay", "done")) == 1
    assert ledger_disagreements(by=officer) == []


def test_an_overstay_ended_before_the_roll_saw_it_is_counted_and_done(officer):
    order = issued(officer)
    release(officer, order.id, noon(20), reason="samples late")
    assert due(officer, "overstay") == []
    assert len(due(officer, "overstay", "done")) == 1


def test_an_order_anew_has_its_own_reason_end_and_appeal(officer):
    order = issued(officer)
    words = {"reason": "sample of day 7 not read", "authority": "county HQ", "appeal_to": "county duty desk"}
    given = {"by": officer, "order": order.id, "last_day": local("2022-07-20").date(), **words}
    with clock_at(noon(18)), pytest.raises(OrderRefused, match="decide on its last day"):
        actions.order_anew(**given, valid_at=noon(18))
    with clock_at(noon(19)), pytest.raises(OrderRefused, match="says its reason"):
        actions.order_anew(**given | {"reason": ""}, valid_at=noon(19))
    with clock_at(noon(19)):
        new = actions.order_anew(**given, valid_at=noon(19))
        assert actions.order_anew(**given, valid_at=noon(19), id=new) == new
        seen = queries.person_order(by=officer, order=new)
        assert queries.person_order(by=officer, order=order.id).status == "reordered"
    assert (seen.reason, [leg["last_day"] for leg in seen.legs]) == (words["reason"], ["2022-07-20", "2022-07-22"])
    roll(officer, noon(20))
    assert due(officer, "release_decision") == [("leg0", local("2022-07-21"), SITE)]


def test_an_appeal_is_decided_by_somebody_else_within_a_day(officer):
    order = issued(officer)
    other = make_actor(*PERMISSIONS, "duties.read_duties", role="commander")
    with clock_at(noon(14)):
        appeal = actions.file_appeal(by=officer, order=order.id, filed_by="daughter", reason="was not there",
                                     valid_at=noon(14))  # fmt: skip
        assert due(officer, "appeal_decision") == [(str(appeal.id)[-12:], noon(15), HOME)]
        assert [row.id for row in queries.open_appeals(by=officer)] == [appeal.id]
        decide = {"appeal": appeal.id, "granted": True, "answer": "the camera shows it", "valid_at": noon(14)}
        with pytest.raises(IssuerCannotDecide):
            actions.decide_appeal(by=officer, **decide)
        with pytest.raises(OrderRefused, match="in words"):
            actions.decide_appeal(by=other, **decide | {"answer": ""})
        actions.decide_appeal(by=other, **decide)
        with pytest.raises(AppealAlreadyDecided):
            actions.decide_appeal(by=other, **decide)
        seen = queries.person_order(by=officer, order=order.id)
    assert (seen.status, seen.appeals[0]["answer"]) == ("lifted", "the camera shows it")
    assert len(due(officer, "appeal_decision", "done")) == 1


def test_an_appeal_not_granted_leaves_the_order_in_force(officer):
    order = issued(officer)
    other = make_actor(*PERMISSIONS, role="commander")
    with clock_at(noon(14)):
        appeal = actions.file_appeal(by=officer, order=order.id, filed_by="self", reason="x", valid_at=noon(14))
        actions.decide_appeal(by=other, appeal=appeal.id, granted=False, answer="seen on camera", valid_at=noon(14))
        assert len(queries.orders(by=officer)) == 1


def test_the_database_refuses_an_issuers_own_decision(officer):
    order = issued(officer)
    with clock_at(noon(14)):
        actions.file_appeal(by=officer, order=order.id, filed_by="self", reason="x", valid_at=noon(14))
    with acting(officer), pytest.raises(DatabaseError, match="appeal_not_by_issuer"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE quarantine_appeal SET granted = false, answer = 'no', decided_by = issued_by, decided_at = %s",
                [noon(14)],
            )


def test_a_past_instant_shows_the_orders_of_then(officer):
    order = issued(officer)
    with clock_at(noon(15)):
        actions.lift_orders(by=officer, orders=[order.id], reason="withdrawn", valid_at=noon(15))
        assert queries.orders(by=officer) == []
        assert [row.id for row in queries.orders(by=officer, at=noon(14))] == [order.id]
        assert queries.orders(by=officer, at=ISSUED - hours(1)) == []


def test_three_hundred_orders_cost_the_statements_of_one(officer, django_assert_max_num_queries):
    many = [new_order(officer) for _ in range(300)]
    with django_assert_max_num_queries(39):
        issue(officer, *many)
    assert len(due(officer, "quarantine_test")) == 300


def test_commands_call_the_actions(officer):
    resident = make_resident(by=officer, grid=HOME).id
    order = {"resident": str(resident), "tier": "secondary_contact", "last_exposure_at": MET.isoformat(),
             "reason": "met a contact", "authority": "county HQ", "appeal_to": "duty desk"}  # fmt: skip
    payload = {"incident": str(INCIDENT), "protocol": ED9, "orders": [order]}
    model, handler = COMMANDS["issue_orders"]
    with clock_at(ISSUED):
        receipt = apply_command(
            Envelope(uuid.uuid4(), "issue_orders", ISSUED, payload),
            lambda by, sent: handler(by, sent, model(**sent.payload)),
            by=officer,
        )
        assert [str(row.id) for row in queries.orders(by=officer)] == receipt.result["orders"]
    assert DINGAN == 469021


def test_an_order_is_issued_under_an_incident_that_runs(officer):
    with clock_at(ISSUED), pytest.raises(OrderRefused, match="over or unknown"):
        actions.issue_orders(
            by=officer, incident=uuid.uuid4(), protocol=ED9, orders=[new_order(officer)], valid_at=ISSUED
        )


def test_an_order_is_not_lifted_before_it_was_issued(officer):
    order = issued(officer)
    with clock_at(ISSUED), pytest.raises(OrderRefused, match="before it was issued"):
        actions.lift_orders(by=officer, orders=[order.id], reason="withdrawn", valid_at=MET)
