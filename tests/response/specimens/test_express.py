"""The express way writes what the careful way would write, or nothing at all."""

import json
import uuid
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection

from conftest import JIANGNAN, XINZHU, make_actor
from lianfang.core.access.actions import ADMINISTRATION, create_account, give_grant, revoke_grant
from lianfang.core.access.commands import Envelope
from lianfang.core.access.models import Device
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import machine_now
from lianfang.kit.codes import code_range, unit_range
from lianfang.kit.ids import new_id
from lianfang.response.specimens.actions import record_results, register_express
from lianfang.response.specimens.models import Sample, Tube
from lianfang.response.specimens.permissions import PERMISSIONS
from lianfang.response.specimens.rules import ResultEntry
from lianfang.workflows.commands import submit
from making import make_household, make_resident

pytestmark = pytest.mark.django_db

GRID, ELSEWHERE = XINZHU * 1000 + 1, JIANGNAN * 1000 + 1
ROUND = uuid.UUID(int=7)


@pytest.fixture
def county():
    return make_actor(*PERMISSIONS, "access.manage_accounts")


@pytest.fixture
def sampler():
    """A sampler with an account, a grant for Xinzhu and an enrolled device, as the tables know them."""
    name = f"sampler-{new_id().hex[-8:]}"
    account = create_account(by=ADMINISTRATION, username=name, title="sampler", password="of the shift")
    grant = give_grant(
        by=ADMINISTRATION, account=account.id, role="sampler", line="testing", scope=code_range(XINZHU),
        valid_from=machine_now() - timedelta(hours=1), reason="a round of testing",
    )  # fmt: skip
    with acting(ADMINISTRATION):
        device = Device.objects.create(
            title="phone", division_code=GRID, registered_at=machine_now(), registered_by=account.id,
            enrolment_lookup=new_id().bytes * 2, enrolled_at=machine_now(), secret_hash=bytes(32),
        )  # fmt: skip
    return Actor(
        account.id, grant.id, "sampler", "testing", unit_range(XINZHU * 1000), frozenset(PERMISSIONS), "", device.id
    )


