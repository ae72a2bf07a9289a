"""What somebody sends who knows how parcels are made: nothing of it stops the others, reaches another place, or hides."""

import uuid

import pytest

from conftest import XINZHU
from lianfang.core.intake.queries import look_inside, parcels
from lianfang.kit.clock import response_now
from lianfang.kit.ids import new_id
from parcel_making import decider, phone, sealed

pytestmark = pytest.mark.django_db


def inside(worker, *, kind="check_in", valid_at=None, payload=None, **more):
    now = response_now().isoformat()
    envelope = {"kind": kind, "valid_at": valid_at or now, "payload": payload or {"assignment": str(uuid.uuid4())}}
    return {"token": worker.token, "envelope": envelope, "made_at": now} | more


ODD = {
    "a kind that no text field takes": {"kind": "check\0in"},
    "a form that no text field takes": {"form": "check\0in"},
    "a kind that would forge a line of the log": {"kind": "x\nERROR everything is lost"},
    "a payload that no text field takes": {"payload": {"assignment": "\0"}},
    "before the first year": {"valid_at": "0001-01-01T00:00:00+14:00"},
    "after the last year": {"valid_at": "9999-12-31T23:59:59-12:00"},
    "made before the first year": {"made_at": "0001-01-01T00:00:00+14:00"},
    "made after the last year": {"made_at": "9999-12-31T23:59:59-12:00"},
    "a token that is no token": {"token": "é" * 92},
    "a duty of no ledger": {"duty": 2**63 - 1},
}
RAW = {
    "deeper than anybody reads": b'{"token":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "a list": b"[]",
    "nothing": b"",
    "no text": b"\xff\xfe{}",
    "half a character": b'{"token": "\\ud800"}',
    "no number": b'{"token": NaN}',
}


@pytest.mark.parametrize("name", [*ODD, *RAW])
def test_an_odd_parcel_is_held_where_it_can_be_looked_at_and_the_next_one_passes(name):
    worker, desk = phone(XINZHU), decider(XINZHU)
    odd = sealed(new_id(), RAW[name] if name in RAW else inside(worker, **ODD[name]))
    plain = sealed(new_id(), inside(worker))
    receipts = worker.send(odd, plain)
    assert [one.status for one in receipts] == ["held", "held"]
    assert {one.id for one in parcels(by=desk)} == {odd.id, plain.id}, "one of them must not blind the list"
    look_inside(odd.id, by=desk)


def test_the_log_of_a_broken_parcel_quotes_nothing_of_what_the_error_says(monkeypatch, caplog):
    said = "Key (name)=(张秀英) already exists"

    def quoting(*_, **__):
        raise RuntimeError(said)

    monkeypatch.setattr("lianfang.workflows.take_parcels.judge", quoting)
    worker = phone(XINZHU)
    (receipt,) = worker.send(sealed(new_id(), inside(worker, payload={"note": "李建国"})))
    assert (receipt.status, receipt.code) == ("held", "broken")
    assert "RuntimeError" in caplog.text and "take_parcels.py" in caplog.text
    assert "张秀英" not in caplog.text and "李建国" not in caplog.text
