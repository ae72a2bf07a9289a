"""Commands in over HTTP: applied once, refused with a sentence, never outside the area."""

import uuid
from datetime import timedelta

import pytest

from conftest import DINGAN, XINZHU
from lianfang.core.access.actions import ADMINISTRATION, create_account, give_grant, revoke_grant
from lianfang.core.access.queries import actors_of
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import reconcile
from lianfang.core.duties.queries import duties
from lianfang.core.duties.rules import Desired
from lianfang.core.territory.models import Division
from lianfang.kit.clock import local, machine_now
from lianfang.kit.codes import code_range
from lianfang.kit.ids import new_id

pytestmark = pytest.mark.django_db
NOON = local("2022-07-14 12:00")


def account(role: str, scope: str, line: str = "community") -> Actor:
    made = create_account(by=ADMINISTRATION, username=f"{role}-{scope}-{new_id()}", title=role, password="open sesame")
    with acting(ADMINISTRATION):
        give_grant(
            by=ADMINISTRATION, account=made.id, role=role, line=line, scope=code_range(scope),
            valid_from=machine_now() - timedelta(days=1), reason="test",
        )  # fmt: skip
    return actors_of(made.id, machine_now())[0]


@pytest.fixture
def worker():
    return account("grid_worker", str(XINZHU))


@pytest.fixture
def visit(worker):
    query = """SELECT 'resident', %(who)s::uuid, 'request_visit', 'once', %(place)s::bigint, 'grid_worker', NULL::uuid,
                      'rule', %(who)s::uuid, %(noon)s::timestamptz, %(noon)s::timestamptz"""
    desire = Desired(("request_visit",), query, {"who": uuid.uuid4(), "place": XINZHU * 1000 + 1, "noon": NOON})
    reconcile(desire, by=worker, county=DINGAN, valid_at=NOON, cause=uuid.uuid4())
    return duties(by=worker)[0].id


@pytest.fixture
def call(client, worker):
    def send(method, path, body=None, by=worker):
        from lianfang.core.access.sign_in import token_of

        headers = {"Authorization": f"Bearer {token_of(by)}"} if by else {}
        return getattr(client, method)(f"/api/{path}", body, content_type="application/json", headers=headers)

    return send


def command(kind="finish_duty", id=None, **payload):
    return {"id": str(id or new_id()), "kind": kind, "valid_at": "2022-07-14T12:30:00+08:00", "payload": payload}


@pytest.fixture(autouse=True, scope="module")
def kind(django_db_setup, django_db_blocker):
    from lianfang.core.duties.actions import declare_kinds
    from lianfang.core.duties.rules import Kind

    with django_db_blocker.unblock():
        declare_kinds([Kind("request_visit", "测试", "test", "tests", ("seen",))])


def test_signing_in_gives_a_token_for_each_grant(client, worker):
    from lianfang.core.access.models import Account

    name = Account.objects.get(id=worker.account_id).username
    answer = client.post("/api/sign-in", {"username": name, "password": "open sesame"}, content_type="application/json")
    assert [(grant["role"], grant["role_zh"], grant["role_en"]) for grant in answer.json()] == [
        ("grid_worker", "网格员", "grid worker")
    ]
    wrong = client.post("/api/sign-in", {"username": name, "password": "open"}, content_type="application/json")
    assert (wrong.status_code, "password is wrong" in wrong.json()["detail"]) == (401, True)


def test_a_post_is_told_by_the_unit_that_it_is_for(client, worker):
    from lianfang.core.access.models import Account

    name = Account.objects.get(id=worker.account_id).username
    signed = {"username": name, "password": "open sesame"}
    assert client.post("/api/sign-in", signed, content_type="application/json").json()[0]["area"] == ""
    scope = worker.scope
    Division.objects.create(
        code=scope.lo,
        code_hi=scope.hi,
        level="village",
        name="新竹村",
        pinyin="xinzhucun",
        origin="local",
        source="test",
    )
    assert client.post("/api/sign-in", signed, content_type="application/json").json()[0]["area"] == "新竹村"


def test_a_command_is_applied_once_and_answers_the_same_receipt(call, visit):
    body = command(duty=visit, outcome="seen")
    first, again = call("post", "commands", body), call("post", "commands", body)
    assert (first.status_code, first.json()["repeated"]) == (200, False)
    assert (again.status_code, again.json()["repeated"]) == (200, True)
    assert call("get", "duties/balance").json() == {
        "opened": 1, "done": 1, "waived": 0, "cancelled": 0, "outstanding": 0
    }  # fmt: skip


