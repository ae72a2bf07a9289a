"""Sealed tubes with somebody in each, and their way: what the tests of custody and laboratories share."""

from datetime import timedelta

from conftest import XINZHU, make_actor
from lianfang.kit.clock import clock_at, local
from lianfang.kit.ids import new_id
from lianfang.response.specimens.actions import hand_over_tubes, receive_tubes, register_lab, register_tubes
from lianfang.response.specimens.permissions import PERMISSIONS
from lianfang.response.specimens.rules import SampleEntry, TubeEntry
from making import make_resident

VILLAGE = XINZHU * 1000
GRID = VILLAGE + 1
NOON = local("2022-07-14 12:00")
LATER = NOON + timedelta(minutes=20)
ALL = (*PERMISSIONS, "duties.read_duties")


def county_actor(role="commander"):
    return make_actor(*ALL, role=role)


def courier():
    return make_actor(*ALL, role="courier", line="testing")


def sealed_tubes(by, number, *, round=None, at=NOON, seal=True, grid=GRID):
    """Tubes DA01, DA02 … with one person in each, filled and sealed at noon."""
    entries = []
    for _ in range(number):
        id, person = new_id(), make_resident(by=by, grid=grid)
        entries.append(
            TubeEntry(
                id,
                f"DA{id.hex[-12:]}",
                "pooled",
                10,
                "area_screening" if round else "voluntary_testing",
                grid,
                at,
                (SampleEntry(new_id(), person.id, at),),
                round=round,
                sealed_at=at if seal else None,
            )
        )
    with clock_at(at):
        register_tubes(entries, by=by, valid_at=at)
    return sorted(entries, key=lambda entry: entry.code)


def codes_of(entries):
    return [entry.code for entry in entries]


def handed(by, entries, *, counted=None, at=NOON, giver="Xinzhu site", taker="courier 1", **fields):
    """These tubes handed to a courier at noon, all of them unless counted otherwise."""
    with clock_at(at):
        return hand_over_tubes(
            [entry.id for entry in entries], by=by, giver=giver, taker=taker, valid_at=at,
            tubes_counted=len(entries) if counted is None else counted, **fields,
        )  # fmt: skip


def a_lab(by, name="县疾控实验室", per_hour=100, per_day=1000, **fields):
    return register_lab(
        name, by=by, division_code=GRID, tubes_per_hour=per_hour, tubes_per_day=per_day, valid_at=NOON, **fields
    )  # fmt: skip


def received(by, lab, entries, *, counted=None, at=LATER, giver="courier 1", **fields):
    """These tubes taken in at a laboratory."""
    with clock_at(at):
        return receive_tubes(
            lab, by=by, giver=giver, tubes=[entry.id for entry in entries], valid_at=at,
            tubes_counted=len(entries) if counted is None else counted, **fields,
        )  # fmt: skip
