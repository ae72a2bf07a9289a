"""A tube belongs to a round that exists, at a time that can be meant; who comes after the sign-off is counted too."""

from dataclasses import asdict
from datetime import timedelta

import pytest

from conftest import JIANGNAN, XINZHU, make_actor
from lianfang.core.access.commands import Envelope
from lianfang.core.access.scope import acting
from lianfang.kit.clock import clock_at, local
from lianfang.kit.ids import new_id
from lianfang.response.screening import queries
from lianfang.response.screening.actions import add_sampled_meanwhile, close_round, open_round
from lianfang.response.screening.models import FoundEntry
from lianfang.response.screening.permissions import PERMISSIONS
from lianfang.response.screening.rules import AreaEntry
from lianfang.response.specimens import permissions as specimens
from lianfang.response.specimens.actions import register_tubes
from lianfang.response.specimens.models import Sample
from lianfang.response.specimens.rules import ItemsRefused, SampleEntry, TubeEntry
from lianfang.workflows.commands import submit
from making import appointed, make_resident

pytestmark = pytest.mark.django_db

GRID = XINZHU * 1000 + 1
NOON = local("2022-07-14 12:00")
LATER = NOON + timedelta(hours=8)


@pytest.fixture(autouse=True)
def noon():
    with clock_at(NOON):
        yield


@pytest.fixture
def county():
    return make_actor(*PERMISSIONS, *specimens.PERMISSIONS, "duties.read_duties")


@pytest.fixture
def anna(county):
    return make_resident(by=county, grid=GRID).id


@pytest.fixture
def guest(county):
    return make_resident(by=county, grid=JIANGNAN * 1000 + 1).id


@pytest.fixture
def round(county, anna):
    return open_round(
        by=county, incident=new_id(), area_code=GRID - 1, title="Xinzhu", pack="covid19-cn-ed9",
        areas=[AreaEntry(GRID - 1, GRID + 998, "high_risk")], valid_at=NOON,
    ).id  # fmt: skip


def tube(round, *residents, at=NOON, **fields):
    id = new_id()
    samples = tuple(SampleEntry(new_id(), resident, at) for resident in residents)
    made = {"mode": "pooled", "capacity": 10, "purpose": "area_screening", "division_code": GRID, "opened_at": at}
    return TubeEntry(id=id, code=f"T{id.hex[-12:]}", round=round, samples=samples, **made | fields)


def send(by, *tubes, at=NOON, accept="samples"):
    sent = Envelope(new_id(), "register_tubes", at, {"tubes": [asdict(one) for one in tubes], "accept": accept})
    with clock_at(at):
        return submit(sent, by=by).result


def whys(result):
    return [item["why"] for item in result["refused"]]


def test_a_round_that_nobody_opened_is_refused_and_the_rest_goes_in(county, anna, guest, round):
    result = send(county, tube(new_id(), guest), tube(round, anna))
    assert (whys(result), result["samples"]) == (["unknown_round"], 1)
    with acting(county):
        assert set(Sample.objects.values_list("round", flat=True)) == {round}


def test_a_round_of_another_county_is_refused(county, anna, round):
    elsewhere = make_actor(*county.permissions, scope="469022")
    with pytest.raises(ItemsRefused, match="choose the round from the list"):
        send(elsewhere, tube(round, anna, division_code=469022100001001), accept="nothing")


def test_a_sample_is_not_moved_into_a_round_that_nobody_opened(county, anna, guest, round):
    first = tube(round, anna)
    send(county, first)
    payload = {
        "tube": first.id, "code": first.code, "sample": first.samples[0].id, "resident": anna, "reason": "wrong_person",
        "to": asdict(tube(new_id(), guest)),
    }  # fmt: skip
    with pytest.raises(ItemsRefused, match="counted nowhere"):
        submit(Envelope(new_id(), "move_sample", NOON, payload), by=county)
    with acting(county):
        assert Sample.objects.count() == 1


@pytest.mark.parametrize(
    ("at", "why"),
    [
        (NOON - timedelta(hours=23), None),
        (NOON - timedelta(hours=25), "before_round"),
        (NOON + timedelta(minutes=9), None),
        (NOON + timedelta(minutes=11), "not_yet"),
    ],
)
def test_a_device_with_a_wrong_clock_is_told(county, anna, guest, round, at, why):
    assert whys(send(county, tube(round, anna, at=at))) == ([why] if why else [])
    of_now = tube(round, guest)
    of_now = TubeEntry(**vars(of_now) | {"samples": (SampleEntry(new_id(), guest, at),)})
    assert whys(send(county, of_now)) == ([why] if why else [])


def signed_off(by, round):
    with clock_at(NOON + timedelta(hours=4)):
        return close_round(
            round,
            by=by,
            valid_at=NOON + timedelta(hours=4),
            accepted_by=appointed(),
            accepted_title="head of the village",
        )


def test_a_phone_that_comes_after_the_sign_off_brings_everybody_it_has(county, anna, guest, round):
    assert signed_off(county, round).remaining == 1
    late = tube(round, anna, guest)
    for _ in range(2):
        assert send(county, late, at=LATER)["samples"] == 2
    with clock_at(LATER):
        row = queries.round_row(round, by=county)
    assert row.remaining == 1  # the figure of the sign-off stays
    assert (row.account.frozen, row.account.added, row.account.found, row.account.missing) == (1, 1, 2, 0)


def test_a_guest_written_while_the_round_was_signed_off_is_counted_by_the_next_turn(county, guest, round):
    signed_off(county, round)
    with clock_at(NOON + timedelta(hours=4)):
        register_tubes([tube(round, guest)], by=county, valid_at=NOON)
    for later, found in ((timedelta(hours=5), 0), (timedelta(hours=4, minutes=2), 1)):
        with clock_at(NOON + later):
            assert add_sampled_meanwhile(by=county, county=469021, valid_at=NOON + later) == found
    with acting(county):
        assert FoundEntry.objects.get().resident == guest
