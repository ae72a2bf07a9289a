"""Two villages in the middle of a round: tubes on their way, a positive pool, sheets, sites, devices, codes."""

import base64
import uuid
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from conftest import DINGAN, JIANGNAN, XINZHU
from lianfang.core.access.actions import enrol_device, open_enrolment_codes, register_devices, revoke_device
from lianfang.core.access.rules import Actor, DeviceEntry
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import record_attempt
from lianfang.core.duties.queries import duties
from lianfang.core.people.actions import issue_codes, register_people
from lianfang.core.people.models import Vulnerability
from lianfang.core.people.rules import HouseholdRow, ResidentRow
from lianfang.core.territory.models import Division
from lianfang.kit.clock import clock_at
from lianfang.kit.codes import code_range, unit_range
from lianfang.kit.ids import new_id
from lianfang.response.sampling.actions import call_slot, confirm_slots, plan_slots, record_queue
from lianfang.response.sampling.queries import slots
from lianfang.response.screening import actions, queries
from lianfang.response.screening.paper import SheetLineEntry
from lianfang.response.screening.rules import AreaEntry, ExclusionEntry, VisitEntry
from lianfang.response.specimens.actions import register_tubes
from lianfang.response.specimens.rules import SampleEntry, TubeEntry
from lianfang.response.tasks import actions as tasks
from lianfang.response.tasks.rules import NewFinding, NewTask
from parcel_making import phone
from surfaces.console.custody_scene import tubes_on_their_way
from surfaces.console.scene import BEFORE, BEGUN, ED9, NOW, Village, county_hand, two_villages
from workflows.pool_making import members, report, resample, the_pool

FAMILY = "王李陈符林吴黄周"
GIVEN = ("海明", "秀兰", "子轩", "雨晴", "国强")
HOUR = timedelta(hours=1)


