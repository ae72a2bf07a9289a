"""A phone in a browser before the house as it serves: a round in a village, one who samples, scans typed as a scanner types."""

import itertools
import os
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from conftest import XINZHU, make_actor
from lianfang.core.access.actions import ADMINISTRATION, move_response_clock, open_enrolment_codes, register_devices
from lianfang.core.access.limits import store
from lianfang.core.access.rules import DeviceEntry
from lianfang.core.access.scope import acting
from lianfang.core.people.actions import issue_codes
from lianfang.core.people.models import Household
from lianfang.core.people.queries import code_cards
from lianfang.kit.clock import clock_at, local, machine_now
from lianfang.kit.codes import CodeRange, code_range, full_code
from lianfang.kit.ids import new_id
from lianfang.response.checkpoints.actions import open_checkpoint
from lianfang.response.command.actions import declare_incident
from lianfang.response.screening.actions import open_round, open_sites
from lianfang.response.screening.rules import AreaEntry, SiteEntry
from making import make_resident
from surfaces.console.chromium import house
from surfaces.field.field_scene import PACK, PASSWORD, account, desk, everything

GRID = XINZHU * 1000 + 1
NOON = local("2022-07-14 12:00")
PIN = "270481"
#: milliseconds between the keys of a scanner
SCANNER = 8
NAMES = ["王明", "李华", "张伟", "刘芳", "陈静", "杨帆", "赵磊", "黄敏", "周强", "吴丹"]
numbers = itertools.count(1)


@dataclass
class Village:
    """A round in a village: its people by household, the codes on their cards."""

    round: Any
    homes: list[list[Any]] = field(default_factory=list)
    cards: dict[Any, str] = field(default_factory=dict)
    names: dict[Any, str] = field(default_factory=dict)


def village(homes: int, each: int, level: str | None = None) -> Village:
    """Open a round over so many households of a village, with a site, a checkpoint and printed cards."""
    move_response_clock(NOON - machine_now(), by=ADMINISTRATION, reason="a test's noon")
    with clock_at(NOON):
        return _at_work(homes, each, level, NOON - timedelta(hours=1))


def _at_work(homes: int, each: int, level: str | None, now: datetime) -> Village:
    by = make_actor(*everything())
    people = [_household(by, each, number) for number in range(1, homes + 1)]
    incident = new_id()
    declare_incident(
        by=by, id=incident, division_code=full_code("469021"), title_zh="测试疫情", title_en="a test outbreak",
        disease="covid19-cn", pack=PACK, authority="county HQ", areas=(code_range("469021"),), valid_at=now,
    )  # fmt: skip
    area = AreaEntry(XINZHU * 1000, XINZHU * 1000 + 999, level)
    round = open_round(
        by=by, valid_at=now, incident=incident, area_code=XINZHU * 1000, title="新竹第一轮", pack=PACK, areas=[area]
    )
    site = SiteEntry(new_id(), "新竹小学", XINZHU * 1000, 2, 2)
    open_sites(by=by, valid_at=now, round=round.id, sites=[site])
    open_checkpoint(
        by=by, valid_at=now, incident=incident, name="新竹路口卡口", division_code=XINZHU * 1000, road="新竹路",
        emergency_lane="右侧应急车道", reason="outbreak", authority="county HQ", appeal_to="值班室 63800000",
        ends_at=now + timedelta(days=2),
    )  # fmt: skip
    issue_codes(by=by, valid_at=now, within=CodeRange(XINZHU * 1000, XINZHU * 1000 + 999))
    cards = code_cards(by=by, within=CodeRange(XINZHU * 1000, XINZHU * 1000 + 999))
    names = {one.id: one.name for home in people for one in home}
    return Village(
        round.id, [[one.id for one in home] for home in people], {one.resident: one.code for one in cards}, names
    )


def _household(by: Any, each: int, number: int) -> list[Any]:
    with acting(by):
        home = Household.objects.create(
            county=469021, number=900_000 + next(numbers), division_code=GRID, unit="1", room=f"{number}01",
            address=f"新竹村 {number} 号",
        )  # fmt: skip
    return [
        make_resident(
            by=by, grid=GRID, household=home.id, name=f"{NAMES[place % 10]}{'一二三四五六七八九十'[number % 10]}"
        )
        for place in range(each)
    ]


@pytest.fixture
def field_house(committing, tmp_path, settings):
    """The address of the house, on commits of its own."""
    settings.RATES_FILE = tmp_path / "rates"
    store.cache_clear()
    with house() as found:
        yield found
    store.cache_clear()


def waiting_code(scope: str) -> str:
    """The enrolment code of a new device."""
    by = desk(scope)
    (device,) = register_devices(
        by=by, valid_at=machine_now(), cause=new_id(), devices=[DeviceEntry("1号台手机", full_code(scope), new_id())]
    )
    return open_enrolment_codes([device], by=by)[0][2]


class Phone:
    """A phone of somebody who is signed in; counts the taps and the keys that a hand makes."""

    def __init__(self, page: Any) -> None:
        self.page, self.taps, self.keys, self.complaints = page, 0, 0, []
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def find(self, name: str) -> Any:
        """The one thing on the page that a test calls so."""
        return self.page.locator(f'[data-test="{name}"]:visible')

    def tap(self, name: str) -> None:
        """One tap of a finger."""
        self.taps += 1
        self.find(name).first.click()

    def type(self, name: str, text: str) -> None:
        """A hand types, key by key, and ends with Enter."""
        self.find(name).first.fill(text)
        self.keys += len(text) + 1
        self.find(name).first.press("Enter")

    def scan(self, code: str) -> None:
        """A scanner reads a code and types it, wherever the page's focus is."""
        self.page.keyboard.type(code, delay=SCANNER)
        self.page.keyboard.press("Enter")

    def shoot(self, name: str) -> None:
        """Take a picture of the page, where pictures are asked for (``LIANFANG_SHOTS``: a folder)."""
        if folder := os.environ.get("LIANFANG_SHOTS"):
            self.page.wait_for_timeout(250)
            self.page.screenshot(path=f"{folder}/{name}.png")

    def sees(self, name: str, text: str) -> None:
        """Wait until a thing says so."""
        from playwright.sync_api import expect

        expect(self.find(name).first).to_contain_text(text)


def signed_in(
    browser: Any, address: str, role: str, scope: str = str(XINZHU), line: str = "testing", **options: Any
) -> Phone:
    """Enrol a phone, sign in on it, choose a PIN: as a person does, through the screens."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True, **options)
    phone = Phone(context.new_page())
    phone.page.set_default_timeout(12_000)
    enter(phone, address, account(role, scope, line), waiting_code(scope))
    if slower := os.environ.get("LIANFANG_SLOWER"):  # so many times slower than this machine
        context.new_cdp_session(phone.page).send("Emulation.setCPUThrottlingRate", {"rate": int(slower)})
    return phone


def enter(phone: Phone, address: str, who: str, code: str = "") -> None:
    """From the app's first page to the list of today; with a code, on a phone that is nobody's yet."""
    if code:
        phone.page.goto(f"{address}/field/")
        phone.find("enrol-code").fill(code)
        phone.tap("enrol-go")
    phone.find("username").fill(who)
    phone.find("password").fill(PASSWORD)
    phone.tap("sign-in")
    for digit in PIN * 2:
        phone.tap(f"key-{digit}")
    phone.find("filter-open").wait_for()
    phone.taps = phone.keys = 0
