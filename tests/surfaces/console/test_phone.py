"""Every page on a phone, 390 px wide and in English, whose words are the longer ones: nothing reaches past the edge."""

import pytest
from django.conf import settings

from lianfang.core.access.actions import ADMINISTRATION, move_response_clock
from lianfang.kit.clock import machine_now
from surfaces.console.browsing import NEEDS_CHROMIUM, account, fits
from surfaces.console.county_at_work import county_at_work
from surfaces.console.scene import NOW
from surfaces.console.test_gates import address as path_of
from surfaces.console.test_walk import NOT_READ, WHO, pages

pytestmark = NEEDS_CHROMIUM
pytest_plugins = ["surfaces.console.chromium"]


@pytest.fixture
def villages(committing):
    made = county_at_work()
    move_response_clock(NOW - machine_now(), by=ADMINISTRATION, reason="a test's afternoon")
    return made


@pytest.fixture
def names(villages):
    """Accounts, made before the browser's event loop forbids it."""
    return [account(who)[0] for who in WHO]


def test_nothing_reaches_past_the_edge_of_a_phone(sign_in, villages, names, address):
    phones = [sign_in(name, width=390) for name in names]
    for phone in phones:
        phone.context.add_cookies([{"name": settings.LANGUAGE_COOKIE_NAME, "value": "en", "url": address}])
    too_wide = []
    for route in pages():
        path = path_of(route, villages.numbers)
        if route.name not in NOT_READ:
            shown = next(phone for phone in phones if phone.goto(address + path).status == 200)
            too_wide += [] if fits(shown) else [route.name]
    said = [one for phone in phones for one in phone.complaints if not one.startswith("Failed to load resource")]
    assert too_wide == [] and said == []
