"""Overdue duties climb the chain of their own place by the protocol's clocks; nothing of it is stored."""

import uuid
from datetime import date, timedelta
from itertools import pairwise

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import DINGAN, JIANGNAN, XINZHU, make_actor
from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.core.duties import queries
from lianfang.core.duties.actions import declare_kinds, finish_duties, reconcile
from lianfang.core.duties.queries import climbed, climbed_counts
from lianfang.core.duties.rules import Answering, Desired, EscalationStep, Kind, answering, escalation_level
from lianfang.core.territory.actions import set_up_headquarters
from lianfang.core.territory.models import Division
from lianfang.core.territory.rules import Chain
from lianfang.kit.clock import clock_at, local
from lianfang.kit.codes import CodeRange, code_range, full_code, unit_range

NOON = local("2022-07-14 12:00")
HOURS = {"grid": 1, "village": 2, "township": 4, "county": 8}
STEPS = [EscalationStep(level, timedelta(hours=hours)) for level, hours in HOURS.items()]
COUNTY, TOWN, VILLAGE = full_code(DINGAN), full_code(469021101), full_code(XINZHU)
GRID, ZONE = VILLAGE + 11, full_code(469021100)
MILD, GRAVE = Kind("mild_thing", "小", "mild", "tests", rank=50), Kind("grave_thing", "大", "grave", "tests", rank=1)
WHOLE = Chain(
    code_range(DINGAN),
    (("grid", "网格员"), ("village", "村主任"), ("township", "镇长")),
    ((code_range(DINGAN), "县值班室"), (code_range(46), "省值班室")),
)


