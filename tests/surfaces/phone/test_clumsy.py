"""Clumsy hands and bad days: a clock years off, two tabs, double taps, a session over in the middle of a tube, a new server key."""

import time

import pytest
from django.conf import settings as configured

from conftest import XINZHU, make_actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.models import Duty
from lianfang.core.intake.models import Parcel
from lianfang.response.quarantine.models import DailyCheck
from lianfang.response.specimens.models import Sample, Tube
from surfaces.console.browsing import NEEDS_CHROMIUM
from surfaces.field.field_scene import PASSWORD, account
from surfaces.field_app.field_app import NOON, PIN, Phone, signed_in, village, waiting_code
from surfaces.phone.faults import READ
from surfaces.phone.pocket import in_reach, out_of_reach
from surfaces.phone.work import back_to_today, orders

pytestmark = NEEDS_CHROMIUM
pytest_plugins = ["surfaces.console.chromium", "surfaces.field_app.field_app"]

HOUR, YEAR = 3_600_000, 365 * 24 * 3_600_000
#: the phone's clock, wrong by as much as the page says
WRONG_CLOCK = """(() => {
  window.wrongBy = %d;
  const Real = Date;
  window.Date = class extends Real {
    constructor(...given) { given.length ? super(...given) : super(Real.now() + window.wrongBy); }
    static now() { return Real.now() + window.wrongBy; }
  };
})()"""


def worker(browser, field_house, role="grid_worker", **options):
    """A phone in whose grid three people are at home under orders; and their checks by duty."""
    scene = village(homes=1, each=3)
    orders(scene)
    phone = signed_in(browser, field_house, role, line="community", **options)
    with acting(make_actor()):
        kind = "daily_check" if role == "grid_worker" else "door_visit"
        due = list(
            Duty.objects.filter(kind=kind, role=role, state="outstanding")
            .order_by("opens_at", "id")
            .values_list("id", flat=True)
        )
    phone.find(f"duty-{due[0]}").first.wait_for()
    return phone, scene, due


def unlock(phone):
    """Type the PIN."""
    for digit in PIN:
        phone.tap(f"key-{digit}")


def open_form(phone, duty):
    """From today's list into a duty's form."""
    phone.tap("tab-today")
    phone.find(f"duty-{duty}").first.click()
    phone.tap("begin")


def arrived(read, number, within=30):
    """Wait for so many records, and a moment for one too many."""
    until = time.monotonic() + within
    while True:
        with acting(make_actor()):
            found = list(read())
        if len(found) >= number:
            return found
        assert time.monotonic() < until, f"{len(found)} of {number} arrived"
        time.sleep(0.3)


def standings():
    """How many parcels stand how."""
    with acting(make_actor()):
        return sorted(Parcel.objects.values_list("state", "code"))


@pytest.mark.parametrize("wrong_by", [-3 * HOUR, 10 * YEAR], ids=["3 hours slow", "10 years fast"])
def test_a_phone_whose_clock_is_wrong_writes_down_the_right_time(field_house, browser, monkeypatch, wrong_by):
    make = browser.new_context

    def with_wrong_clock(**options):
        context = make(**options)
        context.add_init_script(WRONG_CLOCK % wrong_by)
        return context

    monkeypatch.setattr(browser, "new_context", with_wrong_clock)
    phone, _, due = worker(browser, field_house)
    phone.page.context.set_offline(True)
    open_form(phone, due[0])
    phone.tap("temperature-36.5")
    phone.tap("finish")
    phone.find("finished").wait_for()
    phone.page.context.set_offline(False)
    (check,) = arrived(DailyCheck.objects.all, 1)
    assert 0 < (check.valid_at - NOON).total_seconds() < 90, "the house's clock stood at noon when the test began"
    assert standings() == [("applied", "")]


