"""The sampling table over HTTP: looking people up, and a walk-in as a command."""

import pytest

from conftest import DINGAN, JIANGNAN, XINZHU
from lianfang.core.access.sign_in import token_of
from lianfang.core.people.actions import county_cipher
from lianfang.kit.clock import clock_at
from lianfang.kit.ids import new_id
from making import make_resident
from response.screening.round_making import GRID, NOON, county_actor, opened
from surfaces.console.browsing import account

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def noon():
    with clock_at(NOON):
        yield


@pytest.fixture
def anna():
    lookup = county_cipher(DINGAN).lookup("46902119900307001X")
    return make_resident(by=county_actor(), grid=GRID, name="王小明", id_lookup=lookup)


@pytest.fixture
def round(anna):
    return opened(county_actor())


def asked(client, by, path, body):
    headers = {"Authorization": f"Bearer {token_of(by)}"} if by else {}
    return client.post(f"/api/{path}", body, content_type="application/json", headers=headers)


def somebody(role="sampler", line="testing", scope=str(XINZHU)):
    return account((role, line, scope))[1][0]


def test_a_sampler_recognises_who_stands_before_the_table(client, round, anna):
    body = {"round": str(round.id), "table": GRID, "document": "469021 19900307 001x"}
    (person,) = asked(client, somebody(), "table/people", body).json()
    assert (person["resident"], person["name"], person["standing"]) == (str(anna.id), "王**", "missing")
    assert "小明" not in str(person) and "19900307" not in str(person)


def test_refusals_are_problems_with_a_sentence(client, round, anna):
    body = {"round": str(round.id), "resident": str(anna.id)}
    assert asked(client, None, "table/people", body).status_code == 401
    assert asked(client, somebody("courier"), "table/people", body).status_code == 403
    answer = asked(client, somebody(scope=str(JIANGNAN)), "table/people", body)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")
    assert "choose one from the list" in answer.json()["detail"]
    assert asked(client, somebody(), "table/people", {"round": str(round.id)}).status_code == 422
    assert asked(client, somebody(), "table/people", body | {"table": 10**15}).status_code == 422


def test_a_walk_in_is_sent_as_a_command(client, round):
    # a program of the county, which needs no registered device, stands in for the phone
    by = somebody("community", "community")
    visitor = {"id": str(new_id()), "name": "海口测试", "document": "passport", "number": "E1", "sex": "male"}
    visitor |= {"birth_date": "1990-01-01", "phone": "13812345678", "home_code": 460105000000000}
    payload = {"round": str(round.id), "visitor": visitor, "division_code": GRID, "reason": "visitor"}
    body = {"id": str(new_id()), "kind": "register_walk_in", "valid_at": NOON.isoformat(), "payload": payload}
    answer = asked(client, by, "commands", body)
    assert answer.status_code == 200, answer.content
    assert answer.json()["result"]["resident"] == visitor["id"]
    (person,) = asked(client, by, "table/people", {"round": str(round.id), "document": "e1", "kind": "passport"}).json()
    assert (person["resident"], person["standing"]) == (visitor["id"], "missing")
