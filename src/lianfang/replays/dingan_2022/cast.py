"""Who acts: accounts for every role, organisations, two thousand cadres, branches, crews, volunteers. All synthetic."""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from itertools import islice

from lianfang.core.access.rules import NewPost, NewSeat
from lianfang.core.people.queries import ResidentLine, residents
from lianfang.core.territory.queries import children, find
from lianfang.kit.clock import at_local
from lianfang.kit.codes import CodeRange, code_range, full_code
from lianfang.replays.dingan_2022.places import (
    COMMUNITIES,
    COUNTY,
    DINGCHENG,
    FIRST_DAY,
    GROUND,
    XINZHU,
    XINZHU_TOWN,
    county,
)
from lianfang.replays.ground import grid_posts, seat_everybody
from lianfang.replays.player import Payload, Player

#: county departments that send people down, and how many each can spare
DEPARTMENTS = (
    "县委办公室", "县人大常委会办公室", "县政府办公室", "县政协办公室", "县纪委监委", "县委组织部", "县委宣传部", "县委统战部",
    "县委政法委", "县委编办", "县委巡察办", "县直机关工委", "县总工会", "团县委", "县妇联", "县科协", "县工商联", "县残联", "县文联",
    "县红十字会", "县发展和改革委员会", "县教育局", "县科技和工业信息化局", "县民政局", "县司法局", "县财政局", "县人力资源和社会保障局",
    "县自然资源和规划局", "县生态环境局", "县住房和城乡建设局", "县交通运输局", "县水务局", "县农业农村局", "县商务局",
    "县旅游和文化广电体育局", "县退役军人事务局", "县应急管理局", "县审计局", "县市场监督管理局", "县综合行政执法局", "县统计局",
    "县医疗保障局", "县乡村振兴局", "县信访局", "县营商环境建设局", "县林业局", "县税务局", "县气象局", "县消防救援大队", "县供销社",
    "县融媒体中心", "县档案馆", "县机关事务服务中心", "县园区服务中心",
)  # fmt: skip
CADRES_EACH = 39
MEDICS, POLICE, ENFORCERS, VOLUNTEERS = 260, 36, 18, 96
BRANCH_MEMBERS, VILLAGE_CADRES = 6, 12
#: the eight towns where nothing happens and which report nil every day
OTHER_TOWNS = tuple(range(469021102, 469021110))
#: one account for each role that can sign in to the demonstration; the rest of the seats have no password
DEMO_PASSWORD = "dingan-2022"


@dataclass(frozen=True)
class Seat:
    """An account of the scenario: who it is, on which line, where, and whether the demonstration signs in with it."""

    username: str
    role: str
    line: str
    title: str
    scope: CodeRange
    demo: bool = False

    def made(self) -> NewSeat:
        post = NewPost(self.role, self.line, self.title, self.scope)
        return NewSeat(self.username, post, DEMO_PASSWORD if self.demo else None)


def seats() -> list[Seat]:
    """Return every account of the scenario."""
    whole = county()
    xinzhu, jiangnan = code_range(XINZHU), code_range(COMMUNITIES[0])
    found = [
        Seat("commander", "commander", "command", "定安县指挥部指挥长", whole, True),
        Seat("office", "task_force_lead", "command", "指挥部办公室主任", whole, True),
        Seat("epi", "epidemiologist", "epidemiology", "流调溯源专班", whole, True),
        Seat("clinician", "clinician", "treatment", "医疗救治专班医生", whole, True),
        Seat("testing", "task_force_lead", "testing", "核酸检测专班组长", whole),
        Seat("quarantine", "task_force_lead", "quarantine", "隔离管控专班组长", whole),
        Seat("township", "township", "community", "新竹镇疫情防控负责人", code_range(XINZHU_TOWN), True),
        Seat("dingcheng", "township", "community", "定城镇疫情防控负责人", code_range(DINGCHENG)),
        Seat("community", "community", "community", "新竹村委会防控专员", xinzhu, True),
        Seat("grid", "grid_worker", "community", "新竹村网格员", xinzhu, True),
        Seat("volunteer", "volunteer", "community", "江南社区志愿服务队", jiangnan, True),
        Seat("sampler", "sampler", "testing", "江南社区采样组", jiangnan, True),
        Seat("squad", "rapid_squad", "testing", "应急采样小分队", whole, True),
        Seat("courier", "courier", "testing", "标本转运组", whole, True),
        Seat("lab", "lab", "testing", "县人民医院核酸检测实验室", whole, True),
        Seat("driver", "driver", "transfer", "闭环转运车队", whole, True),
        Seat("disinfection", "disinfection", "disinfection", "消毒组", whole, True),
        Seat("site", "site_team", "quarantine", "集中隔离点工作组", whole, True),
        Seat("checkpoint", "checkpoint", "checkpoints", "中安村卡口", xinzhu, True),
        Seat("police", "police", "security", "新竹派出所", code_range(XINZHU_TOWN), True),
        Seat("police.dingcheng", "police", "security", "定城派出所", code_range(DINGCHENG)),
        Seat("desk", "service_desk", "supplies", "民生保障专班", whole, True),
        Seat("department", "department", "units", "县教育局", whole, True),
        Seat("employer", "employer", "units", "定安中学", code_range(DINGCHENG), True),
        Seat("province", "superior_level", "command", "海南省指挥部", code_range(46), True),
        Seat("inspector", "inspector", "inspection", "县督导组", whole, True),
        Seat("discipline", "discipline", "discipline", "县纪委监委", whole, True),
        Seat("auditor", "auditor", "audit", "县审计员", whole, True),
        Seat("admin", "administrator", "administration", "系统管理员", whole, True),
    ]
    found += [
        Seat(f"town.{code}", "township", "community", f"{code} 镇值班室", code_range(code)) for code in OTHER_TOWNS
    ]
    for code in (XINZHU, *COMMUNITIES):
        found += [
            Seat(f"sampler.{code}", "sampler", "testing", f"{code} 采样组", code_range(code)),
            Seat(f"community.{code}", "community", "community", f"{code} 防控专员", code_range(code)),
        ]
    return found


