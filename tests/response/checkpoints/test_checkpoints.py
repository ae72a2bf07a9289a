"""Checkpoints stand on orders that end, are proven staffed by check-ins, and keep little of whoever passes."""

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from conftest import DINGAN, JIANGNAN, XINZHU, make_actor
from lianfang.core.access.commands import Envelope, apply_command
from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.core.duties.queries import balance, duties
from lianfang.kit.clock import clock_at, local
from lianfang.kit.codes import code_range
from lianfang.kit.ids import new_id
from lianfang.response.checkpoints import actions, queries
from lianfang.response.checkpoints.models import Passage
from lianfang.response.checkpoints.permissions import PERMISSIONS
from lianfang.response.checkpoints.queries import Passed
from lianfang.response.checkpoints.rules import (
    CheckpointClosed,
    CheckpointNotFound,
    CheckpointRefused,
    NewPassage,
    PassageNotFound,
    PassageRefused,
)
from lianfang.response.checkpoints.schemas import COMMANDS
from lianfang.response.command import actions as command
from lianfang.response.command.permissions import PERMISSIONS as COMMAND
from lianfang.response.workforce import actions as workforce
from lianfang.response.workforce.permissions import PERMISSIONS as WORKFORCE
from lianfang.response.workforce.rules import CheckIn, CheckOut, Crew, NewOrganisation, NewResponder, NewShift

pytestmark = pytest.mark.django_db

HAMLET = XINZHU * 1000 + 10
NOON = local("2022-07-14 12:00")
WEEK = timedelta(days=7)
INCIDENT = uuid.uuid4()
TOLD = {"reason": "sealed village", "destination": "定城镇"}


@pytest.fixture(autouse=True)
def noon():
    with clock_at(NOON):
        yield


@pytest.fixture
def hq():
    by = make_actor(*PERMISSIONS, *WORKFORCE, *COMMAND, "duties.read_duties")
    command.declare_incident(
        by=by, division_code=DINGAN * 10**9, title_zh="定安疫情", title_en="Ding'an outbreak", disease="covid19",
        pack="covid19-cn-ed9", authority="县指挥部", valid_at=NOON, id=INCIDENT,
    )  # fmt: skip
    return by


@pytest.fixture
def elsewhere():
    return make_actor(*PERMISSIONS, *WORKFORCE, scope=str(JIANGNAN))


def open_gate(by, name="中安村1号卡口", **fields):
    plain = {
        "incident": INCIDENT, "name": name, "division_code": HAMLET, "road": "村道", "emergency_lane": "东侧车道",
        "reason": "high-risk zone", "authority": "县指挥部", "appeal_to": "县信访局", "ends_at": NOON + WEEK,
        "lon": 110.4, "lat": 19.6, "valid_at": NOON,
    }  # fmt: skip
    return actions.open_checkpoint(by=by, **plain | fields)


def passage(gate, **fields):
    return NewPassage(gate.id, **{"at": NOON, "direction": "in", "purpose": "visit"} | fields)


def record(by, *passages):
    return actions.record_passages(by=by, passages=passages, valid_at=NOON)


def audited(verb):
    with acting(make_actor(line="audit", role="auditor")), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM access_auditentry WHERE verb = %s", [verb])
        return cursor.fetchone()[0]


def test_a_checkpoint_opens_with_its_order_and_the_duty_to_review_it(hq):
    gate = open_gate(hq)
    assert open_gate(hq, id=gate.id) == gate
    [row] = queries.checkpoints(by=hq, incident=INCIDENT)
    assert (row.name, row.ordered_until, row.appeal_to, row.overdue) == (
        "中安村1号卡口",
        NOON + WEEK,
        "县信访局",
        False,
    )
    [review] = duties(by=hq)
    assert (review.kind, review.due_at, review.role) == ("checkpoint_review", NOON + WEEK, hq.role)
    assert audited("checkpoints.open_checkpoint") == 1
    with pytest.raises(CheckpointRefused, match="stands there already"):
        open_gate(hq)
    with pytest.raises(CheckpointRefused, match="A lane stays open"):
        open_gate(hq, "2号", emergency_lane=" ")


def test_a_checkpoint_needs_an_incident_that_runs(hq):
    with pytest.raises(CheckpointRefused, match="over or unknown"):
        open_gate(hq, incident=uuid.uuid4())
    command.close_incident(by=hq, incident=INCIDENT, reason="no new case", authority="县指挥部", valid_at=NOON)
    with pytest.raises(CheckpointRefused, match="over or unknown"):
        open_gate(hq)


