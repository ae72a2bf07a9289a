"""Phones, laboratories and workers at the same instant: whatever comes first, nothing is lost, doubled or mixed."""

import threading
from datetime import timedelta

import pool_making
import pytest
from django.db import connection, transaction

from conftest import XINZHU, make_actor
from lianfang.core.access.actions import ADMINISTRATION, create_account, give_grant
from lianfang.core.access.commands import Envelope
from lianfang.core.access.models import Device
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import local, machine_now, response_now
from lianfang.kit.codes import code_range, unit_range
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Refusal
from lianfang.response.screening import permissions as screening
from lianfang.response.screening.actions import add_sampled_meanwhile, close_round, open_round, tally_samples
from lianfang.response.screening.queries.coverage import accounts_by
from lianfang.response.screening.queries.tally import tallied
from lianfang.response.screening.rules import AreaEntry
from lianfang.response.specimens import permissions, queries
from lianfang.response.specimens.actions import register_express
from lianfang.workflows.commands import submit
from making import appointed, make_household, make_resident
from side_by_side import at_once

# what happens at once is seen by transactions that commit
pytestmark = pytest.mark.usefixtures("committing")

GRID = XINZHU * 1000 + 1
ALL = (*permissions.PERMISSIONS, *screening.PERMISSIONS, "duties.read_duties")


@pytest.fixture
def county():
    return make_actor(*ALL)


@pytest.fixture
def sampler():
    """A sampler with account, grant and enrolled device, so that the express way is open to them."""
    account = create_account(by=ADMINISTRATION, username=f"s{new_id()}", title="sampler", password="of the shift")
    grant = give_grant(
        by=ADMINISTRATION, account=account.id, role="sampler", line="testing", scope=code_range(XINZHU),
        valid_from=machine_now() - timedelta(hours=1), reason="a round of testing",
    )  # fmt: skip
    with acting(ADMINISTRATION):
        device = Device.objects.create(
            title="phone", division_code=GRID, registered_at=machine_now(), registered_by=account.id,
            enrolment_lookup=new_id().bytes * 2, enrolled_at=machine_now(), secret_hash=bytes(32),
        )  # fmt: skip
    scope = unit_range(XINZHU * 1000)
    return Actor(account.id, grant.id, "sampler", "testing", scope, frozenset(permissions.PERMISSIONS), "", device.id)


@pytest.fixture
def people(county):
    return [make_resident(by=county, grid=GRID).id for _ in range(8)]


@pytest.fixture
def round(county, people):
    return open_round(
        by=county, incident=new_id(), area_code=GRID // 1000, title="Xinzhu", pack="covid19-cn-ed9",
        areas=[AreaEntry(GRID - 1, GRID + 998, "high_risk")],
        valid_at=local("2022-07-14 06:00"),
    ).id  # fmt: skip


def minutes_ago(minutes):
    return (machine_now() - timedelta(minutes=minutes)).isoformat()


def tube(round, *residents, **fields):
    id = fields.pop("id", None) or str(new_id())
    return {
        "id": id, "code": f"DA{id[-12:]}", "mode": "pooled", "capacity": 10, "purpose": "area_screening",
        "division_code": GRID, "opened_at": minutes_ago(30), "round": str(round),
        "samples": [{"id": str(new_id()), "resident": str(one), "taken_at": minutes_ago(20)} for one in residents],
    } | fields  # fmt: skip


def batch(*tubes, kind="register_tubes", **payload):
    payload = payload or {"tubes": list(tubes), "accept": "samples"}
    return Envelope(new_id(), kind, machine_now(), payload)


def express(sent, by):
    done = register_express(sent, account=by.account_id, grant=by.grant_id, device=by.device_id)
    return done or submit(sent, by=by)


def careful(sent, by):
    return submit(sent, by=by)


def beside(background, calls, over):
    """What went wrong while some calls were made at once, others running beside them until ``over``."""
    said = []
    thread = threading.Thread(target=lambda: said.extend(at_once(*background)))
    thread.start()
    said += at_once(*calls)
    over.set()
    thread.join()
    return [one for one in said if isinstance(one, Exception)]


