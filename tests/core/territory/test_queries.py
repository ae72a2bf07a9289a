from datetime import date
from uuid import UUID

import pytest
from small_table import DINGAN_COUNTY, DINGCHENG, JIANGNAN, LUDI, XINZHU, XINZHU_TOWN, import_small

from lianfang.core.territory import queries
from lianfang.core.territory.actions import (
    lay_out_villages,
    name_responsibility_area,
    register_buildings,
    set_up_headquarters,
)
from lianfang.core.territory.rules import (
    DivisionAmbiguous,
    DivisionUnknown,
    NewBuilding,
    Period,
    own_range,
    split_village,
)
from lianfang.kit.clock import clock_at, local
from lianfang.kit.codes import CodeRange, code_range

pytestmark = pytest.mark.django_db


@pytest.fixture
def dingan(tmp_path):
    return import_small(tmp_path)


@pytest.mark.parametrize("code", ["469021101201", 469021101201, XINZHU])
def test_a_division_is_found_by_any_length_of_its_code(dingan, code):
    assert queries.division(code).name == "新竹村委会"


def test_what_does_not_stand_is_told(dingan):
    with pytest.raises(DivisionUnknown, match="469099"):
        queries.division(469099)
    with pytest.raises(DivisionUnknown, match="1900"):
        queries.division(469021, on=date(1900, 1, 1))


def test_the_day_is_that_of_the_response(dingan):
    with clock_at(local("1949-09-30 23:00")), pytest.raises(DivisionUnknown):
        queries.division(469021)
    with clock_at(local("1949-10-01 00:30")):
        assert queries.division(469021).name == "定安县"


def test_children_and_path(dingan):
    assert [one.name for one in queries.children(None)] == ["海南省"]
    assert [one.name for one in queries.children(469021)] == ["定城镇", "新竹镇"]
    assert [one.name for one in queries.path(XINZHU)] == [
        "海南省",
        "省直辖县级行政区划",
        "定安县",
        "新竹镇",
        "新竹村委会",
    ]
    assert queries.path_name(460400100) == "海南省 › 儋州市 › 那大镇"


def test_children_of_a_prefecture_without_counties_are_its_towns(dingan):
    assert [one.name for one in queries.children(4604)] == ["那大镇"]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("新竹", ["新竹镇", "新竹村委会"]),
        ("xinzhu", ["新竹村委会", "新竹镇"]),
        ("Xin Zhu zhen", ["新竹镇"]),
        ("定", ["定安县", "定城镇"]),
        ("无此", []),
        ("  ", []),
        ("%", []),
    ],
)
def test_search_by_name_and_by_pinyin(dingan, text, names):
    assert sorted(one.name for one in queries.search(text)) == sorted(names)


def test_search_puts_higher_levels_first_and_keeps_to_its_area(dingan):
    assert [one.level for one in queries.search("新竹")] == ["township", "village"]
    assert queries.search("新竹", within=code_range(469021100)) == []
    assert len(queries.search("新竹", limit=1)) == 1


def test_finding_one(dingan):
    assert queries.find("新竹村委会", within=469021).code == XINZHU
    assert queries.find("江南社区", within=code_range(469021)).code == JIANGNAN
    with pytest.raises(DivisionUnknown, match="新竹村委会"):
        queries.find("新竹村委会", within=DINGCHENG)
    with pytest.raises(DivisionAmbiguous, match=r"新竹镇 \(469021101000000\), 新竹村委会"):
        queries.find("新竹")


def test_counts_include_the_unit_itself(dingan):
    assert queries.counts(469021) == {"county": 1, "township": 2, "village": 4}


# ------------------------------------------------------------------------------------------ chain of responsibility

STEPS = [("grid", "网格员"), ("village", "村委会主任"), ("township", "镇指挥所")]


