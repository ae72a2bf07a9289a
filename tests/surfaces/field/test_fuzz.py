"""Every operation under generated requests, well made and broken: no 5xx, and every answer is one that is described."""

import os
import uuid
from dataclasses import replace
from datetime import timedelta
from itertools import count

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection
from django.http import JsonResponse
from field_scene import PACK, add_case, device_and_token, everything, open_round_with_tube
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from ninja.operation import Operation
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.core.failures import FailureGroup

from conftest import XINZHU, make_actor
from lianfang.config.wsgi import application
from lianfang.kit.clock import clock_at, local
from lianfang.kit.rates import Rate
from lianfang.surfaces.field import gate
from lianfang.surfaces.field.api import api

pytestmark = pytest.mark.django_db
load_all_checks()
CHECKS = [
    schemathesis.checks.CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
    )
]
GRID = XINZHU * 1000 + 1
#: more of them find more: LIANFANG_FUZZ_EXAMPLES=200 takes a quarter of an hour
EXAMPLES = int(os.environ.get("LIANFANG_FUZZ_EXAMPLES", "6"))
#: ids that exist in the scene; others are generated beside them
KNOWN = [uuid.UUID(int=number) for number in range(1, 8)]
NOON = local("2022-07-14 12:00")
TIMES = [NOON + timedelta(hours=hours) for hours in (-2, -1, 0, 1, 24, 48, 72, -10_000)]

schemathesis.openapi.format("uuid", st.sampled_from([str(id) for id in KNOWN]) | st.uuids().map(str))
schemathesis.openapi.format(
    "date-time",
    st.sampled_from(
        [*(moment.isoformat() for moment in TIMES), "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"]
    ),
)
SCHEMA = schemathesis.openapi.from_dict(api.get_openapi_schema())
SCHEMA.app = application
OPERATIONS = {result.ok().label: result.ok() for result in SCHEMA.get_all_operations()}


#: what a field of this name says in the scene, so that requests reach past the first look-up
SAID = {
    "incident": KNOWN[0], "round": KNOWN[1], "resident": KNOWN[2], "tube": KNOWN[4], "sample": KNOWN[5], "case": KNOWN[6],
    "zone": KNOWN[6], "protocol": PACK, "pack": PACK, "county": 469021, "lo": GRID // 1000 * 1000,
    "hi": GRID // 1000 * 1000 + 999, "code_lo": GRID // 1000 * 1000, "code_hi": GRID // 1000 * 1000 + 999,
    "overlays": [], "detected_by": "fever_clinic", "disease": "covid19-cn", "class_code": "confirmed_case",
}  # fmt: skip
SAID = {name: str(value) if isinstance(value, uuid.UUID) else value for name, value in SAID.items()}
new_ids = count(1 << 64)


def steered(body, depth=0):
    """Return a generated body with the words of the scene in their places, a new id and a time that can hold."""
    if isinstance(body, list):
        return [steered(one, depth + 1) for one in body]
    if not isinstance(body, dict):
        return body
    found = {name: steered(value, depth + 1) for name, value in body.items()}
    found |= {name: SAID[name] for name, value in found.items() if name in SAID and type(value) is type(SAID[name])}
    found |= {name: GRID for name, value in found.items() if name.endswith("code") and isinstance(value, int)}
    if depth == 0 and "payload" in found:
        found |= {"id": str(uuid.UUID(int=next(new_ids))), "valid_at": (NOON - timedelta(hours=1)).isoformat()}
    return found


@pytest.fixture
def one_connection():
    """Keep the connection of the test's own transaction open behind each request, as Django's test client does."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture
def token(db, one_connection, settings, monkeypatch):
    """A real account on an enrolled device, with every permission, in a county where something happens."""
    settings.RATE_REQUESTS = settings.RATE_PEOPLE = settings.RATE_LOOK_UPS = Rate(1e6, 1e6)
    monkeypatch.setattr("lianfang.surfaces.field.devices.check_tries", lambda username, address: None)
    real = gate.actor_of_claims
    monkeypatch.setattr(gate, "actor_of_claims", lambda claims: replace(real(claims), permissions=everything()))
    with clock_at(NOON):
        open_round_with_tube(make_actor(*everything()), KNOWN[:6], GRID, NOON - timedelta(hours=2))
        with connection.cursor() as cursor:  # what a commit would check; the test's own transaction never gets there
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        add_case(make_actor(*everything()), KNOWN[6], KNOWN[:6], GRID, NOON - timedelta(hours=2))
        yield device_and_token("469021")


@pytest.mark.parametrize("label", OPERATIONS)
def test_no_request_breaks_an_operation(token, label):
    for mode, examples in ((GenerationMode.POSITIVE, EXAMPLES), (GenerationMode.NEGATIVE, EXAMPLES // 2)):
        fuzzed(OPERATIONS[label].as_strategy(generation_mode=mode), examples, token)


def fuzzed(cases, examples, token):
    """Send generated requests, the same at every run, and check each answer."""

    @hypothesis.seed(20220902)
    @hypothesis.settings(
        max_examples=examples,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @hypothesis.given(case=cases, steer=st.integers(0, 3))
    def run(case, steer):
        case.body = steered(case.body) if steer else case.body
        # the checks read bodies as they come from the application, which would compress a phone's
        answer = case.call(headers={"Authorization": f"Bearer {token}", "Accept-Encoding": "identity"})
        case.validate_response(answer, checks=CHECKS)

    run()


def test_the_checks_see_what_is_not_described(token, monkeypatch):
    """The net holds: an answer of another form than described, and a 5xx, are caught."""
    headers = {"Authorization": f"Bearer {token}"}
    operation = OPERATIONS["GET /api/duties/balance"]
    case = operation.Case(method="GET")
    case.validate_response(case.call(headers=headers), checks=CHECKS)
    for answer in ({"opened": "many"}, RuntimeError("planted")):
        monkeypatch.setattr(Operation, "run", lambda self, request, answer=answer, **_: _answered(answer))
        with pytest.raises(FailureGroup):
            case.validate_response(case.call(headers=headers), checks=CHECKS)


def _answered(answer):
    if isinstance(answer, Exception):
        raise answer
    return JsonResponse(answer)