def stored(county):
    with acting(county), connection.cursor() as cursor:
        cursor.execute("SELECT resident, tube FROM specimens_sample")
        return cursor.fetchall()


def unexpected(said):
    return [one for one in said if isinstance(one, Exception) and not isinstance(one, Refusal)]


@pytest.mark.parametrize("ways", [(express, express), (express, careful), (careful, careful)])
def test_the_same_people_in_two_batches_at_once_are_sampled_once(county, sampler, people, round, ways):
    for _ in range(4):
        some = [make_resident(by=county, grid=GRID).id for _ in range(100)]
        rows = [some[start : start + 10] for start in range(0, 100, 10)]
        batches = [batch(*[tube(round, *row) for row in rows]), batch(*[tube(round, *row[::-1]) for row in rows[::-1]])]
        said = at_once(
            *[lambda way=way, sent=sent: way(sent, sampler) for way, sent in zip(ways, batches, strict=True)]
        )
        assert unexpected(said) == []
        assert sum(one.result["samples"] for one in said) == 100
    found = [resident for resident, _ in stored(county)]
    assert len(found) == len(set(found)) == 400
    assert queries.tube_disagreements(by=county) == []


@pytest.mark.parametrize("way", [express, careful])
def test_the_same_batch_sent_twice_at_once_is_there_once(county, sampler, people, round, way):
    for _ in range(6):
        sent = batch(tube(round, make_resident(by=county, grid=GRID).id))
        said = at_once(*[lambda sent=sent: way(sent, sampler)] * 4)
        assert unexpected(said) == []
        assert {one.result["samples"] for one in said} == {1}
    assert len(stored(county)) == 6


@pytest.mark.parametrize("way", [express, careful])
def test_several_phones_top_one_tube_up_at_once(county, sampler, people, round, way):
    for _ in range(4):
        some = [make_resident(by=county, grid=GRID).id for _ in range(8)]
        first = tube(round, some[0], capacity=7)
        way(batch(first), sampler)
        more = [batch(tube(round, one, id=first["id"], capacity=7)) for one in some[1:]]
        said = at_once(*[lambda sent=sent: way(sent, sampler) for sent in more])
        assert unexpected(said) == []
        assert sum(one.result["samples"] for one in said) == 6
        assert [item["why"] for one in said for item in one.result["refused"]] == ["tube_full"]
    assert queries.tube_disagreements(by=county) == []


@pytest.mark.parametrize("way", [express, careful])
def test_a_household_tube_never_holds_two_households(county, sampler, people, round, way):
    for _ in range(8):
        homes = [make_household(by=county, grid=GRID).id for _ in range(2)]
        one, other = [make_resident(by=county, grid=GRID, household=home).id for home in homes]
        id = str(new_id())
        said = at_once(
            *[
                lambda who=who, id=id: way(batch(tube(round, who, id=id, mode="household")), sampler)
                for who in (one, other)
            ]
        )
        assert unexpected(said) == []
        assert sorted(item.result["samples"] for item in said) == [0, 1]


def test_a_tube_sealed_while_a_batch_arrives_takes_nobody_later(county, sampler, people, round):
    for _ in range(8):
        one, other = [make_resident(by=county, grid=GRID).id for _ in range(2)]
        first = tube(round, one)
        careful(batch(first), sampler)
        seal = Envelope(new_id(), "seal_tubes", machine_now() - timedelta(minutes=15), {"tubes": [first["id"]]})
        late = tube(round, other, id=first["id"])
        late["samples"][0]["taken_at"] = minutes_ago(5)
        said = at_once(lambda seal=seal: submit(seal, by=county), lambda late=late: careful(batch(late), sampler))
        assert unexpected(said) == []
        with acting(county), connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM specimens_sample s JOIN specimens_tube t ON t.id = s.tube"
                " WHERE t.id = %s AND s.taken_at > t.sealed_at", [first["id"]],
            )  # fmt: skip
            [after] = cursor.fetchone()
        assert said[1].result["samples"] == after or after == 0


