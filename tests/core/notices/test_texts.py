"""Text messages against a gateway on loopback that takes them, refuses, hangs, or loses its answer."""

import json
import threading
import time as clock
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.conf import settings

from conftest import make_actor
from core.notices.accounts import worker
from lianfang.core.access.scope import acting
from lianfang.core.notices import texts
from lianfang.core.notices.actions import notify, read_notices, set_phone
from lianfang.core.notices.models import Notice, NoticePhone, TextMessage
from lianfang.core.notices.queries import notices_of
from lianfang.core.notices.rules import WAITS, NewNotice, QuietHours, wait_after
from lianfang.core.notices.texts import GAP, GATHER, LEASE, POSTMAN, send_texts
from lianfang.kit.clock import LOCAL, machine_now

pytestmark = pytest.mark.django_db


class Gateway:
    """Sends each id once, whatever becomes of its answers; ``mood``: ok, refuses, hangs, loses."""

    def __init__(self) -> None:
        self.mood, self.asked, self.sent = "ok", [], {}
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                gateway.answer(self)

            def log_message(self, *words: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def address(self) -> str:
        return f"json://127.0.0.1:{self.server.server_port}/sms?:phone={{phone}}&:id={{id}}&rto=0.4"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body: dict[str, Any] = json.loads(request.rfile.read(int(request.headers["Content-Length"])))
        self.asked.append(body["id"])
        if self.mood == "refuses":
            request.send_error(503)
            return
        self.sent.setdefault(body["id"], (body["phone"], body["message"]))
        if self.mood == "hangs":
            clock.sleep(0.8)
        if self.mood in ("hangs", "loses"):
            request.connection.close()
            return
        request.send_response(200)
        request.send_header("Content-Length", "0")
        request.end_headers()


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    made = Gateway()
    monkeypatch.setattr(settings, "NOTICE_URLS", [made.address])
    monkeypatch.setattr(settings, "QUIET_HOURS", None)
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch):
    """Let the machine's clock, as the postman sees it, run ahead."""
    ahead = [timedelta()]
    monkeypatch.setattr(texts, "machine_now", lambda: machine_now() + ahead[0])

    def move(by: timedelta) -> None:
        ahead[0] += by

    return move


@pytest.fixture
def mine():
    actor = worker()
    set_phone(by=actor, phone="13800001234")
    return actor


def tell(actor, *keys: str, kind: str = "parcel_accepted") -> None:
    notify([NewNotice(actor.account_id, kind, key) for key in keys], by=make_actor())


def states() -> list[tuple[str, int]]:
    with acting(POSTMAN):
        return list(TextMessage.objects.order_by("created_at").values_list("state", "tries"))


def test_what_comes_within_a_minute_is_one_message(gateway, later, mine):
    tell(mine, "1", "2")
    tell(mine, "1", kind="duties_overdue")
    assert send_texts() == 0
    later(GATHER)
    assert (send_texts(), send_texts()) == (1, 0)
    assert list(gateway.sent.values()) == [
        ("13800001234", "【联防】您有1项逾期任务、2条答复，请打开联防。1 overdue, 2 answered: open Lianfang.")
    ]


def test_an_account_hears_at_most_once_in_a_quarter_of_an_hour_alarms_apart(gateway, later, mine):
    tell(mine, "1")
    later(GATHER)
    assert send_texts() == 1
    tell(mine, "2")
    later(GATHER)
    assert send_texts() == 0
    tell(mine, "3", kind="call_desk")
    assert send_texts() == 1
    tell(mine, "4")
    later(GAP)
    assert send_texts() == 1
    assert len(gateway.sent) == 3


def test_what_was_read_in_the_app_or_has_no_number_is_not_sent(gateway, later, mine):
    tell(mine, "1")
    read_notices([row.id for row in notices_of(by=mine)], by=mine)
    tell(worker(), "1")
    later(GATHER)
    assert (send_texts(), states()) == (0, [])


def test_a_refusing_gateway_is_asked_again_with_longer_and_longer_waits(gateway, later, mine):
    gateway.mood = "refuses"
    tell(mine, "1")
    later(GATHER)
    assert send_texts() == 0
    assert send_texts() == 0
    assert len(gateway.asked) == 1
    later(timedelta(seconds=WAITS[0]))
    assert send_texts() == 0
    assert len(gateway.asked) == 2
    later(timedelta(seconds=WAITS[0]))
    assert send_texts() == 0
    assert len(gateway.asked) == 2
    gateway.mood = "ok"
    later(timedelta(seconds=WAITS[1]))
    assert (send_texts(), states()) == (1, [("sent", 3)])
    assert len(set(gateway.asked)) == 1


