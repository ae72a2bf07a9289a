"""What a piece of field work must say, who may be given it, when it comes round again, and what is looked at: pure."""

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import AwareDatetime

from lianfang.kit.clock import LOCAL
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Conflict, NotFound, Refusal

PATROL, CLEAN_UP, DELIVERY, INSPECTION = TASK_KINDS = ("patrol", "clean_up", "delivery", "field_inspection")
TASK_NAMES: Mapping[str, tuple[str, str]] = {
    PATROL: ("巡查", "patrol"),
    CLEAN_UP: ("清运消杀", "clean-up and disinfection"),
    DELIVERY: ("配送", "delivery to the door"),
    INSPECTION: ("督查", "inspection of a place"),
}
FIX, TELL = "fix_finding", "tell_reporter"
PATROLLED, CLEANED, DELIVERED, IN_ORDER, FINDINGS = OUTCOMES = (
    "patrolled", "cleaned", "delivered", "in_order", "findings",
)  # fmt: skip
#: which roles each kind may be given to, the usual one first
DOERS: Mapping[str, tuple[str, ...]] = {
    PATROL: ("grid_worker", "community", "volunteer", "police"),
    CLEAN_UP: ("disinfection", "grid_worker", "community"),
    DELIVERY: ("volunteer", "grid_worker", "community"),
    INSPECTION: ("inspector", "township", "community", "grid_worker", "department"),
}
#: what a patrol looks for, and what is looked at on an inspection, by category of place
CHECKS: Mapping[str, tuple[str, str]] = {
    "masks": ("佩戴口罩", "masks are worn"),
    "temperature": ("进门测温", "temperature is taken at the door"),
    "register": ("台账登记", "registers are kept"),
    "ventilation": ("通风", "rooms are aired"),
    "disinfection": ("消毒和记录", "disinfection is done and noted"),
    "crowding": ("限流、无聚集", "no crowding"),
    "staff_tests": ("员工按时核酸", "staff are tested on time"),
    "medicine_register": ("退热药实名登记", "fever medicine is registered"),
    "cold_chain": ("冷链查验", "cold-chain goods are checked"),
    "exits": ("出口和消防通道畅通", "exits and fire lanes are free"),
    "waste": ("垃圾日产日清", "waste is taken away daily"),
    "passages": ("三区两通道", "three zones, two passages"),
    "night_watch": ("夜间值守", "night watch is kept"),
    "emergency_lane": ("应急通道畅通", "the emergency lane is open"),
    "notices": ("决定和申诉渠道已公示", "orders and ways to object are posted"),
    "supplies": ("物资储备", "supplies are in stock"),
}
_SHOP = ("masks", "temperature", "register", "ventilation", "disinfection", "crowding", "staff_tests", "exits")
CATEGORIES: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "community": ("村居小区", "community", ("notices", "night_watch", "exits", "waste", "supplies", "crowding")),
    "market": ("集贸市场", "market", (*_SHOP, "cold_chain", "waste")),
    "shop": ("商场超市", "shop", (*_SHOP, "cold_chain", "supplies")),
    "restaurant": ("餐饮", "restaurant", (*_SHOP, "cold_chain")),
    "pharmacy": ("药店诊所", "pharmacy or clinic", (*_SHOP, "medicine_register")),
    "hotel": ("宾馆酒店", "hotel", _SHOP),
    "school": ("学校托幼", "school or nursery", (*_SHOP, "supplies")),
    "venue": ("文娱场所", "place of leisure", _SHOP),
    "gathering": ("红白喜事、集会", "wedding, funeral or gathering", ("masks", "register", "crowding", "temperature")),
    "employer": ("企业工地", "employer or building site", (*_SHOP, "supplies")),
    "quarantine_site": ("隔离点", "quarantine site", ("passages", "disinfection", "waste", "staff_tests", "exits", "night_watch", "notices")),
    "checkpoint": ("卡口", "checkpoint", ("emergency_lane", "notices", "night_watch", "register", "masks")),
    "sampling_site": ("采样点", "sampling site", ("passages", "disinfection", "crowding", "waste", "masks", "supplies")),
}  # fmt: skip
#: what an inspection led to on the spot
MEASURES = ("none", "closed", "put_off", "made_small")
#: kind of hazard → names, and whether somebody cleans up or somebody looks
HAZARDS: Mapping[str, tuple[str, str, str]] = {
    "rubbish": ("垃圾堆放点", "rubbish point", CLEAN_UP),
    "sewage": ("污水、厕所", "sewage or toilet", CLEAN_UP),
    "medical_waste": ("废弃口罩、防护服、医疗垃圾", "masks, suits or medical waste", CLEAN_UP),
    "dead_animals": ("病死畜禽", "dead animals", CLEAN_UP),
    "blocked_exit": ("出口、通道被堵", "blocked exit or road", INSPECTION),
    "crowd": ("人群聚集", "a crowd", INSPECTION),
    "open_venue": ("该关的场所开着", "a venue open against the rules", INSPECTION),
    "unserved": ("有人缺药缺粮没人管", "somebody without food or medicine", INSPECTION),
    "other": ("其他", "other", INSPECTION),
}
FIELD, HOTLINE = CHANNELS = ("field", "hotline")
HANDED = ("in_person", "at_the_door", "neighbour")
#: a hazard is seen to within a day; whoever reported it hears of it within another
HAZARD_WITHIN = timedelta(hours=24)
TOLD_WITHIN = timedelta(hours=24)
#: how long a missed turn of a recurring task stays in the ledger before the next ones speak for it
MISSED_FOR = timedelta(hours=24)
MOST_TURNS = 1000
PERIOD = "%Y-%m-%d %H:%M"