def test_the_same_result_twice_at_once_is_one_result(county, sampler, people, round):
    for value in ("negative", "positive") * 3:
        first = tube(round, make_resident(by=county, grid=GRID).id)
        careful(batch(first), sampler)
        result = {"tube": first["id"], "value": value, "tested_at": minutes_ago(1)}
        said = at_once(
            *[lambda result=result: submit(batch(kind="record_results", lab="county", results=[result]), by=county)] * 3
        )
        assert unexpected(said) == []
        assert [isinstance(one, Refusal) for one in said] == [False] * 3


def test_a_sample_is_voided_or_resulted_never_both(county, sampler, people, round):
    for _ in range(8):
        who = make_resident(by=county, grid=GRID).id
        first = tube(round, who)
        careful(batch(first), sampler)
        result = {"tube": first["id"], "value": "negative", "tested_at": minutes_ago(1)}
        void = {
            "tube": first["id"], "code": first["code"], "reason": "not_taken",
            "samples": [{"sample": first["samples"][0]["id"], "resident": str(who)}],
        }  # fmt: skip
        said = at_once(
            lambda result=result: submit(batch(kind="record_results", lab="county", results=[result]), by=county),
            lambda void=void: submit(batch(kind="void_samples", **void), by=county),
        )
        assert unexpected(said) == []
        assert sum(isinstance(one, Refusal) for one in said) == 1
    assert queries.tube_disagreements(by=county) == []


def test_a_person_moved_while_sampled_elsewhere_stands_in_one_tube(county, sampler, people, round):
    for _ in range(6):
        wrong, true = [make_resident(by=county, grid=GRID).id for _ in range(2)]
        first = tube(round, wrong)
        careful(batch(first), sampler)
        moved = {
            "tube": first["id"], "code": first["code"], "sample": first["samples"][0]["id"], "resident": str(wrong),
            "reason": "wrong_person", "to": tube(round, true),
        }  # fmt: skip
        said = at_once(
            lambda moved=moved: submit(batch(kind="move_sample", **moved), by=county),
            lambda true=true: express(batch(tube(round, true)), sampler),
        )
        assert unexpected(said) == []
    assert queries.tube_disagreements(by=county) == []
    with acting(county), connection.cursor() as cursor:
        cursor.execute(
            "SELECT s.resident FROM specimens_sample s WHERE NOT EXISTS (SELECT 1 FROM specimens_samplevoid v"
            " WHERE v.sample = s.id) GROUP BY 1 HAVING count(*) > 1"
        )
        assert cursor.fetchall() == []


def test_a_round_is_signed_off_while_phones_send(county, sampler, people, round):
    """Nobody stands aside: who came in time is sampled, who came late too, and who was listed then is known."""
    guests = [make_resident(by=county, grid=GRID).id for _ in range(8)]
    accepted = {"accepted_by": appointed(), "accepted_title": "head of the county"}
    said = at_once(
        *[lambda one=one: express(batch(tube(round, one)), sampler) for one in [*people[:5], *guests]],
        lambda: close_round(round, by=county, valid_at=response_now(), **accepted),
    )
    assert [one for one in said if isinstance(one, Exception)] == []
    assert said[-1].account.missing == said[-1].remaining >= 3
    add_sampled_meanwhile(by=county, county=469021, valid_at=response_now())
    account = accounts_by(county, [round], "round", response_now())[round]
    assert (account.frozen, account.added, account.found, account.missing) == (8, 8, 13, 3)


