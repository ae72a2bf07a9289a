"""What the stories of the phone app share: one browser for a module, phones that go out of reach, what the records say."""

import random
import time
import uuid
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connections

from conftest import XINZHU, make_actor
from lianfang.core.access.limits import store
from lianfang.core.access.scope import acting
from lianfang.core.duties.models import Duty
from lianfang.core.intake.models import Parcel
from lianfang.kit.clock import clock_offset, machine_now, response_now
from lianfang.response.quarantine.actions import issue_orders, roll_day
from lianfang.response.quarantine.rules import NewOrder
from lianfang.response.screening.queries import round_row
from surfaces.console.browsing import CHROMIUM
from surfaces.console.chromium import FLAGS, house
from surfaces.field.field_scene import PACK, account, everything
from surfaces.field_app.field_app import NOON, PIN, Phone, Village, enter, village, waiting_code
from surfaces.phone.faults import line

LOOKS = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True, "locale": "zh-CN"}
HOUR = timedelta(hours=1)


#: the service worker looks after the page: from now on the app opens without a line
KEPT = """() => navigator.serviceWorker.controller ? true : new Promise((done) =>
  navigator.serviceWorker.addEventListener("controllerchange", () => done(true)))"""


class Pocket(Phone):
    """A phone that is out of reach now and then: that the line is gone is no complaint."""

    #: whose it is
    who = ""
    _tools: Any = None

    def allow(self, room: int | None) -> None:
        """Let the browser keep so many bytes of this page's origin; with none, as many as it likes."""
        self._tools = self._tools or self.page.context.new_cdp_session(self.page)
        origin = self.page.evaluate("location.origin")
        self._tools.send("Storage.overrideQuotaForOrigin", {"origin": origin} | ({"quotaSize": room} if room else {}))

    def has(self, name: str, number: int) -> None:
        """Wait until so many things that a test calls so are on the page."""
        from playwright.sync_api import expect

        expect(self.find(name)).to_have_count(number)

    @property
    def faults(self) -> list[str]:
        """What the page complained of, but for the line."""
        return [said for said in self.complaints if "net::ERR_" not in said]


@dataclass
class County:
    """The house, what it was asked for, and the phones that people have of it."""

    address: str
    asked: list[str]
    browser: Any
    playwright: Any
    phones: list[Pocket] = field(default_factory=list)

    def phone(
        self, role: str, line: str = "community", scope: str = str(XINZHU), folder: Path | None = None, room: int = 0
    ) -> Pocket:
        """Somebody's phone, enrolled and signed in through its screens; with a folder, its browser can be closed.

        With ``room``, it may keep so many bytes.
        """
        phone = self.opened(folder) if folder else self._page(self.browser.new_context(**LOOKS))
        if room:
            phone.page.goto(f"{self.address}/field/manifest.webmanifest")
            phone.allow(room)
        phone.who = account(role, scope, line)
        enter(phone, self.address, phone.who, waiting_code(scope))
        phone.page.evaluate(KEPT)
        phone.find("skeleton").wait_for(state="detached", timeout=40_000)
        return phone

    def opened(self, folder: Path, offline: bool = False) -> Pocket:
        """The browser of a folder, opened: with what it kept when it was closed."""
        context = self.playwright.chromium.launch_persistent_context(
            str(folder), executable_path=CHROMIUM, args=FLAGS, **LOOKS
        )
        context.set_offline(offline)
        return self._page(context)

    def _page(self, context: Any) -> Pocket:
        phone = Pocket(context.new_page())
        phone.page.set_default_timeout(12_000)
        self.phones.append(phone)
        return phone

    def went_by(self) -> list[str]:
        """What the interface was asked for since somebody asked this last."""
        found = [path for path in self.asked if path.startswith("/api/")]
        self.asked.clear()
        return found


