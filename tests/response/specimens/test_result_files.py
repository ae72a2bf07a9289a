"""A laboratory's file: every bad row told with its field, its reason and the way out; the same file once."""

import base64
import io
import zipfile
from datetime import timedelta

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from lianfang.core.access.scope import acting
from lianfang.kit.clock import clock_at, local
from lianfang.kit.refusals import Refusal
from lianfang.response.specimens import queries
from lianfang.response.specimens.actions import check_result_file, import_results
from lianfang.response.specimens.models import Result, ResultFile
from lianfang.response.specimens.result_files import MOST_BYTES, FileUnreadable, read_results, read_value
from response.specimens.custody_making import LATER, NOON, a_lab, codes_of, county_actor, received, sealed_tubes

AFTER = NOON + timedelta(hours=5)


@pytest.mark.parametrize(
    ("words", "value"),
    [
        ("阴性 阴 NEG negative － 阴性（-） 未检出", "negative"),
        ("阳性 阳 + ＋ Positive 检出 阳性(+)", "positive"),
        ("可疑 灰区 待复检 indeterminate 单靶阳性", "indeterminate"),
        ("样本不足 不合格 样本不合格 insufficient 无效", "insufficient"),
    ],
)
def test_laboratories_spell_the_four_findings_in_their_ways(words, value):
    assert {read_value(word) for word in words.split()} == {value}


@pytest.mark.parametrize("word", ["", "阴阳", "ok", "1", "不明"])
def test_what_is_no_finding_is_none(word):
    assert read_value(word) is None


def csv(*rows, titles="管码,结果,检测时间,Ct", encoding="utf-8-sig"):
    return ("\n".join([titles, *rows]) + "\n").encode(encoding)


def test_every_bad_row_is_told_with_field_and_remedy():
    table = read_results("结果.csv", csv(
        "A1,阴性,2022-07-14 13:00,", ",阴性,,", "A3,未知,,", "A4,阳性,昨天,", "A5,阳性,2022-07-14 13:00,高",
        "A1,阳性,,", "A7,阴性,2030-01-01,", "", "A9,阳性,2022/07/14 13:30,29.5",
    ), AFTER)  # fmt: skip
    assert [(bad.row, bad.field) for bad in table.bad] == [
        (3, "管码"), (4, "结果"), (5, "检测时间"), (6, "Ct"), (7, "管码"), (8, "检测时间")
    ]  # fmt: skip
    assert "row 2 already" in str(table.bad[4]) and str(table.bad[1]).endswith("write 阴性, 阳性, 可疑 or 样本不足.")
    assert [(good.row, good.entry.code, good.entry.ct) for good in table.good] == [(2, "A1", None), (10, "A9", 29.5)]
    assert table.good[0].entry.tested_at == local("2022-07-14 13:00")


def test_old_spreadsheets_in_the_national_encoding_are_read():
    (good,) = read_results("a.csv", csv("A1,阳性,,", encoding="gb18030"), AFTER).good
    assert good.entry.value == "positive" and good.entry.tested_at == AFTER


def test_a_workbook_keeps_codes_that_look_like_numbers_and_real_dates():
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, ["试管编号", "检测结果", "检测时间"])
        sheet.write_number(1, 0, 469021000123)
        sheet.write(1, 1, "阴性")
        sheet.write_datetime(1, 2, NOON.replace(tzinfo=None), book.add_format({"num_format": "yyyy-mm-dd hh:mm"}))
        sheet.write_row(2, 0, ["A2", "什么"])
    table = read_results("a.xlsx", out.getvalue(), AFTER)
    assert (table.good[0].entry.code, table.good[0].entry.tested_at) == ("469021000123", NOON)
    assert [bad.row for bad in table.bad] == [3]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.csv", b"", "is empty"),
        ("a.pdf", b"x", "neither CSV nor XLSX"),
        ("a.xlsx", b"no workbook", "cannot be opened"),
        ("a.csv", csv(titles="甲,乙"), "no column 管码 and no column 结果"),
        ("a.csv", csv(titles="管码,乙"), "no column 结果"),
        ("a.csv", b"\xff\xfe\x00\x01", "UTF-8 or GB 18030"),
        ("a.csv", b"x" * (MOST_BYTES + 1), "split it"),
        ("a.csv", csv(*["A,阴性,,"] * 5001), "a file takes 5000"),
    ],
)
def test_a_file_that_is_no_list_of_results_says_why(name, content, words):
    with pytest.raises(FileUnreadable, match=words):
        read_results(name, content, AFTER)


