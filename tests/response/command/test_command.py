"""Incidents, levels, task forces and directives: what is written, what is refused, what is counted."""

import uuid
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from conftest import JIANGNAN, XINZHU, make_actor
from lianfang.core.access.commands import Envelope, apply_command
from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.core.duties.queries import balance, duties
from lianfang.kit.clock import clock_at, local
from lianfang.kit.codes import code_range
from lianfang.kit.refusals import Refusal
from lianfang.response.command import actions, queries
from lianfang.response.command.permissions import ACKNOWLEDGE_DIRECTIVE, PERMISSIONS, READ_COMMAND
from lianfang.response.command.rules import (
    DirectiveNotFound,
    DirectiveRefused,
    DirectiveWithdrawn,
    IncidentClosed,
    IncidentNotFound,
    LevelNotAuthorised,
    MeetingNotFound,
    NameTaken,
    Recipient,
    Seat,
    TaskForceNotFound,
    UnknownWord,
)
from lianfang.response.command.schemas import COMMANDS

pytestmark = pytest.mark.django_db

COUNTY = 469021 * 10**9
NOON = local("2022-07-13 12:00")
VILLAGES = [XINZHU * 1000, JIANGNAN * 1000]


@pytest.fixture(autouse=True)
def noon():
    with clock_at(NOON):
        yield


@pytest.fixture
def hq():
    return make_actor(*PERMISSIONS, "duties.read_duties", "duties.waive_duty")


@pytest.fixture
def village():
    return make_actor(READ_COMMAND, ACKNOWLEDGE_DIRECTIVE, scope=str(XINZHU), role="village", line="community")


@pytest.fixture
def incident(hq):
    return declare(hq)


def declare(hq, title="定安疫情", **fields):
    return actions.declare_incident(
        by=hq, division_code=COUNTY, title_zh=title, title_en="Ding'an outbreak", disease="covid19",
        pack="covid19-cn-ed9", overlays=["local"], authority="县指挥部", valid_at=NOON, **fields,
    )  # fmt: skip


def set_level(hq, incident, level, government, at=NOON, **fields):
    return actions.set_response_level(
        by=hq, incident=incident.id, level=level, mode="emergency", government=government, authority="决定",
        reason="one case", valid_at=at, **fields,
    )  # fmt: skip


def issue(hq, incident, codes=VILLAGES, hours=(2, 12), **fields):
    return actions.issue_directive(
        by=hq, incident=incident.id, division_code=COUNTY, title="卡口值守", text="24小时值守", authority="县指挥部",
        recipients=[Recipient(code, "village") for code in codes], acknowledge_by=NOON + timedelta(hours=hours[0]),
        feedback_by=NOON + timedelta(hours=hours[1]) if hours[1] else None, valid_at=NOON, **fields,
    )  # fmt: skip


def audited(verb):
    auditor = make_actor(line="audit", role="auditor")
    with acting(auditor), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM access_auditentry WHERE verb = %s", [verb])
        return cursor.fetchone()[0]


def test_an_incident_is_declared_for_its_whole_unit_unless_areas_are_named(hq):
    whole = declare(hq)
    part = declare(hq, "新竹疫情", areas=[code_range(str(XINZHU))])
    assert queries.situation(whole.id, by=hq).areas == (code_range("469021"),)
    assert queries.situation(part.id, by=hq).areas == (code_range(str(XINZHU)),)
    assert queries.incident_of(whole.id, by=hq).overlays == ("local",)
    assert audited("command.declare_incident") == 2


def test_declaring_with_the_same_id_again_changes_nothing(hq):
    number = uuid.uuid4()
    assert declare(hq, id=number) == declare(hq, id=number)
    assert len(queries.incidents(by=hq)) == 1


def test_titles_and_names_are_given_once(hq, incident):
    with pytest.raises(NameTaken, match="declared already"):
        declare(hq)
    form(hq, incident)
    with pytest.raises(NameTaken, match="formed before"):
        form(hq, incident)


def test_words_and_records_nobody_knows_are_named(hq, incident):
    with pytest.raises(UnknownWord, match="kind “circus” is unknown: use one of office, group, task_force"):
        form(hq, incident, kind="circus")
    with pytest.raises(TaskForceNotFound):
        form(hq, incident, parent=uuid.uuid4())
    with pytest.raises(MeetingNotFound, match="Record the meeting first"):
        issue(hq, incident, meeting=uuid.uuid4())
    with pytest.raises(LevelNotAuthorised, match="There is no response level 7"):
        set_level(hq, incident, 7, "state")
    with pytest.raises(LevelNotAuthorised, match="authority and reason"):
        actions.set_response_level(by=hq, incident=incident.id, level=4, mode="emergency", government="county", authority="", reason="r", valid_at=NOON)  # fmt: skip
    issue(hq, incident)
    with pytest.raises(UnknownWord, match="under_way, completed, not_possible"):
        actions.report_back(by=hq, recipient=queries.answers(incident.id, by=hq)[0].recipient, state="maybe", text="t", valid_at=NOON)  # fmt: skip


