"""Sent, lost, sent again, from two phones, killed between two writes: each parcel is applied exactly once, none without receipt."""

import sys
import uuid
from pathlib import Path

import pytest
from django.db import connection, connections
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import XINZHU, make_actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import declare_kinds
from lianfang.core.intake.models import Parcel
from lianfang.core.intake.queries import former_receipt
from lianfang.kit.clock import clock_at
from lianfang.kit.ids import new_id
from lianfang.response.quarantine.duties import KINDS
from lianfang.response.quarantine.models import DailyCheck
from lianfang.workflows import take_parcels as taking
from parcel_making import phone

sys.path.insert(0, str(Path(__file__).parents[1] / "response/quarantine"))
from order_making import declare, issued, make_officer, noon

from side_by_side import at_once


class Killed(BaseException):
    """The process ends here: nothing after it happens, what was not committed is gone."""


@pytest.fixture
def house(committing):
    with clock_at(noon(14)):
        declare_kinds(KINDS)
        declare()
        officer = make_officer()
        yield officer, [issued(officer, "secondary_contact").id for _ in range(3)]


def check(order):
    return {"checks": [{"order": str(order), "temperature": "36.5", "id": str(new_id())}]}


#: one thing that happens: which parcels one of two phones sends, and where the server dies, or the answer is lost
STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 1]),
        st.lists(st.integers(0, 5), min_size=1, max_size=4),
        st.sampled_from(["", "", "lost", "before", "applied", "kept"]),
    ),
    min_size=1,
    max_size=12,
)


@pytest.mark.slow
def test_whatever_is_lost_or_killed_each_parcel_is_applied_once_and_none_goes_without_receipt(house, monkeypatch):
    officer, orders = house
    true_keep, true_former = taking.keep_parcel, taking.former_receipt

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(STEPS)
    def run(steps):
        phones = [phone(XINZHU), phone(XINZHU)]
        made = [[one.parcel("record_checks", check(orders[number % 3])) for number in range(6)] for one in phones]
        queues, receipts = [list(one) for one in made], {}
        for which, numbers, fate in steps:
            batch = [one for one in queues[which] if made[which].index(one) in numbers]
            with monkeypatch.context() as dying:
                die(dying, fate, true_keep, true_former)
                try:
                    answer = phones[which].send(*batch)
                except Killed:
                    connections.close_all()
                    continue
            if fate != "lost":
                settle(queues[which], answer, receipts)
        for which in (0, 1):
            settle(queues[which], phones[which].send(*queues[which]), receipts)
        assert queues == [[], []]
        for which in (0, 1):  # again, after everything: the same receipts
            assert phones[which].send(*made[which]) == [receipts[one.id] for one in made[which]]
        sent = {one.id for one in (*made[0], *made[1])}
        assert {receipt.status for receipt in receipts.values()} == {"applied"} and set(receipts) == sent
        assert counted(officer, sent) == (len(sent), len(sent), len(sent))

    run()


def die(monkeypatch, fate, keep, former):
    def killed(*_, **__):
        raise Killed

    def kept_then_killed(*given, **named):
        keep(*given, **named)
        raise Killed

    if fate == "before":
        monkeypatch.setattr(taking, "former_receipt", killed)
    elif fate == "applied":  # the command has written, its receipt has not
        monkeypatch.setattr(taking, "keep_parcel", killed)
    elif fate == "kept":  # both have, and nothing is committed
        monkeypatch.setattr(taking, "keep_parcel", kept_then_killed)


def settle(queue, answer, receipts):
    """Let the parcels go that have a receipt, as a phone does."""
    for receipt in answer:
        assert receipts.setdefault(receipt.id, receipt) == receipt
        queue[:] = [one for one in queue if one.id != receipt.id]


def counted(officer, sent):
    """How many of these parcels have a command, a record and a receipt."""
    with acting(make_actor()), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM access_command WHERE id = ANY(%s)", [list(sent)])
        [commands] = cursor.fetchone()
        cursor.execute("SELECT count(*) FROM access_command WHERE kind = 'record_checks'")
        [all_commands] = cursor.fetchone()
        checks = DailyCheck.objects.count()
        assert checks == all_commands, "no check without its command, none twice"
        return commands, Parcel.objects.filter(id__in=sent, state="applied").count(), len(sent)


def test_the_same_parcel_on_many_connections_at_once_is_one(house):
    officer, orders = house
    worker = phone(XINZHU)
    parcels = [worker.parcel("record_checks", check(orders[0])) for _ in range(4)]

    def send():
        with clock_at(noon(14)):
            return worker.send(*parcels)

    found = at_once(*[send] * 6)
    assert len(found) == 6 and all(one == found[0] for one in found)
    assert {receipt.status for receipt in found[0]} == {"applied"}
    with acting(officer):
        assert DailyCheck.objects.count() == 4


def test_two_contents_under_one_id_are_both_kept(house):
    _, orders = house
    worker, id = phone(XINZHU), uuid.uuid4()
    first, second = (worker.parcel("record_checks", check(orders[0]), id=id) for _ in range(2))
    assert [worker.send(one)[0].code for one in (first, second, second, first)] == ["", "id_taken", "id_taken", ""]
    with acting(make_actor()):
        assert sorted(Parcel.objects.values_list("state", flat=True)) == ["applied", "held"]
    assert former_receipt is taking.former_receipt
