"""Paper sheets in the console: made, printed, typed in by two people, settled; residents' printed codes."""

import re

import pytest
from django.conf import settings

from conftest import XINZHU
from lianfang.core.people.actions import issue_codes
from lianfang.kit.clock import clock_at
from lianfang.kit.ids import new_id
from lianfang.response.screening import queries
from lianfang.response.specimens.actions import register_tubes
from lianfang.response.specimens.rules import SampleEntry, TubeEntry
from lianfang.surfaces.console import words
from surfaces.console.browsing import account, cells, hidden, signed_in, text
from surfaces.console.scene import NOW, county_hand

pytestmark = pytest.mark.django_db
pytest_plugins = ["surfaces.console.browsers"]

SEEN = "2022-07-14T11:55"


@pytest.fixture
def round(villages):
    return villages[0].round


@pytest.fixture
def sheet(office, round):
    page = text(office.post(f"/rounds/{round}/sheets/make", {"within": f"{XINZHU}000"}))
    answer = office.post(f"/rounds/{round}/sheets/make", confirming(page, within=f"{XINZHU}000"))
    assert answer.status_code == 302, answer.content.decode()[:2000]
    return queries.sheets(round, by=county_hand())[0].id


@pytest.fixture
def second(villages):
    return signed_in(account(("community", "community", str(XINZHU)))[0])


def confirming(page, **fields):
    kept = {name: hidden(page, name) for name in ("valid_at", "command")}
    return fields | kept | {"confirmed": "yes"}


def typed(browser, sheet, **fields):
    form = {"total": "2", "tube-of-1": "1", "tube-of-2": "1", "tube-of-3": "1"} | fields
    page = text(browser.post(f"/sheets/{sheet}/type", form))
    answer = browser.post(f"/sheets/{sheet}/type", confirming(page, **form))
    assert answer.status_code == 302, answer.content.decode()[:2000]
    return page


def ticks(*lines, code="PAPER1"):
    return {"tube-code-1": code, "tube-time-1": SEEN} | {f"ticked-{line}": "yes" for line in lines}


def test_an_empty_list_says_what_to_do(office, round):
    page = text(office.get(f"/rounds/{round}/sheets"))
    assert "先打印登记表用纸笔采样" in page or "print sheets and sample on paper" in page


def test_sheets_are_made_for_the_missing_and_listed(office, round, sheet):
    (row,) = cells(text(office.get(f"/rounds/{round}/sheets")))
    assert row[0] == "1" and row[4] == "3"
    assert cells(text(office.get(f"/rounds/{round}/sheets", {"state": "printed"}))) == [row]
    assert "PAPER" not in str(row)
    exported = office.get(f"/rounds/{round}/sheets", {"export": "csv"}).content.decode("utf-8-sig")
    assert row[1] in exported


def test_a_sheet_is_found_by_its_code(office, round, sheet):
    code = cells(text(office.get(f"/rounds/{round}/sheets")))[0][1]
    assert office.get(f"/rounds/{round}/sheets", {"code": code.lower()})["Location"].startswith(f"/sheets/{sheet}")
    assert office.get(f"/rounds/{round}/sheets", {"code": "AAAAAAAAA"}).status_code == 404


def test_the_paper_holds_names_boxes_and_masked_ids(office, round, sheet):
    page = text(office.get(f"/rounds/{round}/sheets/print"))
    assert page == text(office.get(f"/sheets/{sheet}/print"))
    assert len(re.findall(r'<td class="tick"><i></i>', page)) == 3 + 4
    assert "竹测试1" in page and "46902119800101" not in page and page.count("data:image/svg+xml") == 1


