"""What phones bring and the rules do not apply: seen at the desk without names in the list, decided once, told to the phone."""

import base64
import html
import json
from dataclasses import replace
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from conftest import JIANGNAN, XINZHU, make_actor
from lianfang.core.access.models import AuditEntry, Device
from lianfang.core.access.scope import acting
from lianfang.core.access.sign_in import token_of
from lianfang.core.duties.queries import duties, duty_standing
from lianfang.core.intake.actions import forget_photos
from lianfang.core.intake.queries import parcels, receipts_of
from lianfang.kit.clock import clock_at
from lianfang.kit.ids import new_id
from lianfang.response.quarantine.actions import roll_day
from lianfang.workflows.decide_parcels import decide_parcel
from parcel_making import decider, phone
from surfaces.console.browsing import account, cells, hidden, signed_in, text
from surfaces.console.scene import NOW, county_hand

pytestmark = pytest.mark.django_db
pytest_plugins = ["surfaces.console.browsers"]

NEXT = NOW + timedelta(days=1)
EXIF = bytes.fromhex("ffe10009") + b"ExifGPS"
PICTURE = bytes.fromhex("ffdb00040101ffda0002") + b"not very white snow" + bytes.fromhex("ffd9")
JPEG = b"\xff\xd8" + EXIF + PICTURE


@pytest.fixture
def desk(villages):
    """A browser of the community of Xinzhu."""
    return signed_in(account(("community", "community", str(XINZHU)))[0])


@pytest.fixture
def conflict(villages):
    """Two workers did one check: one found normal, the other could not; (duty, parcel, the second worker)."""
    with clock_at(NEXT):
        by = county_hand()
        roll_day(by=by, county=469021, valid_at=NEXT)
        duty = next(
            one for one in duties(by=by, kind="daily_check")
            if one.subject == villages[0].order and one.period == "2022-07-15/0"
        )  # fmt: skip
        first, second = phone(XINZHU), phone(XINZHU)
        check = {"order": str(duty.subject), "id": str(new_id())}
        first.send(first.parcel("record_checks", {"checks": [check | {"temperature": "36.5"}]}, duty=duty.id))
        failed = check | {"id": str(new_id()), "could_not": "敲门没有人应"}
        parcel = second.parcel("record_checks", {"checks": [failed]}, duty=duty.id)
        assert second.send(parcel)[0].status == "held"
        yield duty.id, parcel, second


def test_the_list_says_why_and_names_nobody(desk, conflict, villages):
    page = text(desk.get("/parcels/"))
    [row] = cells(page)
    assert row[0] == "待裁定" and row[2] == "他人已先完成"
    assert villages[0].name not in page and "敲门没有人应" not in page
    assert "敲门没有人应" not in desk.get("/parcels/", {"export": "csv"}).content.decode("utf-8-sig")
    assert "没有待裁定的" in text(signed_in(account(("community", "community", str(JIANGNAN)))[0]).get("/parcels/"))
    assert "待裁定封包" in text(desk.get("/"))


def test_both_findings_stand_side_by_side_and_a_decision_is_asked_and_told(desk, conflict):
    duty, parcel, worker = conflict
    path = f"/parcels/{parcel.id}"
    page = text(desk.get(path))
    assert "正常" in page and "敲门没有人应" in page and "请对照两边" in page
    assert worker.token not in page
    form = {"decision": "apply", "reason": "两人都问过，第一次没有进门"}
    asked = text(desk.post(f"{path}/decide", form))
    kept = {name: html.unescape(hidden(asked, name)) for name in (*form, "valid_at", "command")}
    assert desk.post(f"{path}/decide", kept | {"confirmed": "yes"}).status_code == 302
    assert duty_standing(duty, by=county_hand()).outcome == "could_not"
    [(_, told)] = receipts_of(by=worker.actor)
    assert (told.status, told.code) == ("applied", "decided")
    assert desk.get(path).status_code == 404, "what was applied stands in the record itself"


