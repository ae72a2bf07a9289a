"""The running incident's protocol sets the clocks by which duties climb."""

import uuid
from datetime import timedelta

import pytest

from conftest import DINGAN, XINZHU, make_actor
from lianfang.core.duties.actions import declare_kinds, reconcile
from lianfang.core.duties.rules import Desired, Kind
from lianfang.kit.clock import clock_at, local
from lianfang.kit.codes import code_range, full_code
from lianfang.response.command.actions import close_incident, declare_incident
from lianfang.workflows import escalation
from lianfang.workflows.escalation import climbed_duties, climbed_duty_counts, escalations

pytestmark = pytest.mark.django_db

NOON = local("2022-07-14 12:00")
GRID = full_code(XINZHU) + 11
LATE = Kind("late_thing", "迟", "late", "tests")


@pytest.fixture(autouse=True, scope="module")
def kind(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        declare_kinds([LATE])


def declare(pack: str, by=None, county: int = DINGAN):
    by = by or make_actor("command.declare_incident", "command.close_incident", scope=str(county))
    with clock_at(NOON - timedelta(days=1)):
        return declare_incident(
            by=by, division_code=full_code(county), title_zh=f"测试疫情 {pack}", title_en="test", disease="test", pack=pack,
            authority="county government", areas=(code_range(county),), valid_at=NOON - timedelta(days=1),
            cause=uuid.uuid4(),
        )  # fmt: skip


def owe(place: int = GRID) -> None:
    query = """
    SELECT 'place', %(subject)s::uuid, 'late_thing', 'once', %(place)s::bigint, 'grid_worker', NULL::uuid, 'rule',
           %(subject)s::uuid, %(due)s::timestamptz - interval '1 hour', %(due)s::timestamptz
    """
    desired = Desired(("late_thing",), query, {"subject": uuid.uuid4(), "place": place, "due": NOON}, [])
    with clock_at(NOON - timedelta(hours=2)):
        reconcile(desired, by=make_actor(), county=place // 10**9, valid_at=NOON, cause=uuid.uuid4())


def level_after(hours: int, **who: str) -> list[tuple[int, int]]:
    by = make_actor("duties.read_duties", **who)
    return [(one.level, one.unit_code) for one in climbed_duties(by=by, now=NOON + timedelta(hours=hours))]


def test_the_steps_are_those_of_the_running_incidents_pack():
    owe()
    assert level_after(3) == []
    declare("covid19-cn-ed9")
    assert level_after(3) == [(2, full_code(XINZHU))]
    counts = climbed_duty_counts(by=make_actor("duties.read_duties"), now=NOON + timedelta(hours=3))
    assert [(one.unit_code, one.level, one.duties) for one in counts] == [(full_code(XINZHU), 2, 1)]


def test_another_disease_has_other_clocks():
    owe()
    declare("ebola-who")
    assert level_after(1) == []
    assert level_after(3) == [(1, full_code(469021101))]


def test_where_two_incidents_run_the_shorter_clock_counts():
    declare("covid19-cn-ed9")
    declare("ebola-who")
    [county] = escalations(by=make_actor(), now=NOON)
    assert [(step.level, step.after / timedelta(hours=1)) for step in county.steps] == [
        ("grid", 1), ("village", 2), ("township", 2), ("county", 6),
    ]  # fmt: skip


def test_a_closed_incident_sets_no_clock():
    incident = declare("covid19-cn-ed9")
    by = make_actor("command.close_incident")
    close_incident(by=by, incident=incident.id, reason="over", authority="county", valid_at=NOON, cause=uuid.uuid4())
    assert escalations(by=make_actor(), now=NOON + timedelta(hours=1)) == []


def test_somebody_of_a_village_is_told_of_that_village():
    owe()
    owe(full_code(469021100004) + 11)
    declare("covid19-cn-ed9")
    assert level_after(3, scope=str(XINZHU)) == [(2, full_code(XINZHU))]
    assert len(level_after(3)) == 2


def test_a_province_sees_each_county_by_its_own_clocks():
    owe()
    owe(460106001001011)
    declare("covid19-cn-ed9")
    declare("ebola-who", county=460106)
    assert sorted(level_after(3, scope="46")) == [(1, 460106001000000), (2, full_code(XINZHU))]


def test_a_level_that_is_no_level_of_units_is_refused_with_a_sentence(monkeypatch):
    declare("covid19-cn-ed9")
    monkeypatch.setattr(escalation, "UNITS", {})
    with pytest.raises(escalation.Refusal, match="grid_lead”, which is no level of units"):
        escalations(by=make_actor(), now=NOON)
