"""Pure thinking about cases: who counts as community-detected, classes, exposures, clocks."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import AwareDatetime

from lianfang.engines.protocol import Pack, PackSilent, reclassify, tier_of
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Conflict, NotFound, Refusal

#: where somebody was found → whether that means outside of control when nobody says otherwise
DETECTIONS = {
    "community_screening": True,
    "fever_clinic": True,
    "voluntary": True,
    "hospital": True,
    "key_group_testing": True,
    "cross_region": True,
    "contact_tracing": False,
    "quarantine": False,
    "zone_screening": False,
}
SEVERITIES = ("mild", "moderate", "severe", "critical")
STAGES = ("core_info", "preliminary_report", "final_report")
#: a positive ends as a negative retest, a case, the laboratory's error, or in another county's hands
POSITIVE_STATES = ("open", "negative", "confirmed", "withdrawn", "handed_over")
#: the findings of a laboratory that call the people of a tube back
POOL_VALUES = ("positive", "indeterminate")
#: how far a pack's silence is bridged: a retest decides within, and everybody of a pool is settled within
RETEST_WITHIN, SETTLED_WITHIN = timedelta(hours=6), timedelta(hours=24)
#: what a tube was for → the way of detection of whoever is found in it, as long as nobody says it better
DETECTED_BY = {
    "area_screening": "community_screening",
    "mandatory_testing": "key_group_testing",
    "voluntary_testing": "voluntary",
    "quarantine": "quarantine",
    "confirmatory_retest": "community_screening",
}
#: what everybody held for a pool can read: whom to ask, and that an emergency passes
OBJECT_TO = "{desk}疫情防控指挥部值班室{phone}，昼夜有人；由作出决定者以外的人员一日内答复"
EMERGENCY_PASSES = "突发疾病、临产、透析等急需就医的，随时就医，不受此限"
CONTACT_STATES = ("active", "upgraded", "withdrawn")
#: The packs have no clock for what cannot wait; a default of the house.
AT_ONCE = timedelta(minutes=30)


class ResidentNotFound(NotFound):
    """A person is not in the register of this area."""


class CaseNotFound(NotFound):
    """No such case, positive or contact lies in the actor's area."""


class CaseAlreadyRegistered(Conflict):
    """The person is a case of this incident already."""


class UnderControlAlready(Refusal):
    """Somebody found in quarantine cannot be a community detection."""


class PositiveAlreadyDecided(Conflict):
    """The retest of a preliminary positive was recorded before."""


class RetestMissing(Refusal):
    """Somebody is to be released whose single resample is not known to be negative."""


class PoolNotFound(NotFound):
    """No such pool, or none of its people, lies in the actor's area."""


class RetestInconclusive(Refusal):
    """A retest decides only by a negative or a positive result."""


class ClassUnknown(Refusal):
    """The protocol in force does not know this class, severity or finding."""


class DetectionUnknown(Refusal):
    """The house does not know this way of finding a case."""


class ClassUnchanged(Refusal):
    """A reclassification that changes nothing."""


class ContactRefused(Refusal):
    """A determination that does not say enough or contradicts itself."""


class HoldHasNoEnd(Refusal):
    """A hold would end before it begins, or long after the retest it waits for."""


class ReasonMissing(Refusal):
    """A decision about a person without its reason, authority or way to appeal."""


@dataclass(frozen=True)
class NewContact:
    """One determination as the investigator enters it; exposures are instants, ``case`` or ``via`` is the link."""

    __pydantic_config__ = {"extra": "forbid"}
    resident: uuid.UUID
    tier: str
    last_exposure_at: AwareDatetime
    first_exposure_at: AwareDatetime | None = None
    case: uuid.UUID | None = None
    via: uuid.UUID | None = None
    relation: str = ""
    category: str = ""
    id: uuid.UUID = field(default_factory=new_id)


def to_minute(instant: datetime) -> datetime:
    """Return an instant without its seconds: classes are dated to the minute."""
    return instant.replace(second=0, microsecond=0)


