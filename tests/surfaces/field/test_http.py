"""What the interface takes and answers as HTTP: devices, allowances, bodies, errors, its own description."""

import gzip
import io
import json
import uuid
from datetime import datetime

import pytest
from django.test import Client
from field_scene import PASSWORD, account, desk, device_and_token, enrolled_device, everything, open_round_with_tube

from conftest import XINZHU, make_actor
from lianfang.core.access.actions import revoke_device
from lianfang.core.access.commands import Receipt
from lianfang.core.access.limits import store
from lianfang.core.access.sign_in import token_of
from lianfang.kit.clock import clock_at, local, machine_now
from lianfang.kit.ids import new_id
from lianfang.kit.rates import Rate
from lianfang.surfaces.field.api import api
from lianfang.surfaces.field.commands import people_in
from lianfang.surfaces.field.express import ExpressLane
from lianfang.workflows.commands import COMMANDS

pytestmark = pytest.mark.django_db
GRID = XINZHU * 1000 + 1
NOON = local("2022-07-14 12:00")
#: operations that a sign-in, a code or the device's own secret opens
WITHOUT_BEARER = {
    *("/api/sign-in", "/api/devices/enrol"),
    *("/api/field/parcels", "/api/field/hello", "/api/field/wiped"),
}
IDS = [uuid.UUID(int=number) for number in range(1, 7)]


@pytest.fixture(autouse=True)
def own_allowances(tmp_path, settings):
    """Buckets of the test's own."""
    settings.RATES_FILE = tmp_path / "rates"
    store.cache_clear()
    yield
    store.cache_clear()


@pytest.fixture
def browser():
    return Client(raise_request_exception=False)


@pytest.fixture
def send(browser):
    """Send JSON under a token; ``raw`` is sent as it is."""

    def post(path, body=None, token="", raw=None, **headers):
        data = json.dumps(body).encode() if raw is None else raw
        content_type = headers.pop("content_type", "application/json")
        if token:
            headers["Authorization"] = f"Bearer {token}"
        return browser.post(f"/api/{path}", data, content_type=content_type, headers=headers)

    return post


def tube(people=1, **fields):
    samples = [{"id": str(new_id()), "resident": str(new_id())} for _ in range(people)]
    return {
        "id": str(new_id()), "code": f"T{uuid.uuid4().hex[-12:]}", "mode": "pooled", "capacity": 10,
        "purpose": "area_screening", "division_code": GRID, "opened_at": NOON.isoformat(), "samples": samples,
    } | fields  # fmt: skip


def envelope(payload, id=None):
    return {"id": str(id or new_id()), "valid_at": NOON.isoformat(), "payload": payload}


