"""Time passes in every county with a running incident: once a day, in any number of workers, whatever fails next door."""

import logging
import threading
import uuid
from datetime import timedelta

import pytest
from django.db import connection, connections

from conftest import DINGAN, XINZHU, make_actor
from lianfang.core.access.models import Command
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import declare_kinds
from lianfang.core.duties.queries import balance, duties, ledger_disagreements
from lianfang.kit.clock import clock_at, local
from lianfang.kit.codes import code_range, full_code
from lianfang.kit.refusals import Refusal
from lianfang.response.command.actions import close_incident, declare_incident
from lianfang.response.screening import duties as screening
from lianfang.response.screening.actions import open_round
from lianfang.response.screening.rules import AreaEntry
from lianfang.response.zones import duties as zones
from lianfang.response.zones.actions import draw_zone
from lianfang.response.zones.rules import NewArea
from lianfang.workflows import tick as ticking
from lianfang.workflows.tick import VISITS, clock_hand, roll_envelope, tick
from making import make_resident

BEGUN, MORNING = local("2022-07-13 09:00"), local("2022-07-14 00:02")
VILLAGE = full_code(XINZHU)
HAIKOU = 460106
MAY = (
    "command.declare_incident", "command.close_incident", "zones.draw_zone", "zones.check_zone", "screening.open_round",
    "duties.read_duties", "screening.order_visits",
)  # fmt: skip


def everything(county: int = DINGAN):
    return make_actor(*MAY, scope=str(county))


def declare(county: int = DINGAN):
    """An incident with a zone to be looked at each day and a round whose one person is missing."""
    by, village = everything(county), full_code(f"{county}101201")
    with clock_at(BEGUN):
        incident = declare_incident(
            by=by, division_code=full_code(county), title_zh="测试疫情", title_en="test", disease="covid-19",
            pack="covid19-cn-ed9", authority="county government", areas=(code_range(county),), valid_at=BEGUN,
            cause=uuid.uuid4(),
        )  # fmt: skip
        make_resident(by=by, grid=village + 1)
        area = NewArea(village, village + 999)
        draw_zone(
            by=by, incident=incident.id, name="zone", level="medium_risk", protocol="covid19-cn-ed9", areas=[area],
            reason="home of case 1", authority="county HQ", appeal_to="duty desk", emergency="just found",
            valid_at=BEGUN, cause=uuid.uuid4(),
        )  # fmt: skip
        open_round(
            by=by, incident=incident.id, area_code=village, title="round", pack="covid19-cn-ed9", valid_at=BEGUN,
            areas=[AreaEntry(village, village + 999, "high_risk")], cause=uuid.uuid4(),
        )  # fmt: skip
    return incident


def owed(kind: str, county: int = DINGAN) -> list:
    by = make_actor("duties.read_duties", scope=str(county))
    return duties(by=by, kind=kind)


def rolls(county: int = DINGAN) -> int:
    with acting(clock_hand(code_range(county))):
        return Command.objects.filter(kind="roll_day").count()


