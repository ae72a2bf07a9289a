"""Browser, line, house and database die at random during a shift: what was finished on the phone is applied exactly once.

One shift of 25 commands by default; ``LIANFANG_FAULT_SEEDS=20`` runs all twenty, 500 commands. A seed fixes what is done in
which order, what is killed before which step, and how the n-th request of a bad line fares; which request is the n-th, and how
far a dying process had come, is up to the machine.
"""

import os
import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connection, connections

from conftest import XINZHU, make_actor
from lianfang.config import settings as served
from lianfang.core.access.limits import store
from lianfang.core.access.scope import acting
from lianfang.core.duties.models import Attempt, Duty
from lianfang.core.intake.models import Parcel
from lianfang.response.quarantine.models import DailyCheck, DoorVisit
from lianfang.response.specimens.models import Sample, Tube
from lianfang.response.tasks.models import Hazard
from surfaces.console.browsing import NEEDS_CHROMIUM
from surfaces.field.field_scene import account
from surfaces.field_app.field_app import enter, village, waiting_code
from surfaces.phone.faults import Handset, House, Line, line
from surfaces.phone.work import Task, do, orders, shift

pytestmark = NEEDS_CHROMIUM
SEEDS = range(1, int(os.environ.get("LIANFANG_FAULT_SEEDS", "1")) + 1)
POSTS = ("grid_worker", "community")
COMMANDS = 25
#: pauses of a task in which something may go wrong, and how much goes wrong during one
STAGES = {"visit": 12, "tube": 6, "check in vain": 2, "visit in vain": 2, "hazard": 4}
MOST_AT_ONCE = 2
#: seconds in which everything has arrived once everything is up again
ARRIVES_WITHIN = 120


@dataclass
class Shift:
    """A phone, its line and its house, what the seed does to them, and what has happened."""

    chance: random.Random
    handset: Handset
    house: House
    line: Line
    struck: Counter[str] = field(default_factory=Counter)
    down_for: int = 0

    def strike(self, what: str) -> None:
        """Let one thing go wrong."""
        self.struck[what] += 1
        if what == "house":
            self.house.kill()
            self.down_for = self.chance.randint(1, 3)
        elif what == "database":
            self.house.kill_database()
        elif what == "line":
            self.line.mood = "down" if self.line.mood == "bad" else "bad"
        elif what == "coverage":
            self.handset.go_away(not self.handset.away)
        elif what == "browser":
            self.handset.kill()

    def plan(self) -> list[list[str]]:
        """What goes wrong during each command; each kind at least once in a shift."""
        sure = [
            "browser",
            "browser",
            "browser",
            "house",
            "house",
            "database",
            "line",
            "line",
            "line",
            "coverage",
            "coverage",
        ]
        more = self.chance.choices(
            ["browser", "house", "line", "coverage"], weights=[3, 1, 4, 2], k=self.chance.randint(3, 8)
        )
        planned: list[list[str]] = [[] for _ in range(COMMANDS)]
        for what in sure + more:
            self.chance.choice([faults for faults in planned if len(faults) < MOST_AT_ONCE]).append(what)
        return planned

    def end_command(self) -> None:
        """A house that was killed comes back after some commands."""
        self.down_for -= 1
        if self.down_for <= 0:
            self.house.revive()

    def carry_out(self, task: Task, faults: list[str]) -> None:
        """Do a task, again where it was cut short, until the phone has it; then it is there once more than before."""
        before = self.handset.made()
        stages = self.chance.sample(range(STAGES.get(task.kind, 5)), len(faults))
        waiting = dict(zip(stages, faults, strict=True))
        while True:
            told = self._once(task, waiting)
            made = self.handset.made() - before
            assert len(made) == 1 or (not told and not made), (
                f"{task} was said to be kept: {told}, and the phone has {made}"
            )
            if made:
                break
        for what in waiting.values():
            self.strike(what)
            self.recover(what)

    def _once(self, task: Task, waiting: dict[int, str]) -> bool:
        told = False
        for number, stage in enumerate(do(self.handset.phone, task)):
            told = told or stage == "finished"
            what = waiting.pop(number, None)
            if what is None:
                continue
            self.strike(what)
            self.recover(what)
            if what == "browser":
                return told
        return told

    def recover(self, what: str) -> None:
        """Whoever has a phone that died switches it on again."""
        if what == "browser":
            self.handset.open()
            self.handset.unlock()

    def all_up(self) -> None:
        """Everything works again."""
        self.line.mood = "fine"
        self.house.revive()
        self.house.wait()
        self.handset.go_away(False)

    def everything_arrived(self) -> dict[str, Any]:
        """Tap “send now” until nothing waits."""
        until = time.monotonic() + ARRIVES_WITHIN
        phone = self.handset.phone
        phone.tap("tab-sent")
        while (kept := self.handset.kept())["parcels"]:
            assert time.monotonic() < until, kept
            button = phone.find("send-now")
            if button.count() and button.is_enabled():
                button.click()
            phone.page.wait_for_timeout(500)
        return kept


