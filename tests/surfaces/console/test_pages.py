"""What the pages say and do: figures open their lists, files equal them, work is finished once, looks are logged."""

import csv
import io
import re
import uuid

import pytest
from python_calamine import CalamineWorkbook

from conftest import DINGAN, make_actor
from lianfang.core.duties.actions import declare_kinds, reconcile
from lianfang.core.duties.queries import balance
from lianfang.core.duties.rules import Desired, Kind
from lianfang.core.people.queries import residents
from lianfang.kit.clock import clock_at, local
from lianfang.kit.codes import EVERYWHERE, code_range
from lianfang.surfaces.console import queries
from lianfang.surfaces.console.lists import Column, Listing, as_csv, whole
from surfaces.console.browsing import account, cells, hidden, signed_in, text
from surfaces.console.scene import BEFORE, county_hand

pytestmark = pytest.mark.django_db
pytest_plugins = ["surfaces.console.browsers"]

LISTS = ("duties", "people", "cases", "contacts", "rounds", "zones", "quarantine", "checkpoints")


def audited(verb: str) -> list[queries.AuditLine]:
    return queries.audit_lines(by=make_actor("access.read_audit", line="audit"), verb=verb)


@pytest.mark.parametrize("name", LISTS)
def test_a_file_holds_what_the_list_shows(headquarters, name):
    shown = cells(text(headquarters.get(f"/{name}/")))
    sheet = headquarters.get(f"/{name}/", {"export": "csv"}).content.decode("utf-8-sig")
    header, *rows = list(csv.reader(io.StringIO(sheet)))
    assert shown and rows == shown
    book = CalamineWorkbook.from_filelike(io.BytesIO(headquarters.get(f"/{name}/", {"export": "xlsx"}).content))
    first, *filled = book.get_sheet_by_index(0).to_python()
    assert first == header and len(filled) == len(shown)
    assert [plain(row[1]) for row in filled] == [row[1] for row in shown]
    assert [line.count for line in audited("console.export_list")] == [len(shown)] * 2


def plain(value) -> str:
    return str(int(value)) if isinstance(value, float) else str(value)


def test_a_list_of_a_record_is_exported_by_its_name(headquarters, villages):
    page = f"/cases/{villages[0].case}"
    sheet = headquarters.get(page, {"export": "csv", "list": "contacts"}).content.decode("utf-8-sig")
    assert [row[1] for row in csv.reader(io.StringIO(sheet))] == ["姓名", "竹测试2"]
    assert headquarters.get(page, {"export": "csv", "list": "secrets"}).status_code == 422


def test_a_cell_is_never_a_formula():
    listing = Listing("x", [Column("a", lambda row: row)], *whole(["=1+1", "@x", "-5", "+86", "name"]), "")
    sheet = as_csv(None, listing, ["=1+1", "@x", "-5", "+86", "name"]).decode("utf-8-sig")  # type: ignore[arg-type]
    assert sheet.split() == ["a", "'=1+1", "'@x", "-5", "+86", "name"]


def test_every_figure_of_the_situation_opens_a_list(headquarters):
    page = text(headquarters.get("/"))
    figures = re.findall(r'<a class="figure[^"]*" href="([^"]+)">.*?figure-value">([^<]*)<', page, re.DOTALL)
    assert len(figures) > 15
    for href, _value in figures:
        assert headquarters.get(href.replace("&amp;", "&")).status_code == 200


@pytest.mark.parametrize(
    "label", ["已开立", "已完成", "未完成", "病例", "确诊", "密接", "隔离中", "在设卡口", "居民人数", "有效风险区"]
)
def test_a_figure_counts_the_rows_of_its_list(headquarters, label):
    page = text(headquarters.get("/"))
    found = re.search(
        rf'href="([^"]+)">\s*<span class="figure-label">{label}</span><span class="figure-value">(\d+)', page
    )
    assert found
    listed = text(headquarters.get(found[1].replace("&amp;", "&")))
    total = re.search(r"共(\d+)条", listed.split('id="list"')[1])
    assert int(found[2]) == (int(total[1]) if total else 0)


def test_the_situation_is_that_of_the_instant_asked_for(headquarters):
    before = text(headquarters.get("/", {"at": "2022-07-14T08:30"}))
    assert "您看到的是 2022-07-14 08:30" in before
    assert re.search(r'figure-label">病例</span><span class="figure-value">0<', before)
    now = text(headquarters.get("/"))
    assert re.search(r'figure-label">病例</span><span class="figure-value">2<', now)
    assert "?at=2022-07-14T08%3A30" in before and "at=" not in re.sub(r'name="at"', "", now)


def test_an_instant_that_cannot_be_read_is_told_and_one_to_come_is_now(headquarters):
    assert "请写成" in headquarters.get("/", {"at": "yesterday"}).content.decode()
    assert "您看到的是" not in text(headquarters.get("/", {"at": "2022-07-15T08:00"}))


