"""Census margins: as written down, as tabulated, and refused when they contradict themselves."""

import csv
import gzip
import os
from dataclasses import replace
from pathlib import Path

import pytest

from lianfang.core.people.synthetic import (
    ImpossibleMargins,
    UnknownCounty,
    census_margins,
    known_counties,
    margins_from,
)

ROOT = Path(__file__).resolve().parents[4]
TABLES = Path(os.environ.get("LIANFANG_SHARED_DATA", ROOT.parent / "shared" / "data")) / "china"
DINGAN = 469021
ONE_NUMBER = {
    "population": "POPU",
    "sex_ratio": "POPU_WM",
    "urban": "POPU_URB",
    "minority": "POPU_ETHNIC",
    "registered_county": "POPU_REG_C",
    "registered_province": "POPU_REG_P",
    "registered_elsewhere": "POPU_REG_O",
    "household_share": "HHLD_R",
    "household_size": "HHLD_S",
    "one_person": "HHLD_1P",
    "women_15_49": "AGES_W_15-49",
}
LISTS = {
    "generations": ("HHLD_1G", "HHLD_2G", "HHLD_3G", "HHLD_4GP"),
    "elderly_households": ("HHLD_65_1", "HHLD_65_2", "HHLD_65_3P"),
    "marital_men": ("FMLY_UNMA_M", "FMLY_MARR_M", "FMLY_DVRC_M", "FMLY_WIDO_M"),
    "marital_women": ("FMLY_UNMA_W", "FMLY_MARR_W", "FMLY_DVRC_W", "FMLY_WIDO_W"),
    "ages": (
        *("AGES_0", "AGES_1-4"),
        *(f"AGES_{age}-{age + 4}" for age in range(5, 85, 5)),
        "AGES_85P",
    ),
}


@pytest.fixture(scope="module")
def tabulated():
    if not TABLES.is_dir():
        pytest.skip(f"The census tables are not at {TABLES}; set LIANFANG_SHARED_DATA to the folder that holds china/.")
    rows = {}
    for path in sorted(TABLES.glob("census2020_county_*.csv.gz")):
        with gzip.open(path, "rt", encoding="utf-8-sig") as lines:
            for row in csv.DictReader(lines):
                rows.setdefault(int(row["CODE"]), {}).update(row)
    return rows


def test_what_is_written_down_is_what_is_tabulated(tabulated):
    compared = 0
    for code in known_counties():
        margins = census_margins(code)
        row = tabulated[margins.code]
        assert margins.name == row["NAME"]
        for field, column in ONE_NUMBER.items():
            assert getattr(margins, field) == float(row[column]), (code, field)
        for field, columns in LISTS.items():
            assert getattr(margins, field) == tuple(float(row[column]) for column in columns), (code, field)
        compared += 1
    assert compared >= 14


def test_the_counties_of_the_reports_are_there():
    assert census_margins(DINGAN).population == 284_690
    assert {451030, 620105, 620881, 350681} <= set(known_counties())


def test_a_county_answers_to_its_later_code():
    assert census_margins(350604) == census_margins(350681)


def test_an_unknown_county_is_told_with_the_known_ones():
    with pytest.raises(UnknownCounty, match=r"110101.*定安县 469021"):
        census_margins(110101)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"population": 0}, "population"),
        ({"urban": 1.2}, "urban"),
        ({"ages": (0.5, 0.5)}, "19 shares are needed, 2"),
        ({"generations": (0.5, 0.4, 0.3, 0.0)}, "add up to 1.2000"),
        ({"marital_men": (1.1, -0.1, 0.0, 0.0)}, "negative"),
        ({"registered_elsewhere": 0.95}, "exceed everybody"),
    ],
)
def test_margins_that_cannot_be_are_refused(change, word):
    with pytest.raises(ImpossibleMargins, match=word):
        replace(census_margins(DINGAN), **change)


def test_a_missing_margin_is_named():
    with pytest.raises(ImpossibleMargins, match=r"county 1: missing .*urban"):
        margins_from(1, {"name": "x", "population": 5})