def sign_in(handset: Handset, who: str, code: str) -> None:
    """From a phone that is nobody's to today's list, on a line that works."""
    handset.open()
    phone = handset.phone
    enter(phone, handset.address, who, code)
    phone.page.evaluate("navigator.serviceWorker.ready")
    phone.page.locator('[data-test^="duty-"]:visible').first.wait_for()


def verify(kept: dict[str, Any], tasks: list[Task]) -> None:
    """Each command once among the commands, in the facts and among the receipts; nothing held, nothing left."""
    receipts = {one["id"]: one for one in kept["receipts"]}
    assert len(receipts) == len(kept["receipts"]) == COMMANDS
    assert {(one["status"], one["code"]) for one in receipts.values()} <= {("applied", ""), ("repeated", "")}, receipts
    with acting(make_actor()), connection.cursor() as cursor:
        cursor.execute("SELECT id::text FROM access_command")
        assert sorted(id for (id,) in cursor.fetchall()) == sorted(receipts)
        assert sorted(map(str, Parcel.objects.filter(state="applied").values_list("id", flat=True))) == sorted(receipts)
        assert Parcel.objects.count() == COMMANDS
        facts(tasks)


def facts(tasks: list[Task]) -> None:
    """The facts that the tasks made, each once."""
    by_kind: dict[str, list[Task]] = {}
    for task in tasks:
        by_kind.setdefault(task.kind, []).append(task)

    def marks(kind: str) -> list[str]:
        return sorted(task.mark for task in by_kind.get(kind, []))

    subject = dict(Duty.objects.values_list("id", "subject"))

    def about(*kinds: str) -> list[Any]:
        return sorted(subject[task.duty] for kind in kinds for task in by_kind.get(kind, []))

    assert sorted(Hazard.objects.values_list("place", flat=True)) == marks("hazard")
    checks = DailyCheck.objects.values_list("order_id", flat=True)
    assert sorted(checks.filter(could_not="")) == about("check")
    assert sorted(checks.exclude(could_not="")) == about("check in vain")
    assert sorted(DoorVisit.objects.values_list("order_id", flat=True)) == about("visit")
    assert sorted(Attempt.objects.values_list("duty", flat=True)) == sorted(
        task.duty for task in by_kind.get("visit in vain", [])
    )
    codes = dict(Tube.objects.values_list("id", "code"))
    assert sorted(codes.values()) == marks("tube")
    found = Counter(codes[tube] for tube in Sample.objects.values_list("tube", flat=True))
    assert found == {task.mark: len(task.people) for task in by_kind.get("tube", [])}
    assert len(set(Sample.objects.values_list("resident", flat=True))) == sum(found.values())


@pytest.fixture
def alone(committing, tmp_path, settings, monkeypatch):
    """Commits of its own, and Django beside the browser's loop."""
    pytest.importorskip("playwright.sync_api")
    settings.RATES_FILE = tmp_path / "rates"
    settings.PASSWORD_HASHERS = served.PASSWORD_HASHERS  # the house runs in a process of its own
    store.cache_clear()
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    yield
    store.cache_clear()


@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_is_killed_each_command_is_applied_exactly_once(alone, tmp_path, seed):
    from playwright import sync_api

    post, chance = POSTS[seed % 2], random.Random(seed)
    scene = village(homes=9, each=3)
    orders(scene)
    tasks = shift(post, scene, chance)
    who, code = account(post, str(XINZHU), "community"), waiting_code(str(XINZHU))
    house = House((tmp_path / "house.log").open("wb"))
    house.start()
    started = time.monotonic()
    try:
        with line(random.Random(seed), house.port) as found, sync_api.sync_playwright() as playwright:
            house.wait()
            here = Shift(chance, Handset(playwright, tmp_path / "profile", found.address), house, found)
            sign_in(here.handset, who, code)
            found.mood = "bad"
            for task, faults in zip(tasks, here.plan(), strict=True):
                here.carry_out(task, faults)
                here.end_command()
            here.all_up()
            kept = here.everything_arrived()
            assert kept["shadows"] == 0
            here.handset.context.close()
        connections.close_all()  # those that were open before the browser's loop ran have lost their server
        twice = sum(found.sent.values()) - len(found.sent)
        sys.stdout.write(
            f"\nseed {seed} ({post}): {COMMANDS} commands in {time.monotonic() - started:.0f} s; struck {dict(here.struck)};"
            f" requests {dict(found.fates)}; {twice} parcels came again\n"
        )
        verify(kept, tasks)
    finally:
        house.kill()
        connections.close_all()