def test_a_past_list_of_duties_agrees_with_the_books_at_every_step(headquarters, villages):
    by = county_hand()
    waive(headquarters, villages[0].duty)
    with clock_at(local("2022-07-14 13:00")):
        for at in (BEFORE, local("2022-07-14 09:30"), local("2022-07-14 12:30")):
            books = balance(by=by, at=at)
            for state in ("outstanding", "done", "waived", "cancelled"):
                asked = {"by": by, "at": at, "state": state}
                assert queries.count_duties(**asked) == getattr(books, state)
                assert len(queries.duty_lines(**asked, limit=1000)) == getattr(books, state)
        assert queries.count_duties(by=by, state="waived") == 1 and balance(by=by, at=BEFORE).opened == 0


def test_overdue_duties_come_first_the_gravest_on_top(headquarters):
    with clock_at(local("2022-07-25 12:00")):
        rows = queries.duty_lines(by=county_hand(), state="", limit=1000)
        flags = [row.overdue for row in rows]
        assert flags == sorted(flags, reverse=True) and any(flags)
        assert "超期" in cells(text(headquarters.get("/duties/")))[0][0]


def test_the_tree_counts_what_its_branches_hold(headquarters, villages):
    by = county_hand()
    whole_county = queries.count_duties(by=by)
    parts = [queries.count_duties(by=by, within=span) for span in spans(villages)]
    assert sum(parts) <= whole_county and all(parts)
    for village, part in zip(villages, parts, strict=True):
        page = text(headquarters.get("/duties/", {"within": f"{village.code}000"}))
        assert re.search(rf'figure-label">未完成</span><span class="figure-value">{part}<', page)


def spans(villages):
    return [code_range(village.code) for village in villages]


def waive(browser, duty, form=None):
    """Waive a duty through its form and the question, twice as an impatient hand does."""
    asked = text(browser.post(f"/duties/{duty}/waive", form or {"reason": "moved away", "authority": "county HQ"}))
    answers = {name: hidden(asked, name) for name in ("reason", "authority", "valid_at", "command")}
    first = browser.post(f"/duties/{duty}/waive", answers | {"confirmed": "yes"})
    again = browser.post(f"/duties/{duty}/waive", answers | {"confirmed": "yes"})
    assert [first.status_code, again.status_code] == [302, 302]
    return first


def test_a_duty_is_waived_after_a_question_and_once(headquarters, villages):
    duty = villages[0].duty
    asked = text(headquarters.post(f"/duties/{duty}/waive", {"reason": "moved away", "authority": "county HQ"}))
    assert "moved away" in asked and queries.duty_line(duty, by=county_hand()).state == "outstanding"
    waive(headquarters, duty)
    assert queries.duty_line(duty, by=county_hand()).state == "waived"
    assert len(audited("duties.waive_duty")) == 1
    page = text(headquarters.get(f"/duties/{duty}"))
    assert "moved away" in page and "任务已免除" in page and 'name="authority"' not in page


def test_a_waiver_without_reason_or_authority_names_the_empty_field(headquarters, villages):
    answer = headquarters.post(f"/duties/{villages[0].duty}/waive", {"reason": "moved away", "authority": " "})
    assert answer.status_code == 422 and "“批准依据”未填写" in answer.content.decode()


def opened(village, kind) -> int:
    """A duty of one of the kinds below, about somebody of a village."""
    query = """SELECT 'resident', %(who)s::uuid, %(kind)s, 'once', %(place)s::bigint, 'grid_worker', NULL::uuid,
                      'rule', %(who)s::uuid, %(at)s::timestamptz, %(at)s::timestamptz"""
    params = {"who": village.people[2], "kind": kind, "place": village.code * 1000 + 11, "at": BEFORE}
    by = county_hand()
    reconcile(Desired((kind,), query, params), by=by, county=DINGAN, valid_at=BEFORE, cause=uuid.uuid4())
    return queries.duty_lines(by=by, kind=kind)[0].id


@pytest.fixture
def errand(villages):
    """A duty that is simply ticked off, in Xinzhu."""
    return opened(villages[0], "console_errand")