@pytest.fixture
def chains(dingan):
    """Ding'an reports to its province; a development zone inside it has a headquarters of its own."""
    province = set_up_headquarters(by=dingan, name="海南省指挥部", scope=code_range(46), post_title="省值班室")
    county = set_up_headquarters(
        by=dingan,
        name="定安县指挥部",
        scope=code_range(469021),
        post_title="县值班室",
        steps=STEPS,
        reports_to=province,
    )
    set_up_headquarters(
        by=dingan, name="开发区指挥部", scope=code_range(469021100), post_title="开发区值班室",
        steps=[("village", "社区书记")], reports_to=county,
    )  # fmt: skip
    lay_out_villages([split_village(XINZHU, hamlets=[("中安村", 60)], households_per_grid=40)], by=dingan)
    return dingan


def titles(code, **more) -> list[str]:
    return [link.post_title for link in queries.chain_for(code, **more)]


def test_an_overdue_duty_climbs_the_chain_of_its_place(chains):
    links = queries.chain_for(XINZHU + 11)
    assert [(link.order, link.level, link.name) for link in links] == [
        (1, "grid", "中安村第1网格"),
        (2, "village", "新竹村委会"),
        (3, "township", "新竹镇"),
        (4, "headquarters", "定安县指挥部"),
        (5, "headquarters", "海南省指挥部"),
    ]
    assert [link.scope for link in links[1:4]] == [own_range(XINZHU), own_range(XINZHU_TOWN), own_range(DINGAN_COUNTY)]


def test_steps_below_the_place_are_left_out(chains):
    assert titles(XINZHU) == ["村委会主任", "镇指挥所", "县值班室", "省值班室"]
    assert titles(DINGAN_COUNTY) == ["县值班室", "省值班室"]


def test_a_zone_with_its_own_headquarters_has_its_own_chain(chains):
    assert titles(JIANGNAN) == ["社区书记", "开发区值班室", "县值班室", "省值班室"]


def test_no_headquarters_no_chain(dingan):
    assert queries.chain_for(XINZHU) == []
    assert queries.headquarters_for(XINZHU) is None


def test_a_headquarters_answers_only_in_its_time(dingan):
    set_up_headquarters(
        by=dingan, name="县指挥部", scope=code_range(469021), post_title="值班室",
        period=Period(date(2022, 7, 13), date(2022, 8, 1)),
    )  # fmt: skip
    assert titles(XINZHU, on=date(2022, 7, 13)) == ["值班室"]
    assert titles(XINZHU, on=date(2022, 8, 1)) == []


def test_a_building_party_group_is_a_step_where_one_is_named(dingan):
    """District, street, community, building party group, member: the chain of another place, as data."""
    block, other = (NewBuilding(JIANGNAN, name, "residential") for name in ("1栋", "2栋"))
    register_buildings([block, other], by=dingan)
    post = UUID(int=7)
    name_responsibility_area(
        by=dingan, name="1栋党小组", scope=own_range(JIANGNAN), buildings=[block.id], responsible_post=post
    )
    steps = [("area", "楼栋党小组长"), ("village", "社区书记"), ("township", "街道书记")]
    set_up_headquarters(by=dingan, name="区指挥部", scope=code_range(469021), post_title="值班室", steps=steps)
    first = queries.chain_for(JIANGNAN, building=block.id)[0]
    assert (first.name, first.post_id, first.post_title) == ("1栋党小组", post, "楼栋党小组长")
    assert titles(JIANGNAN, building=other.id) == ["社区书记", "街道书记", "值班室"]
    assert titles(JIANGNAN) == ["社区书记", "街道书记", "值班室"]


def test_the_narrowest_area_answers(dingan):
    for name, scope in (("大区", own_range(XINZHU_TOWN)), ("小区", own_range(XINZHU)), ("邻区", own_range(LUDI))):
        name_responsibility_area(by=dingan, name=name, scope=scope)
    assert [one.name for one in queries.responsibility_areas(XINZHU)] == ["小区", "大区"]


def test_the_range_of_a_hamlet_holds_all_its_blocks(dingan):
    lay_out_villages([split_village(XINZHU, hamlets=[("中安村", 400)], households_per_grid=40)], by=dingan)
    assert queries.range_of(XINZHU + 10) == CodeRange(XINZHU + 10, XINZHU + 29)