@pytest.mark.parametrize(
    ("decision", "status", "notice"), [("apply", "applied", "已采纳"), ("set_aside", "noted", "未采纳")]
)
def test_the_phone_shows_the_decision_with_its_reason_at_its_next_sync(desk, conflict, decision, status, notice):
    _, parcel, worker = conflict

    def synced():
        headers = {"Authorization": f"Bearer {worker.token}"}
        answer = Client().post("/api/field/sync", "{}", content_type="application/json", headers=headers)
        assert answer.status_code == 200, answer.content
        return answer.json()

    assert "decided" not in synced()["changed"]
    form = {"decision": decision, "reason": "两人都问过"}
    asked = text(desk.post(f"/parcels/{parcel.id}/decide", form))
    kept = {name: html.unescape(hidden(asked, name)) for name in (*form, "valid_at", "command")}
    assert desk.post(f"/parcels/{parcel.id}/decide", kept | {"confirmed": "yes"}).status_code == 302
    answer = synced()
    bucket = answer["changed"]["decided"]
    [row] = [dict(zip(bucket["columns"], one, strict=True)) for one in bucket["rows"]]
    assert (row["id"], row["status"], row["reason"]) == (str(parcel.id), status, "两人都问过")
    assert "值班台已裁定" in row["zh"] and "desk decided" in row["en"]
    [told] = answer["notices"]
    assert notice in told["zh"]


def test_another_villages_parcel_is_refused(conflict):
    _, parcel, _ = conflict
    neighbour = signed_in(account(("community", "community", str(JIANGNAN)))[0])
    assert neighbour.get(f"/parcels/{parcel.id}").status_code == 404
    form = {"decision": "set_aside", "reason": "x"}
    assert neighbour.post(f"/parcels/{parcel.id}/decide", form).status_code == 404
    assert signed_in(account(("grid_worker", "community", str(XINZHU)))[0]).get("/parcels/").status_code == 403


def test_a_decision_needs_a_reason_and_a_kind(desk, conflict):
    path = f"/parcels/{conflict[1].id}/decide"
    assert desk.post(path, {"decision": "apply", "reason": " "}).status_code == 422
    assert desk.post(path, {"decision": "forget", "reason": "x"}).status_code == 422


def test_a_photo_stands_beside_its_duty_encrypted_and_each_look_is_logged(desk, conflict):
    from django.db import connection

    duty, _, worker = conflict
    photo = {"jpeg": base64.b64encode(JPEG).decode(), "caption": "door_notice", "duty": duty}
    parcel = worker.parcel("attach_photo", photo, duty=duty)
    assert worker.send(parcel)[0].status == "applied"
    assert "门口告知" in text(desk.get(f"/duties/{duty}"))
    shown = desk.get(f"/photos/{parcel.id}")
    assert shown["Content-Type"] == "image/jpeg" and shown["Cache-Control"] == "no-store"
    assert shown.content == b"\xff\xd8" + PICTURE, "what the camera wrote beside it is gone"
    with acting(county_hand()), connection.cursor() as cursor:
        cursor.execute("SELECT sealed FROM intake_photo WHERE id = %s", [parcel.id])
        assert b"very white snow" not in bytes(cursor.fetchone()[0])
    with acting(make_actor("access.read_audit", line="audit")):
        assert AuditEntry.objects.filter(verb="intake.view_photo", subject_id=parcel.id).count() == 1
    neighbour = signed_in(account(("community", "community", str(JIANGNAN)))[0])
    assert neighbour.get(f"/photos/{parcel.id}").status_code == 404
    with clock_at(NEXT + timedelta(days=settings.PHOTO_DAYS)):
        assert forget_photos() == 0
    with clock_at(NEXT + timedelta(days=settings.PHOTO_DAYS, minutes=1)):
        assert forget_photos() == 1
    assert desk.get(f"/photos/{parcel.id}").status_code == 404


def test_a_wipe_is_ordered_at_the_devices_page_and_its_confirmation_shown(villages):
    township = signed_in(account(("township", "community", "469021101"))[0])
    worker = replace(phone(XINZHU))
    path = f"/devices/{worker.device}"
    form = {"reason": "落在公交车上"}
    asked = text(township.post(f"{path}/wipe", form))
    kept = {name: html.unescape(hidden(asked, name)) for name in (*form, "valid_at", "command")}
    assert township.post(f"{path}/wipe", kept | {"confirmed": "yes"}).status_code == 302
    page = text(township.get(path))
    assert "已下令" in page and f"{path}/wipe" not in page
    from lianfang.core.access.actions import confirm_wipe

    assert confirm_wipe(worker.device)
    assert Device.objects.get(id=worker.device).wiped_at
    assert "手机已确认" in text(township.get(path))


