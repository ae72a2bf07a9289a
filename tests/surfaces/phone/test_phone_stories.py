"""Days of people with phones, at 390 px and mostly without a line; each ends with what is in the records."""

import html

from conftest import XINZHU
from lianfang.core.access.actions import order_wipe
from lianfang.core.access.models import Command, Device
from lianfang.core.access.scope import acting
from lianfang.core.duties.models import Duty
from lianfang.core.intake.models import Parcel
from lianfang.core.people.actions import county_cipher
from lianfang.core.people.models import Resident
from lianfang.kit.clock import machine_now, response_now
from lianfang.kit.ids import new_id
from lianfang.response.checkpoints.models import Passage
from lianfang.response.quarantine.actions import lift_orders
from lianfang.response.quarantine.models import DailyCheck
from lianfang.response.specimens.models import Sample, Tube
from lianfang.response.tasks.actions import give_tasks, withdraw_task
from lianfang.response.tasks.rules import NewTask
from surfaces.console.browsing import NEEDS_CHROMIUM, hidden, signed_in, text
from surfaces.console.browsing import account as console_account
from surfaces.field.field_scene import desk
from surfaces.field_app.field_app import GRID, village
from surfaces.phone.pocket import (
    HOUR,
    checked,
    everyone,
    fill,
    in_reach,
    judged,
    names_in,
    out_of_reach,
    queue_is_empty,
    readable,
    records,
    rows,
    take_temperature,
    the_duty,
    to_duty,
    unlock,
    update,
    village_at_home,
)

pytestmark = NEEDS_CHROMIUM
#: whose order says not to go out, and somebody whom the house does not know
MUST_STAY, STRANGER = "46902119900307001X", "11010519491231002X"
pytest_plugins = ["surfaces.console.chromium", "surfaces.phone.pocket"]


def test_forty_people_in_four_tubes_arrive_once_through_a_reload_and_a_closed_browser(county, cable, tmp_path):
    scene = village(homes=8, each=5)
    people = [one for home in scene.homes for one in home]
    phone = county.phone("sampler", "testing", folder=tmp_path / "phone")
    out_of_reach(phone)
    cable.mood = "down"
    county.went_by()
    phone.tap("start-sampling")
    phone.tap("size-pooled:10")
    phone.tap("start")
    fill(phone, scene, "QH0000", people[:10])
    fill(phone, scene, "QH0001", people[10:20])
    fill(phone, scene, "QH0002", people[20:25])
    phone.page.reload()
    unlock(phone)
    phone.sees("count", "5")
    fill(phone, scene, "QH0002", people[25:30], before=5)
    fill(phone, scene, "QH0003", people[30:33])
    phone.page.context.close()

    phone = county.opened(tmp_path / "phone", offline=True)
    phone.page.goto(f"{county.address}/field/")
    unlock(phone)
    phone.tap("start-sampling")
    phone.sees("tube", "QH0003")
    phone.sees("count", "3")
    fill(phone, scene, "QH0003", people[33:], before=3)
    phone.tap("close-tube")
    phone.tap("leave")
    phone.tap("tab-sent")
    phone.find("pile-waiting").wait_for()
    phone.has("pile-waiting", 1)
    phone.page.locator('[data-test="pile-waiting"] li').nth(3).wait_for()
    phone.shoot("sent-waiting")
    assert county.went_by() == [], "the house heard of none of it"

    cable.mood = "fine"
    in_reach(phone)
    samples = records(lambda: Sample.objects.values_list("tube", "resident"), 40)
    phone.find("pile-done").wait_for()
    phone.has("parcel-applied", 4)
    phone.shoot("sent-done")
    assert phone.find("pile-waiting").count() == 0
    assert queue_is_empty(phone) and rows(phone, "shadows") == 0
    assert sorted(resident for _, resident in samples) == sorted(people)
    with acting(everyone()):
        tubes = dict(Tube.objects.values_list("id", "code"))
        assert Command.objects.filter(kind="register_scanned").count() == 4
    assert sorted(tubes.values()) == ["QH0000", "QH0001", "QH0002", "QH0003"]
    assert {[tube for tube, _ in samples].count(one) for one in tubes} == {10}
    assert judged(4) == [("register_scanned", "applied", "")] * 4