PLACES = (
    ("county", DINGAN * 10**9, "定安县"), ("township", XINZHU // 10**3 * 10**6, "新竹镇"),
    ("township", JIANGNAN // 10**3 * 10**6, "定城镇"), ("village", XINZHU * 1000, "新竹村"),
    ("village", JIANGNAN * 1000, "江南社区"), ("grid", XINZHU * 1000 + 11, "第一网格"),
    ("grid", XINZHU * 1000 + 12, "第二网格"), ("grid", JIANGNAN * 1000 + 11, "第一网格"),
)  # fmt: skip


def neighbours(by: Actor, grid: int, first: int, homes: int) -> list[uuid.UUID]:
    """Households of five, made up."""
    made, doors = [], []
    for home in range(first, first + homes):
        door = HouseholdRow(new_id(), home, "family", grid, None, "", "", f"{grid % 1000}组{home}号")
        doors.append(door)
        for place, given in enumerate(GIVEN):
            made.append(
                ResidentRow(
                    new_id(), door.id, "head" if not place else "child", FAMILY[home % 8] + given,
                    "male" if place % 2 else "female", date(1950 + 15 * place, 1 + home % 12, 1 + place), False, grid,
                    grid // 1000 * 1000, grid, f"469021{1950 + 15 * place}{1 + home % 12:02}{1 + place:02}{home:03}0",
                    f"10{grid % 10}1234{home:02}{place:02}",
                )
            )  # fmt: skip
    register_people(doors, made, by=by, county=DINGAN, valid_at=BEFORE)
    return [row.id for row in made]


@dataclass(frozen=True)
class County:
    """Records by the names that addresses give them."""

    numbers: dict[str, object]
    empty_round: uuid.UUID


def county_at_work() -> County:
    """Fill the county with an afternoon's work."""
    by = county_hand()
    for level, code, name in PLACES:
        Division.objects.create(
            code=code, code_hi=unit_range(code).hi, level=level, name=name, pinyin=name, origin="local", source="test"
        )
    with clock_at(BEFORE):
        here = neighbours(by, XINZHU * 1000 + 11, 10, 6) + neighbours(by, XINZHU * 1000 + 12, 20, 5)
        neighbours(by, JIANGNAN * 1000 + 11, 30, 4)
    home, other = two_villages()
    custody = tubes_on_their_way(by, home)
    pool = a_pool(by, home, here[:7])
    sampled(by, home, here[7:20])
    at_the_doors(by, home.round, here[20:30])
    sheet = on_paper(by, home.round)
    slots_run(by, home.round, home.site)
    second = a_second_round(by, home)
    devices = desks(by)
    with clock_at(NOW):
        issue_codes(by=by, valid_at=NOW, residents=here[:20])
    numbers = {
        "duty": home.duty, "resident": here[0], "case": home.case, "order": home.order, "round": home.round,
        "earlier": second, "zone": home.zone, "site": home.site, "sheet": sheet, "pool": pool[0], "member": pool[1],
        "lab": custody.lab, "code": custody.tubes["lab"], "difference": custody.difference, "notice": custody.notice,
        "device": devices[0], "exclusion": excluded(home.round),
        **from_the_field(home), **out_and_about(by, home),
    }  # fmt: skip
    return County(numbers, other.round)


def from_the_field(home: Village) -> dict[str, uuid.UUID]:
    """A parcel that waits for the community's decision, and a photo."""
    with clock_at(NOW):
        worker = phone(home.code)
        jpeg = base64.b64encode(bytes.fromhex("ffd8ffda0002") + bytes(20) + bytes.fromhex("ffd9")).decode()
        check = {"order": str(home.order), "temperature": "36.5"}
        held = worker.parcel("record_checks", {"checks": [check]}, duty=home.duty, valid_at=NOW - 13 * HOUR)
        photo = worker.parcel("attach_photo", {"jpeg": jpeg, "caption": "place", "duty": home.duty})
        assert [one.status for one in worker.send(held, photo)] == ["held", "applied"]
    return {"parcel": held.id, "photo": photo.id}


def out_and_about(by: Actor, home: Village) -> dict[str, uuid.UUID]:
    """Field work of every state: done, missed, with findings, a hazard that a caller told of."""
    grid, began = home.code * 1000 + 11, NOW - 4 * HOUR
    round = NewTask(
        "patrol", grid, "河堤巡查", began, began + 2 * HOUR, place="一号到六号点", every_hours=4, until=NOW + 48 * HOUR
    )
    market = NewTask("field_inspection", grid, "查南门市场", began, NOW + HOUR, category="market", place="南门")
    rice = NewTask(
        "delivery", grid, "送米送药", began, NOW + HOUR, person="竹测试3", address="竹组3号", items=("米", "降压药")
    )
    wrong = (NewFinding("masks", "三个摊位没戴口罩", NOW + 20 * HOUR), NewFinding("waste", "当场清走"))
    with clock_at(NOW):
        tasks.give_tasks(by=by, tasks=[round, market, rice], valid_at=began)
        tasks.record_inspection(by=by, task=market.id, findings=wrong, checked=["masks", "waste"], valid_at=NOW - HOUR)
        patrol = next(duty for duty in duties(by=by, kind="patrol") if duty.due_at < NOW)
        record_attempt(by=by, duty=patrol.id, reason="no_access", note="桥被淹", valid_at=NOW - HOUR)
        seen = tasks.report_hazard(by=by, kind="rubbish", division_code=grid, place="桥头", text="垃圾三天没人收",
                                   channel="hotline", contact="王先生", valid_at=began)  # fmt: skip
        tasks.record_clean_up(by=by, task=seen.task, points=9, people=10, disinfected=True, valid_at=NOW - HOUR)
    return {"task": market.id, "hazard": seen.id}


def a_pool(by: Actor, home: Village, others: list[uuid.UUID]) -> tuple[uuid.UUID, uuid.UUID]:
    tube = the_tube(by, home, "PP0010", [*home.people, *others], NOW - 2.9 * HOUR)
    report(by, tube, "positive", NOW - 2.5 * HOUR)
    waiting = [one for one in members(by, tube, NOW - 2.5 * HOUR) if one.state == "to_resample"]
    resample(by, waiting[0], NOW - 2 * HOUR, "negative")
    resample(by, waiting[1], NOW - 1.9 * HOUR, "positive")
    resample(by, waiting[2], NOW - 1 * HOUR)
    return the_pool(by, tube).id, waiting[3].id


def the_tube(by: Actor, home: Village, code: str, people: list[uuid.UUID], at: datetime) -> uuid.UUID:
    entry = TubeEntry(
        new_id(), code, "pooled", 10, "area_screening", XINZHU * 1000 + 11, at,
        tuple(SampleEntry(new_id(), one, at) for one in people), home.round, site=home.site, sealed_at=at,
    )  # fmt: skip
    with clock_at(at):
        register_tubes([entry], by=by, valid_at=at)
    return entry.id


def sampled(by: Actor, home: Village, people: list[uuid.UUID]) -> None:
    the_tube(by, home, "PP0011", people[:10], NOW - 2 * HOUR)
    the_tube(by, home, "PP0012", people[10:], NOW - 0.2 * HOUR)


def at_the_doors(by, round, people):
    with clock_at(NOW - HOUR / 2):
        at = NOW - HOUR / 2
        entries = [
            ExclusionEntry(new_id(), people[0], "away", "海口"), ExclusionEntry(new_id(), people[1], "medical"),
            ExclusionEntry(new_id(), people[2], "away", "三亚"),
        ]  # fmt: skip
        actions.exclude_people(round, entries, by=by, valid_at=at)
        visits = [
            VisitEntry(new_id(), people[3], "could_not", note="家中无人"),
            VisitEntry(new_id(), people[4], "appointment", appointment_at=NOW + 3 * HOUR),
        ]
        actions.record_visits(round, visits, by=by, valid_at=at)
    with acting(by):
        Vulnerability.objects.create(
            county=DINGAN,
            resident=people[5],
            division_code=XINZHU * 1000 + 12,
            kind="bedridden",
            since=date(2022, 1, 1),
        )


def excluded(round):
    rows = queries.round_people(round, by=county_hand(), asked=queries.Asked(standing="excluded"), limit=9, offset=0)
    return next(row.exclusion for row in rows if row.exclusion)


def on_paper(by, round):
    at = NOW - HOUR
    with clock_at(at):
        actions.print_sheets(round, by=by, within=unit_range(XINZHU * 1000 + 12), valid_at=at)
        first = queries.sheets(round, by=by)[0]
        seen = at - HOUR / 6
        for person, lines in ((by, (1, 2)), (county_hand(), (1, 3))):
            typed = [SheetLineEntry(line, True, "PAPER1", seen) for line in lines]
            actions.type_in_sheet(first.id, typed, by=person, total=len(lines), valid_at=at)
    return first.id


def slots_run(by, round, site):
    with clock_at(NOW - HOUR):
        plan = plan_slots(round, by=by, starts_at=NOW - HOUR, valid_at=NOW - HOUR)
        confirm_slots(plan.plan, by=by, valid_at=NOW - HOUR)
        call_slot(slots(site, by=by)[0].id, by=by, valid_at=NOW - HOUR)
    with clock_at(NOW - HOUR / 10):
        record_queue(site, 45, by=by, valid_at=NOW - HOUR / 10)


def a_second_round(by, home):
    code = home.code * 1000
    with clock_at(NOW - HOUR / 4):
        made = actions.open_round(
            by=by, incident=queries.round_row(home.round, by=by).incident, area_code=code, title="second", pack=ED9,
            areas=[AreaEntry(code, code + 999, "high_risk")], valid_at=NOW - HOUR / 4,
        )  # fmt: skip
    return made.id


def desks(by):
    town = 469021101000000
    with clock_at(NOW):
        ids = register_devices(
            by=by, valid_at=NOW, cause=new_id(),
            devices=[DeviceEntry(f"2号点{number}号台", town) for number in range(1, 6)],
        )  # fmt: skip
        enrol_device(open_enrolment_codes([ids[1]], by=by)[0][2])
        revoke_device(by=by, valid_at=NOW, cause=new_id(), device=ids[2], reason="遗失在路上")
    assert BEGUN < NOW and code_range(DINGAN)
    return ids
