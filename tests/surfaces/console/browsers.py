"""Fixtures: two villages with the same events on the afternoon of the first day, and browsers signed in there."""

import pytest

from lianfang.kit.clock import clock_at
from surfaces.console.browsing import account, signed_in
from surfaces.console.scene import NOW, Village, two_villages


@pytest.fixture
def afternoon():
    with clock_at(NOW):
        yield


@pytest.fixture
def villages(db, afternoon) -> tuple[Village, Village]:
    """Xinzhu, then Jiangnan."""
    return two_villages()


@pytest.fixture
def headquarters(villages):
    """A browser in which the county's commander is signed in."""
    return signed_in(account(("commander", "command", "469021"))[0])


@pytest.fixture
def office(villages):
    """A browser of Xinzhu's community officer."""
    return signed_in(account(("community", "community", str(villages[0].code)))[0])


@pytest.fixture
def worker(villages):
    """A browser of Xinzhu's grid worker."""
    return signed_in(account(("grid_worker", "community", str(villages[0].code)))[0])
