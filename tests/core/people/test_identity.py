"""ID numbers, phones, names, and how much of each may be shown."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianfang.core.people import identity

TODAY = date(2022, 7, 13)
#: the worked example of GB 11643-1999, appendix
EXAMPLE = "11010519491231002X"
BODIES = st.integers(min_value=10**16, max_value=10**17 - 1).map(str)


def test_the_standards_own_example_has_its_check_character():
    assert identity.check_character(EXAMPLE[:17]) == "X"
    assert identity.resident_id_fault(EXAMPLE, today=TODAY) is None
    assert identity.born_on(EXAMPLE) == date(1949, 12, 31)
    assert identity.sex_of(EXAMPLE) == "female"


@given(BODIES, st.integers(0, 16), st.integers(1, 9))
def test_any_single_wrong_digit_changes_the_check_character(body, place, shift):
    wrong = body[:place] + str((int(body[place]) + shift) % 10) + body[place + 1 :]
    assert identity.check_character(wrong) != identity.check_character(body)


@given(BODIES, st.integers(0, 15))
def test_two_neighbours_swapped_change_the_check_character(body, place):
    swapped = body[:place] + body[place + 1] + body[place] + body[place + 2 :]
    assert (identity.check_character(swapped) == identity.check_character(body)) == (swapped == body)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("1101051949123100", "18 characters"),
        ("1101051949123100ZX", "other characters"),
        ("110105194913310021", "date of birth"),
        ("110105202212310020", "date of birth"),
        ("110105194912310021", "last character"),
    ],
)
def test_a_fault_is_told_without_the_number(text, word):
    fault = identity.resident_id_fault(text, today=TODAY)
    assert word in fault
    assert text not in fault


def test_full_width_and_blanks_are_read():
    assert identity.resident_id_fault("110105 19491231 002x", today=TODAY) is None
    assert identity.normalise_phone("+86 138-0000-1234") == "13800001234"
    assert identity.normalise_phone("８６１３８００００１２３４") == "13800001234"


@pytest.mark.parametrize("text", ["13800001234", "+86 154 0000 1234", "0898-63800000", "021-12345678"])
def test_phones_that_pass(text):
    assert identity.phone_fault(text) is None


@pytest.mark.parametrize(
    ("text", "word"),
    [("1380000123", "11 digits"), ("12800001234", "13 to 19"), ("63800000", "area code"), ("none", "other characters")],
)
def test_phones_that_do_not(text, word):
    assert word in identity.phone_fault(text)


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("王小明", ("王", "小明")),
        ("欧阳晓", ("欧阳", "晓")),
        ("欧阳", ("欧", "阳")),
        ("买买提·艾力", ("", "买买提·艾力")),
    ],
)
def test_surname_and_given_name(name, parts):
    assert identity.split_name(name) == parts


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("王小明", "wang xiao ming"),
        (" 王 小明", "wang xiao ming"),
        ("曾单", "zeng dan"),
        ("单曾", "shan ceng"),
        ("尉迟恭", "yu chi gong"),
        ("吕绿", "lv lv"),
        ("Anna  Li", "anna li"),
    ],
)
def test_pinyin_key(name, key):
    assert identity.pinyin_key(name) == key


def test_names_sort_by_their_sound():
    names = ["张伟", "安宁", "欧阳晓", "李四"]
    assert sorted(names, key=identity.pinyin_key) == ["安宁", "李四", "欧阳晓", "张伟"]


def test_a_name_is_found_by_any_of_its_beginnings():
    assert identity.name_tokens("欧阳晓") == ["欧阳晓", "晓", "ouyangxiao", "xiao", "oyx"]
    assert {"艾力", "买买提"} <= set(identity.name_tokens("买买提•艾力"))
    assert identity.name_tokens("") == []


@given(st.text(alphabet="王李欧阳小明丽 ·abc", min_size=1, max_size=8))
def test_a_masked_name_keeps_its_length_and_hides_the_given_name(name):
    plain, masked = identity.normalise_name(name), identity.mask_name(name)
    assert len(masked) == len(plain)
    assert set(masked[2:]) <= {"*"}


def test_masks():
    assert identity.mask_name("王小明") == "王**"
    assert identity.mask_name("欧阳晓") == "欧阳*"
    assert identity.mask_resident_id(EXAMPLE) == "*" * 14 + "002X"
    assert identity.mask_resident_id("1234") == "****"
    assert identity.mask_phone("138 0000 1234") == "138****1234"
    assert identity.mask_phone("110") == "***"
    assert identity.mask_address("新竹村委会3组15号") == "新竹村委会*组*号"
    assert identity.mask_address("江南社区十二号院２栋B单元402室") == "江南社区*号院*栋*单元*室"