class TestDevices:
    def test_from_the_desk_to_the_first_record(self, send, browser):
        by = desk()
        token = token_of_desk(by)
        device = str(new_id())
        body = envelope({"devices": [{"title": "1号台", "division_code": 469021000000000, "id": device}]})
        with clock_at(NOON):
            made = send("commands/register_devices", body, token)
        assert made.json()["result"] == {"devices": [device]}
        code = send("devices/codes", {"devices": [device]}, token).json()[0]["code"]
        enrolled = send("devices/enrol", {"code": code}).json()
        assert enrolled["device"] == device
        name = account("sampler", "469021101")
        signed = send(
            "sign-in",
            {"username": name, "password": PASSWORD, "device": device, "device_secret": enrolled["secret"]},
        ).json()
        assert signed[0]["device"] == device
        listed = browser.get("/api/devices", headers={"Authorization": f"Bearer {token}"}).json()
        assert [(row["id"], row["revoked_at"]) for row in listed if row["id"] == device] == [(device, None)]
        assert "secret" not in json.dumps(listed)

    def test_a_lost_device_is_refused_at_the_next_request(self, send, browser):
        device, secret = enrolled_device()
        name = account("sampler", "469021101")
        signed = {"username": name, "password": PASSWORD, "device": str(device), "device_secret": secret}
        token = send("sign-in", signed).json()[0]["token"]
        headers = {"Authorization": f"Bearer {token}"}
        assert browser.get("/api/duties", headers=headers).status_code == 200
        revoke_device(by=desk(), valid_at=machine_now(), cause=new_id(), device=device, reason="lost on the way")
        answer = browser.get("/api/duties", headers=headers)
        assert (answer.status_code, "device is not valid" in answer.json()["detail"]) == (401, True)

    def test_a_device_of_another_unit_is_no_way_in(self, send):
        device, secret = enrolled_device("469021102")
        for scope, status in (("469021101", 401), ("469021102201", 200), ("469021", 200)):
            body = {"username": account("sampler", scope), "password": PASSWORD}
            answer = send("sign-in", body | {"device": str(device), "device_secret": secret})
            assert answer.status_code == status, answer.content
        assert send("sign-in", body).status_code == 200

    @pytest.mark.parametrize("path", ["commands", "commands/register_tubes"])
    def test_what_the_field_records_needs_a_device(self, send, settings, path):
        name = account("sampler", "469021101")
        token = send("sign-in", {"username": name, "password": PASSWORD}).json()[0]["token"]
        body = envelope({"tubes": [tube()]}) | ({"kind": "register_tubes"} if path == "commands" else {})
        with clock_at(NOON):
            answer = send(path, body, token)
            assert (answer.status_code, answer.json()["title"]) == (403, "DeviceNeeded")
            settings.DEVICES_REQUIRED = False
            assert send(path, body, token).status_code == 200

    def test_guessing_codes_has_to_wait(self, send):
        answers = [send("devices/enrol", {"code": f"AAAAA-{number:05}"}).status_code for number in range(41)]
        assert answers == [422] * 40 + [429]


def token_of_desk(by):
    from lianfang.core.access.models import Account, Grant

    name = account("administrator", "469021", "administration")
    made = Grant.objects.get(account=Account.objects.get(username=name))
    from lianfang.core.access.queries import actor_of

    return token_of(actor_of(made))


class TestAllowance:
    def test_wrong_passwords_wait_at_every_door(self, send, browser):
        name = account("sampler", "469021101")
        wrong = {"username": name, "password": "wrong"}
        assert [send("sign-in", wrong).status_code for _ in range(8)] == [401] * 8
        answer = send("sign-in", wrong | {"password": PASSWORD})
        assert (answer.status_code, answer.json()["title"]) == (429, "TooMuch")
        assert 1 <= int(answer.headers["Retry-After"]) <= 300
        assert browser.post("/sign-in", {"username": name, "password": PASSWORD}).status_code == 429

    def test_one_device_that_sends_too_much_waits_and_its_neighbour_does_not(self, browser, settings):
        settings.RATE_REQUESTS = Rate(1, 3)
        noisy, quiet = device_and_token("469021101"), device_and_token("469021101")
        read = [browser.get("/api/duties", headers={"Authorization": f"Bearer {noisy}"}) for _ in range(4)]
        assert [answer.status_code for answer in read] == [200, 200, 200, 429]
        assert read[-1].headers["Retry-After"] == "1" and "Send again in 1 s" in read[-1].json()["detail"]
        assert browser.get("/api/duties", headers={"Authorization": f"Bearer {quiet}"}).status_code == 200

    def test_three_hours_without_a_line_pass_at_once(self, send):
        """Fifty tubes of twenty, first in one batch, then each in a request of its own, on the settings as they are."""
        token = device_and_token("469021101")
        with clock_at(NOON):
            batch = [tube(20, capacity=20) for _ in range(50)]
            assert send("commands/register_tubes", envelope({"tubes": batch}), token).status_code != 429
            for one in batch:
                assert send("commands/register_tubes", envelope({"tubes": [one]}), token).status_code != 429

    def test_too_many_people_wait_and_nothing_was_written(self, send, settings):
        settings.RATE_PEOPLE = Rate(1, 10)
        token = device_and_token("469021101")
        with clock_at(NOON):
            send("commands/register_tubes", envelope({"tubes": [tube(10)]}), token)
            answer = send("commands/register_tubes", envelope({"tubes": [tube(5)]}), token)
        assert (answer.status_code, answer.json()["title"]) == (429, "TooMuch")
        assert answer.headers["Retry-After"] == "5"

    def test_people_are_counted_whatever_the_payload_holds(self):
        assert people_in({"tubes": [{"samples": [1, 2]}, {"samples": None}, 7], "people": [1], "results": {}}) == 3


