"""The built app in a real browser: kept on the phone, opened without a line, locked and opened by its PIN."""

import re

import pytest
from field_scene import PASSWORD, account
from test_phone_modules import waiting_device

from conftest import XINZHU
from lianfang.core.access.limits import store
from surfaces.console.browsing import NEEDS_CHROMIUM
from surfaces.phone.pocket import READ

pytestmark = NEEDS_CHROMIUM
pytest_plugins = ["surfaces.console.chromium"]
PIN = "270481"
KEPT = "navigator.serviceWorker.ready.then(found => found.active.state)"


@pytest.fixture
def villages(committing, tmp_path, settings):
    settings.RATES_FILE = tmp_path / "rates"
    store.cache_clear()
    yield
    store.cache_clear()


@pytest.fixture
def names():
    # before the browser is there: its loop keeps Django from the database
    return {"worker": account("grid_worker", str(XINZHU), "community"), "code": waiting_device()}


@pytest.fixture
def page(browser, address):
    """A phone's page that remembers what its console complained of."""
    found = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN").new_page()
    found.complaints = []
    found.on("console", lambda said: found.complaints.append(said.text) if said.type == "error" else None)
    found.on("pageerror", lambda error: found.complaints.append(str(error)))
    found.goto(f"{address}/field/")
    return found


def type_pin(page):
    for digit in PIN:
        page.locator(f'[data-test="key-{digit}"]').click()


def sign_in(page, names):
    """From a phone that is nobody's to today's list, as somebody does it once per shift."""
    page.locator('[data-test="enrol-code"]').fill(names["code"])
    page.locator('[data-test="enrol-go"]').click()
    page.locator('[data-test="username"]').fill(names["worker"])
    page.locator('[data-test="password"]').fill(PASSWORD)
    page.locator('[data-test="sign-in"]').click()
    page.locator('[data-test="post"], [data-test="key-1"]').first.wait_for()
    if page.locator('[data-test="post"]').count():
        page.locator('[data-test="post"]').first.click()
    for _ in range(2):
        type_pin(page)
    page.locator('[data-test="tab-today"]').wait_for()


def test_the_app_opens_without_a_line_and_its_pin_opens_what_it_keeps(page, names):
    sign_in(page, names)
    assert page.evaluate(KEPT) in {"activating", "activated"}
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    assert page.complaints == [], "the policy lets the app do all it does"
    page.context.set_offline(True)
    page.goto(re.sub(r"/field/.*", "/field/me", page.url))
    page.locator('[data-test="key-1"]').wait_for()
    type_pin(page)
    page.locator('[data-test="tab-today"]').click()
    page.locator('[data-test="tab-sent"]').wait_for()


def test_the_phone_shows_nothing_to_whoever_reads_its_storage(page, names):
    sign_in(page, names)
    page.wait_for_function("navigator.serviceWorker.controller !== null")
    kept = page.evaluate(READ)
    assert "/field/index.html" in kept
    assert "/api/" not in kept, "no answer of the interface lies in a cache"
    assert names["worker"] not in kept
    assert "Bearer" not in kept and PASSWORD not in kept
