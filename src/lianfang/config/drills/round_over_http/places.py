"""Where the drill is held: the four communities of Ding'an that were tested in July 2022, settled at their real size."""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from lianfang.config.replaying import TABLE, DivisionsMissing, Say
from lianfang.core.access.rules import NewPost, NewSeat
from lianfang.core.people.queries import count_residents
from lianfang.core.territory.queries import buildings, find
from lianfang.kit.clock import at_local
from lianfang.kit.codes import CodeRange, code_range, full_code
from lianfang.replays.dingan_2022.places import (
    COMMUNITIES,
    COUNTY,
    DINGCHENG,
    GROUND,
    JIANGNAN,
    XIANGOU,
    XINZHU,
    XINZHU_TOWN,
    ZHONGNAN,
)
from lianfang.replays.ground import BUILDER, grid_posts, lay_ground, seat_everybody

PLACES = (XINZHU, *COMMUNITIES)
#: columns of the national table that say to which unit a row belongs
LEVELS = ("provinces.csv", "cities.csv", "areas.csv", "streets.csv", "villages.csv")
TOWN_OF = {XINZHU: XINZHU_TOWN, JIANGNAN: DINGCHENG, ZHONGNAN: DINGCHENG, XIANGOU: DINGCHENG}


@dataclass(frozen=True)
class Seat:
    """An account of the drill: username, role, line of work, title, and the unit it acts for."""

    username: str
    role: str
    line: str
    title: str
    unit: int


def seats() -> list[Seat]:
    """Return every account of the drill."""
    found = [
        Seat("commander", "commander", "command", "定安县指挥部指挥长", COUNTY),
        Seat("testing", "task_force_lead", "testing", "核酸检测专班组长", COUNTY),
        Seat("admin", "administrator", "administration", "系统管理员", COUNTY),
        Seat("epi", "epidemiologist", "epidemiology", "流调溯源专班", COUNTY),
        Seat("squad", "rapid_squad", "testing", "应急采样小分队", COUNTY),
        Seat("courier", "courier", "testing", "标本转运组", COUNTY),
        Seat("lab.hospital", "lab", "testing", "县人民医院核酸检测实验室", COUNTY),
        Seat("lab.mobile", "lab", "testing", "移动方舱实验室", COUNTY),
        Seat("driver", "driver", "transfer", "闭环转运车队", COUNTY),
    ]
    for town, name in ((XINZHU_TOWN, "新竹"), (DINGCHENG, "定城")):
        found += [
            Seat(f"township.{town}", "township", "community", f"{name}镇疫情防控负责人", town),
            Seat(f"police.{town}", "police", "security", f"{name}派出所", town),
        ]
    for code in PLACES:
        found += [
            Seat(f"sampler.{code}", "sampler", "testing", f"{code} 采样组", code),
            Seat(f"community.{code}", "community", "community", f"{code} 防控专员", code),
        ]
    return found


def lay(password: str, share: float, say: Say) -> int:
    """Build the drill's ground: divisions, the four places with their people, posts and accounts; return how many people."""
    ground = replace(GROUND, only=tuple(full_code(code) for code in PLACES), share=share)
    with TemporaryDirectory() as folder:
        lay_ground(ground, table=county_table(Path(folder)), say=say)
    made = [
        NewSeat(one.username, NewPost(one.role, one.line, one.title, code_range(one.unit)), password) for one in seats()
    ]
    seat_everybody(grid_posts(GROUND, ground.reference_date), made, valid_from=at_local(date(2022, 7, 1)))
    return count_residents(by=BUILDER, within=code_range(COUNTY))[1]


def county_table(folder: Path) -> Path:
    """Write the rows of the national table that the county needs, itself and what is above and below it."""
    if not (TABLE / LEVELS[-1]).exists():
        raise DivisionsMissing(f"The table of divisions is not at {TABLE}: run `make setup`.")
    path = folder / "divisions.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("code", "name"))
        writer.writerows(_rows_of_county())
    return path


def _rows_of_county() -> Iterator[tuple[str, str]]:
    wanted = str(COUNTY)
    for name in LEVELS:
        with (TABLE / name).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if row["code"].startswith(wanted) or wanted.startswith(row["code"]):
                    yield row["code"], row["name"]


def houses(areas: Iterable[CodeRange]) -> list[str]:
    """Return the buildings of some areas, as the township has them on its map."""
    return [str(house.id) for area in areas for house in buildings(area)]


def zhongan() -> CodeRange:
    """Return the range of the hamlet where the first case lives."""
    return find("中安村", within=XINZHU, on=date(2022, 7, 14)).range