def test_a_village_may_not_declare(village):
    with pytest.raises(NotPermitted):
        declare(village)


def test_an_incident_is_seen_in_its_county_and_above_and_nowhere_else(hq, incident, village):
    assert [row.id for row in queries.incidents(by=village)] == [incident.id]
    assert [row.id for row in queries.incidents(by=make_actor(READ_COMMAND, scope="46"))] == [incident.id]
    elsewhere = make_actor(READ_COMMAND, scope="469022")
    assert queries.incidents(by=elsewhere) == []
    with pytest.raises(IncidentNotFound, match="in your area"):
        queries.situation(incident.id, by=elsewhere)


def test_areas_join_and_leave_with_their_times(hq, incident):
    later = NOON + timedelta(days=4)
    added = actions.add_incident_area(by=hq, incident=incident.id, area=code_range("469021100"), reason="second case", valid_at=later)  # fmt: skip
    assert len(queries.situation(incident.id, by=hq, at=NOON).areas) == 1
    assert len(queries.situation(incident.id, by=hq, at=later).areas) == 2
    actions.end_incident_area(by=hq, area=added.id, valid_at=later + timedelta(days=7))
    actions.end_incident_area(by=hq, area=added.id, valid_at=later + timedelta(days=8))
    assert len(queries.situation(incident.id, by=hq, at=later + timedelta(days=7)).areas) == 1
    assert audited("command.end_area") == 1
    with pytest.raises(IncidentNotFound):
        actions.end_incident_area(by=hq, area=uuid.uuid4(), valid_at=later)


def test_a_closed_incident_takes_nothing_more(hq, incident):
    with pytest.raises(Refusal, match="fill in both"):
        actions.close_incident(by=hq, incident=incident.id, reason=" ", authority="县指挥部", valid_at=NOON)
    with pytest.raises(Refusal, match="later time"):
        actions.close_incident(by=hq, incident=incident.id, reason="over", authority="hq", valid_at=NOON - timedelta(1))
    actions.close_incident(by=hq, incident=incident.id, reason="no new case", authority="县指挥部", valid_at=NOON)
    assert queries.incidents(by=hq) == []
    assert len(queries.incidents(by=hq, current=False)) == 1
    with pytest.raises(IncidentClosed, match="nothing is added"):
        issue(hq, incident)


def test_levels_are_a_history_read_at_any_instant(hq, incident):
    set_level(hq, incident, 4, "county")
    set_level(hq, incident, 3, "province", NOON + timedelta(days=1))
    set_level(hq, incident, None, "province", NOON + timedelta(days=14))
    assert [row.level for row in queries.level_history(incident.id, by=hq, at=NOON + timedelta(days=20))] == [
        None,
        3,
        4,
    ]
    assert queries.situation(incident.id, by=hq, at=NOON + timedelta(days=2)).level.level == 3
    assert queries.situation(incident.id, by=hq, at=NOON - timedelta(hours=1)).level is None
    assert audited("command.set_response_level") == 3


def test_a_change_learned_late_is_not_seen_in_what_was_known_before(hq, incident):
    set_level(hq, incident, 4, "county")
    with clock_at(NOON + timedelta(days=2)):
        set_level(hq, incident, 3, "prefecture", NOON + timedelta(hours=1))
    seen = queries.situation(incident.id, by=hq, at=NOON + timedelta(hours=2), known_at=NOON + timedelta(days=1))
    assert seen.level.level == 4
    assert queries.level_history(incident.id, by=hq, at=NOON + timedelta(hours=2), known_at=NOON + timedelta(days=3))[0].level == 3  # fmt: skip


def test_a_level_needs_the_government_that_starts_it_and_the_same_to_lift_it(hq, incident):
    with pytest.raises(LevelNotAuthorised, match="province government or above"):
        set_level(hq, incident, 2, "county")
    set_level(hq, incident, 2, "province")
    with pytest.raises(LevelNotAuthorised, match="Level II is started and lifted by a province"):
        set_level(hq, incident, 4, "county", NOON + timedelta(days=1))


def test_the_history_of_levels_cannot_be_changed(hq, incident):
    set_level(hq, incident, 4, "county")
    with acting(hq), pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("UPDATE command_responselevel SET level = 1")


