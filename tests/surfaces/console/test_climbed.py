"""Climbed duties: each figure counts its list, nobody sees past their area, and the past is not guessed."""

import csv
import io
import re
import uuid
from datetime import datetime, timedelta

import pytest

from conftest import DINGAN, XINZHU, make_actor
from lianfang.core.duties.actions import declare_kinds, reconcile
from lianfang.core.duties.rules import Desired, Kind
from lianfang.core.territory.actions import set_up_headquarters
from lianfang.core.territory.models import Division
from lianfang.kit.clock import clock_at, local
from lianfang.kit.codes import EVERYWHERE, code_range, full_code
from lianfang.response.command.actions import declare_incident
from lianfang.surfaces.console.web import climbed
from lianfang.workflows.escalation import climbed_duties
from surfaces.console.browsing import account, cells, signed_in, text
from surfaces.console.scene import BEGUN, ED9, county_hand

pytestmark = pytest.mark.django_db
pytest_plugins = ["surfaces.console.browsers"]

EVENING = local("2022-07-14 20:00")
HAIKOU = 460106
FIGURE = re.compile(r'<a class="figure[^"]*" href="([^"]+)">\s*.*?figure-value">([\d,]+)<', re.DOTALL)
GRAVE, LIGHT = (
    Kind("climbed_grave", "急", "grave", "tests", rank=0),
    Kind("climbed_light", "缓", "light", "tests", rank=99),
)


