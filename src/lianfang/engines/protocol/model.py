"""The typed shape of a protocol pack: every block that states a rule names the source it was read from."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Confidence = Literal["primary", "secondary", "unverified", "house"]
LegKind = Literal["testing_only", "home_monitoring", "home_quarantine", "medical_observation", "central_quarantine"]
Movement = Literal["free", "avoid_gathering", "stay_in_area", "stay_home"]
Unit = Literal["household", "floor", "building", "compound", "village", "township", "county"]
CountFrom = Literal["last_exposure", "facility_entry"]

Days = Annotated[int, Field(strict=True, ge=1)]
Span = Annotated[int, Field(strict=True, ge=0)]
Count = Annotated[int, Field(strict=True, ge=1)]
Flag = Annotated[bool, Field(strict=True)]
ClockText = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$|^24:00$")]


class Frozen(BaseModel):
    """A value that cannot be changed and refuses fields nobody defined."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class Source(Frozen):
    """Where values were read: a text, its date, and how far it was checked.

    ``primary``: an official or named-media text was read. ``secondary``: a local, mirrored or translated text was
    read. ``unverified``: known, but no text was read. ``house``: a default of this project, for a county to set.
    """

    title: str
    confidence: Confidence
    issued: dt.date | None = None


class Sourced(Frozen):
    """A block of rules with the source it comes from; ``marks`` names another source for single fields."""

    source: str
    marks: Mapping[str, str] = {}
    note: str = ""

    def source_of(self, field: str) -> str:
        """Return the key of the source that one field comes from."""
        return self.marks.get(field, self.source)


class Effective(Frozen):
    """The days on which a text is in force, both included; no ``until`` means still in force."""

    start: dt.date = Field(alias="from")
    until: dt.date | None = None

    def covers(self, day: dt.date) -> bool:
        """Say whether the text is in force on a day."""
        return self.start <= day and (self.until is None or day <= self.until)


class Range(Frozen):
    """A least and a most, both included."""

    least: Count
    most: Count


class CaseClass(Sourced):
    """A class a person can be put in, with the clock that runs from doing so."""

    zh: str
    definition: str
    infected: Flag
    report_clock: str | None = None


class Severity(Sourced):
    """A degree of illness and the findings, any of which puts a case there; higher rank wins."""

    zh: str
    rank: Span
    any_of: tuple[str, ...]


class SuspicionRule(Sourced):
    """One way to meet the definition of a suspected case."""

    all_of: tuple[str, ...] = ()
    clinical_at_least: Span = 0


class Reclassification(Sourced):
    """A change of class that findings bring about."""

    from_classes: tuple[str, ...] = Field(alias="from")
    to: str
    all_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    none_of: tuple[str, ...] = ()


class LookBack(Sourced):
    """How far before onset, or before the first positive sample, contacts are searched for."""

    days_before_onset: Span
    days_before_sampling: Span
    screening_from_last_negative: Flag = False


class DayCounting(Sourced):
    """Which instant a quarantine is counted from, and whether its own day is already day 1."""

    count_from: CountFrom
    day_one: Literal["same_day", "next_day"]


class Leg(Sourced):
    """One stretch of a quarantine; test days are counted inside the leg."""

    kind: LegKind
    days: Days
    test_days: tuple[Days, ...] = ()
    double_test_days: tuple[Days, ...] = ()
    checks_per_day: Span
    specimen: Literal["oropharyngeal", "nasopharyngeal", "any", "blood"] = "any"
    may_go_out: Flag = False
    on_entry: tuple[str, ...] = ()


class ReleaseRule(Sourced):
    """What must be known before a contact is released."""

    own_tests: Flag
    linked_contact_first_tests: Span = 0
    environment_test: Flag = False


class UpgradeRule(Sourced):
    """What a contact becomes when something is found."""

    on_positive: str
    on_symptoms: str | None = None
    on_linked_positive: str | None = None


class Tier(Sourced):
    """A class of people at risk and what is done with them; no legs means advice only."""

    zh: str
    definition: str
    categories: Mapping[str, str] = {}
    day_counting: DayCounting | None = None
    legs: tuple[Leg, ...] = ()
    release: ReleaseRule
    upgrade: UpgradeRule


class InfectedRelease(Sourced):
    """When an infected person leaves hospital or isolation, and what follows."""

    classes: tuple[str, ...]
    tests: Count
    hours_apart: Span
    ct_at_least: float | None = None
    followed_by: tuple[Leg, ...] = ()


class ZoneRelease(Sourced):
    """The conditions, all of which must hold, for a zone to change to a lower level (or to be lifted)."""

    to: str | None = None
    stepped_down_from: str | None = None
    days_without_new: Span = 0
    days_at_level: Span = 0
    days_since_contact_exposure: Span = 0
    screen_from_day: Days | None = None
    screen_within_days: Days | None = None
    stricter_zones_lifted: Flag = False


class ZoneLevel(Sourced):
    """A level of restriction of a place: how it is drawn, what holds in it, when it ends."""

    zh: str
    rank: Span
    delineation: str
    unit: Unit
    movement: Movement
    measures: Mapping[str, str]
    release: tuple[ZoneRelease, ...] = ()


