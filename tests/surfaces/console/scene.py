"""The same things in two villages: a household, a case with a contact, an order, a round, a zone, a checkpoint."""

import importlib
import uuid
from dataclasses import dataclass
from datetime import date

from conftest import DINGAN, JIANGNAN, XINZHU, make_actor
from lianfang.core.access.rules import Actor
from lianfang.core.duties.queries import duties
from lianfang.core.people.actions import register_people
from lianfang.core.people.rules import HouseholdRow, ResidentRow
from lianfang.kit.clock import clock_at, local
from lianfang.kit.codes import code_range, full_code
from lianfang.kit.ids import new_id
from lianfang.response.cases.actions import determine_contacts, register_case
from lianfang.response.cases.rules import NewContact
from lianfang.response.checkpoints.actions import open_checkpoint
from lianfang.response.command.actions import declare_incident
from lianfang.response.quarantine.actions import issue_orders
from lianfang.response.quarantine.rules import NewOrder
from lianfang.response.screening.actions import open_round, open_sites
from lianfang.response.screening.rules import AreaEntry, SiteEntry
from lianfang.response.zones.actions import draw_zone
from lianfang.response.zones.rules import NewArea

ROOMS = [
    "core.access",
    "core.duties",
    "core.intake",
    "core.people",
    "core.territory",
    "response.cases",
    "response.checkpoints",
    "response.command",
    "response.quarantine",
    "response.sampling",
    "response.screening",
    "response.specimens",
    "response.tasks",
    "response.workforce",
    "response.zones",
    "surfaces.reports",
]
ED9 = "covid19-cn-ed9"
BEFORE = local("2022-07-14 08:00")
BEGUN = local("2022-07-14 09:00")
NOW = local("2022-07-14 12:00")
WORDS = {"reason": "met a case", "authority": "county HQ", "appeal_to": "the duty desk"}


@dataclass(frozen=True)
class Village:
    """What happened in one village; everybody in it bears ``name`` as the beginning of theirs."""

    code: int
    name: str
    people: list[uuid.UUID]
    case: uuid.UUID
    order: uuid.UUID
    round: uuid.UUID
    zone: uuid.UUID
    duty: int
    site: uuid.UUID


def permissions() -> set[str]:
    """Everything that the rooms say may be done."""
    found: set[str] = set()
    for room in ROOMS:
        found |= set(importlib.import_module(f"lianfang.{room}.permissions").PERMISSIONS)
    return found


def county_hand() -> Actor:
    """Somebody who may do everything in the whole county."""
    return make_actor(*permissions())


def two_villages() -> tuple[Village, Village]:
    """Fill Xinzhu and Jiangnan with people of different names and the same events."""
    by, incident = county_hand(), new_id()
    with clock_at(BEGUN):
        declare_incident(
            by=by, id=incident, division_code=full_code(DINGAN), title_zh="测试疫情", title_en="a test outbreak",
            disease="covid19-cn", pack=ED9, authority="county HQ", areas=(code_range(DINGAN),), valid_at=BEGUN,
        )  # fmt: skip
        return village(by, incident, XINZHU, "竹", 1), village(by, incident, JIANGNAN, "江", 2)


def village(by: Actor, incident: uuid.UUID, code: int, name: str, number: int) -> Village:
    grid = code * 1000 + 11
    people = settle(by, grid, name, number)
    case = register_case(
        by=by, incident=incident, resident=people[0], protocol=ED9, detected_by="fever_clinic",
        class_code="confirmed_case", severity="mild", reason="ill and positive", sampled_at=BEFORE, valid_at=BEGUN,
    )  # fmt: skip
    found = determine_contacts(
        by=by, incident=incident, protocol=ED9, division_code=grid, valid_at=BEGUN,
        contacts=[NewContact(people[1], "close_contact", BEFORE, case=case.id, category="co_living")],
    )  # fmt: skip
    order = NewOrder(
        people[1], "close_contact", BEFORE, place="hotel", site_code=grid, dependants=False,
        contact=found.contacts[people[1]], **WORDS,
    )  # fmt: skip
    issue_orders(by=by, incident=incident, protocol=ED9, orders=[order], valid_at=BEGUN)
    round = open_round(
        by=by, incident=incident, area_code=code * 1000, title=f"round in {name}", pack=ED9, valid_at=BEGUN,
        areas=[AreaEntry(code * 1000, code * 1000 + 999, "high_risk")],
    )  # fmt: skip
    site = new_id()
    open_sites(round.id, [SiteEntry(site, f"{name}采样点", grid, 2, 2)], by=by, valid_at=BEGUN)
    zone = draw_zone(
        by=by, incident=incident, name=f"zone {number}", level="medium_risk", protocol=ED9, valid_at=BEGUN,
        areas=[NewArea(code * 1000, code * 1000 + 999)], emergency="just found", **WORDS,
    )  # fmt: skip
    open_checkpoint(
        by=by, incident=incident, name=f"{name}卡口", division_code=grid, road="东路口", emergency_lane="open",
        ends_at=local("2022-07-20"), valid_at=BEGUN, **WORDS,
    )  # fmt: skip
    duty = next(d.id for d in duties(by=by, within=code_range(code), kind="core_info"))
    return Village(code, name, people, case.id, order.id, round.id, zone.id, duty, site)


def settle(by: Actor, grid: int, name: str, number: int) -> list[uuid.UUID]:
    """One household of three."""
    home = HouseholdRow(new_id(), number, "family", grid, None, "", "", f"{name}组{number}号")
    rows = [
        ResidentRow(
            new_id(), home.id, "head" if one == 1 else "child", f"{name}测试{one}", "female", date(1980, 1, one), False,
            grid, grid // 1000 * 1000, grid, f"46902119800101{number}{one}30", f"100{number}234567{one}",
        )
        for one in (1, 2, 3)
    ]  # fmt: skip
    register_people([home], rows, by=by, county=DINGAN, valid_at=BEGUN)
    return [row.id for row in rows]