def test_a_sheet_is_typed_in_by_two_people_and_settled(office, second, round, sheet):
    page = typed(office, sheet, **ticks(1, 2))
    assert ">2<" in page
    rows = cells_of_record(text(office.get(f"/sheets/{sheet}")))
    assert [(row[6], row[-1]) for row in rows[:2]] == [("PAPER1 · 11:55", "PAPER1")] * 2
    assert office.post(f"/sheets/{sheet}/type", {"total": "x"}).status_code == 422
    typed(second, sheet, **ticks(1, 3))
    page = text(second.get(f"/sheets/{sheet}"))
    assert re.findall(r'name="(line-\d)" value="first"', page) == ["line-2", "line-3"]
    assert second.post(f"/sheets/{sheet}/settle", {"line-2": "first", "note": "x"}).status_code == 422
    choice = {"line-2": "second", "line-3": "second", "note": "the paper says so"}
    asked = text(second.post(f"/sheets/{sheet}/settle", choice))
    answer = second.post(f"/sheets/{sheet}/settle", confirming(asked, **choice))
    assert answer.status_code == 302, re.findall(r"refusal.{0,400}", answer.content.decode(), re.DOTALL)
    rows = cells_of_record(text(second.get(f"/sheets/{sheet}")))
    assert [row[-1] for row in rows] == ["PAPER1", words.word("missing"), "PAPER1"]
    assert queries.count_sheets(round, by=county_hand())["settled"] == 1


def cells_of_record(page):
    body = re.search(r"<tbody>(.*?)</tbody>", page, re.DOTALL)
    return [
        [re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)]
        for row in re.findall(r"<tr>(.*?)</tr>", body[1], re.DOTALL)
    ]


def test_a_total_that_differs_is_asked_about(office, sheet):
    assert "3" in typed(office, sheet, **ticks(1, 2), total="3")


@pytest.mark.parametrize(
    ("language", "why", "refusal"),
    [
        ("zh-hans", "第1行未登记。此人本轮已采，管 TABLE7，时间", "您已录入过这张纸质表：请把纸单交给他人"),
        (
            "en",
            "Line 1 is not registered. This person was sampled in this round before, in tube TABLE7",
            "You typed this",
        ),
    ],
)
def test_what_is_refused_is_said_in_the_readers_language(office, villages, round, sheet, language, why, refusal):
    office.cookies[settings.LANGUAGE_COOKIE_NAME] = language
    person = queries.sheet_people(sheet, by=county_hand())[0].resident
    entry = TubeEntry(
        new_id(), "TABLE7", "single", 1, "area_screening", villages[0].code * 1000 + 11, NOW,
        (SampleEntry(new_id(), person, NOW),), round,
    )  # fmt: skip
    register_tubes([entry], by=county_hand(), valid_at=NOW)
    typed(office, sheet, **ticks(1, 2))
    assert why in text(office.get(f"/sheets/{sheet}"))
    form = {"total": "2", "tube-of-1": "1", "tube-of-2": "1"} | ticks(1, 2)
    asked = text(office.post(f"/sheets/{sheet}/type", form))
    again = office.post(f"/sheets/{sheet}/type", confirming(asked, **form))
    assert again.status_code == 422 and refusal in again.content.decode()


def test_somebody_written_by_hand_is_typed_in(office, round, sheet):
    by_hand = {
        "extra-name-4": "海口测试", "extra-document-4": "passport", "extra-number-4": "E9", "extra-sex-4": "male",
        "extra-born-4": "1990-01-01", "extra-phone-4": "13812345678", "extra-reason-4": "visitor",
        "extra-code-4": "PAPER1", "extra-time-4": SEEN,
    }  # fmt: skip
    typed(office, sheet, **ticks(1), **by_hand)
    assert "海口测试" in text(office.get(f"/sheets/{sheet}"))
    assert queries.accounted(round, by=county_hand()).added == 1


def test_sheets_are_for_those_who_may_and_in_their_area(office, worker, villages, sheet):
    other = signed_in(account(("community", "community", str(villages[1].code)))[0])
    assert other.get(f"/sheets/{sheet}").status_code == 404
    assert worker.get(f"/sheets/{sheet}/print").status_code == 403
    assert worker.get(f"/sheets/{sheet}/type").status_code == 403
    assert office.post(f"/rounds/{villages[0].round}/sheets/make", {"within": "x"}).status_code == 422


def test_codes_are_printed_as_cards(office, worker, villages):
    assert "data:image" not in text(office.get("/codes/print"))
    with clock_at(NOW):
        issue_codes(by=county_hand(), valid_at=NOW)
    page = text(office.get("/codes/print"))
    assert page.count("data:image/svg+xml") == 3 and "竹测试1" not in page
    assert worker.get("/codes/print").status_code == 403