@pytest.fixture
def county(committing, tmp_path, settings, playwright, browser):
    """The house on commits of its own; the phones are closed with it."""
    settings.RATES_FILE = tmp_path / "rates"
    store.cache_clear()
    asked: list[str] = []
    # as `village` sets the clock of the house
    with house(asked) as address, clock_offset(NOON - machine_now()):
        found = County(address, asked, browser, playwright)
        yield found
        for phone in found.phones:
            phone.page.context.close()
    store.cache_clear()


@pytest.fixture
def cable(county):
    """A line to the house that can be cut: what a service worker sends by itself goes by it too."""
    with line(random.Random(0), urlsplit(county.address).port) as found:
        county.address = found.address
        yield found


def everyone() -> Any:
    """Somebody who may do everything in the whole county."""
    return make_actor(*everything())


def village_at_home(homes: int = 3, each: int = 2) -> tuple[Village, list[uuid.UUID]]:
    """A village with a round, where one person of each household is in quarantine at home; the orders."""
    scene, by = village(homes, each), everyone()
    now = response_now()
    orders = [
        NewOrder(
            home[0], "zone_leaver_medium", now - 30 * HOUR, reason="去过中风险区", authority="定安县指挥部",
            appeal_to="12345 热线", dependants=False,
        )
        for home in scene.homes
    ]  # fmt: skip
    incident = round_row(scene.round, by=by).incident
    issue_orders(by=by, incident=incident, protocol=PACK, orders=orders, valid_at=now - 24 * HOUR)
    roll_day(by=by, county=469021, valid_at=now)
    return scene, [one.id for one in orders]


def the_duty(kind: str, subject: uuid.UUID) -> int:
    """The open duty of a kind about a subject that is due first."""
    with acting(everyone()):
        return (
            Duty.objects.filter(kind=kind, subject=subject, opens_at__lte=response_now())
            .order_by("due_at")
            .values_list("id", flat=True)[0]
        )


def records(read: Callable[[], Iterable[Any]], number: int, within: float = 20) -> list[Any]:
    """Wait until so many records are there; return them."""
    until = time.monotonic() + within
    while True:
        found = _read(read)
        if len(found) >= number:
            return found
        assert time.monotonic() < until, f"{len(found)} of {number} arrived"
        time.sleep(0.2)


def _read(read: Callable[[], Iterable[Any]]) -> list[Any]:
    """Read in a thread of its own: the browser's loop sits in this one, and with it what belongs to a thread."""

    def reading() -> list[Any]:
        try:
            with acting(everyone()):
                return list(read())
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as aside:
        return aside.submit(reading).result()


def judged(number: int) -> list[tuple[str, str, str]]:
    """Wait for so many parcels; what they held, and what became of them."""
    found = records(lambda: Parcel.objects.order_by("received_at"), number)
    return [(one.kind, one.state, one.code) for one in found]


def out_of_reach(phone: Phone) -> None:
    """No line: neither for the page nor, as the house sees, for anything behind it."""
    phone.page.context.set_offline(True)
    assert phone.page.evaluate("fetch('/api/?' + Math.random()).then(() => 'reached', () => 'gone')") == "gone"


def in_reach(phone: Phone) -> None:
    """The line is back."""
    phone.page.context.set_offline(False)


def unlock(phone: Phone, pin: str = PIN) -> None:
    """Type the PIN on the page that asks for it."""
    for digit in pin:
        phone.tap(f"key-{digit}")


def to_duty(phone: Phone, duty: int) -> None:
    """From today's list into a duty's form."""
    phone.tap("tab-today")
    phone.tap(f"duty-{duty}")
    phone.tap("begin")


def take_temperature(phone: Phone, digits: str) -> None:
    """Fill in a daily check and finish it; a fever stays on the page with its alarm."""
    phone.tap("temperature-pad")
    for digit in digits:
        phone.tap(f"temperature-key-{digit}")
    phone.tap("finish")
    phone.find("finished").wait_for()


