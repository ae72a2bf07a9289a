"""Parcels over HTTP: who may hand them in, what the phone hears, wiping, the key to seal to."""

import base64
import json
import uuid

import pytest
from django.conf import settings
from django.test import Client

from conftest import XINZHU
from lianfang.core.access.actions import order_wipe, revoke_device
from lianfang.core.access.limits import store
from lianfang.core.access.models import Device
from lianfang.core.access.queries import wipe_ordered
from lianfang.core.notices.queries import notices_of
from lianfang.kit.clock import machine_now, response_now
from lianfang.kit.ids import new_id
from lianfang.kit.parcels import key_id
from lianfang.kit.rates import Rate
from parcel_making import desk_of, phone

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_allowances(tmp_path, settings):
    settings.RATES_FILE = tmp_path / "rates"
    store.cache_clear()
    yield
    store.cache_clear()


@pytest.fixture
def worker():
    return phone(XINZHU)


def post(path, worker, **more):
    body = {"device": str(worker.device), "secret": worker.secret} | more
    answer = Client(raise_request_exception=False).post(
        f"/api/field/{path}", json.dumps(body), content_type="application/json"
    )
    return answer.status_code, answer.json()


def visitor(worker):
    """A command that stands by itself: somebody is away from home."""
    return worker.parcel("check_in", {"assignment": str(uuid.uuid4())})


def test_parcels_get_receipts_in_order_and_the_same_again(worker):
    made = [visitor(worker) for _ in range(3)]
    sent = [{"id": str(one.id), "sealed": one.sealed} for one in made]
    status, first = post("parcels", worker, parcels=sent)
    assert status == 200 and first["wipe"] is False
    assert [one["id"] for one in first["receipts"]] == [one["id"] for one in sent]
    assert all(one["status"] == "held" and one["zh"] and one["en"] for one in first["receipts"])
    assert post("parcels", worker, parcels=sent)[1]["receipts"] == first["receipts"]


def test_whoever_does_not_know_the_secret_is_refused_and_counted(worker):
    worker.secret = "wrong"
    for path in ("hello", "wiped"):
        assert post(path, worker)[0] == 401
    answers = {post("parcels", worker, parcels=[])[0] for _ in range(60)}
    assert answers == {401, 429}


def test_a_revoked_phone_still_hands_in_and_is_told_to_wipe(worker):
    revoke_device(by=desk_of(XINZHU), device=worker.device, reason="lost", valid_at=machine_now(), cause=new_id())
    status, answer = post("parcels", worker, parcels=[])
    assert (status, answer["wipe"]) == (200, True)
    assert post("hello", worker)[1]["wipe"] is True


def test_a_wipe_is_ordered_asked_for_and_confirmed(worker):
    desk = desk_of(XINZHU)
    assert post("wiped", worker)[1]["wipe"] is False
    assert Device.objects.get(id=worker.device).wiped_at is None, "nobody had ordered it"
    assert (
        order_wipe(by=desk, device=worker.device, reason="left on a bus", valid_at=response_now(), cause=new_id()) == 1
    )
    assert order_wipe(by=desk, device=worker.device, reason="again", valid_at=response_now(), cause=new_id()) == 0
    assert wipe_ordered(worker.device)
    assert post("hello", worker)[1]["wipe"] is True
    assert post("wiped", worker)[1]["wipe"] is False
    assert Device.objects.get(id=worker.device).wiped_at is not None
    assert not wipe_ordered(worker.device)
    assert [one.kind for one in notices_of(by=desk)] == ["wipe_confirmed"], "told once, and whoever ordered it"
    assert "门岗手机" in notices_of(by=desk)[0].zh
    assert post("wiped", worker)[0] == 200 and len(notices_of(by=desk)) == 1
    assert order_wipe(by=desk, device=worker.device, reason="found again", valid_at=response_now(), cause=new_id()) == 1


def test_the_key_to_seal_to_is_a_point_of_its_id(worker):
    key = post("hello", worker)[1]["key"]
    public = base64.urlsafe_b64decode(key["public"] + "=")
    assert (len(public), public[0], key_id(public)) == (65, 4, key["id"])


def test_after_a_rotation_old_parcels_open_and_new_ones_are_sealed_to_the_new_key(worker):
    before = visitor(worker)
    old = post("hello", worker)[1]["key"]["id"]
    settings.PARCEL_KEYS.rotate()
    assert post("hello", worker)[1]["key"]["id"] != old
    after = visitor(worker)
    sent = [{"id": str(one.id), "sealed": one.sealed} for one in (before, after)]
    assert {one["status"] for one in post("parcels", worker, parcels=sent)[1]["receipts"]} == {"held"}


def test_bounds(worker, settings):
    many = [{"id": str(uuid.uuid4()), "sealed": "AAAA"}] * 101
    assert post("parcels", worker, parcels=many)[0] == 422
    long = [{"id": str(uuid.uuid4()), "sealed": "A" * 800_001}]
    assert post("parcels", worker, parcels=long)[0] == 422
    settings.RATE_REQUESTS = Rate(0.1, 1)
    statuses = [post("hello", worker)[0] for _ in range(3)]
    assert 429 in statuses


def test_wrong_secrets_hold_up_neither_a_phone_that_knows_its_own_nor_whoever_signs_in_behind_the_same_address(worker):
    known, worker.secret = worker.secret, "wrong"
    assert 429 in {post("hello", worker)[0] for _ in range(60)}
    worker.secret = known
    assert post("hello", worker)[0] == 200
    asked = json.dumps({"username": "nobody", "password": "wrong"})
    assert Client().post("/api/sign-in", asked, content_type="application/json").status_code == 401


def test_many_and_large_parcels_are_counted_as_many_requests(worker, settings):
    settings.RATE_REQUESTS = Rate(0.1, 100)
    many = [{"id": str(uuid.uuid4()), "sealed": "AAAA"}] * 100
    assert [post("parcels", worker, parcels=many)[0] for _ in range(2)] == [200, 429]
    other = phone(XINZHU)
    large = [{"id": str(uuid.uuid4()), "sealed": "A" * 800_000}] * 3
    assert [post("parcels", other, parcels=large)[0] for _ in range(2)] == [200, 429]