@pytest.fixture(autouse=True, scope="module")
def kind(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        declare_kinds([Kind("console_errand", "测试跑腿", "test errand", "tests", ("seen", "nobody_home"))])
        declare_kinds([Kind("console_record", "测试登记", "test record", "tests", ("seen",), command="report_back")])


def test_work_with_a_record_of_its_own_is_not_ticked_off(worker, villages, errand):
    duty = opened(villages[0], "console_record")
    assert f'action="/duties/{errand}/finish"' in text(worker.get(f"/duties/{errand}"))
    page = text(worker.get(f"/duties/{duty}"))
    assert f'action="/duties/{duty}/finish"' not in page and "随办理结果登记" in page
    form = {"outcome": "seen", "confirmed": "yes", "command": str(uuid.uuid4())}
    assert worker.post(f"/duties/{duty}/finish", form).status_code == 422


def test_a_grid_worker_finishes_a_duty_after_a_question_and_once(worker, errand):
    page = text(worker.get(f"/duties/{errand}"))
    assert "家中无人" in page and "竹测试3" in page
    asked = text(worker.post(f"/duties/{errand}/finish", {"outcome": "seen", "valid_at": "2022-07-14T11:30"}))
    assert "确认属实吗" in asked and "2022-07-14 11:30" in asked
    answers = {name: hidden(asked, name) for name in ("outcome", "valid_at", "command")} | {"confirmed": "yes"}
    assert [worker.post(f"/duties/{errand}/finish", answers).status_code for _ in range(2)] == [302, 302]
    line = queries.duty_line(errand, by=county_hand())
    assert (line.state, line.outcome, line.finished_at) == ("done", "seen", local("2022-07-14 11:30"))
    another = answers | {"command": str(uuid.uuid4())}
    assert worker.post(f"/duties/{errand}/finish", another).status_code == 409


def test_whoever_may_not_read_people_sees_duties_without_names(villages, errand):
    for role in ("volunteer", "courier", "employer"):
        browser = signed_in(account((role, "community", str(villages[0].code)))[0])
        for page in ("/duties?kind=console_errand", f"/duties/{errand}"):
            shown = text(browser.get(page, follow=True))
            assert "测试跑腿" in shown and "竹测试3" not in shown and str(villages[0].people[2]) not in shown


def test_a_form_without_the_id_of_its_command_is_told(worker, errand):
    answer = worker.post(f"/duties/{errand}/finish", {"outcome": "seen", "confirmed": "yes"})
    assert answer.status_code == 422 and "表单不完整" in answer.content.decode()


def test_a_resident_is_masked_and_each_look_is_logged(office, villages):
    person = villages[0].people[0]
    page = text(office.get(f"/people/{person}"))
    assert "竹测试1" in page and "竹测试3" in page
    assert "469021198001011130" not in page and "10012345671" not in page
    assert [line.subject_id for line in audited("people.view_resident")] == [person]


def test_an_identifier_is_opened_for_a_reason_and_logged(office, villages):
    person = villages[0].people[0]
    assert office.post(f"/people/{person}/open", {"field": "phone", "reason": ""}).status_code == 422
    assert office.post(f"/people/{person}/open", {"field": "name", "reason": "call_person"}).status_code == 422
    assert audited("people.open_identifier") == []
    page = text(office.post(f"/people/{person}/open", {"field": "phone", "reason": "call_person"}))
    assert "10012345671" in page
    [line] = audited("people.open_identifier")
    assert (line.subject_id, line.detail) == (person, {"field": "phone", "reason": "call_person"})
    assert "10012345671" not in text(office.get(f"/people/{person}"))


def test_a_post_that_may_not_open_identifiers_sees_no_form_and_is_refused(worker, villages):
    person = villages[0].people[0]
    assert "/open" not in text(worker.get(f"/people/{person}"))
    form = {"field": "phone", "reason": "call_person"}
    assert worker.post(f"/people/{person}/open", form).status_code == 403


def test_people_are_counted_as_they_are_listed(office, villages):
    by = county_hand()
    for name, number in (("竹", 3), ("竹测试2", 1), ("江", 3), ("x", 0), ("zhu", 3)):
        listed = residents(by=by, within=by.scope, name=name)
        assert queries.count_people(by=by, within=EVERYWHERE, name=name) == len(listed) == number


def test_the_missing_of_a_round_stand_with_who_is_responsible(headquarters, villages):
    page = text(headquarters.get(f"/rounds/{villages[0].round}"))
    assert re.search(r'figure-label">未采</span><span class="figure-value">3<', page)
    missing = text(headquarters.get(f"/rounds/{villages[0].round}/missing"))
    names = re.findall(r'<h2 class="person-name"><a [^>]*>([^<]*)</a>', missing)
    assert sorted(names) == ["竹测试1", "竹测试2", "竹测试3"] and "江测试" not in missing
    assert "请指定" in missing


def test_an_order_says_why_by_whom_until_when_and_how_to_appeal(headquarters, villages):
    page = text(headquarters.get(f"/quarantine/{villages[0].order}"))
    for words in ("met a case", "county HQ", "the duty desk", "到期", "签发人"):
        assert words in page


def test_the_audit_shows_itself_and_checks_its_seals(villages):
    auditor = signed_in(account(("auditor", "audit", "469021"))[0])
    page = text(auditor.get("/audit/", {"verb": "cases"}))
    assert "cases.register_case" in page and "quarantine.issue" not in page
    assert "封存链完整" in text(auditor.get("/audit/", {"verify": "yes"}))
    assert auditor.get("/audit/", {"subject": "nobody"}).status_code == 422


def test_pages_turn_and_keep_what_was_asked(headquarters):
    first = text(headquarters.get("/duties/", {"state": "all", "at": "2022-07-14T11:00"}))
    total = int(re.search(r"共(\d+)条", first)[1])
    rows, page, turns = cells(first), first, 1
    while following := re.search(r'href="([^"]+)" rel="next"', page):
        assert "state=all" in following[1] and "at=2022-07-14" in following[1]
        page, turns = text(headquarters.get("/duties/" + following[1].replace("&amp;", "&"))), turns + 1
        rows += cells(page)
    assert len(rows) == total and turns == -(-total // 50)


def test_a_page_past_the_end_is_the_last(headquarters):
    assert cells(text(headquarters.get("/people/", {"page": "99"}))) == cells(text(headquarters.get("/people/")))
