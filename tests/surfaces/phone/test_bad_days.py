"""Bad days of phones: forgotten PINs, a night on the table, a new version, no room. Each ends with what is in the records."""

import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lianfang.response.quarantine.models import DailyCheck
from lianfang.response.specimens.models import Sample
from lianfang.surfaces.field import phone_page
from surfaces.console.browsing import NEEDS_CHROMIUM
from surfaces.console.chromium import house
from surfaces.field_app.field_app import enter, village
from surfaces.phone.pocket import (
    ROOM,
    checked,
    fill,
    fill_up,
    in_reach,
    judged,
    names_in,
    out_of_reach,
    queue_is_empty,
    readable,
    records,
    rows,
    the_duty,
    to_duty,
    unlock,
    village_at_home,
)

pytestmark = NEEDS_CHROMIUM
pytest_plugins = ["surfaces.console.chromium", "surfaces.phone.pocket"]
NEXT = "99.1.0"


def newer_build(folder: Path) -> Path:
    """The built app once more, as a new version comes: every script under another name, its page, its service worker."""
    built, newer = phone_page.PAGE.parent, folder / "field"
    shutil.copytree(built, newer, ignore=shutil.ignore_patterns("*.br", "*.gz"))
    names = re.compile("|".join(re.escape(one.name) for one in (built / "assets").glob("*.js")))
    for path in [newer / "index.html", newer / "sw.js", *(newer / "assets").glob("*.js")]:
        text = names.sub(lambda found: f"newer-{found[0]}", path.read_text())
        if path.name.startswith("Me-"):
            text, versions = re.subn(r"`\d+\.\d+\.\d+`", f"`{NEXT}`", text)
            assert versions == 1
        path.write_text(text)
        if path.parent.name == "assets":
            path.rename(path.with_name(f"newer-{path.name}"))
    worker = newer / "sw.js"
    revision = re.search(r"/field/index\.html.{0,20}?([0-9a-f]{16})", worker.read_text())[1]
    worker.write_text(worker.read_text().replace(revision, "0123456789abcdef"))
    return newer / "index.html"


def begun(phone, duty):
    """A daily check half filled in: the draft is in the vault."""
    before = rows(phone, "sealed")
    to_duty(phone, duty)
    phone.tap("temperature-36.7")
    phone.page.wait_for_timeout(400)
    assert rows(phone, "sealed") == before + 1


def is_pressed(phone):
    """Whether the draft's answer is on the page."""
    phone.find("temperature-36.7").wait_for()
    return phone.find("temperature-36.7").get_attribute("aria-pressed") == "true"


def cut(phone, cable):
    """Really no line."""
    cable.mood = "down"
    out_of_reach(phone)


def mend(phone, cable):
    """The line is back."""
    cable.mood = "fine"
    in_reach(phone)


def is_wiped(phone, scene, parcels):
    """Nothing on the phone can be read; what was finished is there, sealed."""
    phone.find("wiped").wait_for()
    assert names_in(readable(phone), scene) == []
    assert rows(phone, "sealed") == rows(phone, "shadows") == 0
    assert rows(phone, "parcels") == parcels


def sign_in_again(phone, county):
    """From the page that says that all is gone to today's list."""
    phone.tap("sign-in-again")
    enter(phone, county.address, phone.who)
    phone.find("skeleton").wait_for(state="detached", timeout=40_000)


def away(phone):
    """From a duty's form, its draft kept, to the page of the phone."""
    phone.page.go_back()
    phone.page.go_back()
    phone.tap("tab-me")


@pytest.fixture
def newer(cable, tmp_path, settings, monkeypatch):
    """A house that serves a newer version of the app; called, it takes the other one's place at the line."""
    page = newer_build(tmp_path)
    settings.WHITENOISE_ROOT = str(tmp_path)
    with house() as found:

        def change_over():
            monkeypatch.setattr(phone_page, "PAGE", page)
            phone_page.built_page.cache_clear()
            cable.house = urlsplit(found).port

        yield change_over
    phone_page.built_page.cache_clear()


def take_up(phone, cable):
    """The files of a newer version come, the house answers nothing; somebody taps the offer."""
    cable.mood = "silent"
    in_reach(phone)
    phone.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    phone.tap("update")
    phone.find("key-1").wait_for()
    cut(phone, cable)
    unlock(phone)
    phone.tap("tab-me")
    phone.page.get_by_text(NEXT).wait_for()


