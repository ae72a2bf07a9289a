"""One story in a real browser: the commander finds who is missing; a grid worker is kept to one village."""

import re

import pytest

from lianfang.core.access.actions import ADMINISTRATION, move_response_clock
from lianfang.kit.clock import clock_at, machine_now
from surfaces.console.browsing import NEEDS_CHROMIUM, account, fits
from surfaces.console.scene import NOW, two_villages

pytestmark = NEEDS_CHROMIUM
pytest_plugins = ["surfaces.console.chromium"]


@pytest.fixture
def villages(committing):
    """Two villages, committed, on a response clock that every thread of the server sees."""
    with clock_at(NOW):
        made = two_villages()
    move_response_clock(NOW - machine_now(), by=ADMINISTRATION, reason="a test's afternoon")
    return made


@pytest.fixture
def names(villages):
    """A commander's account and a grid worker's, made before the browser's event loop forbids it."""
    return account(("commander", "command", "469021"))[0], account(("grid_worker", "community", str(villages[0].code)))[
        0
    ]


def test_the_commander_finds_the_missing_and_a_grid_worker_keeps_to_one_village(sign_in, villages, names, address):
    home, other = villages
    page = sign_in(names[0])
    assert page.get_by_role("heading", level=1).inner_text().startswith("态势")
    assert "2022-07-14 12:" in page.locator("details.clock").inner_text()
    page.locator("nav.menu summary", has_text="核酸检测").click()
    page.locator("nav.menu a", has_text="核酸轮次").click()
    page.locator(f'a[href="/rounds/{home.round}"]').first.click()
    page.get_by_role("link", name=re.compile(r"^未采 \d")).click()
    assert page.locator("#list .person").count() == 3
    page.get_by_label("网格").select_option(index=1)
    page.wait_for_url(re.compile("within="))
    assert page.locator("#list .person").count() == 3 and page.complaints == []

    phone = sign_in(names[1], width=390)
    phone.goto(f"{address}/people/")
    assert home.name + "测试1" in phone.content() and other.name + "测试" not in phone.content() and fits(phone)
    for path in (f"/people/{other.people[0]}", f"/duties/{other.duty}", f"/rounds/{other.round}/missing"):
        assert phone.goto(address + path).status in (403, 404)
        assert other.name + "测试" not in phone.content() and fits(phone)