@pytest.fixture(autouse=True, scope="module")
def kinds(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        declare_kinds([*zones.KINDS, *screening.KINDS])


@pytest.mark.django_db
def test_the_day_is_rolled_over_once_and_visits_fall_due():
    declare()
    assert (owed("zone_review"), owed("round_visit")) == ([], [])
    assert tick(MORNING) == 1
    assert [duty.period for duty in owed("zone_review")] == ["2022-07-14"]
    assert owed("round_visit") == []
    assert tick(BEGUN + timedelta(hours=22)) == 1
    assert len(owed("round_visit")) == 1
    assert rolls() == 1


@pytest.mark.django_db
def test_ticking_again_changes_nothing():
    declare()
    tick(BEGUN + timedelta(hours=22))
    by = everything()
    before = balance(by=by, at=MORNING + timedelta(days=1))
    assert tick(BEGUN + timedelta(hours=22, minutes=2)) == 1
    assert balance(by=by, at=MORNING + timedelta(days=1)) == before
    assert before.opened > 0
    assert ledger_disagreements(by=by) == []


@pytest.mark.django_db
def test_the_next_local_day_is_rolled_over_too():
    declare()
    tick(local("2022-07-14 23:59"))
    assert tick(local("2022-07-15 00:01")) == 1
    assert rolls() == 2
    assert {duty.period for duty in owed("zone_review")} == {"2022-07-14", "2022-07-15"}


@pytest.mark.django_db
def test_where_no_incident_runs_nothing_is_done():
    incident = declare()
    with clock_at(BEGUN + timedelta(hours=1)):
        close_incident(
            by=everything(), incident=incident.id, reason="over", authority="county", cause=uuid.uuid4(),
            valid_at=BEGUN + timedelta(hours=1),
        )  # fmt: skip
    assert tick(MORNING) == 0
    assert rolls() == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (Refusal("The pack has no such clock: correct it."), "The pack has no such clock"),
        (ZeroDivisionError("division by zero\nDETAIL: a person's row"), "ZeroDivisionError: division by zero"),
    ],
)
def test_a_county_that_fails_is_told_and_holds_up_no_other(monkeypatch, caplog, fault, words):
    declare(HAIKOU)
    declare(DINGAN)

    def failing(envelope, *, by):
        if envelope.payload["county"] == HAIKOU:
            raise fault
        return submit(envelope, by=by)

    submit = ticking.submit
    monkeypatch.setattr(ticking, "submit", failing)
    with caplog.at_level(logging.ERROR, "lianfang.tick"):
        assert tick(BEGUN + timedelta(hours=22)) == 1
    assert (len(owed("zone_review")), len(owed("zone_review", HAIKOU))) == (1, 0)
    assert len(owed("round_visit", HAIKOU)) == 1  # what else is to be done in that county is done
    [told] = [record.getMessage() for record in caplog.records]
    assert f"{HAIKOU}: {words}" in told
    assert "a person's row" not in told


@pytest.mark.django_db
def test_what_the_database_refuses_in_one_county_leaves_no_trace_in_the_next(monkeypatch):
    declare(HAIKOU)
    declare(DINGAN)

    def failing(*, by, county, valid_at, cause):
        if county == HAIKOU:
            with connection.cursor() as cursor:
                cursor.execute("SELECT 1 / 0")
        return update(by=by, county=county, valid_at=valid_at, cause=cause)

    update = ticking.update_visits
    monkeypatch.setattr(ticking, "update_visits", failing)
    assert tick(BEGUN + timedelta(hours=22)) == 1
    assert (len(owed("round_visit")), len(owed("round_visit", HAIKOU))) == (1, 0)


@pytest.mark.django_db(databases=["default", "owner"])
def test_while_another_worker_updates_the_visits_this_one_passes_on():
    declare()
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [VISITS, DINGAN])
        try:
            assert tick(BEGUN + timedelta(hours=22)) == 1
            assert owed("round_visit") == []
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [VISITS, DINGAN])
    tick(BEGUN + timedelta(hours=22))
    assert len(owed("round_visit")) == 1


def test_several_workers_at_once_do_the_work_once(committing):
    declare()
    gate, counties, faults = threading.Barrier(4), [], []

    def worker() -> None:
        try:
            gate.wait()
            for minutes in range(3):
                counties.append(tick(BEGUN + timedelta(hours=22, minutes=minutes)))
        except BaseException as error:
            faults.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=worker) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (faults, counties, rolls()) == ([], [1] * 12, 1)
    assert (len(owed("zone_review")), len(owed("round_visit"))) == (1, 1)
    assert ledger_disagreements(by=everything()) == []


def test_the_hand_of_the_clock_may_do_nothing_that_a_person_decides():
    assert clock_hand(code_range(DINGAN)).permissions == {
        "command.read_command", "duties.roll_day", "screening.order_visits",
    }  # fmt: skip


def test_the_command_is_the_same_all_day_long():
    morning, night = roll_envelope(DINGAN, MORNING), roll_envelope(DINGAN, local("2022-07-14 23:58"))
    assert (morning.id, morning.fingerprint()) == (night.id, night.fingerprint())
    assert roll_envelope(HAIKOU, MORNING).id != morning.id != roll_envelope(DINGAN, BEGUN).id