class TestBodies:
    SIGN_IN = json.dumps({"username": "nobody", "password": "x"}).encode()

    @pytest.mark.parametrize(
        ("raw", "headers", "status"),
        [
            (SIGN_IN, {"content_type": "text/plain"}, 415),
            (SIGN_IN, {"content_type": "application/json; charset=utf-8"}, 401),
            (SIGN_IN, {"Content-Encoding": "br"}, 415),
            (gzip.compress(SIGN_IN, mtime=0), {"Content-Encoding": "gzip"}, 401),
            (gzip.compress(SIGN_IN, mtime=0)[:-9], {"Content-Encoding": "gzip"}, 422),
            (gzip.compress(SIGN_IN, mtime=0) + b"more", {"Content-Encoding": "gzip"}, 422),
            (SIGN_IN, {"Content-Encoding": "gzip"}, 422),
            (gzip.compress(b" " * (9 << 20), mtime=0), {"Content-Encoding": "gzip"}, 413),
            (b" " * (9 << 20), {}, 413),
            (b"\xff\xfe", {}, 422),
            (b'{"username": "\xff", "password": "x"}', {}, 422),
            (b'{"username": "\\ud800", "password": "x"}', {}, 422),
            (b"[" * 100_000 + b"]" * 100_000, {}, 422),
            (b'{"username": NaN, "password": "x"}', {}, 422),
            (b'{"username": ' + b"9" * 5000 + b', "password": "x"}', {}, 422),
            (b"null", {}, 422),
            (b"[]", {}, 422),
            (b"", {}, 422),
        ],
        ids=range(18),
    )
    def test_no_body_breaks_an_operation(self, send, raw, headers, status):
        answer = send("sign-in", raw=raw, **headers)
        assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
        assert answer.json()["status"] == status and answer.json()["detail"].endswith((".", ":"))

    def test_a_batch_is_taken_compressed(self, send):
        token = device_and_token("469021101")
        raw = gzip.compress(json.dumps(envelope({"tubes": [tube(3)]})).encode())
        with clock_at(NOON):
            answer = send("commands/register_tubes", raw=raw, token=token, **{"Content-Encoding": "gzip"})
        assert len(answer.json()["result"]["refused"]) == 1  # read, and refused because it names no round


class TestErrors:
    def test_an_unknown_operation_and_a_wrong_method_are_problems(self, browser):
        for answer, status in ((browser.get("/api/nowhere"), 404), (browser.delete("/api/duties"), 405)):
            assert (answer.status_code, answer.headers["Content-Type"]) == (status, "application/problem+json")
        assert browser.delete("/api/duties").headers["Allow"] == "GET"

    def test_what_breaks_says_that_nothing_was_written_and_shows_no_trace(self, browser, monkeypatch, caplog):
        token = device_and_token("469021101")
        monkeypatch.setattr("lianfang.surfaces.field.duties.duties", lambda **_: 1 / 0)
        headers = {"Authorization": f"Bearer {token}", "X-Request-Id": "phone-0001-42"}
        answer = browser.get("/api/duties?kind=张三", headers=headers)
        assert (answer.status_code, answer.json()["title"]) == (500, "Failed")
        assert "ZeroDivision" not in answer.content.decode()
        assert answer.headers["X-Request-Id"] == "phone-0001-42"
        ours = [record.getMessage() for record in caplog.records if record.name.endswith("problems")]
        assert ours == ["GET /api/duties answered 500 (request phone-0001-42)"]

    def test_a_request_id_that_could_be_anything_is_replaced(self, browser):
        answer = browser.get("/api/duties", headers={"X-Request-Id": "张三 13800000000"})
        assert len(answer.headers["X-Request-Id"]) == 32

    def test_a_database_that_is_gone_is_said_so(self, browser, monkeypatch):
        from django.db import OperationalError

        def gone(**_):
            raise OperationalError("gone")

        monkeypatch.setattr("lianfang.surfaces.field.duties.duties", gone)
        answer = browser.get("/api/duties", headers={"Authorization": f"Bearer {device_and_token('469021101')}"})
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")