def test_an_order_that_ended_is_overdue_until_it_is_renewed(hq):
    gate = open_gate(hq)
    later = NOON + WEEK + timedelta(hours=1)
    assert queries.checkpoints(by=hq, at=later)[0].overdue
    words = {"reason": "two more cases", "authority": "县指挥部", "appeal_to": "县信访局"}
    with clock_at(later):
        with pytest.raises(CheckpointRefused, match="a new one ends later"):
            actions.renew_checkpoint(by=hq, checkpoint=gate.id, ends_at=NOON + WEEK, valid_at=NOON, **words)
        actions.renew_checkpoint(by=hq, checkpoint=gate.id, ends_at=later + WEEK, valid_at=later, **words)
        assert [(duty.due_at, duty.period) for duty in duties(by=hq)] == [(later + WEEK, "order 2")]
        assert [duty.outcome for duty in duties(by=hq, state="done")] == ["renewed"]
    assert not queries.checkpoints(by=hq, at=later)[0].overdue
    assert audited("checkpoints.renew_checkpoint") == 1


def test_a_closed_checkpoint_is_reviewed_and_takes_nothing_more(hq):
    gate = open_gate(hq)
    with pytest.raises(CheckpointRefused, match="for a reason"):
        actions.close_checkpoint(by=hq, checkpoint=gate.id, reason=" ", valid_at=NOON)
    closed = NOON + timedelta(days=1)
    actions.close_checkpoint(by=hq, checkpoint=gate.id, reason="zone lifted", valid_at=closed)
    assert [duty.outcome for duty in duties(by=hq, state="done")] == ["closed"]
    assert balance(by=hq).outstanding == 0
    assert queries.checkpoints(by=hq, at=closed) == []
    assert len(queries.checkpoints(by=hq, at=closed, closed=True)) == len(queries.checkpoints(by=hq, at=NOON)) == 1
    with pytest.raises(CheckpointClosed, match="was closed at 2022-07-15 12:00"):
        actions.close_checkpoint(by=hq, checkpoint=gate.id, reason="again", valid_at=closed)
    with pytest.raises(PassageRefused, match="did not stand at 2022-07-15 12:00"):
        record(hq, passage(gate, at=closed))
    with pytest.raises(CheckpointNotFound):
        actions.close_checkpoint(by=hq, checkpoint=uuid.uuid4(), reason="r", valid_at=closed)


def test_a_checkpoint_elsewhere_is_neither_opened_nor_used(hq, elsewhere):
    with pytest.raises(NotPermitted):
        open_gate(elsewhere)
    gate = open_gate(hq)
    with pytest.raises(NotPermitted):
        record(elsewhere, passage(gate))
    record(hq, passage(gate))
    assert queries.checkpoints(by=elsewhere) == []
    assert queries.passages(by=elsewhere, passed=Passed(NOON)) == []
    with acting(elsewhere):
        assert Passage.objects.count() == 0


def test_passages_are_counted_and_listed_alike(hq):
    gate, other = open_gate(hq), open_gate(hq, "2号")
    batch = [passage(gate, people=n) for n in (1, 2, 3)] + [passage(other, direction="out")]
    batch.append(passage(gate, outcome="advised_back", people=4, **TOLD))
    assert record(hq, *batch) == 5
    assert record(hq, *batch) == 0
    counts = {(row.name, row.direction, row.outcome): (row.passages, row.people) for row in queries.passage_counts(by=hq, passed=Passed(NOON))}  # fmt: skip
    assert counts == {
        ("中安村1号卡口", "in", "let_through"): (3, 6),
        ("中安村1号卡口", "in", "advised_back"): (1, 4),
        ("2号", "out", "let_through"): (1, 1),
    }
    turned = Passed(NOON, outcome="advised_back", checkpoint=gate.id, within=code_range(str(XINZHU)))
    [row] = queries.passages(by=hq, passed=turned)
    assert (row.people, row.reason, row.destination, row.identified) == (4, "sealed village", "定城镇", False)
    assert {row.name: row.people for row in queries.checkpoints(by=hq)} == {"中安村1号卡口": 10, "2号": 1}
    assert queries.passages(by=hq, passed=Passed(NOON + WEEK, NOON + 2 * WEEK)) == []
    assert audited("checkpoints.record_passages") == 2


def test_one_patient_turned_back_refuses_the_whole_list(hq):
    gate = open_gate(hq)
    with pytest.raises(PassageRefused, match="Entry 2 of 2: A patient is never turned back"):
        record(hq, passage(gate), passage(gate, purpose="medical", outcome="advised_back", **TOLD))
    with pytest.raises(PassageRefused, match="there is no checkpoint"):
        record(hq, NewPassage(uuid.uuid4(), NOON, "in", "visit"))
    assert queries.passages(by=hq, passed=Passed(NOON)) == []


def test_nobody_is_turned_back_once_the_order_has_ended(hq):
    gate = open_gate(hq)
    late = NOON + WEEK
    with pytest.raises(PassageRefused, match="nobody may be turned back there"):
        record(hq, passage(gate, at=late, outcome="advised_back", **TOLD))
    assert record(hq, passage(gate, at=late)) == 1