@pytest.mark.parametrize("mood", ["hangs", "loses"])
def test_a_lost_answer_sends_nothing_twice(gateway, later, mine, mood):
    gateway.mood = mood
    tell(mine, "1")
    later(GATHER)
    assert send_texts() == 0
    gateway.mood = "ok"
    later(timedelta(seconds=WAITS[0]))
    assert send_texts() == 1
    assert (len(gateway.asked), len(gateway.sent)) == (2, 1)


def test_whoever_dies_with_a_message_gives_it_back(gateway, later, mine):
    class Killed(BaseException):
        pass

    def die(text: texts.Text) -> bool:
        raise Killed

    tell(mine, "1")
    later(GATHER)
    with pytest.raises(Killed):
        send_texts(die)
    assert send_texts() == 0
    later(LEASE)
    assert send_texts() == 1
    assert states() == [("sent", 2)]


def test_it_is_given_up_in_the_end_and_when_the_number_is_taken_away(gateway, later, mine):
    gateway.mood = "refuses"
    tell(mine, "1")
    later(GATHER)
    for seconds in (*WAITS, 0):
        assert send_texts() == 0
        later(timedelta(seconds=seconds))
    assert send_texts() == 0
    assert states() == [("given_up", len(WAITS) + 1)]
    tell(mine, "2", kind="call_desk")
    send_texts()
    set_phone(by=mine, phone="")
    later(timedelta(seconds=WAITS[0]))
    asked = len(gateway.asked)
    send_texts()
    assert [state for state, _ in states()] == ["given_up", "given_up"]
    assert len(gateway.asked) == asked


def test_the_night_is_quiet_but_for_alarms(gateway, monkeypatch, mine):
    hours = QuietHours.read("22:00-07:00")
    monkeypatch.setattr(settings, "QUIET_HOURS", hours)
    night = datetime.combine(machine_now().astimezone(LOCAL).date() + timedelta(days=1), time(3), LOCAL)
    tell(mine, "1")
    with acting(POSTMAN):
        Notice.objects.update(created_at=night - timedelta(hours=1))
    monkeypatch.setattr(texts, "machine_now", lambda: night)
    assert send_texts() == 0
    tell(mine, "2", kind="call_desk")
    assert send_texts() == 1
    monkeypatch.setattr(texts, "machine_now", lambda: night.replace(hour=7, minute=30))
    assert send_texts() == 0
    assert [message for _, message in gateway.sent.values()] == [
        "【联防】您有2条答复，请打开联防。2 answered: open Lianfang."
    ]


@pytest.mark.parametrize(
    ("hours", "clock", "until"),
    [
        ("22:00-07:00", "23:10", "+1 07:00"), ("22:00-07:00", "03:00", "+0 07:00"), ("22:00-07:00", "07:00", ""),
        ("22:00-07:00", "21:59", ""), ("12:00-14:00", "13:00", "+0 14:00"), ("12:00-14:00", "15:00", ""),
    ],
)  # fmt: skip
def test_quiet_hours_end(hours, clock, until):
    now = datetime.fromisoformat(f"2022-07-14T{clock}+08:00")
    found = QuietHours.read(hours).until(now)
    shown = f"+{(found.astimezone(LOCAL).date() - now.date()).days} {found.astimezone(LOCAL):%H:%M}" if found else ""
    assert shown == until


def test_without_a_gateway_nothing_is_gathered(monkeypatch, later, mine):
    monkeypatch.setattr(settings, "NOTICE_URLS", [])
    tell(mine, "1")
    later(GATHER)
    assert (send_texts(), states()) == (0, [])


def test_settings_that_cannot_be_meant_are_refused():
    from lianfang.config.settings import gateways, quiet_hours

    assert gateways("LIANFANG_NO_SUCH_NAME") == []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIANFANG_X", "json://10.0.0.1/sms")
        with pytest.raises(ValueError, match="does not say where the phone number goes"):
            gateways("LIANFANG_X")
        patch.setenv("LIANFANG_X", "at night")
        with pytest.raises(ValueError, match="are no hours"):
            quiet_hours("LIANFANG_X")


def test_a_dead_gateway_holds_nobody_up_for_long(gateway, later, monkeypatch):
    gateway.server.shutdown()
    gateway.server.server_close()
    for number in range(12):
        actor = worker()
        set_phone(by=actor, phone=f"138000012{number:02}")
        tell(actor, "1")
    later(GATHER)
    begun = clock.monotonic()
    assert send_texts() == 0
    assert clock.monotonic() - begun < 5
    assert {state for state, _ in states()} == {"waiting"}
    with acting(POSTMAN):
        assert NoticePhone.objects.count() == 12
    assert wait_after(len(WAITS) + 1) is None
