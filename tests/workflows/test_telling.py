"""Whoever a duty is given to by name is told of it once, and whoever's duties are overdue."""

import uuid
from datetime import timedelta

import pytest

from conftest import DINGAN, XINZHU, make_actor
from core.notices.accounts import worker
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import declare_kinds, finish_duty, reconcile
from lianfang.core.duties.queries import duties
from lianfang.core.duties.rules import Desired, Kind
from lianfang.core.notices.queries import notices_of
from lianfang.kit.clock import clock_at, local, machine_now
from lianfang.kit.ids import new_id
from lianfang.response.workforce.models import Organisation, Responder, Team, TeamMember
from lianfang.workflows.telling import tell_of_duties

pytestmark = pytest.mark.django_db
GRID = XINZHU * 1000 + 1
NOON = local("2022-07-14 12:00")
VISIT = Kind("told_visit", "上门随访", "door visit", "tests", ("done",))
QUERY = """
SELECT 'resident', %(subject)s::uuid, 'told_visit', 'once', %(place)s::bigint, 'grid_worker', %(assignee)s::uuid, 'rule',
       %(subject)s::uuid, %(noon)s::timestamptz, %(due)s::timestamptz
"""


@pytest.fixture(autouse=True, scope="module")
def kind(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        declare_kinds([VISIT])


def give(assignee=None, hours=4, place=GRID) -> None:
    subject = uuid.uuid4()
    params = {
        "subject": subject,
        "place": place,
        "assignee": assignee,
        "noon": NOON,
        "due": NOON + timedelta(hours=hours),
    }
    with clock_at(NOON):
        reconcile(Desired(("told_visit",), QUERY, params, [subject]), by=make_actor(), county=DINGAN, valid_at=NOON)


def tell(hours=0.0) -> int:
    now = NOON + timedelta(hours=hours)
    with clock_at(now):
        return tell_of_duties(by=make_actor(), county=DINGAN, now=now, machine=machine_now())


def told(actor) -> list[tuple[str, str]]:
    return [(row.kind, row.zh) for row in notices_of(by=actor)]


def responder(account: uuid.UUID) -> Responder:
    common = {"county": DINGAN, "recorded_at": NOON, "division_code": GRID}
    with acting(make_actor()):
        place = Organisation.objects.create(
            name=f"队{new_id()}", kind="department", level="county", account=new_id(), **common
        )
        return Responder.objects.create(
            name="测试员",
            kind="cadre",
            organisation=place,
            account=account,
            present_code=GRID,
            registered_by=new_id(),
            **common,
        )


def test_one_is_told_once_of_a_duty_and_once_that_it_is_overdue():
    mine, other = worker(), worker("469021100004")
    give(mine.account_id)
    assert (tell(), tell(1), tell(5), tell(6)) == (1, 0, 1, 0)
    assert told(mine) == [
        ("duty_given", "新任务：上门随访，7月14日16:00前完成"),
        ("duty_overdue", "已逾期：上门随访，应在7月14日16:00前完成"),
    ]
    assert notices_of(by=mine)[0].duty == duties(by=make_actor("duties.read_duties"))[0].id
    assert told(other) == []


def test_what_is_done_in_time_is_never_called_overdue():
    mine = worker()
    give(mine.account_id)
    by = make_actor("duties.read_duties", "duties.finish_duty")
    with clock_at(NOON):
        finish_duty(duties(by=by)[0].id, by=by, outcome="done", valid_at=NOON)
    assert (tell(), tell(5)) == (0, 0)


def test_a_duty_of_a_responder_or_a_team_reaches_whoever_that_is():
    mine, mate, former = worker(), worker(), worker()
    first, second, third = (responder(one.account_id) for one in (mine, mate, former))
    common = {"county": DINGAN, "division_code": GRID}
    with acting(make_actor()):
        team = Team.objects.create(
            kind="party_branch", name="突击队", formed_at=NOON, recorded_at=NOON, account=new_id(), **common
        )
        for one, until in ((second, None), (third, NOON)):
            TeamMember.objects.create(team=team, responder=one, since=NOON - timedelta(days=1), until=until, **common)
    give(first.id)
    give(team.id)
    assert tell() == 2
    assert ([len(told(one)) for one in (mine, mate, former)]) == [1, 1, 0]


def test_duties_of_a_role_are_counted_once_a_day_for_whoever_holds_it_there():
    mine, neighbour = worker(), worker("469021100004")
    give(hours=1)
    give(hours=2)
    assert (tell(), tell(3), tell(4)) == (0, 1, 0)
    assert told(mine) == [("duties_overdue", "你那一片有2项任务已逾期")]
    assert told(neighbour) == []
    assert tell(13) == 1  # the next day by the clock in China
    assert tell(60) == 0  # told then; by now it has climbed to others