class TestReading:
    @pytest.fixture
    def read(self, browser):
        with clock_at(NOON):
            open_round_with_tube(make_actor(*everything()), IDS, GRID, NOON)
            headers = {"Authorization": f"Bearer {device_and_token('469021', 'task_force_lead')}"}
            yield lambda path: browser.get(f"/api/{path}", headers=headers)

    def test_a_round_with_its_coverage_and_its_missing(self, read):
        incident, round, _, missing, *_ = map(str, IDS)
        assert [row["id"] for row in read(f"rounds?incident={incident}").json()] == [round]
        account = read(f"rounds/{round}").json()["account"]
        by_grid = read(f"rounds/{round}/coverage").json()
        assert [(row["code"], row["account"]) for row in by_grid] == [(GRID, account)]
        assert [row["code"] for row in read(f"rounds/{round}/coverage?level=village").json()] == [XINZHU * 1000]
        assert [row["resident"] for row in read(f"rounds/{round}/missing").json()] == [missing]
        assert [row["missing"] for row in read(f"rounds/{round}/missing/grids").json()] == [1]
        assert read(f"rounds/{round}/missing?within={XINZHU * 1000 + 1000}").json() == []
        assert read(f"rounds/{round}/sites").json() == []

    def test_a_tube_by_its_code_its_results_and_its_pool(self, read):
        tube = str(IDS[4])
        found = read("tubes/by-code/T000000000001").json()
        assert (found["id"], [member["resident"] for member in found["members"]]) == (tube, [str(IDS[2])])
        assert [row["value"] for row in read(f"tubes/{tube}/results").json()] == ["positive"]
        assert [row["tube"] for row in read(f"tubes/positive?round={IDS[1]}").json()] == [tube]
        assert read(f"tubes/late?round={IDS[1]}").json() == []
        assert read("tubes/by-code/T9").status_code == 404

    def test_reading_needs_the_permission(self, browser):
        headers = {"Authorization": f"Bearer {device_and_token('469021', 'courier')}"}
        for path in ("rounds", f"rounds/{IDS[1]}/coverage", f"rounds/{IDS[1]}/sites", "tubes/positive", "devices"):
            assert browser.get(f"/api/{path}", headers=headers).status_code == 403, path


