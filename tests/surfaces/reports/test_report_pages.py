"""Pages of reports and lists in a browser: words beside counts, drill-down, files, one tap for a report."""

import csv
import io
from datetime import timedelta

import pytest
from python_calamine import CalamineWorkbook

from conftest import DINGAN, XINZHU
from lianfang.kit.clock import clock_at
from lianfang.surfaces.reports import actions, queries
from lianfang.surfaces.reports.counts import COUNTS
from lianfang.surfaces.reports.rules import NewQuotation
from lianfang.surfaces.reports.web import LABELS
from surfaces.console.browsing import account, signed_in
from surfaces.reports.report_making import (
    DAY,
    EVERYTHING,
    FOUR,
    OTHER_VILLAGE,
    VILLAGE,
    audited,
    make_case,
    make_county,
)

pytestmark = pytest.mark.django_db
SCENARIO = "dingan-2022"


@pytest.fixture(autouse=True)
def four():
    with clock_at(FOUR):
        yield


@pytest.fixture
def county():
    """The county, and a role that may do all that reports need."""
    by = make_county()
    actions.quote(
        by=by, scenario=SCENARIO, published_at=FOUR, valid_at=FOUR,
        quotations=[NewQuotation("one", 1, "发现1例<b>", "1", "=", "new_cases", {"place": VILLAGE})],
    )  # fmt: skip
    return by


@pytest.fixture
def browser(county, monkeypatch):
    return browser_of("commander", "command", str(DINGAN), monkeypatch)


def browser_of(role, line, scope, monkeypatch):
    """A browser of an account whose role may do everything here: which role may what is the county's own data."""
    from lianfang.core.access import queries as access

    plain = access.actor_of
    monkeypatch.setattr(access, "actor_of", lambda *grant: _with_everything(plain(*grant)))
    return signed_in(account((role, line, scope))[0], HTTP_ACCEPT_LANGUAGE="zh")


def _with_everything(actor):
    from dataclasses import replace

    return replace(actor, permissions=frozenset(EVERYTHING))


def page(browser, address, status=200):
    answer = browser.get(address)
    assert answer.status_code == status, answer.content.decode()[:3000]
    return answer.content.decode()


def test_the_newspapers_words_stand_beside_the_count(county, browser):
    make_case(county)
    shown = page(browser, f"/report/{SCENARIO}")
    assert "发现1例&lt;b&gt;" in shown
    [figure] = queries.figures(by=county, scenario=SCENARIO)
    assert figure.list_url.replace("&", "&amp;") in shown
    make_case(county)
    assert shown != page(browser, f"/report/{SCENARIO}")
    page(browser, "/report/rumours", 404)


def test_a_list_drills_down_to_its_records_and_pages(county, browser):
    made = [make_case(county) for _ in range(51)]
    shown = page(browser, f"/counts/new_cases?place={VILLAGE}")
    assert f'/cases/{made[0].id}"' in shown
    assert shown.count("/cases/") >= 50
    second = page(browser, f"/counts/new_cases?place={VILLAGE}&page=2")
    assert second.count("<tr>") == 2
    assert page(browser, f"/counts/new_cases?place={OTHER_VILLAGE}").count("<tr>") == 0


def test_a_list_says_in_words_what_it_was_asked(county, browser):
    make_case(county)
    asked = f"/counts/cases_classified?class_code=asymptomatic_case&place={VILLAGE}&since=2022-07-13"
    shown = page(browser, asked)
    assert '">无症状感染者</span>' in shown and "<dd>无症状感染者</dd>" in shown
    assert f"village {VILLAGE}</dd>" in shown
    assert "<dt>自</dt><dd>2022-07-13 00:00</dd>" in shown
    browser.cookies["django_language"] = "en"
    assert "<dt>after</dt>" in page(browser, asked)
    # lists of kinds are repeated in the address
    assert "volunteer" in page(browser, "/counts/deployed_staff?responder_kinds=volunteer&responder_kinds=student")


def test_every_field_a_count_is_asked_by_has_a_label():
    fields = {name for count in COUNTS.values() for name in count.params.model_fields}
    assert fields == set(LABELS)


def test_a_list_is_handed_over_as_it_is_shown_and_logged(county, browser):
    made = [make_case(county) for _ in range(3)]
    answer = browser.get("/counts/new_cases?export=csv")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row[1] for row in rows[1:]] == [str(case.number) for case in made]
    assert 'filename="new_cases-20220713-1600.csv"' in answer["Content-Disposition"]
    book = CalamineWorkbook.from_filelike(io.BytesIO(browser.get("/counts/new_cases?export=xlsx").content))
    assert [row[1] for row in book.get_sheet_by_name("list").to_python()[1:]] == [case.number for case in made]
    assert dict(book.get_sheet_by_name("origin").to_python()).values()
    assert audited("reports.export_list") == 2


def test_what_a_list_cannot_be_asked_becomes_a_page_that_says_so(county, browser):
    assert "不按“colour”查询" in page(browser, "/counts/new_cases?colour=red", 422)
    assert "不能导出“exe”文件" in page(browser, "/counts/new_cases?export=exe", 422)
    page(browser, "/counts/rumours", 404)
    assert "“until”应为日期和时间" in page(browser, "/counts/new_cases?until=soon", 422)


def test_a_village_confirms_its_own_report_with_one_tap(county, monkeypatch):
    actions.freeze_reports(by=county, day=DAY, county=DINGAN, valid_at=FOUR)
    village = browser_of("community", "community", str(XINZHU), monkeypatch)
    address = f"/reports/{DAY}/{VILLAGE}"
    assert f'action="{address}/confirm"' in page(village, address)
    assert village.post(f"{address}/confirm").status_code == 302
    assert [
        one.division_code for one in queries.missing_reports(by=county, day=DAY) if one.division_code == VILLAGE
    ] == []
    assert "/confirm" not in page(village, address)
    assert village.post(f"{address}/confirm").status_code == 409
    page(village, f"/reports/{DAY}/{OTHER_VILLAGE}", 403)
    assert village.post(f"/reports/{DAY}/{OTHER_VILLAGE}/confirm").status_code == 403
    assert str(OTHER_VILLAGE) not in page(village, f"/reports/{DAY}/")


def test_a_day_lists_who_has_not_reported_and_a_report_its_differences(county, browser):
    actions.freeze_reports(by=county, day=DAY, county=DINGAN, valid_at=FOUR)
    late = FOUR + timedelta(hours=2)
    with clock_at(late):
        make_case(county, at=FOUR - timedelta(hours=1), recorded_at=late)
        actions.revise_reports(by=county, day=DAY, county=DINGAN, valid_at=late)
        shown = page(browser, f"/reports/{DAY}/?missing=1")
        assert shown.count("tone-overdue") >= 5
        assert "+1" in page(browser, f"/reports/{DAY}/{VILLAGE}")
        assert "+1" not in page(browser, f"/reports/{DAY}/{OTHER_VILLAGE}")
        first = page(browser, f"/reports/{DAY}/{VILLAGE}?revision=1")
        assert "/confirm" not in first
    page(browser, f"/reports/2022-07-20/{VILLAGE}", 404)


def test_the_anonymous_are_sent_to_sign_in(county, client):
    for address in (f"/report/{SCENARIO}", "/counts/new_cases", "/reports/", f"/reports/{DAY}/{VILLAGE}"):
        answer = client.get(address)
        assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/sign-in")