class TaskRefused(Refusal):
    """Field work that does not say what whoever gets it must know, or that cannot be given so."""


class TaskNotFound(NotFound):
    """No such piece of field work, finding or hazard lies in the actor's area."""


class TaskWithdrawn(Conflict):
    """The work was withdrawn before it was done."""


class FindingAlreadyFixed(Conflict):
    """Somebody recorded before that this finding was put right."""


@dataclass(frozen=True)
class NewTask:
    """A piece of field work as a desk gives it.

    ``every_hours`` and ``until`` make it come round again: each turn opens so many hours after the one before, and is
    due as long after its opening as ``due_at`` lies after ``starts_at``. ``person``, ``address`` and ``items`` say to
    whom a delivery goes and what to bring; ``category`` says what kind of place is inspected. An ``unannounced``
    inspection is seen by nobody below whoever gives it until it has taken place.
    """

    __pydantic_config__ = {"extra": "forbid"}
    kind: str
    division_code: int
    title: str
    starts_at: AwareDatetime
    due_at: AwareDatetime
    role: str = ""
    assignee: uuid.UUID | None = None
    place: str = ""
    lon: float | None = None
    lat: float | None = None
    category: str = ""
    person: str = ""
    address: str = ""
    items: tuple[str, ...] = ()
    every_hours: int | None = None
    until: AwareDatetime | None = None
    incident: uuid.UUID | None = None
    unannounced: bool = False
    id: uuid.UUID = field(default_factory=new_id)

    @property
    def responsible(self) -> str:
        """The role that is to do it: the usual one unless another is named."""
        return self.role or DOERS[self.kind][0]


@dataclass(frozen=True)
class NewFinding:
    """Something that is not in order: which point of the list, in words, and by when it is put right (or was at once)."""

    __pydantic_config__ = {"extra": "forbid"}
    item: str
    text: str = ""
    must_fix_by: AwareDatetime | None = None
    id: uuid.UUID = field(default_factory=new_id)


def task_fault(task: NewTask) -> str | None:
    """Return why a task cannot be given as it is written, as a sentence, or None."""
    if task.kind not in TASK_KINDS:
        return f"“{task.kind}” is no kind of field work. Use one of {', '.join(TASK_KINDS)}."
    if task.responsible not in DOERS[task.kind]:
        return f"“{task.role}” does no such work. It is given to one of {', '.join(DOERS[task.kind])}."
    if not task.title.strip():
        return "say in a few words what is to be done."
    if task.due_at <= task.starts_at:
        return "it is due after it begins: correct the times."
    return _wants_more(task) or _turns_fault(task) or _unannounced_fault(task)