def test_the_database_itself_refuses_to_turn_a_patient_back_or_keep_too_much(hq):
    gate = open_gate(hq)
    plain = {
        "county": DINGAN, "checkpoint": gate.id, "division_code": HAMLET, "at": NOON, "subject": "person", "people": 1,
        "direction": "in", "purpose": "medical", "list_hit": False, "outcome": "let_through", "recorded_at": NOON,
        "account": hq.account_id,
    }  # fmt: skip
    wrong = {
        "passage_never_turned_back": {"outcome": "advised_back", **TOLD},
        "passage_least_data": {"identifier_cipher": b"x", "identifier_lookup": b"x"},
        "passage_told_why_and_where": {"outcome": "handed_over"},
    }
    for constraint, fields in wrong.items():
        with acting(hq), pytest.raises(IntegrityError, match=constraint), transaction.atomic():
            Passage.objects.create(**plain | fields)


def test_an_identifier_is_kept_sealed_and_its_opening_is_logged(hq):
    gate = open_gate(hq)
    hit = passage(gate, list_hit=True, identifier="琼A00000", temperature=Decimal("36.5"))
    record(hq, hit, passage(gate))
    with acting(hq):
        stored = Passage.objects.get(id=hit.id)
    assert "琼A00000".encode() not in bytes(stored.identifier_cipher)
    assert len(bytes(stored.identifier_lookup)) == 32
    assert actions.open_identifier(hit.id, by=hq, reason="list_hit") == "琼A00000"
    assert audited("checkpoints.open_identifier") == 1
    unknown = next(row.id for row in queries.passages(by=hq, passed=Passed(NOON)) if not row.identified)
    with pytest.raises(PassageNotFound):
        actions.open_identifier(unknown, by=hq, reason="list_hit")
    with pytest.raises(PassageRefused, match="Say why"):
        actions.open_identifier(hit.id, by=hq, reason=" ")
    with pytest.raises(NotPermitted):
        actions.open_identifier(hit.id, by=make_actor(), reason="list_hit")


def test_orders_and_passages_cannot_be_changed(hq):
    gate = open_gate(hq)
    record(hq, passage(gate))
    for table in ("checkpoints_passage", "checkpoints_checkpointorder"):
        with acting(hq), pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"DELETE FROM {table}")


def roster(hq, gates, days):
    """Three shifts of eight hours a day for each gate, every one attended from beginning to end."""
    office = NewOrganisation("新竹村委会", "village_committee", "village", XINZHU * 1000)
    workforce.register_organisations(by=hq, organisations=[office], valid_at=NOON)
    crew = [NewResponder(f"值守{n}", "village_cadre", office.id) for n in range(3 * len(gates))]
    workforce.register_responders(by=hq, responders=crew, valid_at=NOON)
    shifts = [
        NewShift("checkpoint", gate.id, gate.name, HAMLET, NOON + timedelta(hours=8 * n), NOON + timedelta(hours=8 * n + 8),
                 "checkpoint_lead", crews=(Crew(crew[3 * g + n % 3].id),))
        for g, gate in enumerate(gates) for n in range(3 * days)
    ]  # fmt: skip
    workforce.plan_shifts(by=hq, shifts=shifts, valid_at=NOON)
    workforce.check_in(by=hq, checks=[CheckIn(s.crews[0].id, s.starts_at) for s in shifts], valid_at=NOON)
    workforce.check_out(by=hq, checks=[CheckOut(s.crews[0].id, s.ends_at) for s in shifts], valid_at=NOON)
    return shifts


def test_four_checkpoints_are_proven_staffed_round_the_clock_and_one_absence_shows(hq):
    gates = [open_gate(hq, f"{n}号", division_code=HAMLET, ends_at=NOON + WEEK) for n in range(4)]
    shifts = roster(hq, gates, days=3)
    end = NOON + timedelta(days=3)
    with clock_at(end):
        rows = queries.checkpoints(by=hq, within=code_range(str(XINZHU)))
        assert [row.staffing.round_the_clock for row in rows] == [True] * 4
        with acting(hq), connection.cursor() as cursor:
            cursor.execute("DELETE FROM workforce_attendance WHERE assignment_id = %s", [shifts[4].crews[0].id])
        first, *others = queries.checkpoints(by=hq)
        assert all(row.staffing.round_the_clock for row in others)
        assert [(gap.starts_at, gap.ends_at) for gap in first.staffing.gaps] == [
            (shifts[4].starts_at, shifts[4].ends_at)
        ]
        assert first.staffing.staffed_share == pytest.approx(8 / 9)


def test_passages_sent_as_a_command_arrive_typed(hq):
    gate = open_gate(hq)
    payload = {"passages": [{"checkpoint": str(gate.id), "at": "2022-07-14T12:00:00+08:00", "direction": "in", "purpose": "work", "temperature": 36.6}]}  # fmt: skip
    model, handler = COMMANDS["record_passages"]
    read = model.model_validate(payload)
    envelope = Envelope(new_id(), "record_passages", NOON, payload)
    receipt = apply_command(envelope, lambda by, sent: handler(by, sent, read), by=hq)
    assert receipt.result == {"count": 1}
    [row] = queries.passages(by=hq, passed=Passed(NOON))
    assert (row.temperature, row.purpose) == (Decimal("36.6"), "work")
