"""Pure thinking about quarantine: what an order must say, its legs, the plan of its duties, what is abnormal."""

import uuid
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache

from pydantic import AwareDatetime

from lianfang.engines.protocol import LegDates, Pack, leg_schedule, pack_of_protocol, quarantine_plan, tier_of
from lianfang.kit.clock import LOCAL, local_date
from lianfang.kit.codes import county_of
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Conflict, NotFound, Refusal

STATES = ("in_force", "released", "reordered", "upgraded", "lifted")
LEG_KINDS = ("testing_only", "home_monitoring", "home_quarantine", "medical_observation", "central_quarantine")
RESULTS = ("negative", "positive", "pending", "invalid")
PLEDGES = ("signed", "refused", "not_asked")
PURPOSES = ("to_site", "home", "hospital")
OUTCOMES = ("leg_ended", "released", "order_anew", "upgraded", "lifted", "appeal_granted")
DAY = timedelta(days=1)
#: Fever in the national monitoring rules for contacts (axillary); the packs do not carry it.
FEVER = Decimal("37.3")
#: The packs have no clock for what cannot wait; a default of the house.
AT_ONCE = timedelta(minutes=30)
#: A decision on an appeal within a day, where a pack is silent.
APPEAL_WITHIN = timedelta(hours=24)
#: A visit within half a day, where a pack is silent.
VISIT_WITHIN = timedelta(hours=12)


class OrderRefused(Refusal):
    """An order that does not say what a person must be able to read, or cannot be."""


class OrderAlreadyInForce(Conflict):
    """The person is under another order of this incident."""


class OrderNotFound(NotFound):
    """No such order lies in the actor's area."""


class OrderClosed(Conflict):
    """The order is no longer in force."""


class ReleaseRefused(Refusal):
    """A release that is too early, lacks a reason, or would let an infected person go."""


class CheckRefused(Refusal):
    """A daily check that says neither how the person is nor why nobody knows."""


class IssuerCannotDecide(Refusal):
    """An appeal is decided by somebody other than the issuer of the order."""


class AppealAlreadyDecided(Conflict):
    """The appeal was decided before."""


@dataclass(frozen=True)
class NewOrder:
    """A quarantine order as it is issued; ``site_code`` and ``place`` say where central quarantine is served.

    ``linked_resident`` is the close contact whose tests decide with a contact's contact's own. ``dependants`` says
    whether anybody depends on the person's care, and ``keeper`` who looks after them: to be known before anybody is
    taken away. ``started_at`` is given when the person is in place already.
    """

    __pydantic_config__ = {"extra": "forbid"}
    resident: uuid.UUID
    tier: str
    last_exposure_at: AwareDatetime
    reason: str
    authority: str
    appeal_to: str
    place: str = ""
    site_code: int | None = None
    contact: uuid.UUID | None = None
    linked_resident: uuid.UUID | None = None
    dependants: bool | None = None
    keeper: str = ""
    started_at: AwareDatetime | None = None
    id: uuid.UUID = field(default_factory=new_id)


@dataclass(frozen=True)
class NewCheck:
    """One daily check: degrees Celsius and symptoms, or why it could not be done."""

    __pydantic_config__ = {"extra": "forbid"}
    order: uuid.UUID
    temperature: Decimal | None = None
    symptoms: tuple[str, ...] = ()
    could_not: str = ""
    id: uuid.UUID = field(default_factory=new_id)


@dataclass(frozen=True)
class NewTest:
    """One test of a person under an order, or of the room; a later row with the same time of sampling replaces it."""

    __test__ = False  # no test of this project's
    __pydantic_config__ = {"extra": "forbid"}

    order: uuid.UUID
    sampled_at: AwareDatetime
    result: str
    sample: uuid.UUID | None = None
    environment: bool = False
    id: uuid.UUID = field(default_factory=new_id)


@dataclass(frozen=True)
class PlannedDuty:
    """A duty of everybody in one leg: the day inside the leg, opening and due time since that day's midnight."""

    protocol: str
    tier: str
    leg: int
    kind: str
    leg_day: int
    slot: int
    opens: timedelta
    due: timedelta
    rule: str


def legs_to_serve(protocol: str, order: NewOrder, issued_at: datetime) -> tuple[LegDates, ...]:
    """Return the legs of an order that are not over yet; days passed before the person was found count.

    Raises `OrderRefused` when the tier has no quarantine or all of it lies behind.
    """
    return _legs_to_serve(protocol, order.tier, order.last_exposure_at, order.started_at or issued_at, issued_at)