def test_the_same_id_for_something_else_is_a_conflict(call, visit):
    body = command(duty=visit, outcome="seen")
    call("post", "commands", body)
    answer = call("post", "commands", body | {"payload": {"duty": visit, "outcome": "seen", "detail": {"a": 1}}})
    assert (answer.status_code, answer.json()["title"]) == (409, "CommandIdTaken")


def test_a_refused_command_leaves_nothing_and_its_id_can_be_used_again(call, visit):
    body = command(duty=visit, outcome="flown")
    assert call("post", "commands", body).status_code == 422
    assert call("post", "commands", body | {"payload": {"duty": visit, "outcome": "seen"}}).status_code == 200


def test_a_refusal_is_said_in_english_and_chinese(call, visit):
    said = call("post", "commands", command(duty=visit, outcome="flown")).json()
    assert "is no outcome of request_visit" in said["detail"]
    assert said["detail_zh"] == "“flown”不是 request_visit 的办理结果，可用：seen。"
    outside = call("get", "nowhere").json()
    assert (outside["detail_zh"], outside["status"]) == ("没有这个接口：见 /api/docs。", 404)


def test_a_misspelt_field_is_named(call, visit):
    answer = call("post", "commands", command(duty=visit, outcme="seen"))
    assert answer.status_code == 422 and "outcme" in answer.json()["detail"]


def test_another_villages_worker_neither_sees_nor_finishes_it(call, visit):
    stranger = account("grid_worker", "469021100004")
    assert call("get", "duties", by=stranger).json() == []
    answer = call("post", "commands", command(duty=visit, outcome="seen"), by=stranger)
    assert (answer.status_code, answer.json()["title"]) == (404, "DutyNotFound")


def test_a_revoked_grant_ends_the_token(call, worker):
    assert call("get", "duties").status_code == 200
    revoke_grant(worker.grant_id, by=ADMINISTRATION, at=machine_now())
    assert call("get", "duties").status_code == 401


def test_without_a_token_nothing_is_said(call):
    assert call("get", "duties", by=None).status_code == 401
    assert call("post", "commands", command(), by=None).status_code == 401


def test_an_unknown_command_and_a_time_without_zone_are_refused(call):
    assert "Known: " in call("post", "commands", command("fly")).json()["detail"]
    naive = command() | {"valid_at": "2022-07-14T12:30:00"}
    assert "time zone" in call("post", "commands", naive).json()["detail"]


@pytest.mark.parametrize(
    "valid_at", ["2199-01-01T00:00:00+08:00", "0001-01-01T00:00:00+08:00", "9999-12-31T23:59:59-14:00"]
)
def test_nothing_holds_at_a_time_still_to_come_or_before_there_were_records(call, visit, valid_at):
    body = command(duty=visit, outcome="seen") | {"valid_at": valid_at}
    answer = call("post", "commands", body)
    assert answer.status_code == 422
    assert "Correct valid_at" in answer.json()["detail"]


def test_the_books_at_a_time_without_its_zone_are_not_guessed(call):
    answer = call("get", "duties/balance?at=2022-07-16T12:00:00")
    assert answer.status_code == 422
    assert "needs a time zone" in answer.json()["detail"]


@pytest.mark.parametrize("question", ["kind=%00", "state=%00", "offset=99999999999999999999"])
def test_what_cannot_be_looked_up_is_refused_not_broken(call, question):
    answer = call("get", f"duties?{question}")
    assert answer.status_code == 422
    assert "correct it" in answer.json()["detail"]


@pytest.mark.parametrize(("name", "status"), [("grid\x00", 401), ("grid\ud800", 422)])
def test_a_name_that_no_account_can_have_is_refused_not_broken(call, name, status):
    assert call("post", "sign-in", {"username": name, "password": "x"}, by=None).status_code == status


def test_what_a_request_left_in_its_session_does_not_reach_the_next(call, visit):
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE access_grant (LIKE public.access_grant)")
        cursor.execute("SET search_path = pg_temp")
    assert [row["id"] for row in call("get", "duties").json()] == [visit]


def test_a_receipt_is_given_to_whoever_sent_the_command_only(call, visit):
    body = command(duty=visit, outcome="seen")
    call("post", "commands", body)
    colleague = account("grid_worker", str(XINZHU))
    answer = call("post", "commands", body, by=colleague)
    assert (answer.status_code, answer.json()["title"]) == (409, "CommandIdTaken")