@pytest.fixture(autouse=True)
def round():
    """An open round of the county, as the tables know it: the express way looks for it."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO screening_round (id, county, incident, area_code, number, title, pack, opened_at, target_at,"
            " visits_from, visit_within, frozen, accepted_title, recorded_at, recorded_by)"
            " VALUES (%(id)s, 469021, %(id)s, 469021000000, 1, 'round', 'pack', %(at)s, %(at)s + %(hours)s, %(at)s, %(hours)s, 1, '', %(at)s, %(id)s)",
            {"id": ROUND, "at": datetime.now(UTC) - timedelta(hours=3), "hours": timedelta(hours=1)},
        )  # fmt: skip


@pytest.fixture
def people(county):
    household = make_household(by=county, grid=GRID)
    return [make_resident(by=county, grid=GRID, household=household.id) for _ in range(3)]


def moment(minutes=0):
    return (datetime.now(UTC) - timedelta(hours=1) + timedelta(minutes=minutes)).isoformat()


def tube(*residents, **fields):
    id = fields.pop("id", None) or str(new_id())
    return {
        "id": id, "code": f"DA{id[-12:]}", "mode": "pooled", "capacity": 10, "purpose": "area_screening",
        "division_code": GRID, "opened_at": moment(), "round": str(ROUND),
        "samples": [{"id": str(new_id()), "resident": str(person.id), "taken_at": moment(5)} for person in residents],
    } | fields  # fmt: skip


def envelope(*tubes, **fields):
    made = {"id": new_id(), "kind": "register_tubes", "valid_at": machine_now(), "payload": {"tubes": list(tubes)}}
    return Envelope(**made | fields)


def express(sent, by):
    return register_express(sent, account=by.account_id, grant=by.grant_id, device=by.device_id)


def rows(county):
    """Everything that registering writes, without what differs by nature: who recorded when."""
    differing = {"recorded_at"}
    with acting(county), connection.cursor() as cursor:
        found = [list(model.objects.order_by("id").values()) for model in (Tube, Sample)]
        cursor.execute(
            "SELECT id, kind, account_id, grant_id, division_code, payload_hash, result FROM access_command ORDER BY id"
        )
        commands = [tuple(bytes(v) if isinstance(v, memoryview) else v for v in row) for row in cursor.fetchall()]
    return [[{k: v for k, v in row.items() if k not in differing} for row in part] for part in found], commands


def audited(by):
    with acting(make_actor(scope="469021", line="audit")), connection.cursor() as cursor:
        cursor.execute(
            "SELECT verb, account_id, grant_id, role, division_code, subject_kind, subject_id, count, detail"
            " FROM access_auditentry WHERE account_id = %s ORDER BY seq", [by.account_id],
        )  # fmt: skip
        return cursor.fetchall()


class Undo(Exception):
    pass


def both_ways(sent, by, county):
    """What the tables hold after the express and after the careful way, each undone."""
    from django.db import transaction

    seen = []
    for way in (express, lambda sent, by: submit(sent, by=by)):
        try:
            with transaction.atomic():
                receipt = way(sent, by)
                seen.append((receipt and (receipt.kind, receipt.result), rows(county), audited(by)))
                raise Undo
        except Undo:
            pass
    return seen


def test_the_express_way_writes_what_the_careful_way_writes(sampler, county, people):
    guest = make_resident(by=county, grid=ELSEWHERE)
    sent = envelope(tube(*people, sealed_at=moment(9)), tube(guest, mode="single", capacity=1, site=str(new_id())))
    one, other = both_ways(sent, sampler, county)
    assert one == other
    assert one[0] == ("register_tubes", {"tubes": 2, "samples": 4, "refused": []})


def test_a_slip_is_left_where_the_roster_places_a_person(sampler, county, people):
    """One moved after the roster was frozen, one never was on it."""
    moved, other, _ = people
    with acting(county), connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO screening_rosterentry (county, round, resident, division_code) VALUES (469021, %s, %s, %s)",
            [[ROUND, moved.id, ELSEWHERE], [ROUND, other.id, GRID]],
        )
    assert express(envelope(tube(*people)), sampler)
    with acting(county), connection.cursor() as cursor:
        cursor.execute("SELECT division_code, people FROM screening_rosterslip WHERE round = %s", [ROUND])
        assert dict(cursor.fetchall()) == {ELSEWHERE: 1, GRID: 1}


def test_a_sample_without_its_time_was_taken_when_the_batch_held(sampler, county, people):
    sent = tube(*people)
    del sent["samples"][0]["taken_at"]
    one, other = both_ways(envelope(sent), sampler, county)
    assert one == other and one[0] is not None


def test_a_tube_is_topped_up_person_by_person(sampler, county, people):
    first = tube(people[0])
    express(envelope(first), sampler)
    one, other = both_ways(envelope(tube(people[1], id=first["id"], opened_at=first["opened_at"])), sampler, county)
    assert one == other
    assert one[1][0][0][0]["filled"] == 2


def test_a_tube_topped_up_by_an_earlier_phone_was_opened_when_that_one_opened_it(sampler, county, people):
    first = tube(people[0])
    express(envelope(first), sampler)
    one, other = both_ways(envelope(tube(people[1], id=first["id"], opened_at=moment(-10))), sampler, county)
    assert one == other and one[0] is not None


def test_a_repeat_is_left_to_the_careful_way_which_knows_the_receipt(sampler, people):
    sent = envelope(tube(*people))
    first = express(sent, sampler)
    assert express(sent, sampler) is None
    again = submit(sent, by=sampler)
    assert (again.repeated, again.result) == (True, first.result)


def batch(change):
    """One tube of three people, changed."""

    def make(people, county):
        sent = tube(*people)
        change(sent, people, county)
        return sent

    return make


NOT_PLAIN = {
    "somebody unknown": lambda t, p, c: t["samples"][0].update(resident=str(new_id())),
    "somebody merged": lambda t, p, c: merge(p[0], p[1], c),
    "the same person twice": lambda t, p, c: t["samples"][0].update(resident=str(p[1].id)),
    "too many people": lambda t, p, c: t.update(capacity=2),
    "a mode nobody knows": lambda t, p, c: t.update(mode="mixed"),
    "a purpose of its own": lambda t, p, c: t.update(purpose="quarantine", round=None),
    "no round": lambda t, p, c: t.update(round=None),
    "a field nobody knows": lambda t, p, c: t.update(colour="blue"),
    "a field missing": lambda t, p, c: t.pop("capacity"),
    "an empty site": lambda t, p, c: t.update(site=""),
    "an empty order": lambda t, p, c: t.update(order_id=""),
    "an empty sealing": lambda t, p, c: t.update(sealed_at=""),
    "an empty taking": lambda t, p, c: t["samples"][0].update(taken_at=""),
    "nobody in it": lambda t, p, c: t.update(samples=[]),
    "sealed before a sample": lambda t, p, c: t.update(sealed_at=moment(2)),
    "sealed before it was opened": lambda t, p, c: t.update(opened_at=moment(8), sealed_at=moment(6)),
    "another village": lambda t, p, c: t.update(division_code=ELSEWHERE),
    "another county": lambda t, p, c: t.update(division_code=ELSEWHERE + 10**9),
    "a time without zone": lambda t, p, c: t.update(opened_at="2022-07-14T12:00:00"),
    "a time in words": lambda t, p, c: t.update(opened_at="now"),
    "a time long past": lambda t, p, c: t.update(opened_at="1900-01-01T00:00:00Z"),
    "an id of two": lambda t, p, c: t["samples"][0].update(id=f"{str(new_id())[:17]},{str(new_id())[:18]}"),
    "an id of braces": lambda t, p, c: t["samples"][0].update(id="{" + str(new_id())[:34] + "}"),
    "a code of an ID card": lambda t, p, c: t.update(code="110101199003070011"),
    "a code of two": lambda t, p, c: t.update(code='A","B'),
    "a capacity in words": lambda t, p, c: t.update(capacity="10"),
    "a capacity that is true": lambda t, p, c: t.update(capacity=True),
    "a round nobody opened": lambda t, p, c: t.update(round=str(new_id())),
    "a round of another county": lambda t, p, c: of_round(county=469022),
    "a round signed off": lambda t, p, c: of_round(closed_at=moment(), closed_recorded_at=moment(), closed_by=ROUND, remaining=0),
    "opened days before its round": lambda t, p, c: t.update(opened_at=moment(-60 * 48)),
    "opened tomorrow": lambda t, p, c: t.update(opened_at=moment(60 * 24), samples=[t["samples"][0] | {"taken_at": moment(60 * 24)}]),
    "taken tomorrow": lambda t, p, c: t["samples"][0].update(taken_at=moment(60 * 24)),
    "taken days ago": lambda t, p, c: t["samples"][0].update(taken_at=moment(-60 * 48)),
    "a household tube of strangers": lambda t, p, c: strangers(t, c),
}  # fmt: skip


def merge(one, other, county):
    with acting(county):
        type(one).objects.filter(id=one.id).update(merged_into=other.id)


def of_round(**fields):
    changes = ", ".join(f"{name} = %s" for name in fields)
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE screening_round SET {changes}", list(fields.values()))


def strangers(sent, county):
    sent["mode"] = "household"
    stranger = make_resident(by=county, grid=GRID, household=make_household(by=county, grid=GRID).id)
    sent["samples"][0]["resident"] = str(stranger.id)


@pytest.mark.parametrize("change", NOT_PLAIN.values(), ids=NOT_PLAIN.keys())
def test_what_is_not_plain_writes_nothing(sampler, county, people, change):
    sent = batch(change)(people, county)
    before = rows(county)
    assert express(envelope(sent), sampler) is None
    assert rows(county) == before
    assert audited(sampler) == []


def test_a_household_in_one_tube_is_plain(sampler, county, people):
    one, other = both_ways(envelope(tube(*people, mode="household")), sampler, county)
    assert one == other and one[0] is not None


def test_a_second_sample_in_the_round_is_not_plain(sampler, county, people):
    first = tube(*people)
    assert express(envelope(first), sampler)
    assert express(envelope(tube(people[0])), sampler) is None
    with acting(county):
        assert Sample.objects.count() == 3


def test_a_tube_with_a_result_is_not_topped_up_in_passing(sampler, county, people):
    first = tube(people[0])
    express(envelope(first), sampler)
    lab = make_actor(*PERMISSIONS, role="lab", line="testing")
    record_results(
        [ResultEntry("negative", machine_now(), uuid.UUID(first["id"]))], by=lab, lab="county", valid_at=machine_now()
    )
    assert express(envelope(tube(people[1], id=first["id"])), sampler) is None


@pytest.mark.parametrize("late", [timedelta(minutes=11), timedelta(days=-365 * 30)])
def test_a_time_that_cannot_be_meant_is_not_plain(sampler, people, late):
    assert express(envelope(tube(*people), valid_at=machine_now() + late), sampler) is None


def test_a_grant_that_ended_a_device_that_was_lost_and_a_role_that_may_not_are_not_plain(sampler, people):
    from dataclasses import replace

    lost = Device.objects.filter(id=sampler.device_id)
    assert express(envelope(tube(*people)), replace(sampler, device_id=new_id())) is None
    assert express(envelope(tube(*people)), replace(sampler, account_id=new_id())) is None
    with acting(ADMINISTRATION):
        lost.update(revoked_at=machine_now(), revoked_by=new_id())
    assert express(envelope(tube(*people)), sampler) is None
    with acting(ADMINISTRATION):
        lost.update(revoked_at=None, revoked_by=None)
    revoke_grant(sampler.grant_id, by=ADMINISTRATION, at=machine_now())
    assert express(envelope(tube(*people)), sampler) is None


def test_the_fingerprint_is_that_of_the_careful_way(sampler, people):
    sent = envelope(tube(*people))
    express(sent, sampler)
    changed = Envelope(**asdict(sent) | {"payload": json.loads(json.dumps(sent.payload))})
    changed.payload["tubes"][0]["capacity"] = 11
    from lianfang.core.access.rules import CommandIdTaken

    with pytest.raises(CommandIdTaken):
        submit(changed, by=sampler)
