"""Each decision record has its four parts and names checks that exist."""

import re

import pytest
from source_tree import ROOT

RECORDS = sorted((ROOT / "docs/adr").glob("*.md"))
PARTS = ["**Context.**", "**Decision.**", "**Consequences.**", "**The check.**"]


def test_each_has_a_number_of_its_own():
    numbers = [path.name[:4] for path in RECORDS]
    assert all(re.fullmatch(r"\d{4}", number) for number in numbers)
    assert len(set(numbers)) == len(numbers) >= 2


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_it_has_four_parts_in_order(record):
    text = record.read_text()
    assert text.startswith(f"# {record.name[:4]} · ")
    places = [text.find(part) for part in PARTS]
    assert -1 not in places
    assert places == sorted(places)
    decision = text[places[1] + len(PARTS[1]) : places[2]].strip()
    assert len(re.findall(r"[.!?](?:\s|$)", decision)) == 1, "the decision is one sentence"


@pytest.mark.parametrize("record", RECORDS, ids=lambda path: path.stem)
def test_the_check_it_names_exists(record):
    check = record.read_text().split(PARTS[3])[1].split("---")[0]
    named = re.findall(r"`((?:tests|scripts|src|docs|bench)/[\w/.-]+)", check)
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert "`" in check, "name the check as code"
