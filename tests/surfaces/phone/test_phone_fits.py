"""Every screen of the phone app, measured: as wide as the phone, large enough to touch, named, readable, nothing cut off."""

import sys
from typing import Any

import pytest

from conftest import XINZHU
from lianfang.core.access.models import Role
from lianfang.kit.clock import response_now
from lianfang.response.tasks.actions import give_tasks
from lianfang.response.tasks.rules import NewTask
from surfaces.console.browsing import NEEDS_CHROMIUM
from surfaces.field.field_scene import PASSWORD, account
from surfaces.field_app.field_app import GRID, PIN, waiting_code
from surfaces.phone.looks import Looks
from surfaces.phone.pocket import HOUR, KEPT, LOOKS, Pocket, everyone, out_of_reach, the_duty, unlock, village_at_home

pytestmark = NEEDS_CHROMIUM
pytest_plugins = ["surfaces.console.chromium", "surfaces.phone.pocket"]

#: what the first load may bring of script, compressed
FIRST_LOAD_BYTES = 300_000
USUAL, NARROW = {"width": 390, "height": 844}, {"width": 360, "height": 640}
#: forms that nothing of this village opens by itself
FORMS = (
    "hold_in_place", "inform_pool_community", "missing_tube", "pool_resample", "quarantine_test", "report_hazard",
    "ride_to_hospital", "round_visit", "shift_check_in", "tell_release", "zone_needs_check", "queue",
)  # fmt: skip
#: to a page of the app, as its router goes there
GO = """(path) => {
  const state = { ...history.state, current: path, position: (history.state.position || 0) + 1 };
  history.pushState(state, "", "/field" + path);
  dispatchEvent(new PopStateEvent("popstate", { state }));
}"""
#: how much script came over the wire (bytes)
SCRIPT = """() => performance.getEntriesByType("resource").filter((one) => /\\.js$/.test(one.name))
  .reduce((sum, one) => sum + one.transferSize, 0)"""
#: what the worker beside the page weighs, asked for once more
WORKER = """() => fetch("/field/sw.js", { cache: "no-store" }).then((one) => one.text()).then(() => new Promise((done) => {
  const seen = () => performance.getEntriesByType("resource").find((one) => one.name.endsWith("/sw.js"));
  const look = () => (seen() ? done(seen().transferSize) : setTimeout(look, 20));
  look();
}))"""
#: a page on which everything is wrong that is looked for
WRONG = """<!doctype html><meta name="viewport" content="width=device-width">
  <body style="margin:0"><main class="card" style="width:300px;padding:9px"><a href="/">go</a>
  <input aria-label="kind" placeholder="a hint that is much longer than its field" style="width:90px;height:48px">
  <button style="width:60px;height:60px"></button><p style="color:#999">pale</p>
  <p style="width:40px;overflow:hidden;white-space:nowrap">cut off at the side</p>
  <button style="width:320px;height:60px">beside</button><p style="width:500px">wide</p><p>last</p></main>
  <footer style="position:fixed;left:0;bottom:0;width:100%;height:1000px">bar</footer></body>"""
#: the one complaint of a browser that is meant: a wrong password
REFUSED = "the server responded with a status of 401"


class Measured(Pocket):
    """A phone whose screens are measured at the usual size, and narrow with large type."""

    tongue = "zh"

    def __init__(self, page: Any) -> None:
        super().__init__(page)
        self.looks = Looks()

    def screen(self, name: str) -> None:
        """Measure what is shown now."""
        page = self.page
        if self.tongue == "zh":
            self.looks.look(page, f"{name}, zh, 390")
            self.shoot(f"{name} zh")
        page.set_viewport_size(NARROW)
        page.evaluate("document.documentElement.classList.add('large')")
        self.looks.look(page, f"{name}, {self.tongue}, 360 large")
        self.shoot(f"{name} {self.tongue} large")
        page.evaluate("document.documentElement.classList.remove('large')")
        page.set_viewport_size(USUAL)

    def go(self, path: str) -> None:
        """To a page of the app."""
        self.page.evaluate(GO, path)


@pytest.fixture
def one_for_all():
    """A village whose grid worker also samples, packs, hands over and stands at the checkpoint, as the roles' table allows."""
    roles = Role.objects.using("owner")
    before = roles.get(code="grid_worker").permissions
    more = {
        may for one in roles.filter(code__in=["sampler", "courier", "checkpoint", "driver"]) for may in one.permissions
    }
    roles.filter(code="grid_worker").update(
        permissions=sorted({*before, *more, "cases.hold_person", "zones.check_zone"})
    )
    yield
    roles.filter(code="grid_worker").update(permissions=before)