def is_community_detected(detected_by: str, said: bool | None) -> bool:
    """Say whether a case counts as community-detected: as said, else by where it was found.

    Raises `UnderControlAlready` when somebody found in quarantine is said to be one.
    """
    if detected_by not in DETECTIONS:
        raise DetectionUnknown(f"“{detected_by}” is no way of detection. Use one of: {', '.join(DETECTIONS)}.")
    if said and detected_by == "quarantine":
        raise UnderControlAlready("A person found in quarantine was under control: it is no community detection.")
    return DETECTIONS[detected_by] if said is None else said


def rule_for_class(
    pack: Pack, before: str | None, after: str, severity: str | None, findings: Collection[str]
) -> str | None:
    """Return the pack's rule that leads from one class to another by these findings, or None when a person decides.

    Raises `ClassUnknown` for a class, severity or finding that the pack does not know.
    """
    if after not in pack.case_classes:
        raise ClassUnknown(f"{pack.pack} has no class “{after}”. It has: {', '.join(pack.case_classes)}.")
    if severity is not None and severity not in pack.severities:
        raise ClassUnknown(f"{pack.pack} has no severity “{severity}”. It has: {', '.join(pack.severities)}.")
    unknown = sorted(set(findings) - set(pack.findings))
    if unknown:
        raise ClassUnknown(f"{pack.pack} has no finding “{unknown[0]}”. It has: {', '.join(pack.findings)}.")
    if before is None:
        return None
    change = reclassify(pack, before, findings)
    return change.rule if change and change.to_class == after else None


def require_words(**words: str) -> None:
    """Raise `ReasonMissing` naming the first field without words."""
    for name, text in words.items():
        if not text.strip():
            raise ReasonMissing(f"Fill in {name.replace('_', ' ')}: a person must be able to read it and object to it.")


def check_hold(held_at: datetime, ends_at: datetime, longest: timedelta) -> None:
    """Raise `HoldHasNoEnd` unless a hold ends after it begins, and within the time in which a retest must be known."""
    if not held_at < ends_at <= held_at + longest:
        raise HoldHasNoEnd(
            f"A person is held in place for {longest / timedelta(hours=1):g} hours at most, until the retest is known: give an "
            "end after the beginning and within that time, and order a new hold with its own reason if it takes longer."
        )


def check_contacts(pack: Pack, contacts: Sequence[NewContact], determined_at: datetime) -> None:
    """Raise `ContactRefused` with the row's number for the first determination that cannot stand."""
    for row, contact in enumerate(contacts, 1):
        fault = _contact_fault(pack, contact, determined_at)
        if fault:
            raise ContactRefused(f"Row {row}: {fault}")


def _contact_fault(pack: Pack, contact: NewContact, determined_at: datetime) -> str | None:
    try:
        tier = tier_of(pack, contact.tier)
    except PackSilent as silent:
        return f"{silent}."
    if contact.case and contact.via:
        return "it names a linking case and a linking contact; keep the one that the person met."
    if contact.tier == "close_contact" and not contact.case:
        return "a close contact needs the case it met; enter it as linking case."
    if tier.upgrade.on_linked_positive and not contact.via:
        return "a contact's contact needs the linking contact, whose tests decide with its own; enter it."
    if contact.category and contact.category not in tier.categories:
        return f"“{contact.category}” is no category of {contact.tier}; use one of {', '.join(tier.categories)}."
    if contact.last_exposure_at > determined_at:
        return "the last exposure lies after the determination; correct the time."
    if contact.first_exposure_at and contact.first_exposure_at > contact.last_exposure_at:
        return "the first exposure lies after the last; exchange them."
    return None


def tiers_below(pack: Pack, tier: str) -> list[str]:
    """Return the tiers that a person leaves by being determined into this one."""
    return [name for name, other in pack.tiers.items() if other.upgrade.on_linked_positive == tier]