def form(hq, incident, name="流调溯源专班", **fields):
    return actions.form_task_force(
        by=hq, incident=incident.id, division_code=COUNTY, kind=fields.pop("kind", "task_force"), name_zh=name, name_en=name,
        line="epidemiology", lead_title="疾控中心主任", authority="县指挥部", valid_at=NOON, **fields,
    )  # fmt: skip


def test_task_forces_are_counted_with_their_posts(hq, incident):
    posts = [Seat(uuid.uuid4(), "流调队员") for _ in range(3)]
    tracing = form(hq, incident, seats=posts, work_place="疾控中心专门办公区")
    form(hq, incident, "办公室", kind="office")
    rows = queries.task_forces(incident.id, by=hq)
    assert [(row.kind, row.posts, row.work_place) for row in rows] == [
        ("office", 0, ""),
        ("task_force", 3, "疾控中心专门办公区"),
    ]
    later = NOON + timedelta(days=1)
    changed = actions.seat_task_force(by=hq, task_force=tracing.id, seats=[*posts[:2], Seat(uuid.uuid4(), "组长")], valid_at=later)  # fmt: skip
    assert changed == 2
    assert queries.task_forces(incident.id, by=hq, at=NOON)[1].posts == 3
    actions.dissolve_task_force(by=hq, task_force=tracing.id, valid_at=later + timedelta(days=1))
    assert queries.situation(incident.id, by=hq, at=later).task_forces == 2
    assert queries.situation(incident.id, by=hq, at=later + timedelta(days=2)).task_forces == 1
    with pytest.raises(TaskForceNotFound):
        actions.dissolve_task_force(by=hq, task_force=uuid.uuid4(), valid_at=later)


def test_a_directive_obliges_each_unit_to_acknowledge_and_report_back(hq, incident):
    first, second = issue(hq, incident), issue(hq, incident, hours=(2, None))
    assert (first.number, second.number) == (1, 2)
    owed = [(duty.kind, duty.division_code, duty.role) for duty in duties(by=hq)]
    assert sorted(owed) == sorted(
        [("directive_receipt", code, "village") for code in VILLAGES * 2]
        + [("directive_feedback", code, "village") for code in VILLAGES]
    )
    assert audited("command.issue_directive") == 2


def test_answers_finish_duties_and_are_counted_at_any_instant(hq, incident, village):
    directive = issue(hq, incident)
    mine = queries.answers(incident.id, by=village)
    assert [(row.division_code, row.owes_receipt) for row in mine] == [(XINZHU * 1000, True)]
    hour = timedelta(hours=1)
    actions.acknowledge_directive(by=village, recipient=mine[0].recipient, valid_at=NOON + hour)
    actions.acknowledge_directive(by=village, recipient=mine[0].recipient, valid_at=NOON + 2 * hour)
    assert audited("command.acknowledge_directive") == 1
    for state, hours in (("under_way", 3), ("completed", 4)):
        actions.report_back(by=village, recipient=mine[0].recipient, state=state, text="4个卡口", valid_at=NOON + hours * hour)  # fmt: skip
    [row] = queries.directives(incident.id, by=hq, at=NOON + 4 * hour)
    assert (row.id, row.recipients, row.received, row.receipts_outstanding, row.feedback_outstanding, row.overdue) == (
        directive.id, 2, 1, 1, 1, 1,
    )  # fmt: skip
    assert queries.directives(incident.id, by=hq, at=NOON + hour)[0].feedback_outstanding == 2
    assert queries.directives(incident.id, by=hq, at=NOON + 3 * hour)[0].feedback_outstanding == 2
    assert [row.division_code for row in queries.answers(incident.id, by=hq, at=NOON + 4 * hour, outstanding=True)] == [JIANGNAN * 1000]  # fmt: skip
    seen = queries.situation(incident.id, by=hq, at=NOON + 4 * hour)
    assert (seen.directives, seen.receipts_outstanding, seen.receipts_overdue, seen.feedback_outstanding, seen.feedback_overdue) == (1, 1, 1, 1, 0)  # fmt: skip
    assert (balance(by=hq).done, balance(by=hq).outstanding) == (2, 2)


def test_reporting_back_without_a_receipt_writes_it(hq, incident, village):
    issue(hq, incident)
    [mine] = queries.answers(incident.id, by=village)
    number = uuid.uuid4()
    for _ in range(2):
        actions.report_back(by=village, recipient=mine.recipient, state="not_possible", text="缺人", valid_at=NOON, id=number)  # fmt: skip
    [mine] = queries.answers(incident.id, by=village)
    assert (mine.owes_receipt, mine.owes_feedback, mine.state) == (False, False, "not_possible")
    assert queries.directives(incident.id, by=village, outstanding=True) == []
    assert audited("command.report_back") == 1