def work() -> tuple[dict[str, int], list[str]]:
    """Give the village all sorts of work, with long names; the duties, and the cards of two people."""
    scene, orders = village_at_home(homes=2, each=2)
    now = response_now()
    tasks = [
        NewTask(
            kind,
            GRID,
            title,
            now - 3 * HOUR,
            now + hours * HOUR,
            role="grid_worker",
            place="新竹农贸市场东门外",
            **more,
        )
        for kind, title, hours, more in (
            ("patrol", "出入口和围挡夜间巡查（东门、南门、北侧河堤）", 1, {"lon": 110.31, "lat": 19.61}),
            ("clean_up", "三号楼后垃圾堆放点", -1, {"lon": 110.32, "lat": 19.62}),
            (
                "delivery",
                "送米送药",
                5,
                {
                    "person": "阿卜杜热合曼·买买提艾力",
                    "address": "新竹村委会新建路 118 号 2 单元 1201",
                    "items": ("米", "降压药"),
                    "lon": 110.33,
                    "lat": 19.61,
                },
            ),
            ("field_inspection", "农贸市场防疫检查", 6, {"category": "market", "lon": 110.32, "lat": 19.63}),
        )
    ]
    given = give_tasks(by=everyone(), tasks=tasks, valid_at=now)
    due = {task.kind: the_duty(task.kind, subject) for task, subject in zip(tasks, given, strict=True)}
    due |= {"daily_check": the_duty("daily_check", orders[0]), "other_check": the_duty("daily_check", orders[1])}
    return due, [scene.cards[one] for one in scene.homes[0]]


def entry(phone: Measured, address: str) -> None:
    """Set the phone up and sign in, measuring in both languages as one goes."""

    def both(name: str) -> None:
        for phone.tongue in ("zh", "en"):
            phone.screen(name)
            assert all(said.isascii() == (phone.tongue == "en") for said in phone.find("said").all_inner_texts())
            phone.tap("language")
        phone.tongue = "zh"

    who, code = account("grid_worker", str(XINZHU), "community"), waiting_code(str(XINZHU))
    phone.page.goto(f"{address}/field/")
    phone.find("enrol-code").fill(code)
    both("set up")
    phone.tap("enrol-scan")
    phone.find("typed").wait_for()
    phone.screen("set up by camera")
    phone.tap("scan-close")
    phone.tap("enrol-go")
    phone.find("username").fill(who)
    phone.find("password").fill("wrong")
    phone.tap("sign-in")
    phone.find("said").wait_for()
    both("sign in")
    phone.find("password").fill(PASSWORD)
    phone.tap("sign-in")
    phone.find("key-1").wait_for()
    both("choose a PIN")
    unlock(phone, PIN * 2)
    phone.find("skeleton").wait_for(state="detached", timeout=40_000)


def pages(phone: Measured, due: dict[str, int]) -> None:
    """Today, a duty and whatever stands among the tabs."""
    phone.tap("tab-today")
    phone.find(f"duty-{due['patrol']}").first.wait_for()
    phone.screen("today")
    phone.tap("filter-overdue")
    phone.screen("today, overdue")
    phone.tap("filter-done")
    phone.screen("today, nothing done yet")
    phone.tap("filter-open")
    phone.tap("start-other")
    phone.screen("begin something else")
    phone.page.keyboard.press("Escape")
    phone.tap("bell")
    phone.screen("notices")
    for kind in ("delivery", "daily_check"):
        phone.go(f"/duty/{due[kind]}")
        phone.find("begin").wait_for()
        phone.screen(f"duty {kind}")
    phone.tap("could-not")
    phone.find("sheet").wait_for()
    phone.screen("could not, of a duty")
    phone.page.keyboard.press("Escape")
    phone.go("/duty/1")
    phone.find("empty").wait_for()
    phone.screen("a duty that is gone")
    phone.tap("back")
    phone.go("/register")
    phone.find("person").first.wait_for()
    phone.screen("register")
    phone.find("search").fill("没有这个人")
    phone.find("empty").wait_for()
    phone.screen("register, nobody found")
    phone.find("search").fill("")
    phone.tap("person")
    phone.find("person").first.wait_for(state="detached")
    phone.screen("a person")
    phone.go("/me")
    phone.find("lock").wait_for()
    phone.screen("me")
    phone.tap("sign-out")
    phone.find("sheet").wait_for()
    phone.screen("sign out or stay")
    phone.page.keyboard.press("Escape")


def forms(phone: Measured, due: dict[str, int]) -> None:
    """A form of each kind of field, with what is missing said; what is finished; what could not be done."""
    for kind in ("field_inspection", "clean_up", "delivery", "patrol", "daily_check"):
        phone.go(f"/form/{kind}?duty={due[kind]}")
        phone.find("finish").wait_for()
        phone.screen(f"form {kind}")
    phone.tap("temperature-pad")
    phone.screen("form daily_check, any temperature")
    phone.tap("could-not")
    phone.tap("excuse-more")
    phone.page.locator(".near .btn").first.click()
    assert phone.find("again-time").input_value(), "one tap says when somebody comes again"
    phone.screen("could not, of a form")
    phone.page.keyboard.press("Escape")
    for code in FORMS:
        phone.go(f"/form/{code}")
        phone.find("finish").wait_for()
        phone.tap("finish") if code == "report_hazard" else None
        phone.screen(f"form {code}")
    phone.go("/form/door_visit")
    phone.find("step-next").wait_for()
    phone.screen("form door_visit, first step")


