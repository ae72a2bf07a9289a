"""A round over HTTP to its sign-off: every equation holds, and what a phone loses is shown as missing rather than gone."""

import json
import os
import subprocess
import sys

import pytest

from lianfang.config.drills.round_over_http.http import Command
from lianfang.config.drills.round_over_http.play import Area, Book, Person
from lianfang.config.drills.round_over_http.reckoning import Equation
from lianfang.config.drills.round_over_http.telling import as_text

COMMAND = [sys.executable, "-c", "from lianfang.config.cli import main; main()", "drill", "round", "--json"]
#: of the households: enough for two sheets, full tubes and somebody in each list
SHARE = "0.08"


def drilled(*options: str) -> dict:
    """Run the drill as a user does, in the home of the tests, and return its account."""
    ran = subprocess.run(
        [*COMMAND, "--people-share", SHARE, *options],
        env={**os.environ, "LIANFANG_LOGIN": ""}, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr[-3000:]
    return json.loads(ran.stdout)


@pytest.fixture(scope="module")
def account(prepared_database):
    return drilled()


def sides(account: dict, name: str) -> tuple[dict, dict]:
    one = next(one for one in account["equations"] if one["name"] == name)
    return one["left"], one["right"]


@pytest.mark.slow
def test_everybody_is_sampled_reasoned_or_shown_missing(account):
    assert account["holds"] and all(one["holds"] for one in account["equations"])
    everybody, standing = sides(account, "everybody is sampled, reasoned or shown missing")
    assert everybody["found"] == 2 and everybody["roster"] > 1000
    assert all(standing.values()), "each of the three groups has somebody in this play"
    assert len(account["missing"]) == standing["missing"]


@pytest.mark.slow
def test_what_was_sent_twice_in_another_order_is_there_once(account):
    shown = account["shown"]
    assert shown["batches kept offline"] >= 3 and shown["batches repeated"] == shown["batches kept offline"]
    assert shown["hours offline"] >= 3
    stored, acknowledged = sides(account, "samples stored are those acknowledged")
    assert stored["stored"] == acknowledged["acknowledged"] + acknowledged["typed in from paper"] > 1000


@pytest.mark.slow
def test_each_mishap_of_the_play_happened_and_came_to_its_end(account):
    shown = account["shown"]
    assert (shown["tubes missing"], shown["tubes found"], shown["minutes to look for a tube"]) == (2, 1, 30)
    assert shown["people of the lost tube"] > 0
    assert shown["tubes shown late"] > 0 and "移动方舱实验室" in shown["held by"]
    assert (shown["sheets"], shown["sheets reconciled"]) == (2, "agreed + settled")
    assert shown["recognised"] == shown["looked up"] and shown["second sample refused"] == 1
    assert (shown["bad rows of the file"], shown["written with bad rows"]) == (2, False)
    assert shown["found untrue"] == 1 and shown["called back again"] > 0
    assert shown["released with notice"] + 1 == shown["people held"] == 10
    assert all(shown[f"tubes: {mode}"] for mode in ("household", "pooled", "single"))
    assert shown["remaining at sign-off"] == len(account["missing"]) and shown["refused without a name"]


@pytest.mark.slow
def test_every_duty_that_is_left_is_named(account):
    left, books = sides(account, "duties opened are done, waived, cancelled or outstanding")
    assert left["opened"] == sum(books.values()) and books["outstanding"] == len(account["outstanding"])
    assert {one["kind"] for one in account["outstanding"]} <= {"round_visit", "zone_review"}
    assert {one["subject"] for one in account["outstanding"] if one["kind"] == "round_visit"} == set(account["missing"])
    assert "the account holds" in as_text(account)


@pytest.mark.slow
def test_the_people_of_a_batch_that_never_came_are_shown_as_missing(prepared_database):
    account = drilled("--lose-batch")
    lost = set(account["undelivered"])
    assert account["holds"] and lost and lost <= set(account["missing"])
    visits = {one["subject"] for one in account["outstanding"] if one["kind"] == "round_visit"}
    assert lost <= visits


def test_an_equation_that_does_not_hold_is_told():
    one = Equation("people", {"roster": 3}, {"sampled": 1, "missing": 1}, "a list")
    assert not one.holds and one.told()["holds"] is False
    said = as_text({"equations": [one.told()], "shown": {}, "outstanding": [], "requests": 1, "holds": False})
    assert "✗ people" in said and "3 roster ≠ 1 sampled + 1 missing" in said and "DOES NOT HOLD" in said


def test_a_book_takes_what_a_receipt_refuses_for_not_acknowledged():
    samples = [{"id": "s1"}, {"id": "s2"}]
    command = Command("register_tubes", {"tubes": [{"id": "t1", "code": "A", "mode": "pooled", "samples": samples},
                                                   {"id": "t2", "code": "B", "mode": "single", "samples": [{"id": "s3"}]}]}, "now")  # fmt: skip
    refused = [{"tube": "t1", "sample": "s2", "sentence": "twice"}, {"tube": "t2", "sample": None, "sentence": "taken"}]
    book = Book()
    book.note(command, {"repeated": False, "result": {"refused": refused}})
    assert (book.acknowledged, book.tubes, book.refused) == ({"s1": "t1"}, {"t1": "A"}, ["twice", "taken"])
    book.note(command, {"repeated": True, "result": {"refused": refused}})
    assert (book.acknowledged, book.repeated) == ({"s1": "t1"}, 1)


def test_people_share_tubes_as_their_area_asks():
    people = [Person(str(number), f"h{number // 3}", 5) for number in range(12)]
    assert [len(one) for one in Area(1, 9, "pooled", 10).groups(people)] == [10, 2]
    assert [len(one) for one in Area(1, 9, "household", 1).groups(people)] == [3, 3, 3, 3]
    assert list(Area(6, 9, "pooled", 10).groups(people)) == []
