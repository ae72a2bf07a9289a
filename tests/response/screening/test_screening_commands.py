"""The commands of a round from its opening to its sign-off, as they arrive from outside, each applied once."""

import uuid
from typing import Any

import pytest
from pydantic import ValidationError

from lianfang.core.access.commands import Envelope, apply_command
from lianfang.kit.clock import clock_at
from lianfang.response.screening import queries
from lianfang.response.screening.schemas import COMMANDS
from lianfang.response.specimens import schemas as specimens
from making import appointed, make_resident
from response.screening.round_making import GRID, INCIDENT, NOON, VILLAGE, county_actor

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon():
    with clock_at(NOON):
        yield


def send(by, kind, id=None, commands=COMMANDS, **payload: Any):
    """Send one command twice under one id; both times the same receipt comes back."""
    model, handle = commands[kind]
    envelope = Envelope(id or uuid.uuid4(), kind, NOON, payload)
    receipts = [
        apply_command(envelope, lambda by, e: handle(by, e, model.model_validate(e.payload)), by=by) for _ in range(2)
    ]
    assert (receipts[0].result, receipts[0].repeated, receipts[1].repeated) == (receipts[1].result, False, True)
    return receipts[0].result


def test_a_round_through_commands_alone():
    county = county_actor()
    people = [str(make_resident(by=county, grid=GRID).id) for _ in range(5)]
    visitor = str(make_resident(by=county, grid=469021100004001).id)
    opened = send(
        county, "open_round", incident=str(INCIDENT), area_code=VILLAGE, title="Xinzhu", pack="covid19-cn-ed9",
        areas=[{"code_lo": VILLAGE, "code_hi": VILLAGE + 999, "zone_level": "medium_risk"}],
    )  # fmt: skip
    assert (opened["number"], opened["frozen"]) == (1, 5)
    round = opened["id"]
    site = {"id": str(uuid.uuid4()), "name": "hall", "division_code": GRID, "tables": 1, "samplers": 1}
    assert send(county, "open_sites", round=round, sites=[site])["sites"] == 1
    send(
        county, "record_found", round=round, people=[{"resident": visitor, "reason": "visitor", "division_code": GRID}]
    )
    tube = tube_of(people[:2], round, site["id"])
    receipt = send(county, "register_tubes", commands=specimens.COMMANDS, tubes=[tube])
    assert (receipt["tubes"], receipt["samples"], receipt["refused"]) == (1, 2, [])
    exclusion = {"id": str(uuid.uuid4()), "resident": people[2], "reason": "away", "where": "Haikou"}
    assert send(county, "exclude_people", round=round, people=[exclusion])["people"] == 1
    visit = {"id": str(uuid.uuid4()), "resident": people[3], "outcome": "could_not", "note": "nobody home"}
    assert send(county, "order_visits", round=round, within={"lo": GRID, "hi": GRID})["opened"] == 3
    assert send(county, "record_visits", round=round, people=[visit])["people"] == 1
    second = county_actor()
    send(second, "record_recall", round=round, exclusion=exclusion["id"], confirmed=True)
    closed = send(county, "close_round", round=round, accepted_by=str(appointed()), accepted_title="township")
    assert (closed["remaining"], closed["recalls_outstanding"]) == (3, 0)
    decided = send(
        county, "decide_next_round", incident=str(INCIDENT), area_code=VILLAGE, pack="covid19-cn-ed9",
        situation="chain_unclear", decision="another_round",
    )  # fmt: skip
    assert decided["proposal"] == "another_round"
    (site_row,) = queries.sampling_sites(uuid.UUID(round), by=county)
    assert (site_row.tubes, site_row.people) == (1, 2)


def tube_of(people, round, site):
    return {
        "id": str(uuid.uuid4()), "code": "DA00000001", "mode": "pooled", "capacity": 10, "purpose": "area_screening",
        "division_code": GRID, "opened_at": NOON.isoformat(), "round": round, "site": site,
        "samples": [{"id": str(uuid.uuid4()), "resident": person} for person in people],
    }  # fmt: skip


def test_a_misspelt_field_is_told():
    model, _ = COMMANDS["close_round"]
    with pytest.raises(ValidationError, match="remarks"):
        model.model_validate({"round": str(uuid.uuid4()), "remarks": "x"})


def test_every_command_is_an_action_of_its_room():
    from lianfang.response.screening import actions
    from lianfang.response.specimens import actions as specimen_actions

    assert all(callable(getattr(actions, name)) for name in COMMANDS)
    assert all(callable(getattr(specimen_actions, name)) for name in specimens.COMMANDS)