def _unannounced_fault(task: NewTask) -> str | None:
    if task.unannounced and (task.kind != INSPECTION or task.every_hours is not None):
        return "only an inspection that takes place once can be unannounced: give it without a next turn."
    return None


def hidden_at(task: NewTask, giver: int) -> int | None:
    """Return the code at which an unannounced inspection waits: the giver's own unit (its 15-digit code), above the place.

    None for what everybody of the place may see. Raises `TaskRefused` when giver and place are one unit.
    """
    if not task.unannounced:
        return None
    if giver == task.division_code:
        raise TaskRefused(
            "An unannounced inspection is given from above the place: choose a village or grid below you."
        )
    return giver


def _wants_more(task: NewTask) -> str | None:
    if task.kind == DELIVERY and not (task.person.strip() and task.address.strip() and any(map(str.strip, task.items))):
        return "a delivery says to whom, where and what to bring: fill in person, address and items."
    if task.kind == INSPECTION and task.category not in CATEGORIES:
        return f"say which kind of place is inspected: {', '.join(CATEGORIES)}."
    if (task.lon is None) != (task.lat is None):
        return "a point has a longitude and a latitude: give both or neither."
    return None


def _turns_fault(task: NewTask) -> str | None:
    if task.every_hours is None and task.until is None:
        return None
    if task.every_hours is None or task.until is None:
        return "work that comes round again says every how many hours and until when: fill in both."
    if task.every_hours < 1 or task.until <= task.starts_at:
        return "it comes round every hour at most, and ends after it begins."
    every = timedelta(hours=task.every_hours)
    if task.due_at - task.starts_at > every:
        return "each turn is due before the next one begins: correct the times."
    if (task.until - task.starts_at) / every > MOST_TURNS:
        return f"this would be more than {MOST_TURNS} turns: end it earlier and give it anew."
    return None


def period_at(starts_at: datetime, every_hours: int | None, until: datetime | None, at: datetime) -> str:
    """Return the turn of a task that an instant belongs to: the last that has begun, the first before it begins."""
    if every_hours is None or until is None:
        return "once"
    every = timedelta(hours=every_hours)
    last = -((starts_at - until) // every) - 1
    turn = min(max((at - starts_at) // every, 0), last)
    return (starts_at + turn * every).astimezone(LOCAL).strftime(PERIOD)


def periods(starts_at: datetime, every_hours: int, until: datetime) -> list[str]:
    """Return all turns of a recurring task."""
    found, at = [], starts_at
    while at < until:
        found.append(at.astimezone(LOCAL).strftime(PERIOD))
        at += timedelta(hours=every_hours)
    return found


def inspection_fault(category: str, checked: Collection[str], findings: Collection[NewFinding], measure: str, at: datetime) -> str | None:  # fmt: skip
    """Return why an inspection cannot be recorded so, as a sentence, or None."""
    if category not in CATEGORIES:
        return f"“{category}” is no category that is inspected. Use one of {', '.join(CATEGORIES)}."
    unknown = {*checked, *(one.item for one in findings)} - set(CHECKS)
    if unknown:
        return f"“{sorted(unknown)[0]}” is on no checklist: choose from the list of the category."
    if measure not in MEASURES:
        return f"“{measure}” is no measure. Use one of {', '.join(MEASURES)}."
    if any(one.must_fix_by is not None and one.must_fix_by <= at for one in findings):
        return "A finding is put right after it was found: correct the date, or leave it empty when that was at once."
    return None


def checklist(category: str) -> list[dict[str, str]]:
    """Return what is looked at in a category, as options of a form."""
    items = CATEGORIES[category][2] if category in CATEGORIES else tuple(CHECKS)
    return [{"code": code, "zh": CHECKS[code][0], "en": CHECKS[code][1]} for code in items]