def test_another_units_directive_cannot_be_answered(hq, incident, village):
    issue(hq, incident, [JIANGNAN * 1000])
    [other] = queries.answers(incident.id, by=hq)
    with pytest.raises(NotPermitted, match="outside this post's area"):
        actions.acknowledge_directive(by=village, recipient=other.recipient, valid_at=NOON)
    with pytest.raises(DirectiveNotFound):
        actions.acknowledge_directive(by=village, recipient=uuid.uuid4(), valid_at=NOON)
    with pytest.raises(DirectiveRefused, match="Write what was done"):
        actions.report_back(by=hq, recipient=other.recipient, state="completed", text=" ", valid_at=NOON)


def test_feedback_of_another_village_is_out_of_sight(hq, incident, village):
    issue(hq, incident, [JIANGNAN * 1000])
    [other] = queries.answers(incident.id, by=hq)
    actions.report_back(by=hq, recipient=other.recipient, state="completed", text="done", valid_at=NOON)
    for actor, seen in ((hq, 1), (village, 0)):
        with acting(actor), connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM command_directivefeedback")
            assert cursor.fetchone()[0] == seen


def test_a_withdrawn_directive_obliges_nobody_and_takes_no_answer(hq, incident, village):
    directive = issue(hq, incident)
    [mine] = queries.answers(incident.id, by=village)
    with pytest.raises(DirectiveRefused, match="for a reason"):
        actions.withdraw_directive(by=hq, directive=directive.id, reason="", valid_at=NOON)
    with pytest.raises(DirectiveNotFound):
        actions.withdraw_directive(by=hq, directive=uuid.uuid4(), reason="x", valid_at=NOON)
    actions.withdraw_directive(by=hq, directive=directive.id, reason="replaced", valid_at=NOON + timedelta(hours=1))
    assert balance(by=hq).cancelled == 4
    assert balance(by=hq).outstanding == 0
    assert queries.directives(incident.id, by=hq, at=NOON + timedelta(hours=2)) == []
    assert len(queries.directives(incident.id, by=hq, at=NOON)) == 1
    with pytest.raises(DirectiveWithdrawn, match="replaced"):
        actions.acknowledge_directive(by=village, recipient=mine.recipient, valid_at=NOON)


def test_a_directive_to_a_unit_outside_the_area_is_refused(incident):
    town = make_actor(*PERMISSIONS, scope="469021101")
    with pytest.raises(NotPermitted, match=str(JIANGNAN)):
        actions.issue_directive(
            by=town, incident=incident.id, division_code=469021101 * 10**6, title="t", text="t", authority="镇",
            recipients=[Recipient(JIANGNAN * 1000, "village")], acknowledge_by=NOON + timedelta(hours=1), valid_at=NOON,
        )  # fmt: skip


def test_directives_follow_from_a_meeting(hq, incident):
    with pytest.raises(Refusal, match="without conclusions"):
        meet(hq, incident, " ")
    meeting = meet(hq, incident, "四个卡口24小时值守")
    issue(hq, incident, meeting=meeting.id)
    [row] = queries.meetings(incident.id, by=hq)
    assert (row.kind, row.conclusions, row.directives) == ("consultation", "四个卡口24小时值守", 1)


def meet(hq, incident, conclusions):
    return actions.record_meeting(
        by=hq, incident=incident.id, division_code=COUNTY, kind="consultation", title="会商研判",
        conclusions=conclusions, chaired_by="指挥长", valid_at=NOON,
    )  # fmt: skip


def test_a_command_reaches_the_action_with_plain_values(hq, incident):
    model, handler = COMMANDS["issue_directive"]
    payload = {
        "incident": str(incident.id), "division_code": COUNTY, "title": "t", "text": "t", "authority": "hq",
        "recipients": [{"division_code": XINZHU * 1000, "role": "village"}], "acknowledge_by": "2022-07-13T14:00:00+08:00",
    }  # fmt: skip
    envelope = Envelope(uuid.uuid4(), "issue_directive", NOON, payload)
    read = model.model_validate(payload)
    receipt = apply_command(envelope, lambda by, sent: handler(by, sent, read), by=hq)
    again = apply_command(envelope, lambda by, sent: handler(by, sent, read), by=hq)
    assert [str(row.id) for row in queries.directives(incident.id, by=hq)] == [receipt.result["id"]]
    assert (again.repeated, again.result) == (True, receipt.result)
