"""Daily and nil reports: owed, frozen, confirmed, revised; what everybody sees of them."""

import uuid
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from conftest import DINGAN, make_actor
from lianfang.core.access.commands import Envelope, apply_command
from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import finish_duty
from lianfang.core.duties.queries import duties
from lianfang.kit.clock import clock_at, local
from lianfang.kit.codes import unit_range
from lianfang.response.cases import actions as cases
from lianfang.response.command import actions as command
from lianfang.surfaces.reports import actions, queries
from lianfang.surfaces.reports.counts import counted
from lianfang.surfaces.reports.models import DailyReport
from lianfang.surfaces.reports.permissions import FREEZE_REPORTS
from lianfang.surfaces.reports.rules import ReportAlreadySubmitted, ReportsFrozenAlready, ReportsNotFrozen
from lianfang.surfaces.reports.schemas import COMMANDS
from making import make_resident
from surfaces.reports.report_making import (
    COUNTY,
    DAY,
    FOUR,
    GRID,
    INCIDENT,
    MORNING,
    OTHER_VILLAGE,
    TOWN,
    UNITS,
    VILLAGE,
    at_work,
    audited,
    make_case,
    make_county,
    make_village,
    open_round,
    sample,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def county():
    return make_county()


@pytest.fixture(autouse=True)
def four():
    with clock_at(FOUR):
        yield


def freeze(by, day=DAY, at=FOUR):
    with clock_at(at):
        return actions.freeze_reports(by=by, day=day, county=DINGAN, valid_at=at, cause=uuid.uuid4())


def revise(by, at):
    with clock_at(at):
        return actions.revise_reports(by=by, day=DAY, county=DINGAN, valid_at=at, cause=uuid.uuid4())


def submit(by, unit=VILLAGE, at=FOUR):
    return actions.submit_report(by=by, unit=unit, day=DAY, valid_at=at, cause=uuid.uuid4())


def number(by, code, unit=VILLAGE, **asked):
    report = queries.report(by=by, unit=unit, day=DAY, **asked)
    return {figure.code: figure.value for figure in report.figures}[code]


def owed(by):
    return duties(by=by, kind="daily_report", limit=1000)


def test_every_unit_of_the_chain_owes_a_report_each_day(county):
    assert actions.open_reports(by=county, county=DINGAN, valid_at=FOUR).opened == len(UNITS)
    assert {(duty.division_code, duty.role) for duty in owed(county)} == {
        (COUNTY, "commander"), (TOWN, "township"), (469021100 * 10**6, "township"), (VILLAGE, "community"),
        (OTHER_VILLAGE, "community"),
    }  # fmt: skip
    assert {duty.due_at for duty in owed(county)} == {local("2022-07-13 17:00")}
    again = actions.open_reports(by=county, county=DINGAN, valid_at=FOUR)
    assert (again.astuple(), audited("reports.open_reports")) == ((0, 0, 0, 0, 0), 1)
    tomorrow = actions.open_reports(by=county, county=DINGAN, valid_at=FOUR + timedelta(days=1))
    assert (tomorrow.opened, tomorrow.cancelled) == (len(UNITS), 0)


def test_once_the_incident_is_over_later_reports_are_no_longer_owed(county):
    actions.open_reports(by=county, county=DINGAN, valid_at=FOUR + timedelta(days=1))
    command.close_incident(
        by=county, incident=INCIDENT, reason="over", authority="county HQ", valid_at=FOUR + timedelta(hours=2)
    )
    changes = actions.open_reports(by=county, county=DINGAN, valid_at=FOUR + timedelta(days=1))
    assert changes.cancelled == len(UNITS)
    assert {duty.period for duty in owed(county)} == {"2022-07-13"}


def test_all_units_are_frozen_at_once_and_add_up(county):
    make_case(county)
    make_case(county, grid=OTHER_VILLAGE + 1)
    assert freeze(county) == len(UNITS)
    assert [number(county, "new_cases", unit) for unit in (VILLAGE, OTHER_VILLAGE, TOWN, COUNTY)] == [1, 1, 1, 2]
    assert (number(county, "new_asymptomatic"), number(county, "new_confirmed")) == (1, 0)
    assert not queries.report(by=county, unit=COUNTY, day=DAY).nil
    assert audited("reports.freeze_reports") == 1
    # the ledger's own duties are counted, without the reports themselves
    own = [duty for duty in duties(by=county, limit=1000) if duty.kind != "daily_report" and duty.opens_at <= FOUR]
    assert number(county, "duties_outstanding", COUNTY) == len(own) > 0


def test_a_unit_in_which_nothing_happened_reports_nil(county):
    make_case(county, grid=OTHER_VILLAGE + 1)
    freeze(county)
    assert queries.report(by=county, unit=VILLAGE, day=DAY).nil
    assert submit(make_village()) == {"revision": 1, "nil": True}
    done = duties(by=county, kind="daily_report", state="done")
    assert [(duty.division_code, duty.outcome) for duty in done] == [(VILLAGE, "nil")]
    assert audited("reports.submit_report") == 1


def test_every_frozen_figure_is_the_length_of_its_list(county):
    """The list is asked again with the frozen figure's own address, after more has happened."""
    make_case(county, detected_by="contact_tracing")
    make_case(county, class_code="confirmed_case", severity="mild")
    freeze(county)
    frozen = queries.report(by=county, unit=TOWN, day=DAY)
    with clock_at(FOUR + timedelta(hours=5)):
        make_case(county, at=FOUR - timedelta(hours=1), recorded_at=FOUR + timedelta(hours=4))
        make_case(county, at=FOUR + timedelta(hours=4))
        asked = {"place": TOWN, "since": frozen.since, "until": frozen.as_of, "known_at": frozen.frozen_at}
        values = {one.code: counted(one.code, by=county, **asked).value for one in frozen.figures}
    assert values == {one.code: one.value for one in frozen.figures}
    assert values["new_cases"] == 2 and values["duties_outstanding"] > 0


def test_a_day_is_frozen_once(county):
    freeze(county)
    with pytest.raises(ReportsFrozenAlready, match="frozen"):
        freeze(county)


def test_whoever_sees_part_of_a_county_cannot_freeze_it(county):
    for scope in ("469021101", "469021101201"):
        with pytest.raises(NotPermitted):
            freeze(make_actor(FREEZE_REPORTS, scope=scope))
    with pytest.raises(NotPermitted):
        freeze(make_actor())
    with acting(county):
        assert not DailyReport.objects.exists()


def test_what_happened_since_the_last_report_is_told_once(county):
    make_case(county, at=FOUR - timedelta(hours=1))
    freeze(county)
    make_case(county, at=FOUR + timedelta(hours=1))
    with clock_at(FOUR + timedelta(days=2)):
        freeze(county, DAY + timedelta(days=2), FOUR + timedelta(days=2))
        later = queries.report(by=county, unit=COUNTY, day=DAY + timedelta(days=2))
    assert later.since == FOUR
    assert {one.code: one.value for one in later.figures}["new_cases"] == 1


def test_a_correction_makes_a_revision_with_its_difference_for_the_units_it_concerns(county):
    freeze(county)
    submit(make_village())
    late = FOUR + timedelta(hours=6)
    make_case(county, at=FOUR - timedelta(hours=1), recorded_at=late - timedelta(hours=1))
    assert revise(county, late) == 3
    assert audited("reports.revise_reports") == 1
    changed = {(one.code, one.before, one.after) for one in queries.differences(by=county, unit=VILLAGE, day=DAY)}
    assert {("new_cases", 0, 1), ("new_asymptomatic", 0, 1), ("cases_in_all", 0, 1)} <= changed
    assert queries.differences(by=county, unit=OTHER_VILLAGE, day=DAY) == []
    latest = queries.report(by=county, unit=VILLAGE, day=DAY)
    assert (latest.revision, latest.nil, latest.submitted_at) == (2, False, None)
    assert number(county, "new_cases", revision=1) == 0
    with clock_at(late):
        # the unit has reported in time; confirming the revision is possible and opens no duty anew
        assert VILLAGE not in {one.division_code for one in queries.missing_reports(by=county, day=DAY)}
        assert submit(make_village(), at=late) == {"revision": 2, "nil": False}


def test_later_work_makes_no_revision(county):
    make_case(county)
    freeze(county)
    late = FOUR + timedelta(hours=6)
    make_case(county, at=FOUR + timedelta(hours=1))
    with clock_at(FOUR + timedelta(hours=2)):
        case = make_case(county, at=FOUR + timedelta(hours=2))
        cases.classify_case(by=county, case=case.id, class_code="confirmed_case", severity="mild", reason="CT", valid_at=FOUR + timedelta(hours=3))  # fmt: skip
    assert revise(county, late) == 0


def test_work_done_after_the_hour_makes_no_revision_and_work_done_before_it_does(county):
    make_case(county)
    freeze(county)
    before = number(county, "duties_outstanding")
    own = [
        one
        for one in duties(by=county, within=unit_range(VILLAGE), limit=99)
        if one.kind in ("core_info", "preliminary_report")
    ]
    with clock_at(FOUR + timedelta(hours=2)):
        finish_duty(own[0].id, by=county, outcome="recorded", valid_at=FOUR + timedelta(hours=1))
        assert revise(county, FOUR + timedelta(hours=2)) == 0
        finish_duty(own[1].id, by=county, outcome="recorded", valid_at=FOUR - timedelta(hours=1))
        assert revise(county, FOUR + timedelta(hours=2)) == 3
    assert number(county, "duties_outstanding") == before - 1
    assert number(county, "duties_outstanding", revision=1) == before


def test_samples_that_arrive_late_revise_the_missing_and_later_ones_do_not(county):
    people = [make_resident(by=county, grid=GRID).id for _ in range(3)]
    round = open_round(county, at=MORNING)
    sample(county, round.id, people[0], at=MORNING)
    freeze(county)
    sample(county, round.id, people[1], at=FOUR + timedelta(hours=1))
    assert revise(county, FOUR + timedelta(hours=2)) == 0
    sample(county, round.id, people[2], at=MORNING, recorded_at=FOUR + timedelta(hours=3))
    assert revise(county, FOUR + timedelta(hours=4)) == 3
    assert [number(county, "missing", revision=revision) for revision in (1, 2)] == [2, 1]


def test_what_is_known_of_a_whole_county_is_counted_once_there(county):
    """A record placed at the county itself belongs to no township, and must not be added up thrice."""
    at_work(county, COUNTY)
    freeze(county)
    assert [number(county, "staff_on_duty", unit) for unit in (VILLAGE, TOWN, COUNTY)] == [0, 0, 1]


def test_revising_needs_a_frozen_day(county):
    with pytest.raises(ReportsNotFrozen, match="freeze them first"):
        revise(county, FOUR)


def test_confirming_needs_a_frozen_report_ones_own_unit_and_happens_once(county):
    village = make_village()
    with pytest.raises(ReportsNotFrozen, match="the county freezes it"):
        submit(village)
    freeze(county)
    with pytest.raises(NotPermitted):
        submit(village, TOWN)
    submit(village)
    with pytest.raises(ReportAlreadySubmitted):
        submit(village)


def test_who_has_not_reported_is_listed_and_late_after_the_hour(county):
    with clock_at(MORNING):
        actions.open_reports(by=county, county=DINGAN, valid_at=MORNING)
    freeze(county)
    submit(make_village())
    missing = queries.missing_reports(by=county, day=DAY)
    assert [one.division_code for one in missing] == [COUNTY, 469021100 * 10**6, TOWN, OTHER_VILLAGE]
    assert not any(one.late for one in missing)
    # looked at from before the freezing, nobody had a report and nobody had confirmed one
    before = queries.report_statuses(by=county, day=DAY, at=FOUR - timedelta(minutes=1))
    assert [(one.revision, one.submitted_at) for one in before] == [(None, None)] * len(UNITS)
    with clock_at(local("2022-07-13 17:01")):
        assert all(one.late for one in queries.missing_reports(by=county, day=DAY))
        assert len(duties(by=county, kind="daily_report", overdue=True)) == 4
        assert [one.late for one in queries.report_statuses(by=make_village(), day=DAY)] == [False]


def test_a_unit_sees_no_other_units_report(county):
    freeze(county)
    village = make_village()
    with acting(village):
        assert set(DailyReport.objects.values_list("division_code", flat=True)) == {VILLAGE}
    with pytest.raises(NotPermitted):
        queries.report(by=village, unit=OTHER_VILLAGE, day=DAY)
    with pytest.raises(ReportsNotFrozen):
        queries.report(by=village, unit=VILLAGE, day=DAY + timedelta(days=1))


@pytest.mark.parametrize("change", ["figures = '{}'", "nil = false", "revision = 7"])
def test_the_database_refuses_to_rewrite_what_was_frozen(county, change):
    freeze(county)
    with acting(county), pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE reports_dailyreport SET {change}")


def test_the_situation_is_the_daily_figures_at_an_instant(county):
    make_case(county, at=MORNING)
    make_case(county, at=FOUR - timedelta(minutes=1))

    def at(instant):
        return {one.code: one.value for one in queries.situation(by=county, at=instant)}

    assert at(MORNING - timedelta(minutes=1))["cases_in_all"] == 0
    assert (at(MORNING)["cases_in_all"], at(FOUR)["cases_in_all"], at(FOUR)["new_cases"]) == (1, 2, 2)
    assert {one.code: one.value for one in queries.situation(by=county, place=OTHER_VILLAGE)}["cases_in_all"] == 0
    assert all(one.list_url.startswith(f"/counts/{one.code}?") for one in queries.situation(by=county))


def test_commands_carry_the_days_reports(county):
    def send(kind, by=county, **payload):
        model, handler = COMMANDS[kind]
        envelope = Envelope(uuid.uuid4(), kind, FOUR, payload)
        return apply_command(envelope, lambda by, e: handler(by, e, model.model_validate(payload)), by=by).result

    assert send("open_reports", county=DINGAN) == {"opened": len(UNITS), "cancelled": 0}
    assert send("freeze_reports", day="2022-07-13", county=DINGAN) == {"count": len(UNITS)}
    assert send("submit_report", make_village(), unit=VILLAGE, day="2022-07-13") == {"revision": 1, "nil": True}
    make_case(county, at=FOUR)
    assert send("revise_reports", day="2022-07-13", county=DINGAN) == {"count": 3}


def test_a_grid_is_no_unit_that_reports(county):
    freeze(county)
    with pytest.raises(ReportsNotFrozen):
        queries.report(by=county, unit=GRID, day=DAY)
