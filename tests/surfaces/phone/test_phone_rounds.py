"""Rounds of people with phones: at a door, at a bed, at a site's table, with boxes on the road; without a line where there is none."""

from conftest import XINZHU
from lianfang.core.access.scope import acting
from lianfang.core.duties.models import Duty
from lianfang.core.intake.models import Photo
from lianfang.core.people.models import Resident
from lianfang.kit.clock import response_now
from lianfang.kit.ids import new_id
from lianfang.response.quarantine.models import DoorVisit
from lianfang.response.sampling.actions import order_home_sampling
from lianfang.response.sampling.rules import HomeEntry
from lianfang.response.specimens.actions import register_lab
from lianfang.response.specimens.models import CustodyDifference, CustodyStep, Sample, Tube, TubePlace
from surfaces.console.browsing import NEEDS_CHROMIUM
from surfaces.field_app.field_app import village
from surfaces.phone.pocket import (
    everyone,
    in_reach,
    judged,
    out_of_reach,
    records,
    the_duty,
    to_duty,
    village_at_home,
)

pytestmark = NEEDS_CHROMIUM
pytest_plugins = ["surfaces.console.chromium", "surfaces.phone.pocket"]
VISITOR = "460021199001010015"


def test_a_door_visit_step_by_step_leaves_a_notice_and_no_picture(county):
    _, (order, *_) = village_at_home(homes=1)
    duty = the_duty("door_visit", order)
    phone = county.phone("community")
    out_of_reach(phone)
    to_duty(phone, duty)
    phone.sees("note-list", "王明")
    phone.sees("note-list", "居家隔离，至")
    phone.shoot("visit-list")
    phone.tap("step-next")
    for step in ("informed", "reassured", "test_checked"):
        phone.tap(f"{step}-yes")
    phone.shoot("visit-pledge")
    phone.tap("pledge-refused")
    phone.tap("notice_handed-yes")
    phone.tap("shopping_asked-yes")
    phone.find("needs-text").fill("奶粉一罐")
    phone.tap("step-next")
    phone.find("field-photo").wait_for()
    phone.sees("field-photo", "不拍人脸")
    phone.shoot("visit-photo")
    phone.tap("finish")
    phone.find("finished").wait_for()
    in_reach(phone)
    (visit,) = records(lambda: DoorVisit.objects.all(), 1)
    assert judged(1) == [("record_visit", "applied", "")]
    assert (visit.order_id, visit.complete, visit.pledge, visit.needs) == (order, True, "refused", "奶粉一罐")
    assert visit.informed and visit.reassured and visit.test_checked and visit.notice_handed and visit.shopping_asked
    with acting(everyone()):
        done = Duty.objects.get(id=duty)
        assert (done.state, done.outcome) == ("done", "visited"), "an unsigned pledge costs nothing"
        assert not Photo.objects.exists()
    assert phone.faults == []


def bedridden(scene, resident):
    """Order somebody's sampling at home; the duty."""
    entry = HomeEntry(new_id(), resident, "bedridden")
    order_home_sampling(scene.round, [entry], by=everyone(), valid_at=response_now())
    return the_duty("home_sampling", resident)


def test_one_at_home_one_from_the_street_and_a_box_that_is_a_tube_short(county):
    scene = village(homes=2, each=2)
    (bed, mate), (guest, _) = scene.homes
    at_home = bedridden(scene, bed)
    register_lab("县医院检验科", by=everyone(), division_code=XINZHU * 1000, tubes_per_hour=100, tubes_per_day=1000,
                 valid_at=response_now())  # fmt: skip
    phone = county.phone("sampler", "testing")
    out_of_reach(phone)
    at_the_bed(phone, at_home, bed, mate)
    at_the_table(phone, scene.cards[guest])
    packed(phone)
    in_reach(phone)
    what_was_sampled_arrived(at_home, bed, guest)
    assert phone.faults == []

    courier = county.phone("courier", "testing")
    out_of_reach(courier)
    took_one_too_few(courier)
    found_it_and_brought_both(courier)
    in_reach(courier)
    what_was_handed_over_arrived()
    assert courier.faults == []


def at_the_bed(phone, at_home, bed, mate):
    """Sample one of a household at home, by the list of who lives there."""
    to_duty(phone, at_home)
    phone.find("ask-tube").wait_for()
    phone.shoot("home-ask")
    phone.scan("QH0200")
    phone.sees("tube", "QH0200")
    phone.shoot("home-tube")
    phone.tap(f"member-{bed}")
    phone.sees("count", "1")
    phone.has(f"member-{mate}", 1)
    phone.shoot("home-in")
    phone.tap("close-tube")
    phone.tap("leave")
    phone.find("filter-open").wait_for()