def sampling(phone: Measured, cards: list[str]) -> None:
    """A sampling table from its beginning to the tube put back."""
    phone.go("/form/sampling")
    phone.find("start").wait_for()
    phone.screen("sampling, set up")
    phone.tap("start")
    phone.find("ask-tube").wait_for()
    phone.screen("sampling, before a tube")
    phone.scan("QH0000")
    phone.sees("tube", "QH0000")
    for number, card in enumerate(cards, 1):
        phone.scan(card)
        phone.sees("count", str(number))
    phone.screen("sampling, two in the tube")
    for name, opened in (
        ("by-list", "find-person"),
        ("by-typing", "typed"),
        ("walk-in", "new-name"),
        ("see-people", "undo-1"),
    ):
        phone.tap(name)
        phone.find(opened).wait_for()
        if name == "walk-in":
            phone.tap("document-none")
            phone.tap("new-take")
        phone.screen(f"sampling, {name}")
        phone.page.keyboard.press("Escape")
    phone.tap("camera-toggle")
    phone.find("camera").wait_for()
    phone.screen("sampling, by camera")
    phone.tap("camera-toggle")
    for number in (1, 0):
        phone.tap("undo")
        phone.sees("count", str(number))
    phone.tap("close-tube")
    phone.tap("leave")


def flows(phone: Measured) -> None:
    """Boxes, hand-overs, a checkpoint."""
    phone.go("/form/pack_box")
    phone.find("box").wait_for()
    phone.screen("pack a box, empty")
    for code in ("BOX-7-2022-07-14-0001", "QH3000", "QH3001"):
        phone.scan(code)
    phone.sees("count", "2")
    phone.page.locator("details summary").click()
    phone.screen("pack a box")
    phone.go("/form/handover")
    phone.page.locator('[data-test^="task-"], [data-test="count"]').first.wait_for()
    if phone.find("task-hand_over").count():
        phone.screen("hand over, which")
        phone.tap("task-hand_over")
        phone.find("count").wait_for()
        phone.scan("QH3000")
        phone.sees("count", "1")
    phone.tap("finish")
    phone.screen("hand over")
    phone.go("/form/checkpoint_passage")
    phone.find("emergency").wait_for()
    phone.screen("checkpoint")
    phone.tap("list-hit")
    phone.tap("handed-over")
    phone.screen("checkpoint, stopped")
    phone.tap("list-hit")


def sent(phone: Measured, due: int) -> None:
    """Something finished without a line: on its page, on today's, in the queue; then the lock."""
    out_of_reach(phone)
    phone.go(f"/form/daily_check?duty={due}")
    phone.tap("temperature-36.5")
    phone.tap("finish")
    phone.find("finished").wait_for()
    phone.screen("finished")
    phone.tap("finished-close")
    phone.find("net").wait_for()
    phone.screen("today without a line")
    phone.tap("tab-sent")
    phone.find("send-now").wait_for()
    phone.screen("to send")
    phone.tap("export")
    phone.find("sheet").wait_for()
    phone.screen("save what is unsent")
    phone.page.keyboard.press("Escape")


def locked(phone: Measured) -> None:
    """Locked, unlocked with a wrong PIN, signed out."""
    phone.tap("tab-me")
    phone.tap("lock")
    phone.find("key-1").wait_for()
    unlock(phone, "111111")
    phone.find("said").wait_for()
    phone.screen("locked")


def first_load(phone: Pocket) -> int:
    """Bytes of script that came over the wire until Today was there and the app could open without a line."""
    phone.page.evaluate(KEPT)
    (worker,) = phone.page.context.service_workers
    here = phone.page.evaluate(SCRIPT)
    return int(here + phone.page.evaluate(WORKER) + worker.evaluate(SCRIPT))


def test_whatever_is_looked_for_would_be_found(browser):
    page = browser.new_context(**LOOKS).new_page()
    page.set_content(WRONG)
    looks = Looks()
    looks.look(page, "wrong")
    assert {what for _, what in looks.faults} == {
        "wider than the window", "too small to touch", "without a name", "its hint is cut off", "stands out too little",
        "words run out of their box", "runs out of its frame", "takes more than half of the window",
        "lies under the bar at the bottom",
    }  # fmt: skip


def test_every_screen_fits_is_named_and_is_read_at_arms_length(county, one_for_all):
    due, cards = work()
    phone = Measured(county.browser.new_context(**LOOKS).new_page())
    county.phones.append(phone)
    entry(phone, county.address)
    script = first_load(phone)
    for phone.tongue in ("zh", "en"):
        if phone.tongue == "en":
            phone.go("/me")
            phone.tap("lang-en")
        pages(phone, due)
        forms(phone, due)
        sampling(phone, cards)
        flows(phone)
    sent(phone, due["other_check"])
    locked(phone)
    sys.stdout.write(
        f"\n{len(phone.looks.screens)} screens, weakest contrast {phone.looks.weakest:.2f} to 1, {script:,} bytes of script\n"
    )
    assert not phone.looks.faults, phone.looks.told()
    assert script < FIRST_LOAD_BYTES
    assert [said for said in phone.faults if REFUSED not in said] == []
