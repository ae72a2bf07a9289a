"""The sampling table over HTTP: looking people up, and a walk-in as a command."""

from dataclasses import replace

import pytest
from field_scene import desk, enrolled_device

from conftest import DINGAN, JIANGNAN, XINZHU, make_actor
from lianfang.core.access.actions import revoke_device
from lianfang.core.access.models import AuditEntry
from lianfang.core.access.scope import acting
from lianfang.core.access.sign_in import token_of
from lianfang.core.people.actions import county_cipher
from lianfang.kit.clock import clock_at
from lianfang.kit.ids import new_id
from lianfang.kit.rates import Rate
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
    return replace(account((role, line, scope))[1][0], device_id=enrolled_device()[0])


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


def test_people_are_looked_up_from_a_registered_device_that_still_holds(client, round, anna):
    body, by = {"round": str(round.id), "resident": str(anna.id)}, somebody()
    assert asked(client, replace(by, device_id=None), "table/people", body).json().get("title") == "DeviceNeeded"
    assert asked(client, by, "table/people", body).status_code == 200
    revoke_device(by=desk(), valid_at=NOON, cause=new_id(), device=by.device_id, reason="lost on the way")
    assert asked(client, by, "table/people", body).status_code == 401


def test_numbers_cannot_be_tried_out_at_a_table(client, round, anna, settings):
    settings.RATE_LOOK_UPS = Rate(0.01, 30)
    by, round_of = somebody(), {"round": str(round.id)}
    known = round_of | {"document": "46902119900307001X"}
    assert {asked(client, by, "table/people", known).status_code for _ in range(10)} == {200}
    guesses = [round_of | {"document": f"46902119900307{number:03}1"} for number in range(4)]
    answers = [asked(client, by, "table/people", guess) for guess in guesses]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]
    assert "Retry-After" in answers[-1].headers and answers[-1].json()["title"] == "TooMuch"
    assert asked(client, somebody(), "table/people", known).status_code == 200


def test_the_audit_says_who_was_looked_up(client, round, anna):
    asked(client, somebody(), "table/people", {"round": str(round.id), "document": "46902119900307001X"})
    with acting(make_actor(line="audit")):
        detail = AuditEntry.objects.get(verb="screening.look_up").detail
    assert (detail["found"], detail["way"]) == (str(anna.id), "document")
