"""From the first positive to a case, its classes to the minute, and what each step obliges."""

import uuid
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from conftest import DINGAN, JIANGNAN, XINZHU, make_actor
from lianfang.core.access.commands import Envelope, apply_command
from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import declare_kinds
from lianfang.core.duties.queries import duties
from lianfang.kit.clock import clock_at, local
from lianfang.response.cases import actions, queries
from lianfang.response.cases.duties import KINDS
from lianfang.response.cases.models import ScreenPositive
from lianfang.response.cases.permissions import PERMISSIONS
from lianfang.response.cases.rules import (
    CaseAlreadyRegistered,
    CaseNotFound,
    ClassUnchanged,
    HoldHasNoEnd,
    PositiveAlreadyDecided,
    ReasonMissing,
    ResidentNotFound,
    UnderControlAlready,
)
from lianfang.response.cases.schemas import COMMANDS
from making import make_resident

pytestmark = pytest.mark.django_db

GRID = XINZHU * 1000 + 1
FOUND = local("2022-07-13 06:00")
INCIDENT = uuid.UUID(int=9)
ED9 = "covid19-cn-ed9"
HOLD = {"place": "home", "reason": "first positive", "authority": "county CDC", "appeal_to": "the duty desk"}


@pytest.fixture(autouse=True, scope="module")
def kinds(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        declare_kinds(KINDS)


@pytest.fixture
def epidemiologist():
    return make_actor(*PERMISSIONS, "duties.read_duties", role="epidemiologist", line="epidemiology")


@pytest.fixture
def audit_trail(epidemiologist):
    auditor = make_actor(line="audit")

    def verbs():
        with acting(auditor), connection.cursor() as cursor:
            cursor.execute("SELECT verb FROM access_auditentry WHERE account_id = %s", [epidemiologist.account_id])
            return {row[0] for row in cursor.fetchall()}

    return verbs


def report(by, resident=None, at=FOUND, **fields):
    resident = resident or make_resident(by=by, grid=GRID).id
    with clock_at(at):
        return actions.report_positive(
            by=by, incident=INCIDENT, resident=resident, protocol=ED9, detected_by="community_screening",
            valid_at=at, **fields,
        )  # fmt: skip


def register(by, resident=None, at=FOUND, **fields):
    resident = resident or make_resident(by=by, grid=GRID).id
    given = {"detected_by": "community_screening", "class_code": "asymptomatic_case", "reason": "retest positive",
             "sampled_at": at - timedelta(hours=8)}  # fmt: skip
    with clock_at(at):
        return actions.register_case(
            by=by, incident=INCIDENT, resident=resident, protocol=ED9, valid_at=at, **given | fields
        )


def due(by, kind, state="outstanding"):
    return [(duty.subject, duty.due_at, duty.outcome) for duty in duties(by=by, kind=kind, state=state)]


def test_a_positive_obliges_hold_and_retest(epidemiologist, audit_trail):
    positive = report(epidemiologist)
    assert due(epidemiologist, "hold_in_place") == [(positive.id, FOUND + timedelta(minutes=30), None)]
    assert due(epidemiologist, "confirmatory_retest") == [(positive.id, FOUND + timedelta(hours=6), None)]
    assert "cases.report_positive" in audit_trail()


def test_reporting_twice_with_one_id_is_harmless(epidemiologist):
    resident = make_resident(by=epidemiologist, grid=GRID).id
    id = uuid.uuid4()
    assert report(epidemiologist, resident, id=id) == report(epidemiologist, resident, id=id)
    assert len(due(epidemiologist, "confirmatory_retest")) == 1


def test_a_hold_says_why_who_until_when_and_ends_by_itself(epidemiologist):
    positive = report(epidemiologist)
    at = FOUND + timedelta(minutes=10)
    with clock_at(at):
        hold = actions.hold_in_place(by=epidemiologist, positive=positive.id, valid_at=at, **HOLD)
    assert hold.ends_at == at + timedelta(hours=6)
    assert due(epidemiologist, "hold_in_place", "done") == [(positive.id, FOUND + timedelta(minutes=30), "held")]
    for later, past in ((6, False), (7, True)):
        with clock_at(FOUND + timedelta(hours=later)):
            assert [row.past_end for row in queries.positives(by=epidemiologist)] == [past]


@pytest.mark.parametrize("hours", [-1, 0, 25, 24 * 365 * 70])
def test_a_hold_has_an_end_that_comes(epidemiologist, hours):
    positive = report(epidemiologist)
    with clock_at(FOUND), pytest.raises(HoldHasNoEnd, match="24 hours at most"):
        actions.hold_in_place(
            by=epidemiologist, positive=positive.id, valid_at=FOUND, ends_at=FOUND + timedelta(hours=hours), **HOLD
        )
    assert due(epidemiologist, "hold_in_place", "done") == []


def test_a_hold_without_a_way_to_appeal_is_refused(epidemiologist):
    positive = report(epidemiologist)
    with pytest.raises(ReasonMissing, match="appeal to"):
        actions.hold_in_place(by=epidemiologist, positive=positive.id, valid_at=FOUND, **HOLD | {"appeal_to": ""})


def test_a_negative_retest_ends_hold_and_duties(epidemiologist):
    positive = report(epidemiologist)
    with clock_at(FOUND):
        hold = actions.hold_in_place(by=epidemiologist, positive=positive.id, valid_at=FOUND, **HOLD)
    at = FOUND + timedelta(hours=3)
    with clock_at(at):
        retest = {"positive": positive.id, "result": "negative", "sampled_at": FOUND + timedelta(hours=1)}
        actions.record_retest(by=epidemiologist, valid_at=at, **retest)
        assert actions.record_retest(by=epidemiologist, valid_at=at, **retest).status == "negative"
        with pytest.raises(PositiveAlreadyDecided, match="recorded before"):
            actions.record_retest(by=epidemiologist, valid_at=at, **retest | {"result": "positive"})
        with pytest.raises(PositiveAlreadyDecided, match="nobody is held"):
            actions.hold_in_place(by=epidemiologist, positive=positive.id, valid_at=at, **HOLD)
    with acting(epidemiologist):
        hold.refresh_from_db()
    assert hold.lifted_at == at
    assert due(epidemiologist, "confirmatory_retest", "done")[0][2] == "negative"
    assert due(epidemiologist, "hold_in_place") == []


def test_a_case_gets_its_number_and_its_clocks(epidemiologist):
    first, second = register(epidemiologist), register(epidemiologist, detected_by="quarantine")
    assert (first.number, second.number) == (1, 2)
    assert (first.community_detected, second.community_detected) == (True, False)
    clocks = {"positive_transfer": 2, "case_report": 2, "core_info": 4, "preliminary_report": 24}
    for kind, hours in clocks.items():
        assert (first.id, FOUND + timedelta(hours=hours), None) in due(epidemiologist, kind), kind


def test_each_clock_is_ended_by_what_it_waits_for(epidemiologist, audit_trail):
    case = register(epidemiologist)
    at = FOUND + timedelta(hours=1)
    common = {"by": epidemiologist, "case": case.id, "valid_at": at}
    with clock_at(at):
        actions.transfer_case(hospital="county hospital", vehicle="ambulance 3", **common)
        actions.report_case(class_code="asymptomatic_case", number="0001", **common)
        actions.record_investigation(stage="core_info", summary="worked at the market", **common)
        actions.record_investigation(stage="preliminary_report", summary="three places", **common)
    for kind in ("positive_transfer", "case_report", "core_info", "preliminary_report"):
        assert due(epidemiologist, kind) == []
        assert len(due(epidemiologist, kind, "done")) == 1
    assert {"cases.transfer_case", "cases.report_case", "cases.record_investigation"} <= audit_trail()


def test_somebody_found_in_hospital_needs_no_ambulance(epidemiologist):
    register(epidemiologist, hospital="county hospital", detected_by="hospital")
    assert due(epidemiologist, "positive_transfer") == []


def test_a_person_is_one_case_of_an_incident(epidemiologist):
    case = register(epidemiologist)
    with pytest.raises(CaseAlreadyRegistered, match="reclassify"):
        register(epidemiologist, case.resident)


def test_somebody_found_in_quarantine_is_no_community_detection(epidemiologist):
    with pytest.raises(UnderControlAlready):
        register(epidemiologist, detected_by="quarantine", community_detected=True)


def test_a_class_is_corrected_to_the_minute_and_the_former_one_stays(epidemiologist):
    case = register(epidemiologist)
    corrected = local("2022-07-14 12:59")
    typed_in = local("2022-07-15 09:00")
    with clock_at(typed_in):
        made = actions.classify_case(
            by=epidemiologist, case=case.id, class_code="confirmed_case", severity="mild", findings=["symptoms"],
            reason="fever and cough", valid_at=corrected + timedelta(seconds=20),
        )  # fmt: skip
        assert (made.valid_at, made.rule) == (corrected, "reclassification.symptoms_appear")
        minute_before = corrected - timedelta(minutes=1)
        classes = {
            at: [(row.class_code, row.severity) for row in queries.cases(by=epidemiologist, at=at)]
            for at in (minute_before, corrected)
        }
        assert classes == {minute_before: [("asymptomatic_case", None)], corrected: [("confirmed_case", "mild")]}
        known = queries.cases(by=epidemiologist, at=typed_in, known_at=typed_in - timedelta(hours=1))
        assert [row.class_code for row in known] == ["asymptomatic_case"]
        assert queries.case_counts(by=epidemiologist, at=corrected) == {("confirmed_case", "mild"): 1}
        with pytest.raises(ClassUnchanged):
            actions.classify_case(by=epidemiologist, case=case.id, class_code="confirmed_case", severity="mild",
                                  reason="again", valid_at=typed_in)  # fmt: skip
        history = queries.case_history(by=epidemiologist, case=case.id)
    assert [(entry.kind, entry.what) for entry in history] == [
        ("classified", "asymptomatic_case"), ("registered", "community_screening"), ("classified", "confirmed_case"),
    ]  # fmt: skip
    assert {row[1] for row in due(epidemiologist, "case_report")} == {
        FOUND + timedelta(hours=2), corrected + timedelta(hours=2),
    }  # fmt: skip


def test_ruling_a_case_out_cancels_what_is_left(epidemiologist):
    case = register(epidemiologist)
    with clock_at(FOUND):
        actions.record_investigation(
            by=epidemiologist, case=case.id, stage="core_info", summary="at home", valid_at=FOUND
        )
    later = FOUND + timedelta(hours=1)
    with clock_at(later):
        actions.classify_case(
            by=epidemiologist, case=case.id, class_code="ruled_out", reason="lab error", valid_at=later
        )
        assert queries.community_count(by=epidemiologist, since=FOUND - timedelta(days=1), until=later) == 0
    assert due(epidemiologist, "positive_transfer") == due(epidemiologist, "preliminary_report") == []
    assert len(due(epidemiologist, "core_info", "done")) == 1


def test_new_community_positives_between_two_instants_with_their_list(epidemiologist):
    register(epidemiologist)
    second = register(epidemiologist, at=FOUND + timedelta(days=4))
    register(epidemiologist, at=FOUND + timedelta(days=5), detected_by="quarantine")
    span = {"since": FOUND, "until": FOUND + timedelta(days=12), "known_at": FOUND + timedelta(days=12)}
    assert [row.id for row in queries.community_positives(by=epidemiologist, **span)] == [second.id]
    assert queries.community_count(by=epidemiologist, **span) == 1


def test_the_class_history_cannot_be_rewritten(epidemiologist):
    register(epidemiologist)
    with acting(epidemiologist), pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("UPDATE cases_classification SET severity = NULL")


def test_another_village_neither_sees_nor_changes(epidemiologist):
    case = register(epidemiologist)
    neighbour = make_actor(*PERMISSIONS, scope=str(JIANGNAN), role="community")
    assert queries.cases(by=neighbour) == []
    with pytest.raises(CaseNotFound, match="in your area"):
        actions.classify_case(by=neighbour, case=case.id, class_code="confirmed_case", reason="x", valid_at=FOUND)
    with pytest.raises(ResidentNotFound, match="not in the register"):
        report(neighbour, case.resident)


def test_without_the_permission_nothing_is_written(epidemiologist):
    reader = make_actor("cases.read_cases")
    resident = make_resident(by=reader, grid=GRID).id
    with pytest.raises(NotPermitted, match=r"cases\.report_positive"):
        report(reader, resident)
    with acting(epidemiologist):
        assert not ScreenPositive.objects.exists()


def test_a_trajectory_is_corrected_without_losing_what_was_written(epidemiologist):
    case = register(epidemiologist)
    stay = {"place_text": "market", "since": local("2022-07-11 08:00"), "until": local("2022-07-11 09:00")}
    (first,) = actions.add_trajectory(by=epidemiologist, case=case.id, entries=[stay])
    actions.add_trajectory(
        by=epidemiologist, case=case.id, entries=[stay | {"place_text": "wet market, stall 4", "replaces": first}]
    )
    rows = queries.trajectory(by=epidemiologist, case=case.id)
    assert [row["place_text"] for row in rows] == ["wet market, stall 4"]


def test_a_risk_site_is_marked_once(epidemiologist):
    site = {"incident": INCIDENT, "division_code": GRID, "name": "market", "since": FOUND, "until": FOUND,
            "valid_at": FOUND, "id": uuid.uuid4()}  # fmt: skip
    first = actions.mark_risk_site(by=epidemiologist, **site)
    assert actions.mark_risk_site(by=epidemiologist, **site) == first


def test_commands_call_the_actions(epidemiologist):
    resident = make_resident(by=epidemiologist, grid=GRID).id
    payload = {"incident": str(INCIDENT), "resident": str(resident), "protocol": ED9,
               "detected_by": "fever_clinic"}  # fmt: skip
    model, handler = COMMANDS["report_positive"]
    envelope = Envelope(uuid.uuid4(), "report_positive", FOUND, payload)
    receipt = apply_command(envelope, lambda by, sent: handler(by, sent, model(**sent.payload)), by=epidemiologist)
    assert uuid.UUID(receipt.result["id"]) in {row[0] for row in due(epidemiologist, "confirmatory_retest")}


def test_everything_belongs_to_the_county(epidemiologist):
    assert register(epidemiologist).county == DINGAN
