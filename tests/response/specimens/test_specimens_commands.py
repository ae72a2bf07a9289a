"""A tube's way through commands alone: registered, sealed, handed over, reported, corrected."""

import uuid

import pytest

from conftest import XINZHU, make_actor
from lianfang.core.access.commands import Envelope, apply_command
from lianfang.kit.clock import clock_at, local
from lianfang.response.specimens import queries
from lianfang.response.specimens.permissions import PERMISSIONS
from lianfang.response.specimens.schemas import COMMANDS
from making import make_resident

pytestmark = pytest.mark.django_db

GRID = XINZHU * 1000 + 1
NOON = local("2022-07-14 12:00")


def send(by, kind, **payload):
    model, handle = COMMANDS[kind]
    envelope = Envelope(uuid.uuid4(), kind, NOON, payload)
    return apply_command(envelope, lambda by, e: handle(by, e, model.model_validate(e.payload)), by=by).result


def test_a_tubes_way():
    with clock_at(NOON):
        county = make_actor(*PERMISSIONS)
        anna, stranger, tube = make_resident(by=county, grid=GRID).id, uuid.uuid4(), str(uuid.uuid4())
        samples = [{"id": str(uuid.uuid4()), "resident": str(person)} for person in (anna, stranger)]
        entry = {
            "id": tube, "code": "DA1", "mode": "pooled", "capacity": 10, "purpose": "voluntary_testing",
            "division_code": GRID, "opened_at": NOON.isoformat(), "samples": samples,
        }  # fmt: skip
        receipt = send(county, "register_tubes", tubes=[entry])
        assert (receipt["samples"], [item["why"] for item in receipt["refused"]]) == (1, ["unknown_person"])
        assert send(county, "seal_tubes", tubes=[tube]) == {"sealed": 1}
        step = {"tubes": [tube], "giver": "site", "taker": "courier", "tubes_counted": 2}
        receipt = send(county, "hand_over_tubes", **step)
        assert (receipt["tubes"], receipt["difference"], receipt["unnamed"]) == (1, 1, 1)
        found = [{"code": "DA1", "value": "positive", "tested_at": NOON.isoformat()}]
        assert send(county, "record_results", results=found, lab="county hospital")["results"] == 1
        corrected = {"value": "negative", "lab": "county hospital", "reason": "mixed up", "tested_at": NOON.isoformat()}
        assert send(county, "correct_result", tube=tube, **corrected) == {"number": 2}
        (result,) = queries.results_of([anna], by=county)
        assert (result.value, result.corrected) == ("negative", True)