def checked(phone: Phone, duty: int, digits: str) -> None:
    """Do a daily check, and go back to today's list."""
    to_duty(phone, duty)
    take_temperature(phone, digits)
    phone.tap("finished-close")
    phone.find("filter-open").wait_for()


def fill(phone: Phone, scene: Village, code: str, people: list[uuid.UUID], before: int = 0) -> None:
    """Scan a tube unless it is open, and the cards of those who go into it."""
    if not before:
        phone.scan(code)
        phone.sees("tube", code)
    for place, resident in enumerate(people, before + 1):
        phone.scan(scene.cards[resident])
        phone.sees("count", str(place))


def update(phone: Phone) -> None:
    """Bring a phone up to date, as it does by itself when the line is back."""
    with phone.page.expect_response(lambda got: got.url.endswith("/api/field/sync") and got.ok):
        phone.page.evaluate("window.dispatchEvent(new Event('online'))")
    phone.page.wait_for_timeout(300)


def queue_is_empty(phone: Phone) -> bool:
    """Whether nothing waits on a phone."""
    return rows(phone, "parcels") == 0


COUNT = """(store) => new Promise((done, failed) => {
  const opening = indexedDB.open("lianfang-field");
  opening.onerror = failed;
  opening.onsuccess = () => {
    const counting = opening.result.transaction(store).objectStore(store).count();
    counting.onsuccess = () => { opening.result.close(); done(counting.result); };
  };
})"""


#: more than there may be at all: the browser looks how much there is, and finds no room for anything
TOO_MUCH = """(bytes) => new Promise((done, failed) => {
  const opening = indexedDB.open("photographs");
  opening.onupgradeneeded = () => opening.result.createObjectStore("photographs");
  opening.onerror = failed;
  opening.onsuccess = () => {
    const writing = opening.result.transaction("photographs", "readwrite");
    writing.objectStore("photographs").put(new Uint8Array(bytes), 1);
    writing.onabort = () => { opening.result.close(); done(writing.error.name); };
    writing.oncomplete = () => done("there was room");
  };
})"""
ROOM = 30_000_000


def fill_up(phone: Pocket) -> None:
    """No room for anything any more on a phone that had ``ROOM`` since before its app was opened."""
    phone.allow(1)
    assert phone.page.evaluate(TOO_MUCH, ROOM + 1) == "QuotaExceededError"


def rows(phone: Phone, store: str) -> int:
    """How many rows a store of the phone's database has."""
    return int(phone.page.evaluate(COUNT, store))


READ = """async () => {
  const text = (bytes) => new TextDecoder("utf-8").decode(bytes);
  const found = [];
  const walk = (value) => {
    if (value instanceof CryptoKey) return;
    if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) found.push(text(value));
    else if (value && typeof value === "object") Object.values(value).forEach(walk);
    else found.push(String(value));
  };
  const database = await new Promise((done, failed) => {
    const opening = indexedDB.open("lianfang-field");
    opening.onsuccess = () => done(opening.result);
    opening.onerror = failed;
  });
  for (const name of database.objectStoreNames) {
    const all = database.transaction(name).objectStore(name).getAll();
    walk(await new Promise((done) => (all.onsuccess = () => done(all.result))));
  }
  database.close();
  for (const name of await caches.keys())
    for (const request of await (await caches.open(name)).keys())
      if (!request.url.includes("/assets/")) found.push(request.url, await (await caches.match(request)).text());
  for (const store of [localStorage, sessionStorage]) found.push(JSON.stringify(store));
  found.push(document.documentElement.outerHTML);
  return found.join("\\n");
}"""


def readable(phone: Phone) -> str:
    """All text that lies on a phone, as somebody who has it in the hand reads it: databases, caches, the page."""
    return str(phone.page.evaluate(READ))


def names_in(text: str, scene: Village) -> list[str]:
    """Which people of a village a text names."""
    return [name for name in scene.names.values() if name in text]