def test_two_do_one_duty_the_second_is_noted_or_decided_at_the_desk_and_told(county):
    _, (same, other, _) = village_at_home()
    like, unlike = the_duty("daily_check", same), the_duty("daily_check", other)
    first, second = county.phone("grid_worker"), county.phone("grid_worker")
    for phone in (first, second):
        out_of_reach(phone)
    for duty in (like, unlike):
        checked(first, duty, "365")
    checked(second, like, "366")
    second.tap(f"duty-{unlike}")
    second.tap("could-not")
    said_why = second.find("reason-no_answer").inner_text()
    second.tap("reason-no_answer")
    second.find("toast").wait_for()
    in_reach(first)
    records(lambda: DailyCheck.objects.all(), 2)
    in_reach(second)
    assert sorted(judged(4)[2:]) == [("record_checks", "held", "duty_done"), ("record_checks", "noted", "duty_done")]
    second.tap("tab-sent")
    second.find("parcel-held").wait_for()
    second.sees("parcel-noted", "别人先办了")
    second.sees("parcel-held", "值班室裁定")
    second.shoot("sent-held")
    with acting(everyone()):
        held = Parcel.objects.get(state="held").id
        assert DailyCheck.objects.count() == 2
        assert {one.outcome for one in Duty.objects.filter(id__in=[like, unlike])} == {"normal"}

    desk = signed_in(console_account(("community", "community", str(XINZHU)))[0])
    assert "他人已先完成" in text(desk.get("/parcels/"))
    page = text(desk.get(f"/parcels/{held}"))
    assert "正常" in page and said_why in page, "both findings side by side"
    form = {"decision": "apply", "reason": "下午再去，家里没有人"}
    asked = text(desk.post(f"/parcels/{held}/decide", form))
    kept = {name: html.unescape(hidden(asked, name)) for name in (*form, "valid_at", "command")}
    assert desk.post(f"/parcels/{held}/decide", kept | {"confirmed": "yes"}).status_code == 302
    with acting(everyone()):
        assert Duty.objects.get(id=unlike).outcome == "could_not"
        assert Parcel.objects.get(id=held).state == "applied"
    update(second)
    second.tap("tab-today")
    second.tap("tab-sent")
    second.find("parcel-held").wait_for(state="detached")
    second.sees("parcel-reason", "值班台已裁定：按您的结果记录")
    second.sees("parcel-reason", "下午再去，家里没有人")
    second.shoot("sent-decided")
    second.tap("tab-today")
    second.tap("bell")
    second.sees("notice", "你上报的记录已采纳")
    assert queue_is_empty(first) and queue_is_empty(second)
    assert first.faults == second.faults == []


def test_what_was_found_for_a_cancelled_duty_is_kept_or_waits_for_a_human_and_both_are_said(county):
    _, (order, *_) = village_at_home(homes=1)
    now = response_now()
    rice = NewTask(
        "delivery",
        GRID,
        "送米送药",
        now - HOUR,
        now + HOUR,
        role="grid_worker",
        person="王明一",
        address="1号",
        items=("米",),
    )
    (task,) = give_tasks(by=everyone(), tasks=[rice], valid_at=now)
    check, bring = the_duty("daily_check", order), the_duty("delivery", task)
    phone = county.phone("grid_worker")
    out_of_reach(phone)
    to_duty(phone, check)
    lift_orders(by=everyone(), orders=[order], reason="接触史已排除", valid_at=response_now())
    withdraw_task(by=everyone(), task=task, reason="已由超市送到", valid_at=response_now())
    with acting(everyone()):
        assert {one.state for one in Duty.objects.filter(id__in=[check, bring])} == {"cancelled"}
    take_temperature(phone, "371")
    phone.tap("finished-close")
    to_duty(phone, bring)
    phone.tap("handed-in_person")
    phone.tap("finish")
    phone.tap("finished-close")
    in_reach(phone)
    assert judged(2) == [
        ("record_checks", "applied", "duty_cancelled"), ("record_delivery", "held", "duty_cancelled")
    ]  # fmt: skip
    with acting(everyone()):
        assert [float(one.temperature) for one in DailyCheck.objects.all()] == [37.1]
        held = Parcel.objects.get(state="held").id
    phone.tap("tab-sent")
    phone.sees("parcel-held", "任务已取消")
    phone.sees("parcel-applied", "任务已取消，您的结果仍已记录")
    phone.shoot("sent-cancelled")
    assert queue_is_empty(phone)
    phone.tap("tab-today")
    phone.has(f"duty-{check}", 0)
    phone.has(f"duty-{bring}", 0)

    desk = signed_in(console_account(("community", "community", str(XINZHU)))[0])
    assert "待裁定" in text(desk.get("/parcels/"))
    assert "当面" in text(desk.get(f"/parcels/{held}"))
    assert phone.faults == []