def test_two_tabs_double_taps_back_and_a_change_of_language_make_one_record_each(field_house, browser):
    phone, _, due = worker(browser, field_house)
    other = Phone(phone.page.context.new_page())
    other.page.set_default_timeout(12_000)
    other.page.goto(f"{field_house}/field/")
    unlock(other)
    for tab in (phone, other):
        open_form(tab, due[0])
        tab.tap("temperature-36.5")
    phone.page.wait_for_timeout(400)  # both have kept the draft
    phone.find("finish").dblclick()
    other.find("finish").dblclick()
    phone.find("finished").wait_for()
    other.find("finished").wait_for()
    other.page.close()
    arrived(DailyCheck.objects.all, 1)

    back_to_today(phone)
    open_form(phone, due[1])
    phone.tap("temperature-36.7")
    phone.page.wait_for_timeout(400)
    phone.page.go_back()
    phone.page.go_back()
    phone.tap("tab-me")
    phone.tap("lang-en")
    open_form(phone, due[1])
    assert phone.find("temperature-36.7").get_attribute("aria-pressed") == "true"
    phone.find("finish").dblclick()
    phone.find("finished").wait_for()
    phone.page.go_back()
    phone.page.go_forward()
    checks = arrived(DailyCheck.objects.all, 2)
    phone.page.wait_for_timeout(6_000)
    with acting(make_actor()):
        assert sorted(one.order_id for one in checks) == sorted(DailyCheck.objects.values_list("order_id", flat=True))
    assert {state for state, _ in standings()} <= {"applied", "noted"}
    assert phone.page.evaluate(READ)["parcels"] == []


def test_a_session_over_in_the_middle_of_a_tube_loses_nobody_who_is_in_it(field_house, browser, monkeypatch):
    make = browser.new_context

    def with_clock(**options):
        context = make(**options)
        context.add_init_script(WRONG_CLOCK % 0)
        return context

    monkeypatch.setattr(browser, "new_context", with_clock)
    scene = village(homes=1, each=3)
    phone = signed_in(browser, field_house, "sampler")
    phone.tap("start-sampling")
    phone.tap("start")
    phone.scan("QH7700")
    phone.sees("tube", "QH7700")
    for number, resident in enumerate(scene.homes[0][:2], 1):
        phone.scan(scene.cards[resident])
        phone.sees("count", str(number))
    out_of_reach(phone)  # with a line the house would say that it is not so late yet
    phone.page.evaluate(f"window.wrongBy = {13 * HOUR}; document.dispatchEvent(new Event('visibilitychange'))")
    phone.find("sign-in-again").wait_for()
    in_reach(phone)
    samples = arrived(lambda: Sample.objects.values_list("resident", flat=True), 2)
    assert sorted(samples) == sorted(scene.homes[0][:2])
    with acting(make_actor()):
        assert list(Tube.objects.values_list("code", flat=True)) == ["QH7700"]


def test_parcels_sealed_to_the_key_before_are_opened_after_a_rotation(field_house, browser):
    phone, _, due = worker(browser, field_house)
    phone.page.context.set_offline(True)
    open_form(phone, due[0])
    phone.tap("temperature-36.5")
    phone.tap("finish")
    phone.find("finished").wait_for()
    configured.PARCEL_KEYS.rotate()
    phone.page.context.set_offline(False)
    arrived(DailyCheck.objects.all, 1)
    back_to_today(phone)
    open_form(phone, due[1])
    phone.tap("temperature-36.5")
    phone.tap("finish")
    arrived(DailyCheck.objects.all, 2)
    assert {state for state, _ in standings()} == {"applied"}


def test_a_code_used_on_a_second_phone_sets_that_one_up_and_the_first_is_told_so(field_house, browser):
    village(homes=1, each=1)
    who, code = account("grid_worker", str(XINZHU), "community"), waiting_code(str(XINZHU))
    first, second = (Phone(browser.new_context(viewport={"width": 390, "height": 844}).new_page()) for _ in range(2))
    for phone in (first, second):
        phone.page.goto(f"{field_house}/field/")
        phone.find("enrol-code").fill(code)
        phone.tap("enrol-go")
        phone.find("username").wait_for()
    for phone in (first, second):
        phone.find("username").fill(who)
        phone.find("password").fill(PASSWORD)
        phone.tap("sign-in")
    second.find("key-1").wait_for()
    told = first.page.locator('[role="alert"]').first
    told.wait_for()
    assert "登记码" in told.inner_text()
    assert not first.find("key-1").count()
