"""Accounts, posts and grants: written by the administration line only, inside its own area."""

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from conftest import make_actor
from lianfang.core.access.actions import (
    ADMINISTRATION,
    create_account,
    create_posts,
    give_grant,
    move_response_clock,
    seat_accounts,
)
from lianfang.core.access.models import Grant, Post
from lianfang.core.access.permissions import MANAGE_ACCOUNTS, MOVE_CLOCK
from lianfang.core.access.queries import actor_named, actors_of, response_clock_offset
from lianfang.core.access.rules import AccountRefused, NewPost, NewSeat, NotPermitted, SignInRefused
from lianfang.core.access.scope import acting
from lianfang.kit.clock import machine_now
from lianfang.kit.codes import code_range

pytestmark = pytest.mark.django_db
VILLAGE = NewPost("grid_worker", "community", "新竹村网格员", code_range(469021101201))


def test_seats_are_made_once_and_say_who_may_act_where():
    assert create_posts([VILLAGE], by=ADMINISTRATION) == 1
    assert create_posts([VILLAGE], by=ADMINISTRATION) == 0
    seats = [NewSeat("grid.test", VILLAGE)]
    yesterday = machine_now() - timedelta(days=1)
    assert seat_accounts(seats, by=ADMINISTRATION, valid_from=yesterday, reason="test") == 1
    assert seat_accounts(seats, by=ADMINISTRATION, valid_from=yesterday, reason="test") == 0
    actor = actor_named("grid.test", machine_now())
    assert (actor.role, actor.scope, actor.title) == ("grid_worker", VILLAGE.scope, VILLAGE.title)
    with pytest.raises(SignInRefused):
        actor_named("grid.test", yesterday - timedelta(days=1))


def test_nobody_gives_themselves_a_grant_by_sql(commander):
    account = create_account(by=ADMINISTRATION, username="climber", title="climber")
    with acting(commander), pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        Grant.objects.create(
            account=account, role_id="commander", line_id="command", code_lo=0, code_hi=10**15 - 1,
            valid_from=machine_now(), reason="I would like to",
        )  # fmt: skip
    with acting(commander), pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
        Post.objects.create(role_id="commander", line_id="command", title="mine", division_code=1, code_hi=2)


def test_an_administrator_gives_grants_in_its_own_area_only():
    account = create_account(by=ADMINISTRATION, username="elsewhere", title="elsewhere")
    county = make_actor(MANAGE_ACCOUNTS, scope="469021", role="administrator", line="administration")
    with pytest.raises(NotPermitted, match="lies outside"):
        give_grant(
            by=county, account=account.id, role="grid_worker", line="community", scope=code_range("460100"),
            valid_from=machine_now(), reason="test",
        )  # fmt: skip
    assert actors_of(account.id, machine_now()) == []


def test_names_and_roles_are_checked_in_a_sentence():
    account = create_account(by=ADMINISTRATION, username="double", title="double")
    with pytest.raises(AccountRefused, match="already"):
        create_account(by=ADMINISTRATION, username="double", title="double")
    with pytest.raises(AccountRefused, match="Known: "):
        give_grant(
            by=ADMINISTRATION, account=account.id, role="emperor", line="command", scope=code_range("469021"),
            valid_from=machine_now(), reason="test",
        )  # fmt: skip


def test_the_response_clock_is_moved_by_administration_only(commander):
    move_response_clock(timedelta(days=-3), by=ADMINISTRATION, reason="drill")
    assert response_clock_offset() == timedelta(days=-3)
    with pytest.raises(NotPermitted):
        move_response_clock(timedelta(), by=commander, reason="drill")
    with pytest.raises(DatabaseError, match="row-level security"):
        move_response_clock(timedelta(), by=make_actor(MOVE_CLOCK), reason="drill")