def test_the_desk_takes_in_what_a_phone_saved_and_sees_what_became_of_each(desk, conflict):
    _, held, worker = conflict
    cut = worker.parcel("record_checks", {"checks": []})
    parcels = [{"id": str(held.id), "sealed": held.sealed}, {"id": str(cut.id), "sealed": cut.sealed[:-9]}]
    file = {"format": "lianfang parcels 1", "device": str(worker.device), "parcels": parcels}

    def sent(browser, content):
        upload = SimpleUploadedFile("lianfang-202207150900.json", content, "application/json")
        return browser.post("/parcels/file", {"file": upload})

    assert "手机导出的文件" in text(desk.get("/parcels/"))
    page = text(sent(desk, json.dumps(file).encode()))
    first, second = cells(page)
    assert f"…{str(held.id)[-8:]}" in first and "待裁定" in first and "到“现场封包”里裁定。" in first
    assert f"…{str(cut.id)[-8:]}" in second and "未留存" in second and "重新导出" in second[-1]
    assert "请保留手机和文件" in page
    refused = sent(desk, b"{")
    assert refused.status_code == 422 and "文件读不完整" in refused.content.decode()
    assert desk.post("/parcels/file").status_code == 422
    worker_browser = signed_in(account(("grid_worker", "community", str(XINZHU)))[0])
    assert sent(worker_browser, json.dumps(file).encode()).status_code == 403


def test_ones_own_work_is_left_to_somebody_else_and_what_is_not_shown_is_counted(conflict):
    username, (officer,) = account(("community", "community", str(XINZHU)))
    worker = conflict[2]
    many = {"checks": [{"order": str(new_id()), "symptoms": ["咳"]} for _ in range(80)]}
    (receipt,) = worker.send(
        worker.parcel("record_checks", many, token=token_of(replace(officer, device_id=worker.device)))
    )
    page = text(signed_in(username).get(f"/parcels/{receipt.id}"))
    assert "这是您自己上报的" in page and f"/parcels/{receipt.id}/decide" not in page
    assert "另有20项" in page


def test_other_content_under_a_taken_id_is_found_by_the_id_that_the_phone_knows(desk, conflict):
    duty, first, worker = conflict
    check = {"order": str(duty_standing(duty, by=county_hand()).subject), "id": str(new_id()), "temperature": "36.6"}
    second = worker.parcel("record_checks", {"checks": [check]}, id=first.id)
    assert (worker.send(second)[0].id, worker.send(second)[0].code) == (first.id, "id_taken")
    (kept,) = [row for row in parcels(by=decider(XINZHU)) if row.code == "id_taken"]
    page = desk.get(f"/parcels/{kept.id}").content.decode()
    assert "同一编号先到的封包" in page and f"/parcels/{first.id}" in page and "36.6" in text_of(page)
    for parcel in (first.id, kept.id):
        decide_parcel(
            by=decider(XINZHU), valid_at=NEXT, cause=new_id(), parcel=parcel, decision="set_aside", reason="问过本人"
        )
    told = [receipt for _, receipt in receipts_of(by=worker.actor)]
    assert [(one.id, one.code) for one in told] == [(first.id, "set_aside")] * 2
    headers = {"Authorization": f"Bearer {worker.token}"}
    answer = Client().post("/api/field/sync", "{}", content_type="application/json", headers=headers).json()
    assert {row[0] for row in answer["changed"]["decided"]["rows"]} == {str(first.id)}


def text_of(page):
    return html.unescape(page)


def test_a_parcel_is_found_by_the_phones_id_when_what_took_it_was_applied(desk, conflict):
    duty, _, worker = conflict
    order, id = str(duty_standing(duty, by=county_hand()).subject), new_id()
    for temperature in ("36.5", "36.9"):
        check = {"order": order, "id": str(new_id()), "temperature": temperature}
        worker.send(worker.parcel("record_checks", {"checks": [check]}, id=id))
    page = text_of(desk.get(f"/parcels/{id}").content.decode())
    assert "36.9" in page and "同一编号先到的封包" in page
