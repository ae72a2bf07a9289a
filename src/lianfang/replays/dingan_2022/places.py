"""Where it happened: the real divisions of Ding'an county, as the report calls them."""

from datetime import date

from lianfang.core.territory.rules import NewPlace, Overlay, Period
from lianfang.engines.protocol import grid_size, load_pack
from lianfang.kit.codes import CodeRange, code_range, full_code
from lianfang.replays.ground import Ground

PACK = "covid19-cn-ed9"
COUNTY = 469021
DINGCHENG, XINZHU_TOWN = 469021100, 469021101
XINZHU = 469021101201
JIANGNAN, ZHONGNAN, XIANGOU = COMMUNITIES = (469021100004, 469021100003, 469021100013)
FIRST_DAY, LAST_DAY = date(2022, 7, 13), date(2022, 7, 25)
#: where cases are treated and contacts are kept: a hospital of the provincial capital and a hotel in the county seat
HOSPITAL, SITE = "海口市定点医院", "定安县集中隔离点"
SITE_CODE = full_code(469021100011)

GROUND = Ground(
    county=COUNTY,
    name="定安县新冠肺炎疫情防控指挥部",
    superior=("海南省新冠肺炎疫情防控指挥部", "46"),
    steps=(("grid", "网格员"), ("village", "村(居)委会主任"), ("township", "镇长")),
    overlays=(
        Overlay("rename", full_code(ZHONGNAN), Period(date(2022, 1, 1)), "定安县报 2022-07-28", "中南社区居委会"),
    ),
    hamlets={full_code(XINZHU): ("中安村",)},
    places=(
        NewPlace(full_code(469021100011), "hospital", "定安县人民医院", 110.349, 19.684),
        NewPlace(full_code(469021100011), "laboratory", "定安县人民医院核酸检测实验室", 110.349, 19.684),
        NewPlace(SITE_CODE, "quarantine_site", SITE, 110.355, 19.69),
        NewPlace(full_code(XINZHU), "village_committee", "新竹村委会", 110.27, 19.62),
    ),
    households_per_grid=grid_size(load_pack(PACK, on=FIRST_DAY)).households.least,
    reference_date=date(2022, 7, 1),
    seed=469021,
)


def county() -> CodeRange:
    """Return the range of the whole county."""
    return code_range(COUNTY)