def placing_clock(pack: Pack, tier: str) -> str | None:
    """Return the clock within which somebody of a tier must be in quarantine; None when the tier is not held."""
    legs = tier_of(pack, tier).legs
    if not legs or legs[0].kind == "testing_only":
        return None
    at_home = tier == "secondary_contact" or legs[0].kind == "home_quarantine"
    names = ["secondary_in_quarantine"] * at_home + ["contact_in_quarantine"]
    return next((name for name in names if name in pack.clocks), None)


@dataclass(frozen=True)
class Outbreak:
    """What the people of a pool are held for: the incident, its protocol (dated) and on whose authority."""

    incident: uuid.UUID
    protocol: str
    authority: str


@dataclass(frozen=True)
class Finding:
    """A laboratory's standing finding for a tube (``number`` among its findings) that calls its people back."""

    tube: uuid.UUID
    code: str
    mode: str
    purpose: str
    round: uuid.UUID | None
    order_id: uuid.UUID | None
    division_code: int
    number: int
    value: str
    reported_at: datetime


@dataclass(frozen=True)
class Retests:
    """What single resamples of a person are known: how many were of no use, whether one waits, and what others found."""

    unusable: int = 0
    waiting: int = 0
    negative: int = 0
    positive: int = 0

    @property
    def proposal(self) -> str:
        """Return ``case``, ``release`` or "" when nothing is known yet: one positive outranks any number of negatives."""
        if self.positive:
            return "case"
        return "release" if self.negative and not self.waiting else ""


def pool_spans(pack: Pack) -> tuple[timedelta, timedelta]:
    """Return within what time a pool is settled and a single resample taken; the house's own where a pack is silent."""
    return _span(pack, "pool_retest", SETTLED_WITHIN), _span(pack, "confirmatory_retest", RETEST_WITHIN)


def _span(pack: Pack, name: str, otherwise: timedelta) -> timedelta:
    return timedelta(hours=pack.clocks[name].hours) if name in pack.clocks else otherwise


def hold_reason(code: str, mode: str) -> str:
    """Return the reason that somebody held for a positive tube reads; it never fills the 200 characters of its field."""
    found = f"您的核酸样本（管号{code}）初筛阳性" if mode == "single" else f"您所在的混采管（管号{code}）检测阳性"
    return f"{found}，请在现地等候单采复核，结果出来即由专人判定。{EMERGENCY_PASSES}。"


def object_to(county: str, phone: str) -> str:
    """Return where somebody who is held may object: the desk of a county by name, and its telephone where it has one."""
    return OBJECT_TO.format(desk=county or "所在县", phone=f"（电话 {phone}）" if phone else "")


def release_notice(
    name: str, code: str, held_at: datetime, lifted_at: datetime, decided_by: str, why: str, appeal_to: str
) -> str:
    """Return the notice with which somebody is released: of what, since when, who decided, why, that nothing remains.

    ``held_at`` and ``lifted_at`` are in the county's own time; ``why`` is the reason of the decision, ``appeal_to`` where
    the person was told to object.
    """
    minute = "%Y年%m月%d日%H时%M分"
    return (
        f"解除告知：{name}，您因采样管{code}检测阳性，自{held_at.strftime(minute)}起就地留置、等候复核，"
        f"已于{lifted_at.strftime(minute)}解除。理由：{why}。决定人：{decided_by}。"
        f"此事不留任何限制，不影响您的出行、就医、就业和其他权利。有异议：{appeal_to}。"
    )


def require_released(asked: Mapping[uuid.UUID, Retests]) -> None:
    """Raise `RetestMissing` when one of those to be released has no negative resample, or a positive one."""
    doubtful = [positive for positive, retests in asked.items() if retests.proposal != "release"]
    if doubtful:
        raise RetestMissing(
            f"{len(doubtful)} of {len(asked)} people have no negative single resample that stands alone, first "
            f"{doubtful[0]}: wait for the result, sample again, or register the case."
        )