def seat_the_county() -> None:
    """Create a post for every grid, village and township, and the scenario's accounts."""
    made = [seat.made() for seat in seats()]
    seat_everybody(grid_posts(GROUND, FIRST_DAY), made, valid_from=at_local(date(2022, 7, 1)))


@dataclass
class Cast:
    """The people of the scenario, read once from the register in a fixed order and handed out without repetition."""

    player: Player
    by_group: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    homes: dict[CodeRange, list[ResidentLine]] = field(default_factory=dict)

    @cached_property
    def villages(self) -> dict[int, str]:
        """Names of the villages and communities of the two towns by their 12-digit codes."""
        return {
            village.code // 1000: village.name
            for town in (DINGCHENG, XINZHU_TOWN)
            for village in children(town, FIRST_DAY)
        }

    @cached_property
    def zhongan(self) -> CodeRange:
        """The range of the hamlet 中安村."""
        return find("中安村", within=XINZHU, on=FIRST_DAY).range

    def living_in(self, area: CodeRange) -> list[ResidentLine]:
        """Return who lives in a range and is there, by grid, household and age; read once."""
        if area not in self.homes:
            lines = residents(by=self.player.actor("office"), within=area, limit=100_000)
            self.homes[area] = [
                line for line in lines if line.division_code == line.present_code and line.division_code in area
            ]
        return self.homes[area]

    @cached_property
    def staff(self) -> Iterator[ResidentLine]:
        """Adults of working age from communities where nothing happens, one after another."""
        quiet = [code for code in self.villages if code not in (XINZHU, *COMMUNITIES)]
        return iter([line for code in quiet for line in self.living_in(code_range(code)) if 23 <= age(line) <= 58])

    def organisation(self, name: str) -> uuid.UUID:
        """Return the id of an organisation by its name."""
        return self.player.id_of("organisation", name)

    def responders(self, organisation: str, kind: str, number: int) -> list[Payload]:
        """Return so many people of an organisation as they are registered for duty."""
        home = self.organisation(organisation)
        return [
            {
                "id": str(self.player.id_of("responder", line.id)), "name": line.name, "kind": kind,
                "organisation": str(home), "birth_year": line.birth_date.year, "resident": str(line.id),
            }
            for line in islice(self.staff, number)
        ]  # fmt: skip


def age(line: ResidentLine) -> int:
    """Return somebody's age in whole years on the first day."""
    born = line.birth_date
    return FIRST_DAY.year - born.year - ((FIRST_DAY.month, FIRST_DAY.day) < (born.month, born.day))


def organisations(cast: Cast) -> list[Payload]:
    """Return every organisation: departments, town governments, village committees, hospital, police, squads."""
    rows = [(name, "department", "county", COUNTY) for name in DEPARTMENTS]
    rows += [
        ("定城镇政府", "town_government", "township", DINGCHENG), ("新竹镇政府", "town_government", "township", XINZHU_TOWN),
        ("县人民医院", "hospital", "county", COUNTY), ("县疾病预防控制中心", "hospital", "county", COUNTY),
        ("支援新竹医疗队", "medical_team", "county", COUNTY),
        ("新竹派出所", "police_station", "township", XINZHU_TOWN),
        ("新竹镇执法中队", "enforcement_squad", "township", XINZHU_TOWN),
        ("县新时代文明实践中心", "social_organisation", "county", COUNTY),
    ]  # fmt: skip
    rows += [(name, "village_committee", "village", code) for code, name in cast.villages.items()]
    return [
        {"id": str(cast.organisation(name)), "name": name, "kind": kind, "level": level, "division_code": full_code(code)}
        for name, kind, level, code in rows
    ]  # fmt: skip


def supporting(cast: Cast) -> list[str]:
    """Return the names of the other village committees of Xinzhu town, whose members come to help."""
    return [name for code, name in cast.villages.items() if code // 1000 == XINZHU_TOWN and code != XINZHU]


def register_workforce(cast: Cast, at: datetime) -> None:
    """Register organisations and everybody on duty."""
    player, office = cast.player, cast.player.actor("office")
    player.do("register_organisations", "all", lambda: {"organisations": organisations(cast)}, by=office, at=at)
    groups = [(name, "cadre", CADRES_EACH) for name in DEPARTMENTS]
    groups += [("县人民医院", "medic", MEDICS), ("支援新竹医疗队", "medic", 20), ("县疾病预防控制中心", "medic", 24)]
    groups += [("新竹派出所", "police", POLICE), ("新竹镇执法中队", "enforcement", ENFORCERS)]
    groups += [("新竹镇政府", "cadre", 24), ("定城镇政府", "cadre", 36)]
    groups += [("县新时代文明实践中心", "volunteer", VOLUNTEERS)]
    groups += [(name, "village_cadre", VILLAGE_CADRES) for name in committees(cast)]
    people = {group: cast.responders(*group) for group in groups}
    for (name, kind, _), rows in people.items():
        player.do("register_responders", (name, kind), {"responders": rows}, by=office, at=at)
    cast.by_group = {(name, kind): [row["id"] for row in rows] for (name, kind, _), rows in people.items()}


def committees(cast: Cast) -> Iterable[str]:
    """Return the names of all village and residents' committees of the two towns."""
    return list(cast.villages.values())
