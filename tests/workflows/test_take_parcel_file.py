"""A phone is handed in: what it saved as a file goes the same way as what it sends, once, and nothing is lost silently."""

import json

import pytest
from click.testing import CliRunner

from conftest import JIANGNAN, XINZHU, make_actor
from lianfang.core.access.models import AuditEntry
from lianfang.core.access.rules import DeviceUnknown, NotPermitted
from lianfang.core.access.scope import acting
from lianfang.core.intake.actions import OPERATOR
from lianfang.core.intake.rules import ParcelFileRefused, next_step
from lianfang.kit.parcels import new_private_key, public_key
from lianfang.kit.sentences import in_chinese
from lianfang.workflows import take_parcel_file as filing
from lianfang.workflows import take_parcels as taking
from lianfang.workflows.take_parcel_file import take_parcel_file
from parcel_making import decider, phone
from workflows.test_take_parcels import check, checked, checks_of, kinds, midday, officer, state_of  # noqa: F401

pytestmark = pytest.mark.django_db


def saved(worker, *parcels, **more):
    """The file of a phone, as `exportUnsent` writes it."""
    listed = [{"id": str(one.id), "sealed": one.sealed} for one in parcels]
    file = {
        "format": "lianfang parcels 1",
        "device": str(worker.device),
        "at": "2022-07-14T04:00:00Z",
        "parcels": listed,
    }
    return json.dumps(file | more).encode()


def test_what_the_file_holds_is_recorded_once_with_what_arrived_before(check, officer):  # noqa: F811
    order, duty = check
    worker, desk = phone(XINZHU), decider(XINZHU)
    parcels = [worker.parcel("record_checks", checked(order), duty=number) for number in (duty, None, None)]
    [arrived] = worker.send(parcels[0])
    filed = take_parcel_file(saved(worker, *parcels), by=desk)
    assert [(one.number, one.receipt.status, one.kind) for one in filed] == [
        (number, "applied", "record_checks") for number in (1, 2, 3)
    ]
    assert filed[0].receipt == arrived
    assert take_parcel_file(saved(worker, *parcels), by=desk) == filed
    assert worker.send(*parcels) == [one.receipt for one in filed], "the phone, found again, sends them too"
    assert checks_of(order, officer) == 3
    assert state_of(duty, officer).finished_by == worker.actor.account_id, "the worker's, not the desk's"
    with acting(make_actor("access.read_audit", line="audit")):
        assert AuditEntry.objects.filter(verb="intake.take_file", subject_id=worker.device).count() == 2


def test_a_damaged_parcel_is_named_and_the_others_are_taken(check, officer):  # noqa: F811
    order, _ = check
    worker, desk = phone(XINZHU), decider(XINZHU)
    good, cut, other = (worker.parcel("record_checks", checked(order)) for _ in range(3))
    elsewhere = worker.parcel("record_checks", checked(order), public=public_key(new_private_key()))
    file = json.loads(saved(worker, good, cut, elsewhere, other))
    file["parcels"][1]["sealed"] = cut.sealed[:-20]
    file["parcels"] += [{"id": "gone"}, 7]
    filed = take_parcel_file(json.dumps(file).encode(), by=desk)
    assert [(one.receipt.status, one.receipt.code) for one in filed] == [
        ("applied", ""), ("refused", "damaged"), ("refused", "unknown_key"), ("applied", ""), ("refused", "damaged"), ("refused", "damaged"),
    ]  # fmt: skip
    assert [one.id for one in filed[1:5]] == [str(cut.id), str(elsewhere.id), str(other.id), "gone"]
    for one in filed:
        assert bool(next_step(one.receipt.status, one.receipt.code)[0]) == (one.receipt.status == "refused")
    assert checks_of(order, officer) == 2


def test_what_cannot_be_taken_just_now_stops_the_rest_and_comes_with_the_same_file_again(check, officer, monkeypatch):  # noqa: F811
    order, _ = check
    worker, desk = phone(XINZHU), decider(XINZHU)
    parcels = [worker.parcel("record_checks", checked(order)) for _ in range(5)]
    monkeypatch.setattr(filing, "BATCH", 2)
    calls = iter([None, taking.TooMuch("wait", 7.0)])

    def some(*_):
        if fault := next(calls):
            raise fault

    with monkeypatch.context() as patched:
        patched.setattr(taking, "take_people", some)
        filed = take_parcel_file(saved(worker, *parcels), by=desk)
    assert [one.receipt.status for one in filed] == ["applied", "later", "later", "later", "later"]
    assert all(one.receipt.status == "applied" for one in take_parcel_file(saved(worker, *parcels), by=desk))
    assert checks_of(order, officer) == 5


def test_only_who_decides_there_takes_a_file(check):  # noqa: F811
    worker = phone(XINZHU)
    file = saved(worker, worker.parcel("record_checks", checked(check[0])))
    with pytest.raises(NotPermitted):
        take_parcel_file(file, by=worker.actor)
    with pytest.raises(DeviceUnknown, match="not enrolled in your area"):
        take_parcel_file(file, by=decider(JIANGNAN))
    assert [one.receipt.status for one in take_parcel_file(file, by=OPERATOR)] == ["applied"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"format": "lianfang parcels 1", "parc', "cannot be read to its end"),
        (b"\xff\xfe", "cannot be read to its end"),
        (b"[" * 100_000, "cannot be read to its end"),
        (b"[1]", "not a file of unsent work"),
        (b'{"format": "lianfang parcels 9", "parcels": []}', "not a file of unsent work"),
        (b'{"format": "lianfang parcels 1", "device": null, "parcels": [1]}', "which phone"),
        (b'{"format": "lianfang parcels 1", "device": "019c0000-0000-7000-8000-000000000000", "parcels": []}', "no parcel"),
    ],
)  # fmt: skip
def test_another_file_is_refused_with_what_to_do(content, said):
    with pytest.raises(ParcelFileRefused, match=said) as refused:
        take_parcel_file(content, by=OPERATOR)
    assert in_chinese(str(refused.value))


def test_the_command_line_shows_what_became_of_each(check, officer, tmp_path, monkeypatch):  # noqa: F811
    from lianfang.config import home, postgres, prepare
    from lianfang.config.commands.imports import import_

    order, _ = check
    worker = phone(XINZHU)
    file = tmp_path / "lianfang.json"
    good, cut = (worker.parcel("record_checks", checked(order)) for _ in range(2))
    monkeypatch.setattr(postgres, "server_of", lambda _: type("Running", (), {"ensure_running": lambda self: None})())
    monkeypatch.setattr(prepare, "set_up_django", lambda **_: None)
    assert home.current_home
    file.write_bytes(saved(worker, good, cut).replace(cut.sealed[-30:].encode(), b"A" * 30))
    answer = CliRunner().invoke(import_, ["parcels", str(file)], env={"COLUMNS": "200"})
    assert answer.exit_code == 1
    assert "1 of 2 parcels are not here" in answer.output and str(cut.id)[-8:] in answer.output
    file.write_bytes(saved(worker, good, cut))
    again = CliRunner().invoke(import_, ["parcels", str(file)])
    assert (again.exit_code, checks_of(order, officer)) == (0, 2) and "everything is here" in again.output
