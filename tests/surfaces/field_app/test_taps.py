"""Taps and seconds a person in a sampling run: by scanner, by the list of a household, by typing; everything arrives once."""

import sys
import time

from conftest import make_actor
from lianfang.core.access.scope import acting
from lianfang.response.specimens.models import Sample, Tube
from surfaces.console.browsing import NEEDS_CHROMIUM
from surfaces.field_app.field_app import signed_in, village

pytestmark = NEEDS_CHROMIUM
pytest_plugins = ["surfaces.console.chromium", "surfaces.field_app.field_app"]

PEOPLE = 20


def arrived(number, within=30):
    """Wait until so many samples are in the records; returns them by tube."""
    until = time.monotonic() + within
    while time.monotonic() < until:
        with acting(make_actor()):
            samples = list(Sample.objects.values_list("tube", "resident"))
            if len(samples) >= number:
                codes = dict(Tube.objects.values_list("id", "code"))
                return [(codes[tube], resident) for tube, resident in samples]
        time.sleep(0.3)
    raise AssertionError(f"{len(samples)} of {number} samples arrived")


def begin(phone):
    """Open a table at the only site of the only round."""
    phone.shoot("today")
    phone.tap("start-sampling")
    phone.find("start").wait_for()
    phone.shoot("sampling-setup")
    phone.tap("size-pooled:10")
    phone.tap("start")
    phone.find("ask-tube").wait_for()
    phone.shoot("sampling-begin")


def measured(phone, way, people, started):
    """Say what a person cost (`pytest -s` shows it); return the taps."""
    seconds = (time.monotonic() - started) / people
    sys.stdout.write(
        f"\n{way}: {phone.taps / people:.2f} taps, {phone.keys / people:.1f} keys, {seconds:.2f} s a person\n"
    )
    return phone.taps / people


def test_a_scanner_needs_no_tap_and_a_list_or_a_hand_no_more_than_three(field_house, browser):
    scene = village(homes=8, each=5)
    people = [one for home in scene.homes for one in home]
    phone = signed_in(browser, field_house, "sampler")
    begin(phone)

    phone.taps, started = 0, time.monotonic()
    for place, resident in enumerate(people[:PEOPLE]):
        if place % 10 == 0:
            phone.scan(f"QH{place // 10:04}")
            phone.sees("tube", f"QH{place // 10:04}")
        phone.scan(scene.cards[resident])
        phone.sees("count", str(place % 10 + 1))
        if place in (6, 9):
            phone.shoot(f"sampling-{place + 1}")
    phone.tap("close-tube")
    phone.shoot("sampling-closed")
    assert measured(phone, "scanner", PEOPLE, started) <= 1 / PEOPLE

    phone.scan("QH0002")
    phone.sees("tube", "QH0002")
    phone.taps, started = 0, time.monotonic()
    for place, resident in enumerate(people[PEOPLE : PEOPLE + 10]):
        phone.tap("by-list")
        phone.find("find-person").fill(scene.names[resident])
        phone.keys += len(scene.names[resident])
        if place == 1:
            phone.shoot("sampling-list")
        phone.tap(f"pick-{resident}")
        phone.sees("count", str(place + 1))
    assert measured(phone, "name in the list", 10, started) <= 2

    phone.scan("QH0003")
    phone.sees("tube", "QH0003")
    phone.taps = phone.keys = 0
    started = time.monotonic()
    for place, resident in enumerate(people[PEOPLE + 10 :]):
        phone.tap("by-typing")
        phone.type("typed", scene.cards[resident])
        phone.sees("count", str(place + 1))
    assert measured(phone, "card typed by hand", 10, started) <= 3
    phone.tap("close-tube")

    samples = arrived(40)
    assert sorted(resident for _, resident in samples) == sorted(people)
    assert sorted({code for code, _ in samples}) == ["QH0000", "QH0001", "QH0002", "QH0003"]
    assert phone.complaints == []


def test_a_household_goes_into_its_tube_in_less_than_two_taps_a_person(field_house, browser):
    scene = village(homes=3, each=4)
    phone = signed_in(browser, field_house, "sampler")
    phone.tap("start-sampling")
    phone.tap("size-household:10")
    phone.tap("start")
    phone.taps, started = 0, time.monotonic()
    for number, home in enumerate(scene.homes):
        phone.scan(f"QH1{number:03}")
        phone.sees("tube", f"QH1{number:03}")
        phone.tap("by-list")
        phone.find("find-person").fill(f"{number + 1}01")
        phone.tap(f"pick-{home[0]}")
        phone.shoot("sampling-household")
        phone.tap("whole-household")
        phone.sees("count", "4")
    phone.tap("close-tube")
    assert measured(phone, "household list", 12, started) < 2
    assert len(arrived(12)) == 12


def test_somebody_twice_is_sent_on_and_a_wrong_person_is_taken_back(field_house, browser):
    scene = village(homes=1, each=3)
    first, second, third = scene.homes[0]
    phone = signed_in(browser, field_house, "sampler")
    begin(phone)
    phone.scan("QH2000")
    phone.sees("tube", "QH2000")
    for resident in (first, second):
        phone.scan(scene.cards[resident])
    phone.sees("count", "2")
    phone.scan(scene.cards[first])
    phone.sees("said-warn", "已在这支管里")
    phone.shoot("sampling-twice")
    phone.tap("undo")
    phone.sees("count", "1")
    phone.page.reload()
    for digit in "270481":
        phone.tap(f"key-{digit}")
    phone.sees("count", "1")
    phone.scan(scene.cards[third])
    phone.sees("count", "2")
    phone.tap("close-tube")
    assert sorted(resident for _, resident in arrived(2)) == sorted((first, third))
