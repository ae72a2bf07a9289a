"""The menu of the console: one line of groups, at a desk and on a phone, each of which opens to its pages."""

import os

import pytest
from django.conf import settings

from lianfang.core.access.actions import ADMINISTRATION, move_response_clock
from lianfang.kit.clock import clock_at, machine_now
from surfaces.console.browsing import NEEDS_CHROMIUM, account, fits
from surfaces.console.scene import NOW, two_villages

pytestmark = NEEDS_CHROMIUM
pytest_plugins = ["surfaces.console.chromium"]

LINES = "new Set([...document.querySelectorAll('.menu-row > *')].map(one => Math.round(one.getBoundingClientRect().top))).size"
ALL = "document.querySelector('.menu-row').scrollWidth <= document.querySelector('.menu-row').clientWidth"


@pytest.fixture
def villages(committing):
    with clock_at(NOW):
        made = two_villages()
    move_response_clock(NOW - machine_now(), by=ADMINISTRATION, reason="a test's afternoon")
    return made


@pytest.fixture
def names(villages):
    """Who sees the most, and who sees one page of a group only; made before the browser's event loop forbids it."""
    return [account(who)[0] for who in (("task_force_lead", "testing", "469021"), ("auditor", "audit", "469021"))]


@pytest.mark.parametrize(("language", "testing"), [("zh-hans", "核酸检测"), ("en", "Testing")])
def test_the_menu_is_one_line_and_its_groups_open(sign_in, names, address, language, testing):
    for width in (1440, 390):
        page = sign_in(names[0], width=width)
        page.context.add_cookies([{"name": settings.LANGUAGE_COOKIE_NAME, "value": language, "url": address}])
        page.goto(address)
        assert page.evaluate(LINES) == 1 and (width < 1440 or page.evaluate(ALL))
        group = page.locator("nav.menu details", has=page.locator("summary", has_text=testing))
        group.locator("summary").click()
        links = group.locator("a")
        boxes = [links.nth(n).bounding_box() for n in range(links.count())]
        assert len(boxes) > 1 and all(box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
        assert all(box["height"] >= 40 for box in boxes) and fits(page)
        if folder := os.environ.get("PICTURES"):
            page.screenshot(path=f"{folder}/menu-{language}-{width}.png")
        links.first.click()
        page.wait_for_load_state()
        assert page.locator("nav.menu details:has(a.here) > summary.here").count() == 1 and page.complaints == []


def test_a_group_of_one_page_is_that_page(sign_in, names):
    page = sign_in(names[1])
    assert page.locator("nav.menu details").count() == 0
    page.locator('nav.menu a[href^="/audit"]').click()
    assert page.locator('nav.menu a.here[aria-current="page"]').count() == 1