class TestDescription:
    def test_each_kind_of_command_has_a_typed_operation(self, browser):
        described = browser.get("/api/openapi.json").json()
        for kind in COMMANDS:
            body = described["paths"][f"/api/commands/{kind}"]["post"]["requestBody"]["content"]["application/json"]
            name = body["schema"]["properties"]["payload"]["$ref"].rpartition("/")[2]
            assert described["components"]["schemas"][name]["additionalProperties"] is False

    def test_every_operation_is_described_with_its_errors(self, browser):
        described = browser.get("/api/openapi.json").json()
        for path, methods in described["paths"].items():
            for operation in methods.values():
                assert operation["description"] and operation["summary"] and operation["tags"], path
                assert "application/problem+json" in operation["responses"]["422"]["content"]
                assert ("security" in operation) is (path not in WITHOUT_BEARER)

    def test_every_reference_leads_somewhere(self):
        text = json.dumps(api.get_openapi_schema())
        named = {part.partition('"')[0] for part in text.split('"#/components/schemas/')[1:]}
        assert named <= set(api.get_openapi_schema()["components"]["schemas"])

    def test_a_typed_and_the_generic_operation_are_one(self, send):
        token = token_of_desk(desk())
        body = envelope({"devices": [{"title": "2号台", "division_code": 469021000000000}]})
        with clock_at(NOON):
            first = send("commands/register_devices", body, token).json()
            again = send("commands", body | {"kind": "register_devices"}, token).json()
        assert first.pop("repeated") is False and again.pop("repeated") is True
        assert datetime.fromisoformat(first.pop("recorded_at")) == datetime.fromisoformat(again.pop("recorded_at"))
        assert again == first

    def test_the_page_shows_every_operation_without_a_script(self, browser):
        page = browser.get("/api/docs").content.decode()
        assert "<script" not in page and "style=" not in page
        for path in api.get_openapi_schema()["paths"]:
            assert f"<code>{path}</code>" in page

    def test_equal_names_of_two_rooms_are_told_apart_by_the_rooms(self):
        assert not [name for name in api.get_openapi_schema()["components"]["schemas"] if "__" in name]


class TestExpressLane:
    """The busiest request is answered before anything else; its device's allowance holds there too."""

    @pytest.fixture
    def lane(self, monkeypatch):
        """What the lane answers, in place of the database; whatever it leaves reaches the house, which says so."""

        def house(environ, start_response):
            start_response("418 Left to the house", [])
            return [environ["wsgi.input"].read()]

        receipt = Receipt(new_id(), "register_tubes", NOON, {"registered": 5}, repeated=False)
        monkeypatch.setattr("lianfang.surfaces.field.express.register_express", lambda *_, **__: receipt)

        def ask(token, body, **environ):
            said = []
            raw = body if isinstance(body, bytes) else json.dumps(body, default=str).encode()
            asked = {
                "PATH_INFO": "/api/commands/register_tubes", "REQUEST_METHOD": "POST", "CONTENT_LENGTH": str(len(raw)),
                "HTTP_AUTHORIZATION": f"Bearer {token}", "wsgi.input": io.BytesIO(raw),
            } | environ  # fmt: skip
            with clock_at(NOON):
                content = b"".join(ExpressLane(house)(asked, lambda status, headers: said.append(status)))
            return int(said[0][:3]), content, raw

        return ask

    def test_plain_batches_are_counted_and_the_last_one_waits(self, lane, settings):
        settings.RATE_PEOPLE = Rate(1, 10)
        token = device_and_token("469021101")
        answers = [lane(token, envelope({"tubes": [tube(5)]})) for _ in range(3)]
        assert [status for status, _, _ in answers] == [200, 200, 418]
        assert json.loads(answers[0][1])["kind"] == "register_tubes"

    @pytest.mark.parametrize(
        "asked",
        [
            {"PATH_INFO": "/api/commands/seal_tubes"}, {"REQUEST_METHOD": "PUT"}, {"HTTP_AUTHORIZATION": ""},
            {"HTTP_AUTHORIZATION": "Bearer forged"}, {"HTTP_CONTENT_ENCODING": "gzip"}, {"CONTENT_LENGTH": ""},
            {"CONTENT_LENGTH": str(2 << 20)},
        ],
    )  # fmt: skip
    def test_what_the_lane_leaves_reaches_the_house_whole(self, lane, asked):
        status, content, raw = lane(device_and_token("469021101"), envelope({"tubes": [tube(5)]}), **asked)
        assert (status, content) == (418, raw)

    @pytest.mark.parametrize("raw", [b"", b"{", b"[]", b"null", b'{"id": 1}', b"[" * 100_000, b"\xff"])
    def test_what_is_no_command_is_left(self, lane, raw):
        assert lane(device_and_token("469021101"), raw)[0] == 418