@pytest.fixture(autouse=True, scope="module")
def kinds(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        declare_kinds([GRAVE, LIGHT])


@pytest.fixture
def evening(villages):
    """Eight hours later: what fell due at noon has climbed to the top, by a chain that names posts."""
    by = make_actor("territory.set_chain", scope=EVERYWHERE)
    steps = [("grid", "网格长"), ("village", "书记"), ("township", "镇长")]
    set_up_headquarters(by=by, name="县指挥部", scope=code_range(DINGAN), post_title="指挥长", steps=steps)
    with clock_at(EVENING):
        yield villages


def owe(place: int, due: datetime, kind: Kind = GRAVE, number: int = 1) -> None:
    """Open duties at a place."""
    query = """SELECT 'place', subject, %(kind)s, 'once', %(place)s::bigint, 'grid_worker', NULL::uuid, 'rule', subject,
                      %(due)s::timestamptz - interval '1 hour', %(due)s::timestamptz
               FROM unnest(%(subjects)s::uuid[]) AS wanted (subject)"""
    subjects = [uuid.uuid4() for _ in range(number)]
    asked = {"subjects": subjects, "kind": kind.code, "place": place, "due": due}
    desired = Desired((kind.code,), query, asked, subjects)
    by, county = make_actor(scope=EVERYWHERE), place // 10**9
    with clock_at(BEGUN):
        reconcile(desired, by=by, county=county, valid_at=BEGUN, cause=uuid.uuid4())


def rows(browser, address: str) -> list[list[str]]:
    """All rows of the list at an address, page by page."""
    page = text(browser.get(address.replace("&amp;", "&")))
    found = cells(page)
    if following := re.search(r'href="([^"]+)" rel="next"', page):
        found += rows(browser, "/duties/climbed" + following[1])
    return found


def test_each_figure_counts_the_rows_of_its_list(headquarters, evening):
    owe(XINZHU * 1000 + 11, EVENING - timedelta(minutes=90))
    owe(XINZHU * 1000 + 11, EVENING - timedelta(minutes=150))
    page = text(headquarters.get("/duties/climbed"))
    levels, units = [FIGURE.findall(part) for part in page.split("按现负责单位", 1)]
    assert len(levels) >= 3 and len(units) >= 3
    for href, value in levels + units:
        assert len(rows(headquarters, href)) == int(value)
    listed = len(climbed_duties(by=county_hand(), now=EVENING, limit=10_000))
    assert sum(int(value) for _, value in levels) == sum(int(value) for _, value in units) == listed
    assert len(rows(headquarters, "/duties/climbed")) == listed


def test_a_row_says_what_where_how_late_and_who_answers_now(headquarters, evening):
    owe(XINZHU * 1000 + 11, EVENING - timedelta(minutes=150))
    page = text(headquarters.get("/duties/climbed", {"unit": full_code(XINZHU)}))
    [row] = [row for row in cells(page) if row[0] == "急"]
    assert row[1].startswith(str(XINZHU)) and row[2:5] == ["2022-07-14 17:30", "2小时30分", "第2级"]
    assert row[5].startswith(str(XINZHU)) and row[6] == "书记"
    duty = re.search(r'href="(/duties/\d+)">急</a>', page)
    assert duty and "急" in text(headquarters.get(duty[1]))


def test_a_unit_is_read_by_its_name(headquarters, evening):
    Division.objects.create(
        code=full_code(XINZHU), code_hi=full_code(XINZHU) + 999, level="village", name="新竹村委会",
        pinyin="xinzhu", valid_from=BEGUN.date(), origin="table", source="test",
    )  # fmt: skip
    owe(XINZHU * 1000 + 11, EVENING - timedelta(minutes=150))
    assert "新竹村委会" in {row[5] for row in rows(headquarters, "/duties/climbed?level=2")}


def test_a_grid_worker_sees_what_climbed_at_home_alone(worker, headquarters, evening):
    home, other = evening
    owe(other.code * 1000 + 11, EVENING - timedelta(minutes=90))
    owe(home.code * 1000 + 11, EVENING - timedelta(minutes=90))
    seen, all_of_them = rows(worker, "/duties/climbed"), rows(headquarters, "/duties/climbed")
    assert seen and {row[1][:12] for row in seen} == {str(home.code)}
    assert seen == [row for row in all_of_them if row[1].startswith(str(home.code))] and len(seen) < len(all_of_them)
    page = text(worker.get("/duties/climbed"))
    assert str(other.code) not in page and all(len(rows(worker, href)) == int(n) for href, n in FIGURE.findall(page))
    assert str(other.code) not in worker.get("/duties/climbed", {"export": "csv"}).content.decode()
    tile = re.search(r'alarm-climbed" href="/duties/climbed"><b>(\d+)</b>', text(worker.get("/")))
    assert tile and int(tile[1]) == len(seen)


def test_another_villages_unit_lists_nothing(worker, evening):
    page = text(worker.get("/duties/climbed", {"unit": f"{evening[1].code}000"}))
    assert "没有符合条件的升级任务" in page


def test_the_situation_counts_them_and_is_silent_when_there_are_none(headquarters, evening):
    count = len(climbed_duties(by=county_hand(), now=EVENING, limit=10_000))
    assert f'href="/duties/climbed"><b>{count}</b> <span>项已升级' in text(headquarters.get("/"))
    with clock_at(BEGUN + timedelta(minutes=1)):
        assert "项已升级" not in text(headquarters.get("/"))
        assert "没有任务升级督办" in text(headquarters.get("/duties/climbed"))


def test_the_past_is_told_to_be_unknown(headquarters, evening):
    noon = {"at": "2022-07-14T16:00"}
    situation = text(headquarters.get("/", noon))
    assert "alarm-climbed" not in situation and "升级督办只统计当前时刻" in situation
    assert "/duties/climbed" not in text(headquarters.get("/duties/", noon))
    answer = headquarters.get("/duties/climbed", noon)
    assert answer.status_code == 422 and "请回到现在" in answer.content.decode()


def test_a_file_holds_what_the_list_shows(headquarters, evening):
    asked = {"level": "4"}
    sheet = headquarters.get("/duties/climbed", asked | {"export": "csv"}).content.decode("utf-8-sig")
    _header, *filed = list(csv.reader(io.StringIO(sheet)))
    assert filed and filed == rows(headquarters, "/duties/climbed?level=4")
    assert {row[6] for row in filed} == {"指挥长"}


def test_a_province_reads_its_counties_as_one_list(evening):
    by = make_actor("command.declare_incident", scope=str(HAIKOU))
    with clock_at(BEGUN):
        declare_incident(
            by=by, division_code=full_code(HAIKOU), title_zh="邻县", title_en="next county", disease="covid19-cn", pack=ED9,
            authority="county", areas=(code_range(HAIKOU),), valid_at=BEGUN, cause=uuid.uuid4(),
        )  # fmt: skip
    for county in (HAIKOU, DINGAN):
        owe(full_code(county) + 1_001_011, BEGUN + timedelta(hours=1), LIGHT, 30)
        owe(full_code(county) + 1_001_011, BEGUN + timedelta(hours=1), GRAVE, 30)
    name, [actor] = account(("superior_level", "command", "46"))
    browser = signed_in(name)
    page, listed = text(browser.get("/duties/climbed")), rows(browser, "/duties/climbed")
    expected = [one.duty for one in climbed_duties(by=actor, now=EVENING, limit=10_000)]
    assert len(listed) > 120 and {row[1][:6] for row in listed} == {str(HAIKOU), str(DINGAN)}
    assert [(row[0], row[1][:12]) for row in listed] == [(d.name_zh, str(d.division_code)[:12]) for d in expected]
    assert all(len(rows(browser, href)) == int(value) for href, value in FIGURE.findall(page))


def test_more_units_than_figures_are_counted(headquarters, evening, monkeypatch):
    owe(XINZHU * 1000 + 11, EVENING - timedelta(minutes=150))
    monkeypatch.setattr(climbed, "UNIT_FIGURES", 1)
    page = text(headquarters.get("/duties/climbed"))
    left = re.search(r"另有(\d+)个数字未列出", page)
    units = climbed_duties(by=county_hand(), now=EVENING, limit=10_000)
    assert left and int(left[1]) == len({(one.level, one.unit_code) for one in units}) - 1


@pytest.mark.parametrize(
    ("span", "read"),
    [
        (timedelta(hours=1), "1小时0分"),
        (timedelta(hours=23, minutes=59, seconds=59), "23小时59分"),
        (timedelta(days=2, hours=5, minutes=7), "2天5小时"),
    ],
)
def test_how_late_is_said_in_the_two_units_that_matter(span, read):
    assert climbed.lasting(span) == read