def sign_out(phone, waiting):
    """Out of the app, with work unsent and one draft: what happens is said before."""
    phone.tap("tab-me")
    phone.tap("sign-out")
    phone.sees("sheet", f"{waiting} 份等待上报的照常自动上报")
    phone.sees("sheet", "1 份没办完的草稿会丢掉")
    phone.shoot("sign-out")
    phone.tap("yes")
    phone.sees("wiped", "已退出登录")


def guess_five_pins(phone):
    """Somebody finds the phone, locked."""
    phone.tap("lock")
    for left in (4, 3, 2, 1):
        unlock(phone, "918273")
        phone.sees("said", f"还可以试 {left} 次")
    unlock(phone, "918273")
    phone.sees("wiped", "密码错了 5 次")
    phone.shoot("five-wrong")


def test_a_new_version_a_sign_out_five_wrong_pins_and_a_lock_lose_nothing_finished(county, cable, newer):
    scene, orders = village_at_home(homes=5)
    first, half, third, fourth, fifth = [the_duty("daily_check", order) for order in orders]
    phone = county.phone("grid_worker")
    assert names_in(phone.page.inner_text("body"), scene), "on Today stand names"
    cut(phone, cable)
    checked(phone, first, "365")
    begun(phone, half)
    away(phone)
    newer()
    take_up(phone, cable)
    assert rows(phone, "parcels") == 1 and cable.sent.total() == 0
    to_duty(phone, half)
    assert is_pressed(phone)
    away(phone)

    checked(phone, third, "366")
    sign_out(phone, waiting=2)
    is_wiped(phone, scene, parcels=2)
    mend(phone, cable)
    records(DailyCheck.objects.all, 2)
    phone.page.get_by_text("已办结的都已上报").wait_for()
    sign_in_again(phone, county)

    cut(phone, cable)
    checked(phone, fourth, "368")
    begun(phone, half)
    away(phone)
    guess_five_pins(phone)
    is_wiped(phone, scene, parcels=1)
    mend(phone, cable)
    sign_in_again(phone, county)
    records(DailyCheck.objects.all, 3)
    to_duty(phone, half)
    assert not is_pressed(phone), "a draft goes with its vault, as was said"
    away(phone)

    phone.page.clock.install()
    cut(phone, cable)
    checked(phone, fifth, "369")
    phone.page.reload()
    unlock(phone)
    begun(phone, half)
    phone.page.clock.fast_forward("10:30")
    phone.find("key-1").wait_for()
    assert names_in(readable(phone), scene) == []
    unlock(phone)
    assert is_pressed(phone), "the form is where it was, and what was filled in"
    mend(phone, cable)
    checks = records(DailyCheck.objects.all, 4)
    assert sorted(float(one.temperature) for one in checks) == [36.5, 36.6, 36.8, 36.9]
    assert judged(4) == [("record_checks", "applied", "")] * 4
    assert set(cable.sent.values()) == {1}, "nothing was sent twice"
    assert phone.faults == []


def test_a_full_phone_says_so_keeps_what_is_finished_and_goes_on_with_room(county, cable):
    scene = village(homes=3, each=5)
    people = [one for home in scene.homes for one in home]
    phone = county.phone("sampler", "testing", room=ROOM)
    cut(phone, cable)
    phone.tap("start-sampling")
    phone.tap("size-pooled:10")
    phone.tap("start")
    fill(phone, scene, "QH0300", people[:3])
    phone.tap("close-tube")
    fill(phone, scene, "QH0301", people[3:5])
    fill_up(phone)
    phone.scan(scene.cards[people[5]])
    phone.sees("said-bad", "手机存储已满")
    phone.sees("count", "2")
    phone.shoot("full")
    phone.tap("close-tube")
    phone.sees("said-bad", "腾出空间，再点一次")
    phone.sees("tube", "QH0301")
    assert (rows(phone, "parcels"), rows(phone, "shadows")) == (1, 1)
    phone.page.reload()
    unlock(phone)
    phone.sees("said", "手机存储已满")
    phone.shoot("full-locked")

    phone.allow(None)
    unlock(phone)
    phone.sees("count", "2")
    fill(phone, scene, "QH0301", people[5:7], before=2)
    phone.tap("close-tube")
    phone.tap("leave")
    phone.sees("empty", "任务让出了位置")
    phone.shoot("full-after")
    mend(phone, cable)
    samples = records(lambda: Sample.objects.values_list("resident", flat=True), 7)
    assert sorted(samples) == sorted(people[:7])
    assert judged(2) == [("register_scanned", "applied", "")] * 2
    assert set(cable.sent.values()) == {1}
    phone.page.get_by_text("任务让出了位置").wait_for(state="detached")
    assert queue_is_empty(phone)