@lru_cache(maxsize=4096)
def _legs_to_serve(
    protocol: str, tier: str, last_exposure_at: datetime, entered: datetime, issued_at: datetime
) -> tuple[LegDates, ...]:
    legs = leg_schedule(pack_of_protocol(protocol), tier, last_exposure=last_exposure_at, entered=entered)
    if not legs:
        raise OrderRefused(f"{protocol} orders no quarantine for {tier}: advise the person instead.")
    left = tuple(leg for leg in legs if leg.ends_at > issued_at)
    if not left:
        raise OrderRefused(f"The period of {tier} ended on {legs[-1].last_day}: nobody is held for days that are over.")
    return left


def order_fault(protocol: str, order: NewOrder, home_code: int, issued_at: datetime) -> str | None:
    """Return why an order cannot be issued, as a sentence, or None."""
    for name in ("reason", "authority", "appeal_to"):
        if not getattr(order, name).strip():
            return f"fill in {name.replace('_', ' ')}: a person must be able to read it and object to it."
    if order.last_exposure_at > issued_at:
        return "the last exposure lies after the order; correct the time."
    if order.started_at and order.started_at > issued_at:
        return "nobody is in place after the order only; leave started_at empty and record the start when it comes."
    if legs_to_serve(protocol, order, issued_at)[0].kind != "central_quarantine":
        return None
    if order.site_code is None or not order.place.strip():
        return "central quarantine needs its site; fill in place and site_code."
    if county_of(order.site_code) != county_of(home_code):
        return "the site lies in another county; hand the person over to that county instead."
    if order.dependants is None:
        return "say whether children or others depend on this person (dependants) before taking them away."
    if order.dependants and not order.keeper.strip():
        return "nobody is taken away before their dependants have a named keeper; fill in keeper."
    return None


def served_at_site(kind: str, site_code: int | None) -> bool:
    """Say whether a leg of a kind is served at the order's site rather than at home."""
    return site_code is not None and kind in ("central_quarantine", "medical_observation")


@lru_cache(maxsize=512)
def planned_duties(protocol: str, tier: str) -> tuple[PlannedDuty, ...]:
    """Return the duties of everybody in a tier, by leg and day inside the leg; the same for all orders of a class."""
    pack = pack_of_protocol(protocol)
    anchor = datetime(2000, 1, 1, 12, tzinfo=LOCAL)
    legs = leg_schedule(pack, tier, last_exposure=anchor, entered=anchor)
    return tuple(
        PlannedDuty(
            protocol, tier, item.leg, item.kind,
            (local_date(anchor) + item.day * DAY - legs[item.leg].first_day).days + 1,
            item.slot, item.opens, item.due, item.rule,
        )
        for item in quarantine_plan(pack, tier)
    )  # fmt: skip


def is_abnormal(temperature: Decimal | None, symptoms: Collection[str]) -> bool:
    """Say whether a check calls for a doctor: fever, or any symptom."""
    return bool(symptoms) or (temperature is not None and temperature >= FEVER)


def slot_of(pack: Pack, kind: str, instant: datetime) -> int:
    """Return which of a day's windows of a duty an instant belongs to: the last that has opened, else the first."""
    windows = pack.duty_windows[kind].windows if kind in pack.duty_windows else ()
    clock = instant.astimezone(LOCAL).time()
    opened = [slot for slot, window in enumerate(windows) if _clock(window.opens) <= clock]
    return opened[-1] if opened else 0


def _clock(text: str) -> time:
    return time.max if text == "24:00" else time.fromisoformat(text)


def is_complete(informed: bool, reassured: bool, test_checked: bool, notice_handed: bool, shopping_asked: bool) -> bool:
    """Say whether a door visit did all it is for. The pledge is no part of it: refusing one costs nothing."""
    return informed and reassured and test_checked and notice_handed and shopping_asked


def test_day_served(sampled_on: date, planned: Sequence[date]) -> date | None:
    """Return the planned test day that a sample serves: its own, else the latest one before it that it makes good."""
    return max((day for day in planned if day <= sampled_on), default=None)


test_day_served.__test__ = False  # type: ignore[attr-defined]


def legs_anew(
    pack: Pack, tier: str, legs: Sequence[LegDates], position: int, today: date, last_day: date
) -> Iterator[tuple[int, str, date, date]]:
    """Yield (position, kind, first day, last day) of an order anew: the current leg again until a day, then the rest.

    Raises `OrderRefused` when the day is past or the leg would become longer than the pack's own.
    """
    current = next(leg for leg in legs if leg.leg == position)
    first = max(current.last_day + DAY, today)
    longest = tier_of(pack, tier).legs[position].days
    if last_day < first:
        raise OrderRefused(f"An order anew begins on {first}; give a last day from then on.")
    if (last_day - first).days >= longest:
        raise OrderRefused(
            f"An order anew may not be longer than the {longest} days of the protocol; end it by "
            f"{first + (longest - 1) * DAY}."
        )
    yield position, current.kind, first, last_day
    for leg in legs:
        if leg.leg > position and leg.last_day > last_day:
            yield leg.leg, leg.kind, max(leg.first_day, last_day + DAY), leg.last_day
