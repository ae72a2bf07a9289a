from pathlib import Path

import pytest
import xlsxwriter

from lianfang.core.territory.tables import NATIONAL_FILES, NotADivisionTable, RawRow, check_rows, read_raw, table_files


def checked(*rows: tuple[str, ...]):
    return check_rows(RawRow("list.csv", number, *row) for number, row in enumerate(rows, start=2))


@pytest.mark.parametrize(
    ("row", "field", "says"),
    [
        (("46902", "定安县"), "code", "not a code of 2, 4, 6, 9, 12 or 15 digits"),
        (("四六", "海南省"), "code", "not a code"),
        (("069021", "定安县"), "code", "begins with no province"),
        (("469021", "  "), "name", "empty"),
        (("469021", "定\x00安"), "name", "control characters"),
        (("469021", "长" * 101), "name", "101 characters"),
        (("469021101201", "新竹村委会", "乡村"), "urban_rural", "not a class of three digits"),
    ],
)
def test_a_bad_row_is_told_with_file_row_field_reason_and_remedy(row, field, says):
    table = checked(("46", "海南省"), row)
    (problem,) = table.problems
    assert (problem.file, problem.row, problem.field) == ("list.csv", 3, field)
    assert says in problem.reason
    assert problem.remedy in str(problem)
    assert list(table.rows) == [460000000000000]


def test_all_bad_rows_are_told():
    assert len(checked(("x", "甲"), ("y", "乙"), ("46", "")).problems) == 3


def test_a_unit_repeated_one_level_down_is_one_unit():
    table = checked(("4604", "儋州市"), ("460400", "儋州市"))
    assert (len(table.rows), table.folded, table.problems) == (1, 1, [])
    assert table.rows[460400000000000].level == "prefecture"


def test_one_code_with_two_names_is_told():
    (problem,) = checked(("469021101", "新竹镇"), ("469021101000", "新竹乡")).problems
    assert "stands in list.csv, row 2 already, as 新竹镇" in problem.reason


def test_a_grid_hangs_from_its_hamlet():
    table = checked(("469021101201011", "第一网格"), ("469021101201010", "中安村"), ("469021101201001", "第二网格"))
    assert table.rows[469021101201011].parent_code == 469021101201010
    assert table.rows[469021101201001].parent_code == 469021101201000


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_text_files_of_counties_are_read(tmp_path: Path, encoding):
    path = tmp_path / "list.csv"
    path.write_text("名称,区划代码,备注\n定安县,469021,甲\n,,\n新竹镇,469021101,\n", encoding=encoding)
    assert [row[2:4] for row in read_raw(path)] == [("469021", "定安县"), ("469021101", "新竹镇")]


def test_spreadsheets_with_codes_as_numbers_are_read(tmp_path: Path):
    path = tmp_path / "list.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    sheet.write_row(0, 0, ["code", "name", "城乡分类"])
    sheet.write_row(1, 0, [469021101201011, "第一网格", 220])
    sheet.write_row(2, 0, ["469021", "定安县", ""])
    book.close()
    assert [tuple(row) for row in read_raw(path)] == [
        ("list.xlsx", 2, "469021101201011", "第一网格", "220"),
        ("list.xlsx", 3, "469021", "定安县", ""),
    ]


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("list.csv", "代码,备注\n46,甲\n".encode(), "no column name"),
        ("list.csv", b"", "empty"),
        ("list.csv", b"code,name\n46,\xff\xff\xff\n", "neither UTF-8 nor GB18030"),
        ("list.xlsx", b"not a workbook", "cannot be read as a spreadsheet"),
    ],
)
def test_what_is_no_table_is_told(tmp_path: Path, name, content, says):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(NotADivisionTable, match=says):
        list(read_raw(path))


def test_the_folder_of_the_national_table_is_known(tmp_path: Path):
    with pytest.raises(NotADivisionTable, match="neither a table nor a folder"):
        table_files(tmp_path)
    (tmp_path / "dist").mkdir()
    for name in NATIONAL_FILES:
        (tmp_path / "dist" / name).touch()
    assert [file.name for file in table_files(tmp_path)] == list(NATIONAL_FILES)
