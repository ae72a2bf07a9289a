"""What zones and rounds are called on a phone: their kind in both languages, the given name where it says more."""

import pytest
from phones import open_duties, phone, subjects

from conftest import XINZHU
from lianfang.config.kinds import KINDS
from lianfang.core.duties.actions import declare_kinds
from lianfang.kit.clock import clock_at
from lianfang.surfaces.field.phone.words import round_words, zone_words
from surfaces.console.scene import NOW, two_villages

pytestmark = pytest.mark.django_db
ED9 = "covid19-cn-ed9 medium_risk"


@pytest.fixture(scope="module", autouse=True)
def kinds(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        declare_kinds(KINDS)


@pytest.mark.parametrize(
    ("level", "name", "zh", "en"),
    [
        (ED9, "zone 1", "中风险区 1", "medium-risk zone 1"),
        (ED9, "竹园小区", "中风险区 竹园小区", "medium-risk zone 竹园小区"),
        (ED9, "竹园小区中风险区", "竹园小区中风险区", "medium-risk zone 竹园小区中风险区"),
        ("no-such-pack sealed", "东门", "东门", "sealed zone 东门"),
    ],
)
def test_a_zone(level, name, zh, en):
    assert zone_words(level, name) == (zh, en)


@pytest.mark.parametrize(
    ("number", "title", "zh", "en"),
    [
        (3, "round 3", "第3轮", "round 3"),
        (3, "", "第3轮", "round 3"),
        (1, "四社区第1轮区域核酸检测", "四社区第1轮区域核酸检测", "round 1 四社区第1轮区域核酸检测"),
        (2, "north side", "第2轮 north side", "round 2 north side"),
    ],
)
def test_a_round(number, title, zh, en):
    assert round_words(number, title) == (zh, en)


def test_a_phone_reads_both(settings):
    home, _ = two_villages()
    with clock_at(NOW):
        zone = subjects(home)["zone"]
        wanted = [("zone_needs_check", "zone", zone, XINZHU * 1000 + 11)]
        open_duties("community", wanted, NOW, NOW.replace(hour=23))
        carried = phone(XINZHU, "community")
    [duty] = [row for row in carried.rows("duties") if row["kind"] == "zone_needs_check"]
    assert duty["name_zh"].startswith("中风险区") and duty["name_en"].startswith("medium-risk zone")
    rounds = carried.rows("rounds")
    assert rounds and all(f"第{row['number']}轮" in row["name_zh"] or "轮" in row["title"] for row in rounds)
    assert all(row["name_en"].startswith(f"round {row['number']}") for row in rounds)