@given(
    st.lists(st.lists(st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=12), max_size=5), max_size=8)
)
def test_every_row_is_good_or_bad(rows):
    lines = [",".join(cell.replace(",", "").replace('"', "") for cell in row) for row in rows]
    table = read_results("a.csv", csv(*lines), AFTER)
    numbers = [row.row for row in [*table.good, *table.bad]]
    assert len(set(numbers)) == len(numbers) == table.rows <= len(rows)


def test_a_workbook_that_unpacks_to_far_more_is_not_unpacked():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/worksheets/sheet1.xml", b"0" * 50_000_000)
    with pytest.raises(FileUnreadable, match="far more than 5000 rows"):
        read_results("a.xlsx", out.getvalue(), AFTER)


def test_a_spreadsheets_zero_is_no_date():
    (bad,) = read_results("a.csv", csv("A1,阴性,1899-12-30,"), AFTER).bad
    assert (bad.field, bad.fault) == ("检测时间", "not_a_time")


@pytest.fixture
def by(db):
    with clock_at(AFTER):
        yield county_actor("lab")


def imported(by, content, lab="县疾控实验室", **options):
    return import_results("结果.csv", content, by=by, lab=lab, valid_at=AFTER, **options)


def stored(by):
    with acting(by):
        return Result.objects.count(), ResultFile.objects.count()


def test_a_good_file_is_taken_once_however_often_it_is_sent(by):
    entries = sealed_tubes(by, 3)
    content = csv(*(f"{code},阴性,2022-07-14 13:00," for code in codes_of(entries)))
    first = imported(by, base64.b64encode(content).decode())
    assert (first.rows, first.taken, first.bad_rows, first.written, first.repeated) == (3, 3, (), True, False)
    again = imported(by, content)
    assert (again.taken, again.bad_rows, again.repeated) == (3, (), True)
    assert stored(by) == (3, 1)


def test_bad_rows_keep_the_file_out_until_the_good_ones_are_asked_for(by):
    entries = sealed_tubes(by, 2)
    content = csv(f"{entries[0].code},阴性,,", "NO-SUCH,阴性,,", f"{entries[1].code},好,,")
    checked = check_result_file("结果.csv", content, by=by, lab="县疾控实验室", valid_at=AFTER)
    refused = imported(by, content)
    assert (checked.taken, refused.taken, refused.written, stored(by)) == (1, 0, False, (0, 0))
    assert (
        [(bad.row, bad.field) for bad in refused.bad_rows]
        == [(3, "管码"), (4, "结果")]
        == [(bad.row, bad.field) for bad in checked.bad_rows]
    )
    assert "not registered" in refused.bad_rows[0].why
    taken = imported(by, content, accept_good=True)
    assert (taken.taken, taken.written, len(taken.bad_rows)) == (1, True, 2) and stored(by) == (1, 1)


def test_a_file_without_one_good_row_writes_nothing(by):
    receipt = imported(by, csv("NO-SUCH,阴性,,"), accept_good=True)
    assert (receipt.written, stored(by)) == (False, (0, 0))


def test_a_laboratory_reports_only_what_it_received(by):
    entries = sealed_tubes(by, 2)
    mine, other = a_lab(by), a_lab(by, "市三方实验室")
    received(by, mine, entries[:1], at=LATER)
    content = csv(*(f"{code},阴性,," for code in codes_of(entries)))
    (bad,) = imported(by, content, lab="市三方实验室").bad_rows
    assert "was received by 县疾控实验室" in bad.why and "let the laboratory" in bad.remedy
    # what nobody took in has been received by whoever reports it
    assert imported(by, content, lab="市三方实验室", accept_good=True).taken == 1
    loads = {load.lab.id: load for load in queries.lab_loads(by=by, clocks=queries.clocks_in_force(by=by))}
    assert (loads[other].received, loads[other].reported, loads[mine].backlog) == (1, 1, 1)


def test_what_is_no_base64_or_has_no_laboratory_is_refused(by):
    with pytest.raises(Refusal, match="not base64"):
        imported(by, "ä")
    with pytest.raises(Refusal, match="which laboratory"):
        imported(by, csv(), lab=" ")