def test_tubes_that_go_two_ways_at_once_are_in_one_place(county, sampler, people, round):
    lab = submit(batch(kind="register_lab", name="county hospital", division_code=GRID, tubes_per_hour=100,
                       tubes_per_day=1000), by=county).result["id"]  # fmt: skip
    for turn in range(5):
        some = [make_resident(by=county, grid=GRID).id for _ in range(3)]
        sealed = [tube(round, one, sealed_at=minutes_ago(10)) for one in some]
        careful(batch(*sealed), sampler)
        ids, codes = [one["id"] for one in sealed], [one["code"] for one in sealed]
        given = {"giver": "Xinzhu site", "tubes_counted": 3, "scanned": codes}
        handed = {"tubes": ids, "taker": "courier 1"} | given
        here = {"lab": lab, "giver": "courier 1", "tubes": ids, "tubes_counted": 3, "scanned": codes[:2]}
        results = [{"tube": id, "value": "negative", "tested_at": minutes_ago(1)} for id in ids]
        twice, found = str(new_id()), str(new_id())
        said = at_once(*[
            lambda sent=sent: submit(sent, by=county) for sent in [
                batch(kind="pack_box", code=f"A{turn}", tubes=ids), batch(kind="pack_box", code=f"B{turn}", tubes=ids[::-1]),
                batch(kind="hand_over_tubes", id=twice, **handed), batch(kind="hand_over_tubes", id=twice, **handed),
                batch(kind="hand_over_tubes", **handed | {"taker": "courier 2", "tubes": ids[::-1]}),
                batch(kind="receive_tubes", **here),
                batch(kind="record_tube_found", id=found, outcome="lost", codes=codes[:1], reason="broken"),
                batch(kind="record_results", lab="county hospital", results=results),
            ]
        ])  # fmt: skip
        assert unexpected(said) == []
        # the same hand-over sent twice is one: told alike, or refused alike
        assert getattr(said[2], "result", None) == getattr(said[3], "result", None)
        assert queries.place_disagreements(by=county) == []
    with acting(county), connection.cursor() as cursor:
        cursor.execute("SELECT tube FROM specimens_boxentry WHERE removed_at IS NULL GROUP BY 1 HAVING count(*) > 1")
        assert cursor.fetchall() == []


def test_who_is_put_into_a_tube_while_it_is_found_positive_joins_its_pool(committing):
    by = pool_making.county_actor()
    pool_making.declare(by)
    for _ in range(5):
        one, other, third = pool_making.people(by, 3)
        id = pool_making.tube(by, [one], mode="pooled")
        said = at_once(
            lambda id=id: pool_making.report(by, id, "positive"),
            lambda id=id, other=other: pool_making.tube(by, [other], mode="pooled", id=id),
            lambda id=id, third=third: pool_making.tube(by, [third], mode="pooled", id=id),
        )
        assert [one for one in said if isinstance(one, Exception)] == []
        assert pool_making.nothing_forgotten(by)
        assert {row.resident for row in pool_making.members(by, id)} == {one, other, third}


def test_coverage_by_tally_is_right_at_every_moment_while_phones_send_and_workers_die(county, sampler, people, round):
    crowd = [make_resident(by=county, grid=GRID).id for _ in range(40)]
    whole = open_round(
        by=county, incident=new_id(), area_code=GRID // 1000, title="again", pack="covid19-cn-ed9",
        areas=[AreaEntry(GRID - 1, GRID + 998, "high_risk")],
        valid_at=local("2022-07-14 06:00"),
    ).id  # fmt: skip
    tally_samples()
    over, faults = threading.Event(), []

    def phone(mine):
        for one in mine:
            express(batch(tube(whole, one)), sampler)

    def worker():
        while not over.is_set():
            tally_samples()

    def dying_worker():
        while not over.is_set():
            try:
                with acting(county):
                    tally_samples()
                    raise InterruptedError
            except InterruptedError:
                pass

    def looker():
        before = 0
        while not over.is_set():
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
                one = tallied(county, [whole], "round", None)
                other = accounts_by(county, [whole], "round", response_now() + timedelta(days=1))
            if one is None or one[whole] != other[whole] or one[whole].found < before:
                faults.append((one, other))
            before = other[whole].found

    phones = [lambda mine=crowd[start::4]: phone(mine) for start in range(4)]
    faults += beside([worker, worker, dying_worker, looker], phones, over)
    assert faults == []
    tally_samples()
    assert tallied(county, [whole], "round", None) == accounts_by(county, [whole], "round", response_now())
