"""One duty all the way over HTTP: posted as a fact, in somebody's list, done, counted; and the same after kill -9."""

import json
import os
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from pathlib import Path

import pytest
from test_server import Running, eventually, running

from databases import kill_all
from lianfang.config.postgres import EmbeddedCluster

LIANFANG = [sys.executable, "-c", "from lianfang.config.cli import main; main()"]
PASSWORD = "one duty all the way"

__all__ = ["running"]  # the fixture


class Refused(Exception):
    """What the house answered instead."""


class Caller:
    """A program that talks to the house over HTTP only."""

    def __init__(self, house: Running, username: str) -> None:
        self.house, self.token = house, ""
        self.token = self("POST", "sign-in", {"username": username, "password": PASSWORD})[0]["token"]

    def __call__(self, method: str, path: str, body: dict | None = None):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.house.port}/api/{path}",
            json.dumps(body).encode() if body else None,
            {"Content-Type": "application/json", "Authorization": f"Bearer {self.token}"},
            method=method,
        )
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            raise Refused(json.load(error)["detail"]) from error

    def command(self, kind: str, **payload) -> dict:
        body = {"id": str(uuid.uuid4()), "kind": kind, "valid_at": "2022-07-13T20:00:00+08:00", "payload": payload}
        return self("POST", "commands", body)


def lianfang(home: Path, *arguments: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LIANFANG_")}
    subprocess.run([*LIANFANG, *arguments], env={**kept, "LIANFANG_HOME": str(home)}, check=True, capture_output=True)


def add_account(house: Running, name: str, role: str, line: str, area: str) -> None:
    lianfang(house.home.path, "account", "add", name, "--role", role, "--line", line, "--area", area,
             "--password", PASSWORD)  # fmt: skip


@pytest.mark.slow
def test_a_fact_becomes_a_duty_is_done_and_survives_kill_9(running: Running):
    add_account(running, "commander", "commander", "command", "469021")
    add_account(running, "town", "township", "community", "469021101")
    commander, town = Caller(running, "commander"), Caller(running, "town")
    incident = commander.command(
        "declare_incident", division_code=469021 * 10**9, title_zh="测试疫情", title_en="test outbreak",
        disease="covid-19", pack="covid19-cn-ed9", authority="county government",
        areas=[{"lo": 469021 * 10**9, "hi": 469022 * 10**9 - 1}],
    )["result"]["id"]  # fmt: skip
    commander.command(
        "issue_directive", incident=incident, division_code=469021 * 10**9, title="t", text="t", authority="HQ",
        recipients=[{"division_code": 469021101 * 10**6, "role": "township"}],
        acknowledge_by="2022-07-13T22:00:00+08:00",
    )  # fmt: skip
    mine = town("GET", "duties")
    assert [duty["kind"] for duty in mine] == ["directive_receipt"]
    with pytest.raises(Refused, match="acknowledge_directive"):
        town.command("finish_duty", duty=mine[0]["id"], outcome="received")
    assert town.command("acknowledge_directive", recipient=mine[0]["subject"])["repeated"] is False
    books = commander("GET", "duties/balance")
    assert books == {"opened": 1, "done": 1, "waived": 0, "cancelled": 0, "outstanding": 0}

    cluster = EmbeddedCluster(running.home)
    kill_all([*running.family(), *cluster.processes()])
    running.process.kill()
    running.process.wait()
    running.start()
    eventually(running.answers, 60, running.log)
    assert Caller(running, "commander")("GET", "duties/balance") == books


def test_a_wrong_password_is_refused_over_http(running: Running):
    with pytest.raises(Refused, match="password is wrong"):
        Caller(running, "nobody")
