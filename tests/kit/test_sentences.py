"""Refusals in Chinese: what a sentence names is kept, words and sentences inside of it are turned too."""

import re

import pytest
import yaml

from lianfang.kit import sentences
from lianfang.kit.sentences import in_chinese

GAPS = re.compile(r"\{(\w+)\}")


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("Tube DA-7 is full (10 of 10): open a new tube for this person.", "管 DA-7 已满（10/10）：请为此人开一支新管。"),
        (
            "Tube X1 is pooled and cannot hold 40 people: correct mode or capacity.",
            "管 X1 为混采，不能装 40 人：请改正采样方式或容量。",
        ),
        (
            "Tube X1 is sealed: open a new tube for this person. (and 3 more) Nothing of this batch was written.",
            "管 X1 已封：请为此人开一支新管。（另有 3 处）本批没有写入任何内容。",
        ),
        (
            "Line 2: its time is still to come: read it again. Line 5: it is ticked without a time: type the time beside it. "
            "Nothing of this sheet was written.",
            "第 2 行：时间还没有到：请重新读单。第 5 行：已打勾但没有时间：请录入旁边的时间。本纸质表没有写入任何内容。",
        ),
        (
            "A tube that is missing ends as one of found, lost, miscounted, not as returned.",
            "缺少的管只能以找到、遗失、清点有误了结，不能是已退回。",
        ),
        (
            "“away” needs to say where the person is: ask, and fill it in.",
            "“外出”须写明此人在哪里：请询问后填写。",
        ),
    ],
)  # fmt: skip
def test_a_sentence_is_said_in_chinese_with_what_it_names(english, chinese):
    assert in_chinese(english) == chinese


@pytest.mark.parametrize("text", ["", "Tube", "Something else altogether: do this.", "管 X1 已封。", "{a}"])
def test_what_the_table_does_not_hold_is_not_guessed(text):
    assert in_chinese(text) is None


def test_braces_in_what_is_named_do_no_harm():
    assert in_chinese("There is no command “{x}”. Known: a, b.") == "没有命令“{x}”。可用：a, b。"


def test_every_chinese_sentence_names_only_what_the_english_names():
    for english, chinese in sentences._table()["sentences"].items():
        assert set(GAPS.findall(chinese)) <= set(GAPS.findall(english)), english
        assert len(GAPS.findall(english)) == len(set(GAPS.findall(english))) <= 10, english
        assert re.search(r"[一-鿿]", chinese) or not re.search("[a-z]", GAPS.sub("", english)), english


def test_no_sentence_stands_twice():
    path = sentences.files("lianfang.kit") / "sentences.yaml"
    keys = [node.value for pair in yaml.compose(path.read_text("utf-8")).value for node, _ in pair[1].value]
    assert len(keys) == len(set(keys))
