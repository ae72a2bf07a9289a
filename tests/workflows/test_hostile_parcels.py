"""What somebody sends who knows how parcels are made: nothing of it stops the others, reaches another place, or hides."""

import sys
import uuid
from pathlib import Path

import pytest
from test_take_parcels import move

from conftest import JIANGNAN, XINZHU, make_actor
from lianfang.core.access.commands import Envelope
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import declare_kinds
from lianfang.core.duties.queries import duties
from lianfang.core.intake.queries import look_inside, parcels
from lianfang.core.intake.rules import ParcelIsOnesOwn, speaks_only_of
from lianfang.kit.clock import clock_at, response_now
from lianfang.kit.ids import new_id
from lianfang.response.quarantine.duties import KINDS
from lianfang.response.quarantine.models import DailyCheck
from lianfang.response.tasks.rules import HAZARDS
from lianfang.workflows.commands import PayloadRefused, submit
from parcel_making import decider, phone, sealed

sys.path.insert(0, str(Path(__file__).parents[1] / "response/quarantine"))
from order_making import declare, issued, make_officer, noon, roll

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True, scope="module")
def kinds(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        declare_kinds(KINDS)


@pytest.fixture
def away_now():
    """Two people of Xinzhu, each with a check due, who both live in Jiangnan now: (order, its duty, the other's)."""
    with clock_at(noon(14)):
        declare()
        officer = make_officer()
        orders = [issued(officer, "secondary_contact").id for _ in range(2)]
        roll(officer, noon(14))
        due = {one.subject: one.id for one in duties(by=officer, kind="daily_check") if one.period == "2022-07-14/0"}
        for order in orders:
            move(order, due[order], JIANGNAN * 1000 + 1)
        yield orders[0], due[orders[0]], orders[1], due[orders[1]]


def entry(order):
    return {"order": str(order), "temperature": "36.5", "id": str(new_id())}


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


def test_who_moved_is_recorded_there_and_nobody_beside_them(away_now):
    order, duty, neighbour, others = away_now
    worker = phone(XINZHU)
    both = {"checks": [entry(order), entry(neighbour)]}
    tricks = [
        both,
        {"checks": [entry(neighbour.hex) | {"note": str(order)}]},
        {"checks": [entry(neighbour) | {"id": str(order)}]},
        {"checks": [entry(neighbour)]},
    ]
    receipts = worker.send(*(worker.parcel("record_checks", one, duty=duty) for one in tricks))
    assert {one.status for one in receipts} == {"held"}
    hazard = {"kind": next(iter(HAZARDS)), "division_code": JIANGNAN * 1000 + 1, "place": "桥头", "id": str(order)}
    (receipt,) = worker.send(worker.parcel("report_hazard", hazard, duty=duty))
    assert receipt.status == "held"
    attempt = {"duty": others, "reason": "nobody_home", "note": str(order)}
    (receipt,) = worker.send(worker.parcel("record_attempt", attempt, duty=duty))
    assert receipt.status == "held"
    with acting(make_actor()):
        assert DailyCheck.objects.count() == 0
    (receipt,) = worker.send(worker.parcel("record_checks", {"checks": [entry(order)]}, duty=duty))
    assert (receipt.status, receipt.code) == ("applied", "person_moved")


def test_a_payload_speaks_of_one_duty_only_however_ids_are_written():
    one, other = uuid.uuid4(), uuid.uuid4()
    for fine in (
        {"duty": 7, "reason": "x"},
        {"order": str(one)},
        {"visits": [{"resident": str(one), "id": str(other)}]},
    ):
        assert speaks_only_of(fine, one, 7)
    for foul in (
        {}, {"duty": 8, "order": str(one)}, {"duties": [8], "order": str(one)}, {"order": str(one), "member": other.hex},
        {"order": str(one), "member": f"urn:uuid:{other}"}, {"note": str(one)}, {"order": str(one), "division_code": 5},
        {"order": str(one), "places": [{"code": "LF1:X"}]},
    ):  # fmt: skip
        assert not speaks_only_of(foul, one, 7), foul


@pytest.mark.parametrize("decision", ["apply", "set_aside"])
def test_nobody_decides_what_they_brought_in_themselves(decision):
    worker = phone(XINZHU, "community")
    (receipt,) = worker.send(sealed(new_id(), inside(worker)))
    assert receipt.status == "held"
    asked = {"parcel": str(receipt.id), "decision": decision, "reason": "因为"}
    with pytest.raises(ParcelIsOnesOwn):
        submit(Envelope(new_id(), "decide_parcel", response_now(), asked), by=worker.actor)
    (again,) = worker.send(worker.parcel("decide_parcel", asked))
    assert (again.status, again.code) == ("held", "contradicts")
    with pytest.raises(PayloadRefused):
        submit(Envelope(new_id(), "decide_parcel", response_now(), asked | {"reason": "  "}), by=decider(XINZHU))
