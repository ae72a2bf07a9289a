"""The lists behind figures over HTTP: a round's people, its exclusions, pools, tubes on their way, slots of a site."""

from datetime import timedelta

import pytest
from field_scene import everything, open_round_with_tube

from conftest import JIANGNAN, XINZHU, make_actor
from lianfang.config.kinds import KINDS
from lianfang.core.access.models import AuditEntry
from lianfang.core.access.scope import acting
from lianfang.core.access.sign_in import token_of
from lianfang.core.duties.actions import declare_kinds
from lianfang.kit.clock import clock_at, local
from lianfang.kit.ids import new_id
from lianfang.response.specimens.permissions import RECORD_RESULTS
from lianfang.workflows.positive_pool import form_pools
from surfaces.console.browsing import account

pytestmark = pytest.mark.django_db
NOON = local("2022-07-14 12:00")
GRID = XINZHU * 1000 + 1


@pytest.fixture(autouse=True, scope="module")
def kinds(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        declare_kinds(KINDS)


@pytest.fixture
def ids():
    found = [new_id() for _ in range(6)]
    with clock_at(NOON):
        open_round_with_tube(make_actor(*everything()), found, GRID, NOON - timedelta(hours=2))
        yield found


def read(client, role, path, line="testing", scope="469021", **query):
    by = account((role, line, scope))[1][0]
    return client.get(f"/api/{path}", query, headers={"Authorization": f"Bearer {token_of(by)}"})


def test_each_figure_of_a_round_has_its_people(client, ids):
    _, round, sampled, other, *_ = ids
    account_of = read(client, "task_force_lead", f"rounds/{round}").json()["account"]
    for standing, figure, who in (("sampled", "found", sampled), ("missing", "missing", other)):
        rows = read(client, "task_force_lead", f"rounds/{round}/people", standing=standing).json()
        assert [row["resident"] for row in rows] == [str(who)] and account_of[figure] == 1
    assert (
        len(read(client, "task_force_lead", f"rounds/{round}/people", origin="frozen").json()) == account_of["frozen"]
    )
    assert read(client, "task_force_lead", f"rounds/{round}/people", origin="found").json() == []


def test_a_round_says_how_each_area_samples(client, ids):
    (area,) = read(client, "task_force_lead", f"rounds/{ids[1]}/areas").json()
    assert (area["mode"], area["pool"], area["zone_level"]) == ("household", 1, "high_risk")


def test_whoever_may_accept_the_remainder_is_listed(client, ids):
    rows = read(client, "commander", f"rounds/{ids[1]}/acceptors", line="command").json()
    assert {"commander"} <= {row["role"] for row in rows} and "grid_worker" not in {row["role"] for row in rows}


def test_a_pool_is_read_where_its_people_are(client, ids):
    by = make_actor(*everything())
    form_pools([ids[4]], by=by, permission=RECORD_RESULTS, county=469021, valid_at=NOON)
    (pool,) = read(client, "rapid_squad", "pools").json()
    (member,) = read(client, "rapid_squad", f"pools/{pool['id']}/members").json()
    assert (pool["members"], member["resident"], member["state"]) == (1, str(ids[2]), "to_resample")
    assert member["ends_at"] and member["authority"] and member["appeal_to"]
    (above,) = read(client, "superior_level", f"pools/{pool['id']}/members", line="command").json()
    assert "*" in above["name"] and (above["phone"], above["place"]) == ("", "") and "*" not in member["name"]
    assert read(client, "police", "pools", line="security", scope=str(JIANGNAN)).json() == []


def test_what_others_may_not_see_is_not_answered(client, ids):
    round = ids[1]
    assert read(client, "courier", f"rounds/{round}/people").status_code == 403
    assert read(client, "courier", "pools").status_code == 403
    assert read(client, "grid_worker", "custody", line="community").status_code == 403
    assert read(client, "community", f"rounds/{round}/people", line="community", scope=str(JIANGNAN)).json() == []


def test_tubes_are_counted_where_they_are_and_listed_behind_it(client, ids):
    counts = read(client, "courier", "custody").json()
    listed = read(client, "courier", "custody/tubes").json()
    assert sum(row["tubes"] for row in counts) == len(listed)
    assert read(client, "courier", "custody/differences").json() == []
    assert read(client, "courier", "custody/labs").json() == []
    assert read(client, "courier", "custody/tubes", stage="moon").status_code == 422


def test_the_pack_proposes_and_says_by_which_rule(client, ids):
    said = read(client, "commander", f"rounds/{ids[1]}/next", line="command").json()
    assert said["proposal"] == "another_round" and said["rule"] == "screening.rounds.chain_clear" and said["sentence"]


def logged(verb):
    with acting(make_actor(line="audit")):
        return list(AuditEntry.objects.filter(verb=verb).values_list("role", "count"))


def test_lists_of_people_that_leave_the_house_are_logged(client, ids):
    round = ids[1]
    for path, verb in (("people", "list_people"), ("missing", "list_missing")):
        rows = read(client, "task_force_lead", f"rounds/{round}/{path}").json()
        assert logged(f"screening.{verb}") == [("task_force_lead", len(rows))] and rows
    (tube,) = read(client, "epidemiologist", "tubes/positive", line="epidemiology").json()
    assert len(tube["members"]) == 1 and logged("specimens.list_positive") == [("epidemiologist", 1)]
    read(client, "epidemiologist", f"tubes/by-code/{tube['code']}", line="epidemiology")
    assert logged("specimens.view_members") == [("epidemiologist", 1)]


def test_who_counts_and_does_not_visit_learns_no_full_name_phone_or_place(client, ids):
    round = ids[1]
    for role in ("inspector", "superior_level"):
        rows = read(client, role, f"rounds/{round}/people", line="inspection").json()
        assert len(rows) == 2 and all("*" in row["name"] and not row["where"] for row in rows)
        for path in ("missing", "exclusions/proposed", "exclusions/to-recall"):
            assert read(client, role, f"rounds/{round}/{path}", line="inspection").status_code == 403


def test_a_laboratory_learns_nobody_who_is_in_a_tube(client, ids):
    (tube,) = read(client, "lab", "tubes/positive").json()
    assert (tube["filled"], tube["members"]) == (1, [])
    assert read(client, "lab", f"tubes/by-code/{tube['code']}").json()["members"] == []
    assert read(client, "sampler", f"tubes/by-code/{tube['code']}").status_code == 403
    assert read(client, "courier", "tubes/positive").status_code == 403