@pytest.fixture(scope="module")
def kinds(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        declare_kinds([MILD, GRAVE])


@pytest.fixture
def builder(kinds, db):
    by = make_actor("territory.set_chain", scope=CodeRange(0, 10**15 - 1))
    province = set_up_headquarters(by=by, name="省指挥部", scope=code_range(46), post_title="省值班室")
    county = set_up_headquarters(
        by=by, name="县指挥部", scope=code_range(DINGAN), post_title="县值班室", reports_to=province, steps=WHOLE.steps
    )
    set_up_headquarters(
        by=by, name="开发区指挥部", scope=code_range(469021100), post_title="开发区值班室",
        steps=[("village", "社区书记")], reports_to=county,
    )  # fmt: skip
    return by


def owe(by, *places: int, kind: Kind = MILD, due=NOON) -> list[uuid.UUID]:
    """Open one duty at each place, due at an instant."""
    query = """
    SELECT 'place', subject, %(kind)s, 'once', place, 'grid_worker', NULL::uuid, 'rule', subject,
           %(due)s::timestamptz - interval '1 hour', %(due)s::timestamptz
    FROM unnest(%(subjects)s::uuid[], %(places)s::bigint[]) AS owed (subject, place)
    """
    subjects = [uuid.uuid4() for _ in places]
    params = {"kind": kind.code, "due": due, "subjects": subjects, "places": list(places)}
    with clock_at(NOON - timedelta(hours=2)):
        desired = Desired((kind.code,), query, params, subjects)
        reconcile(desired, by=by, county=DINGAN, valid_at=NOON - timedelta(hours=2), cause=uuid.uuid4())
    return subjects


def after(hours: float):
    return NOON + timedelta(hours=hours)


def told(by, hours: float) -> list[tuple[int, int, str]]:
    found = climbed(by=by, now=after(hours), steps=STEPS)
    return [(one.level, one.unit_code, one.post_title) for one in found]


# ------------------------------------------------------------------------------------------------------- pure


@pytest.mark.parametrize(("hours", "level"), [(-1, 0), (0.9, 0), (1, 1), (2, 2), (3.9, 2), (4, 3), (8, 4), (100, 4)])
def test_the_level_is_how_many_clocks_have_passed(hours, level):
    assert escalation_level(NOON, after(hours), [step.after for step in STEPS]) == level


CLOCKS = st.lists(st.timedeltas(timedelta(), timedelta(days=3)), max_size=6)


@given(clocks=CLOCKS, waits=st.tuples(*[st.timedeltas(-timedelta(days=4), timedelta(days=4))] * 2))
def test_the_level_never_falls_as_time_passes(clocks, waits):
    earlier, later = sorted(waits)
    assert escalation_level(NOON, NOON + earlier, clocks) <= escalation_level(NOON, NOON + later, clocks)


def test_each_level_is_told_by_the_chain_of_the_place():
    assert answering(STEPS, [WHOLE], unit_range(VILLAGE)) == [
        Answering(VILLAGE, VILLAGE + 999, 1, 15, None, "网格员"),
        Answering(VILLAGE, VILLAGE + 999, 2, 12, None, "村主任"),
        Answering(VILLAGE, VILLAGE + 999, 3, 9, None, "镇长"),
        Answering(VILLAGE, VILLAGE + 999, 4, 6, COUNTY, "县值班室"),
    ]


def test_what_a_chain_leaves_out_stays_with_the_level_below():
    short = Chain(code_range(DINGAN), (("area", "楼栋党小组长"),), WHOLE.headquarters)
    assert [(one.level, one.post_title) for one in answering(STEPS, [short], unit_range(VILLAGE))] == [
        (1, "楼栋党小组长"), (2, "楼栋党小组长"), (3, "楼栋党小组长"), (4, "县值班室"),
    ]  # fmt: skip


def test_every_code_of_a_range_has_exactly_one_answer_at_each_level():
    zone = Chain(code_range(469021100), (("village", "社区书记"),), ((code_range(469021100), "开发区"),))
    parts = answering(STEPS, [zone, WHOLE], CodeRange(0, 10**15 - 1))
    for level in (2, 3, 4):
        spans = sorted((one.lo, one.hi) for one in parts if one.level == level)
        assert spans[0][0] == 0 and spans[-1][1] == 10**15 - 1
        assert all(hi + 1 == lo for (_, hi), (lo, _) in pairwise(spans))


# ----------------------------------------------------------------------------------------------- the ledger's list


def test_an_overdue_duty_climbs_from_the_grid_to_the_county(builder):
    owe(builder, GRID)
    commander = make_actor("duties.read_duties")
    assert told(commander, 0.5) == []
    assert told(commander, 1) == [(1, GRID, "网格员")]
    assert told(commander, 2) == [(2, VILLAGE, "村主任")]
    assert told(commander, 4) == [(3, TOWN, "镇长")]
    assert told(commander, 9) == [(4, COUNTY, "县值班室")]


def test_a_zone_with_its_own_headquarters_is_told_by_its_own_chain(builder):
    owe(builder, full_code(JIANGNAN) + 11)
    commander = make_actor("duties.read_duties")
    assert told(commander, 1) == []
    assert told(commander, 2) == [(2, full_code(JIANGNAN), "社区书记")]
    assert told(commander, 4) == [(3, ZONE, "开发区值班室")]
    assert told(commander, 8) == [(4, COUNTY, "县值班室")]


def test_nobody_below_the_place_is_told(builder):
    owe(builder, TOWN, COUNTY)
    commander = make_actor("duties.read_duties")
    assert told(commander, 3) == []
    assert told(commander, 4) == [(3, TOWN, "镇长")]
    assert told(commander, 8) == [(4, COUNTY, "县值班室")] * 2


def test_without_a_headquarters_units_answer_without_a_post(kinds, db):
    owe(make_actor(), GRID)
    assert told(make_actor("duties.read_duties"), 4) == [(3, TOWN, "")]


def test_the_gravest_kind_comes_first_then_the_highest_level(builder):
    [late] = owe(builder, GRID)
    [later] = owe(builder, GRID, due=after(-5))
    [grave] = owe(builder, GRID, kind=GRAVE)
    found = climbed(by=make_actor("duties.read_duties"), now=after(1), steps=STEPS)
    assert [(one.duty.subject, one.level) for one in found] == [(grave, 1), (later, 3), (late, 1)]


def test_what_is_finished_or_in_time_does_not_climb(builder):
    [done, _] = owe(builder, GRID, GRID)
    owe(builder, GRID, due=after(20))
    by = make_actor("duties.read_duties", "duties.finish_duty")
    finish_duties([(done, "once")], kind=MILD.code, by=by, county=DINGAN, outcome="done", valid_at=NOON)
    assert len(told(by, 3)) == 1


def test_only_the_actors_own_area_is_listed_and_counted(builder):
    owe(builder, GRID, full_code(JIANGNAN) + 11)
    village = make_actor("duties.read_duties", scope=str(XINZHU))
    assert told(village, 3) == [(2, VILLAGE, "村主任")]
    assert [one.duties for one in climbed_counts(by=village, now=after(3), steps=STEPS)] == [1]


def test_every_count_opens_its_list(builder):
    owe(builder, GRID, GRID + 1, TOWN, full_code(JIANGNAN) + 11)
    owe(builder, GRID, kind=GRAVE, due=after(-6))
    commander = make_actor("duties.read_duties")
    counts = climbed_counts(by=commander, now=after(4), steps=STEPS)
    assert {(one.unit_code, one.level, one.duties, one.rank) for one in counts} == {
        (COUNTY, 4, 1, GRAVE.rank), (TOWN, 3, 3, MILD.rank), (ZONE, 3, 1, MILD.rank),
    }  # fmt: skip
    for one in counts:
        rows = climbed(by=commander, now=after(4), steps=STEPS, level=one.level, unit=one.unit_code)
        assert len(rows) == one.duties
        assert {row.post_title for row in rows} == {one.post_title}


def test_units_are_named_as_on_that_day(builder):
    with acting(builder):
        for name, since, until in (("旧名", date(2020, 1, 1), date(2022, 7, 14)), ("新名", date(2022, 7, 14), None)):
            Division.objects.create(
                code=VILLAGE, code_hi=VILLAGE + 999, level="village", name=name, pinyin="x", origin="table", source="t",
                valid_from=since, valid_until=until,
            )  # fmt: skip
    owe(builder, GRID)
    [one] = climbed(by=make_actor("duties.read_duties"), now=after(2), steps=STEPS)
    assert one.unit_name == "新名"


def test_who_may_not_read_duties_is_refused(db):
    with pytest.raises(NotPermitted, match=r"duties\.read_duties"):
        climbed(by=make_actor(), now=NOON, steps=STEPS)


def test_a_protocol_without_steps_lets_nothing_climb(builder):
    owe(builder, GRID)
    assert climbed(by=make_actor("duties.read_duties"), now=after(100), steps=()) == []


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(minutes=st.lists(st.integers(-60, 700), min_size=2, max_size=6))
def test_the_database_counts_levels_as_the_rule_does_and_they_never_fall(builder, minutes):
    [subject] = owe(builder, GRID)
    by, levels = make_actor("duties.read_duties"), []
    for wait in sorted(minutes):
        now = NOON + timedelta(minutes=wait)
        found = [one for one in climbed(by=by, now=now, steps=STEPS) if one.duty.subject == subject]
        levels.append(found[0].level if found else 0)
        assert levels[-1] == escalation_level(NOON, now, [step.after for step in STEPS])
    assert levels == sorted(levels)


@pytest.mark.parametrize("statement", [queries.CLIMBED_LIST, queries.CLIMBED_COUNTS])
def test_the_index_of_outstanding_duties_is_used(builder, statement):
    by = make_actor("duties.read_duties", scope=str(XINZHU))
    params = queries._climbing(by, after(9), STEPS, None, None, None) | {"limit": 100, "offset": 0}
    with acting(by), connection.cursor() as cursor:
        cursor.execute("SELECT rolbypassrls OR rolsuper FROM pg_roles WHERE rolname = current_user")
        assert cursor.fetchone()[0] is False
        # a table of a few rows is read whole whatever its indexes: ask for the plan of a large one
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + statement, params)
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "duty_outstanding" in plan
    assert "Seq Scan on duties_duty" not in plan


def test_a_list_costs_three_statements_however_long(builder, django_assert_max_num_queries):
    owe(builder, *[GRID] * 60)
    by = make_actor("duties.read_duties")
    with acting(by), django_assert_max_num_queries(3):
        assert len(climbed(by=by, now=after(9), steps=STEPS)) == 60
