"""How far each role of one village reaches by reading: never into the neighbour's people, numbers or findings."""

import json
import re

import pytest

from conftest import XINZHU
from lianfang.config.kinds import KINDS
from lianfang.core.access.sign_in import token_of
from lianfang.core.duties.actions import declare_kinds
from lianfang.kit.clock import clock_at
from lianfang.kit.codes import unit_range
from lianfang.kit.ids import new_id
from lianfang.response.cases.queries import pools
from lianfang.response.screening.actions import print_sheets
from lianfang.response.screening.queries import sheets
from lianfang.response.specimens.rules import ResultEntry, SampleEntry, TubeEntry
from lianfang.surfaces.field.api import api
from lianfang.workflows.positive_pool import record_results, register_tubes
from surfaces.console.browsing import account
from surfaces.console.scene import NOW, county_hand, two_villages

pytestmark = pytest.mark.django_db
VILLAGE, TOWN = str(XINZHU), str(XINZHU)[:9]
ROLES = {
    "sampler": ("testing", VILLAGE), "courier": ("testing", VILLAGE), "lab": ("testing", VILLAGE),
    "rapid_squad": ("testing", VILLAGE), "grid_worker": ("community", VILLAGE), "volunteer": ("community", VILLAGE),
    "community": ("community", VILLAGE), "township": ("community", TOWN), "police": ("security", TOWN),
    "epidemiologist": ("epidemiology", TOWN), "inspector": ("inspection", TOWN), "superior_level": ("command", TOWN),
}  # fmt: skip
#: who may read what a laboratory found, or who is held because of it
TOLD = {"lab", "rapid_squad", "grid_worker", "community", "township", "police", "epidemiologist", "superior_level"}
GETS = sorted(path for path, operations in api.get_openapi_schema()["paths"].items() if "get" in operations)


@pytest.fixture(scope="module", autouse=True)
def kinds(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        declare_kinds(KINDS)


@pytest.fixture
def scene():
    """Two villages with a positive tube filled in the first, of one person from each; and what addresses ask for."""
    ours, theirs = two_villages()
    by, tube = county_hand(), new_id()
    with clock_at(NOW):
        swabs = tuple(SampleEntry(new_id(), village.people[2], NOW) for village in (ours, theirs))
        entry = TubeEntry(
            tube, "REACH0000001", "pooled", 10, "area_screening", XINZHU * 1000 + 11, NOW, swabs, round=ours.round
        )
        register_tubes([entry], by=by, valid_at=NOW)
        record_results([ResultEntry("positive", NOW, tube)], by=by, lab="lab", valid_at=NOW)
        (pool,) = pools(by=by)
        print_sheets(theirs.round, by=by, within=unit_range(theirs.code * 1000), valid_at=NOW)
        print_sheets(ours.round, by=by, within=unit_range(ours.code * 1000), valid_at=NOW)
        sheet = sheets(ours.round, by=by)[0].code
        foreign = sheets(theirs.round, by=by)[0].code
        yield ours, theirs, {"tube": tube, "pool": pool.id, "code": "REACH0000001", "sheet": sheet, "foreign": foreign}


def addresses(round, site, names):
    """Every address that is read, filled with records of the first village and with those of the second."""
    for path in GETS:
        code = names["sheet"] if "sheets/" in path else names["code"]
        parts = {"round": round, "site": site, "tube": names["tube"], "pool": names["pool"], "code": code}
        yield re.sub(r"{(?:\w+:)?(\w+)}", lambda found, parts=parts: str(parts[found[1]]), path)


@pytest.mark.parametrize("role", ROLES)
def test_no_read_of_a_role_reaches_the_neighbours_people(client, scene, role):
    ours, theirs, names = scene
    line, scope = ROLES[role]
    token = token_of(account((role, line, scope))[1][0])
    asked = 0
    for round, site in ((ours.round, ours.site), (theirs.round, theirs.site)):
        for path in [*addresses(round, site, names), f"/api/table/sheets/{names['foreign']}"]:
            answer = client.get(path, {"round": str(round)}, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code in (200, 403, 404, 422), (path, answer.content)
            asked += answer.status_code == 200
            body = json.dumps(answer.json(), ensure_ascii=False)
            assert not any(str(person) in body for person in theirs.people), path
            assert "江测试" not in body and "江组" not in body, path
            assert not re.search(r"46902119800101\d{4}|100[12]234567\d", body), path
            if role not in TOLD:
                assert '"positive"' not in body, path
    assert asked > 0


def test_the_sweep_would_see_the_neighbours_people(client, scene):
    _, theirs, names = scene
    token = token_of(account(("epidemiologist", "epidemiology", "469021"))[1][0])
    answer = client.get(f"/api/pools/{names['pool']}/members", headers={"Authorization": f"Bearer {token}"})
    body = json.dumps(answer.json(), ensure_ascii=False)
    assert str(theirs.people[2]) in body and "江测试3" in body
