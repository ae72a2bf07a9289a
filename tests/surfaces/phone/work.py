"""A shift of twenty-five commands through the screens, each of them done again where a killed browser cut it short."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from conftest import XINZHU, make_actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.models import Duty
from lianfang.kit.clock import clock_at
from lianfang.response.command.models import Incident
from lianfang.response.quarantine.actions import issue_orders
from lianfang.response.quarantine.rules import NewOrder
from surfaces.field.field_scene import PACK, everything
from surfaces.field_app.field_app import NOON, Phone, Village

#: what each post does in its shift, in whichever order the seed says: 25 commands
SHIFTS = {
    "grid_worker": {"check": 12, "check in vain": 4, "hazard": 9},
    "community": {"visit": 6, "visit in vain": 3, "tube": 8, "hazard": 8},
}
PEOPLE_IN_A_TUBE = 3
DUTY = {"check": "daily_check", "check in vain": "daily_check", "visit": "door_visit", "visit in vain": "door_visit"}
#: a draft is kept this long (ms) after the last touch
KEPT_AFTER = 350


@dataclass
class Task:
    """One thing to do: its kind, a word of its own, the duty it finishes and the people it is about."""

    kind: str
    mark: str
    duty: int = 0
    people: tuple[str, ...] = ()


def orders(scene: Village) -> None:
    """Put everybody of a village under quarantine at home since yesterday."""
    by, since = make_actor(*everything()), NOON - timedelta(days=1)
    with acting(by):
        incident = Incident.objects.get().id
    words = {"reason": "met a contact", "authority": "county HQ", "appeal_to": "the duty desk"}
    with clock_at(NOON):
        issue_orders(
            by=by, incident=incident, protocol=PACK, valid_at=since,
            orders=[
                NewOrder(one, "secondary_contact", NOON - timedelta(days=3), **words) for home in scene.homes for one in home
            ],
        )  # fmt: skip


def shift(post: str, scene: Village, chance: Any) -> list[Task]:
    """The tasks of a post's shift in the seed's order."""
    by = make_actor(*everything())
    with acting(by):
        open_duties = Duty.objects.filter(
            state="outstanding", role=post, opens_at__lte=NOON, division_code__gte=XINZHU * 1000
        )
        duties = {
            kind: list(open_duties.filter(kind=kind).order_by("id").values_list("id", flat=True))
            for kind in set(DUTY.values())
        }
    cards = [scene.cards[one] for home in scene.homes for one in home]
    tasks = []
    for kind, count in SHIFTS[post].items():
        for number in range(count):
            task = Task(kind, f"{kind.replace(' ', '-')}-{number}")
            if kind in DUTY:
                task.duty = duties[DUTY[kind]].pop(0)
            if kind == "tube":
                task.mark = f"QH55{number:04}"
                task.people = tuple(cards[number * PEOPLE_IN_A_TUBE :][:PEOPLE_IN_A_TUBE])
            tasks.append(task)
    chance.shuffle(tasks)
    return tasks


def do(phone: Phone, task: Task) -> Iterator[str]:
    """Do it from today's list to the word that it is kept; pauses where something may happen."""
    yield from STEPS[task.kind](phone, task)


def _at_duty(phone: Phone, task: Task) -> Iterator[str]:
    phone.tap("tab-today")
    phone.tap("filter-open")
    phone.find(f"duty-{task.duty}").first.click()
    yield "at the door"


def check(phone: Phone, task: Task) -> Iterator[str]:
    yield from _at_duty(phone, task)
    phone.tap("begin")
    phone.tap("temperature-36.5")
    yield "filled in"
    yield from finish(phone)


def in_vain(phone: Phone, task: Task) -> Iterator[str]:
    yield from _at_duty(phone, task)
    phone.tap("could-not")
    phone.page.locator('[data-test^="reason-"]:visible').first.click()
    phone.find("filter-open").wait_for()  # today's list again, once it is kept
    yield "finished"


def visit(phone: Phone, task: Task) -> Iterator[str]:
    yield from _at_duty(phone, task)
    phone.tap("begin")
    phone.page.locator('[data-test="step-next"]:visible, [data-test="finish"]:visible').first.wait_for()
    while phone.find("finish").count() == 0:
        yes = phone.page.locator('[data-test$="-yes"]:visible')
        choice = phone.page.locator('[data-test="pledge-signed"]:visible')
        step = phone.page.locator(".progress").inner_text()
        if yes.count():
            yes.click()  # goes on by itself
        elif choice.count():
            choice.click()
        else:
            phone.tap("step-next")
        phone.page.wait_for_function("(before) => document.querySelector('.progress').innerText !== before", arg=step)
        yield "a step on"
    yield from finish(phone)


def hazard(phone: Phone, task: Task) -> Iterator[str]:
    phone.tap("tab-today")
    phone.tap("start-other")
    phone.tap("start-report_hazard")
    phone.tap("kind-rubbish")
    phone.find("where-place").fill(task.mark)
    yield "filled in"
    yield from finish(phone)


def back_to_today(phone: Phone) -> None:
    """What was finished closes by a tap, or by itself after some seconds."""
    phone.page.evaluate("(document.querySelector('[data-test=finished-close]') || { click() {} }).click()")
    phone.find("filter-open").wait_for()


def finish(phone: Phone) -> Iterator[str]:
    phone.page.wait_for_timeout(KEPT_AFTER)
    yield "draft kept"
    phone.find("finish").click(no_wait_after=True)
    yield "finish touched"
    phone.find("finished").wait_for()
    yield "finished"
    back_to_today(phone)


def tube(phone: Phone, task: Task) -> Iterator[str]:
    phone.tap("tab-today")
    phone.tap("start-sampling")
    phone.page.locator(
        '[data-test="start"]:visible, [data-test="ask-tube"]:visible, [data-test="tube"]:visible'
    ).first.wait_for()
    if phone.find("start").count():
        phone.tap("size-pooled:10")
        phone.tap("start")
        phone.find("ask-tube").wait_for()
    if not phone.find("tube").count():
        phone.scan(task.mark)
    phone.sees("tube", task.mark)
    yield "tube open"
    inside = int(phone.find("count").inner_text())
    for number, card in enumerate(task.people[inside:], inside + 1):
        phone.scan(card)
        phone.sees("count", str(number))
        yield "somebody in the tube"
    phone.find("close-tube").click(no_wait_after=True)
    yield "finish touched"
    phone.find("ask-tube").wait_for()
    yield "finished"
    phone.tap("back")


STEPS: dict[str, Callable[[Phone, Task], Iterator[str]]] = {
    "check": check, "check in vain": in_vain, "visit": visit, "visit in vain": in_vain, "hazard": hazard, "tube": tube,
}  # fmt: skip