def test_a_phone_wiped_from_afar_shows_nothing_and_brings_all_that_was_done(county):
    scene = village(homes=3, each=5)
    people = [one for home in scene.homes for one in home]
    phone = county.phone("sampler", "testing")
    out_of_reach(phone)
    phone.tap("start-sampling")
    phone.tap("size-pooled:10")
    phone.tap("start")
    fill(phone, scene, "QH0100", people[:10])
    fill(phone, scene, "QH0101", people[10:13])
    assert rows(phone, "shadows") == 1 and rows(phone, "sealed") > 5
    with acting(everyone()):
        device = Device.objects.latest("registered_at").id
    order_wipe(by=desk(), device=device, reason="手机遗失", valid_at=machine_now(), cause=new_id())
    in_reach(phone)
    samples = records(lambda: Sample.objects.values_list("resident", flat=True), 13)
    phone.find("wiped").wait_for()
    phone.sees("wiped", "值班室要求清除")
    phone.shoot("wiped")
    left = readable(phone)
    assert names_in(left, scene) == [] and "QH010" not in left
    assert rows(phone, "sealed") == 0 and rows(phone, "shadows") == 0 and queue_is_empty(phone)
    assert sorted(samples) == sorted(people[:13])
    assert judged(2) == [("register_scanned", "applied", "")] * 2
    with acting(everyone()):
        told = Device.objects.get(id=device)
        assert told.wiped_at is not None
        sealed = dict(Tube.objects.values_list("code", "sealed_at"))
        assert sealed["QH0100"] and sealed["QH0101"] is None, "nobody had closed it"


def test_a_crew_hands_over_a_list_hit_and_lets_an_emergency_pass_at_once(county):
    scene, _ = village_at_home(homes=1)
    with acting(everyone()):
        lookup = county_cipher(469021).lookup(MUST_STAY)
        Resident.objects.filter(id=scene.homes[0][0]).update(id_lookup=lookup)
    phone = county.phone("checkpoint", "checkpoints")
    phone.tap("start-checkpoint_passage")
    phone.tap("purpose-visit")
    phone.tap("temperature-36.5")
    look_at(phone, STRANGER, "clear")
    phone.has("identifier", 0)
    assert STRANGER not in readable(phone), "of whoever is on no list no number stays"
    look_at(phone, MUST_STAY, "hit")
    phone.sees("look-hit", "值班室")
    phone.sees("advice", "名单")
    phone.sees("identifier", MUST_STAY)
    phone.shoot("checkpoint-hit")
    phone.tap("handed-over")
    phone.find("destination").fill("县隔离点接收组")
    phone.find("reason").fill("名单核对一致")
    phone.tap("confirm-stop")
    phone.sees("last", "已移交")
    out_of_reach(phone)
    phone.tap("purpose-visit")
    look_at(phone, MUST_STAY, "not_asked")
    phone.sees("look-not_asked", "不能因为查不了名单扣人")
    phone.has("advice", 0)
    phone.shoot("checkpoint-not-asked")
    phone.tap("let-through")
    phone.sees("last", "已放行")
    taps = phone.taps
    phone.tap("emergency")
    assert phone.taps == taps + 1
    phone.sees("last", "急救已放行")
    in_reach(phone)
    passages = records(lambda: Passage.objects.order_by("at"), 3)
    assert [(one.purpose, one.outcome, one.list_hit) for one in passages] == [
        ("visit", "handed_over", True), ("visit", "let_through", False), ("emergency", "let_through", False)
    ]  # fmt: skip
    assert [one.destination for one in passages] == ["县隔离点接收组", "", ""]
    assert judged(3) == [("record_passages", "applied", "")] * 3
    assert phone.faults == []


def look_at(phone, number, answer):
    """Type a document's number at a checkpoint and wait for what the phone says to it."""
    phone.tap("identify")
    phone.type("typed", number)
    phone.find(f"look-{answer}").wait_for()


def test_a_fever_alarms_opens_the_car_and_the_driver_sees_it(county):
    _, (order, *_) = village_at_home(homes=1)
    duty = the_duty("daily_check", order)
    phone, driver = county.phone("grid_worker"), county.phone("driver", "transfer")
    assert driver.page.locator('[data-test^="duty-"]').count() == 0
    out_of_reach(phone)
    to_duty(phone, duty)
    take_temperature(phone, "382")
    phone.sees("alarm", "派车送医")
    phone.sees("alarm-offline", "请马上打电话")
    phone.shoot("alarm")
    with acting(everyone()):
        assert not Duty.objects.filter(kind="transfer_to_hospital").exists()
    in_reach(phone)
    (ride,) = records(lambda: Duty.objects.filter(kind="transfer_to_hospital"), 1)
    assert (ride.state, ride.role, ride.subject) == ("outstanding", "driver", order)
    with acting(everyone()):
        (check,) = DailyCheck.objects.all()
        assert (float(check.temperature), check.abnormal, check.order_id) == (38.2, True, order)
    assert judged(1) == [("record_checks", "applied", "")]
    phone.find("alarm").wait_for()
    update(driver)
    driver.tap(f"duty-{ride.id}")
    driver.find("begin").wait_for()
    driver.shoot("driver-duty")
    assert not [word for word in ("38.2", "体温", "发热", "异常") if word in driver.page.inner_text("body")]
    assert phone.faults == driver.faults == []