class PoolRule(Sourced):
    """How many people may share a tube; a household tube may hold one whole household instead."""

    people: Count
    household_tube: Flag = False


class Frequency(Sourced):
    """How often a group is tested when there is no round."""

    who: str
    every_days: Days


class RoundTarget(Sourced):
    """Hours in which a round must be finished in places up to a population (none = any)."""

    up_to_population: Count | None = None
    hours: Count


class RoundRule(Sourced):
    """When rounds go on and when they stop."""

    gap_days: Days
    clean_rounds: Count
    wait_days: Days | None = None
    then_rounds: Span = 0


class Screening(Sourced):
    """Area-wide testing: pools by zone, who is always tested alone, how fast and how often."""

    pools: Mapping[str, PoolRule]
    single_if_symptomatic: Flag
    single_if_contact: Flag
    targets: tuple[RoundTarget, ...]
    rounds: Mapping[str, RoundRule]
    frequencies: Mapping[str, Frequency]


class CrewFunction(Sourced):
    """What somebody of a site's crew does, and how many it takes for each site or table.

    ``protective``: whoever does it wears protective clothing.
    """

    zh: str
    en: str
    per: Literal["site", "table", "sampler"]
    count: Count = 1
    protective: Flag = False


class SiteFlow(Sourced):
    """How people come to a sampling site after a call and how long its tables take; what `engines.planning` assumes."""

    wait_minutes: Count
    drift_minutes: Count
    spread_minutes: Count
    service_seconds: Count
    tube_change_seconds: Span
    tube_people: Count
    load_percent: Annotated[int, Field(strict=True, ge=1, le=99)]


class PointSizing(Sourced):
    """People that one sampling site, table and sampler serve, the crew this takes, and how people flow through."""

    people_per_site: Range
    people_per_table: Range
    people_per_sampler: Count
    crew: Mapping[str, CrewFunction] = {}
    flow: SiteFlow | None = None


class Grids(Sourced):
    """Households in a grid, in a micro-grid, and in a mutual-help group."""

    households: Range
    micro_grid_households: Range
    mutual_help_households: Count


class Clock(Sourced):
    """A time limit in hours and the fact that starts it."""

    zh: str
    hours: Annotated[float, Field(gt=0)]
    begins: str


class EscalationStep(Sourced):
    """Who is told when a duty stays overdue for the length of a clock."""

    level: str
    clock: str


class ReportTime(Sourced):
    """When a report is due each day (local time), also when there is nothing to say."""

    zh: str
    at: ClockText


class ResponseLevel(Sourced):
    """A level of emergency response and who starts and directs it."""

    zh: str
    started_by: str
    directed_by: str


class DutyWindow(Frozen):
    """Local opening and due time of a duty on its day; ``24:00`` is the end of that day."""

    opens: ClockText
    due: ClockText


class DutyWindows(Sourced):
    """The windows of one duty kind, one for each time it falls on a day."""

    windows: tuple[DutyWindow, ...]


class OverdueRanks(Sourced):
    """Order in which overdue duties are shown, 0 first; kinds not named come after all named ones."""

    ranks: Mapping[str, Span]


class Amendment(Frozen):
    """A national change inside the life of an edition."""

    start: dt.date = Field(alias="from")
    title: str
    set: Mapping[str, object]


class LegalBasis(Frozen):
    """The recorded decision that lets an overlay go beyond its base."""

    authority: str
    approved_by: str
    document: str
    article: str
    issued: dt.date


class Overlay(Frozen):
    """Local changes to a pack, for one place and span of days."""

    overlay: str
    title: str
    base: str
    place: str
    effective: Effective
    sources: Mapping[str, Source]
    legal_basis: Mapping[str, LegalBasis] = {}
    exceeds: Mapping[str, str] = {}
    set: Mapping[str, object]


class Pack(Frozen):
    """One edition of the protocol of one disease, amendments and overlays applied."""

    pack: str
    title: str
    zh: str
    disease: str
    edition: str
    effective: Effective
    extends: str | None = None
    amendments: tuple[Amendment, ...] = ()
    overlays: tuple[str, ...] = ()

    sources: Mapping[str, Source]
    findings: Mapping[str, str]
    clinical_findings: tuple[str, ...]
    case_classes: Mapping[str, CaseClass]
    severities: Mapping[str, Severity]
    suspicion: tuple[SuspicionRule, ...]
    reclassification: Mapping[str, Reclassification]
    look_back: LookBack
    day_counting: DayCounting
    tiers: Mapping[str, Tier]
    infected_release: Mapping[str, InfectedRelease]
    zones: Mapping[str, ZoneLevel]
    screening: Screening | None = None
    sizing: PointSizing | None = None
    grids: Grids | None = None
    clocks: Mapping[str, Clock]
    escalation: tuple[EscalationStep, ...]
    reports: Mapping[str, ReportTime]
    response_levels: Mapping[str, ResponseLevel]
    duty_windows: Mapping[str, DutyWindows]
    overdue: OverdueRanks