def at_the_table(phone, card):
    """Sample somebody by the card, and somebody whom nobody knew; write down how many wait."""
    phone.tap("start-sampling")
    phone.tap("size-pooled:10")
    phone.tap("start")
    phone.scan("QH0201")
    phone.sees("tube", "QH0201")
    phone.scan(card)
    phone.sees("count", "1")
    phone.tap("walk-in")
    phone.find("new-name").fill("赵路过")
    phone.find("new-number").fill(VISITOR)
    phone.find("new-phone").fill("13800000001")
    phone.shoot("walk-in")
    phone.tap("new-take")
    phone.sees("count", "2")
    phone.tap("close-tube")
    phone.tap("leave")
    phone.tap("start-other")
    phone.tap("start-queue")
    phone.page.locator('[data-test^="site-"]:visible').click()
    phone.find("waiting-value").fill("12")
    phone.tap("finish")
    phone.tap("finished-close")


def packed(phone):
    """Put both tubes into a box."""
    phone.tap("start-pack_box")
    phone.find("box").wait_for()
    phone.scan("BOX-9")
    phone.sees("box", "BOX-9")
    phone.scan("QH0200")
    phone.scan("QH0201")
    phone.sees("count", "2")
    phone.tap("finish")
    phone.find("finished").wait_for()


def what_was_sampled_arrived(at_home, bed, guest):
    samples = records(lambda: Sample.objects.values_list("resident", flat=True), 3)
    kinds = ("register_scanned", "register_scanned", "record_queue", "pack_box")
    assert judged(4) == [(kind, "applied", "") for kind in kinds]
    with acting(everyone()):
        (walked_in,) = Resident.objects.filter(name="赵路过")
        done = Duty.objects.get(id=at_home)
        at_bed, at_table = (Tube.objects.get(code=code) for code in ("QH0200", "QH0201"))
    assert set(samples) == {bed, guest, walked_in.id} and len(samples) == 3
    assert (done.state, done.outcome) == ("done", "sampled")
    assert (at_bed.mode, at_bed.site is None, at_table.site is None) == ("household", True, False)


def took_one_too_few(courier):
    """Take the box over with one tube less than it is said to hold, by scanning each."""
    courier.tap("start-handover")
    courier.find("task-take_over").wait_for()
    courier.has("task-pack", 0)
    courier.shoot("handover-tasks")
    courier.tap("task-take_over")
    courier.scan("BOX-9")
    courier.sees("boxes", "1")
    courier.tap("giver-known-0")
    courier.find("given-value").fill("2")
    courier.find("counted-value").fill("1")
    courier.sees("difference", "少 1 支")
    courier.shoot("handover-short")
    courier.tap("scan-each")
    courier.scan("QH0200")
    courier.sees("scanned", "1")
    courier.sees("finish", "照实记")
    courier.tap("finish")
    courier.tap("finished-close")


def found_it_and_brought_both(courier):
    """Find the tube that lacked, and hand both to the laboratory."""
    courier.tap("start-handover")
    courier.tap("task-found")
    courier.scan("QH0201")
    courier.find("found-place").fill("采样点桌下")
    courier.tap("finish")
    courier.tap("finished-close")

    courier.tap("start-handover")
    courier.tap("task-hand_over")
    courier.scan("QH0200")
    courier.scan("QH0201")
    courier.tap("taker-known-0")
    courier.sees("counted-same", "2")
    courier.tap("counted-same")
    courier.shoot("handover-lab")
    courier.tap("finish")
    courier.find("finished").wait_for()


def what_was_handed_over_arrived():
    there = records(lambda: TubePlace.objects.filter(stage="lab").values_list("holder", flat=True), 2)
    assert there == ["县医院检验科"] * 2
    with acting(everyone()):
        taken, _ = CustodyStep.objects.order_by("handed_at")
        (lack,) = CustodyDifference.objects.all()
        sought = Duty.objects.get(kind="missing_tube")
    assert (taken.giver, taken.giver_kind, taken.taker, taken.taker_kind) == ("新竹小学", "site", "courier", "courier")
    assert (taken.tubes, taken.tubes_given, taken.tubes_counted, taken.scanned) == (2, 2, 1, True)
    assert (lack.kind, lack.code, lack.outcome, lack.place) == ("missing", "QH0201", "found", "采样点桌下")
    assert (sought.state, sought.outcome) == ("done", "found")
