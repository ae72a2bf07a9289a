"""Writing positives, holds, cases, their classes and investigations. Contacts are in ``contacts.py`` behind this door."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import F, Q
from django.db.models.functions import Greatest

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import finish_duties, ledger_keeper, reconcile
from lianfang.engines.protocol import clock, dated_protocol, pack_of_protocol
from lianfang.kit.clock import local_date, response_now
from lianfang.kit.codes import county_of
from lianfang.kit.ids import new_id
from lianfang.response.cases import permissions as may
from lianfang.response.cases.contacts import determine_contacts, record_placed, upgrade_contacts, withdraw_contacts
from lianfang.response.cases.duties import desire_cases
from lianfang.response.cases.models import (
    Case,
    CaseReport,
    Classification,
    Contact,
    Hold,
    Investigation,
    RiskSite,
    ScreenPositive,
    TrajectoryEntry,
)
from lianfang.response.cases.pool_people import (
    acknowledge_pool,
    hand_over_positive,
    record_resample_attempts,
    release_pool_members,
    tell_pool_members,
)
from lianfang.response.cases.pools import PoolsFormed, form_pools, refresh_positives, unpooled_findings
from lianfang.response.cases.rules import (
    CaseAlreadyRegistered,
    CaseNotFound,
    ClassUnchanged,
    PositiveAlreadyDecided,
    ResidentNotFound,
    RetestInconclusive,
    check_hold,
    is_community_detected,
    pool_spans,
    require_words,
    rule_for_class,
    to_minute,
)

__all__ = [
    "PoolsFormed",
    "acknowledge_pool",
    "add_trajectory",
    "classify_case",
    "determine_contacts",
    "form_pools",
    "hand_over_positive",
    "hold_in_place",
    "mark_risk_site",
    "record_investigation",
    "record_placed",
    "record_resample_attempts",
    "record_retest",
    "register_case",
    "release_pool_members",
    "report_case",
    "report_positive",
    "tell_pool_members",
    "transfer_case",
    "unpooled_findings",
    "upgrade_contacts",
    "withdraw_contacts",
]  # fmt: skip


def report_positive(
    *,
    by: Actor,
    incident: uuid.UUID,
    resident: uuid.UUID,
    protocol: str,
    detected_by: str,
    valid_at: datetime,
    sample: uuid.UUID | None = None,
    tube: uuid.UUID | None = None,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> ScreenPositive:
    """Record a first positive result of a person (known at ``valid_at``): hold and retest become due.

    Somebody reported before, by another id or by the laboratory's result for their tube, stays one record: it only takes
    over how they were found, and what it did not know.
    """
    with acting(by):
        former = ScreenPositive.objects.filter(id=id).first() if id else None
        if former:
            return former
        code = _present_code(resident)
        by.require(may.REPORT_POSITIVE, code)
        is_community_detected(detected_by, None)
        known = _reported_before(incident, resident, tube)
        if known:
            return _say_better(known, by, detected_by, sample, tube)
        positive = ScreenPositive.objects.create(
            id=id or new_id(), county=county_of(code), incident=incident, resident=resident, division_code=code,
            protocol=dated_protocol(protocol, local_date(valid_at)), sample=sample, tube=tube, found_at=valid_at,
            detected_by=detected_by, recorded_at=response_now(), recorded_by=by.account_id,
        )  # fmt: skip
        _audit(by, "cases.report_positive", "screen_positive", positive)
        _refresh_positive(positive, by, valid_at, cause)
        return positive


def hold_in_place(
    *,
    by: Actor,
    positive: uuid.UUID,
    place: str,
    reason: str,
    authority: str,
    appeal_to: str,
    valid_at: datetime,
    ends_at: datetime | None = None,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> Hold:
    """Ask a person to stay where they are until the retest is known, by default for the pack's retest clock.

    The hold ends by itself, within the pack's clock for a pool at the latest (`HoldHasNoEnd`); a later one is ordered anew with its own reason, and replaces one that still runs.
    """
    require_words(place=place, reason=reason, authority=authority, appeal_to=appeal_to)
    with acting(by):
        found = _positive(positive)
        by.require(may.HOLD_PERSON, found.division_code)
        former = Hold.objects.filter(id=id).first() if id else None
        if former:
            return former
        if found.status != "open":
            raise PositiveAlreadyDecided("The retest of this person is known: nobody is held for it any more.")
        pack = pack_of_protocol(found.protocol)
        ends_at = ends_at or valid_at + clock(pack, "confirmatory_retest")
        check_hold(valid_at, ends_at, max(pool_spans(pack)))
        _lift_holds(found, by, valid_at, "由另一份留置决定代替")
        hold = Hold.objects.create(
            id=id or new_id(), county=found.county, positive=found, division_code=found.division_code, place=place,
            reason=reason, authority=authority, appeal_to=appeal_to, held_by=by.account_id, held_at=valid_at,
            ends_at=ends_at, recorded_at=response_now(),
        )  # fmt: skip
        _audit(by, "cases.hold_in_place", "screen_positive", found, ends_at=hold.ends_at)
        _finish("hold_in_place", [(found.id, "once")], by, found.county, "held", valid_at, cause)
        return hold


def record_retest(
    *,
    by: Actor,
    positive: uuid.UUID,
    result: str,
    sampled_at: datetime,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> ScreenPositive:
    """Record the confirmatory retest, ``negative`` or ``positive``: it decides the positive and ends the hold."""
    if result not in ("negative", "positive"):
        raise RetestInconclusive(
            f"“{result}” decides nothing. A retest is negative or positive; sample again otherwise."
        )
    with acting(by):
        found = _positive(positive)
        by.require(may.RECORD_RETEST, found.division_code)
        status = "confirmed" if result == "positive" else "negative"
        if found.status != "open":
            if (found.status, found.retest_sampled_at) == (status, sampled_at):
                return found
            raise PositiveAlreadyDecided(
                "This retest was recorded before. Correct a wrong one by reclassifying the case."
            )
        found.status, found.retest_sampled_at, found.decided_at = status, sampled_at, valid_at
        found.save(update_fields=["status", "retest_sampled_at", "decided_at"])
        _lift_holds(found, by, valid_at, "复核阴性" if status == "negative" else "复核阳性，按病例处置")
        _audit(by, "cases.record_retest", "screen_positive", found)
        _finish("confirmatory_retest", [(found.id, "once")], by, found.county, result, valid_at, cause)
        _refresh_positive(found, by, valid_at, cause)
        return found


def register_case(
    *,
    by: Actor,
    incident: uuid.UUID,
    resident: uuid.UUID,
    protocol: str,
    detected_by: str,
    class_code: str,
    reason: str,
    sampled_at: datetime,
    valid_at: datetime,
    severity: str | None = None,
    findings: Collection[str] = (),
    community_detected: bool | None = None,
    onset_at: datetime | None = None,
    screen_positive: uuid.UUID | None = None,
    hospital: str = "",
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> Case:
    """Register an infected person (known at ``valid_at``) as the next case of an incident, with the first class.

    ``hospital`` is filled for somebody found in one: no ambulance is due then. An open contact of the same person
    becomes ``upgraded``, and an open preliminary positive is confirmed by it. Raises `CaseAlreadyRegistered`.
    """
    community = is_community_detected(detected_by, community_detected)
    with acting(by):
        former = Case.objects.filter(id=id).first() if id else None
        if former:
            return former
        code = _present_code(resident)
        by.require(may.REGISTER_CASE, code)
        case = Case(
            id=id or new_id(), county=county_of(code), incident=incident, resident=resident, division_code=code,
            protocol=dated_protocol(protocol, local_date(valid_at)), screen_positive_id=screen_positive,
            detected_by=detected_by, community_detected=community, known_at=valid_at, sampled_at=sampled_at,
            onset_at=onset_at, transfer_needed=not hospital, hospital=hospital, recorded_at=response_now(),
            recorded_by=by.account_id,
        )  # fmt: skip
        _number(case, by)
        _audit(by, "cases.register_case", "case", case, number=case.number)
        _classify(case, class_code, severity, findings, reason, by, valid_at, cause)
        _become_case(case, by, valid_at, cause)
        _confirm_positives(case, by, valid_at, cause)
        return case


def classify_case(
    *,
    by: Actor,
    case: uuid.UUID,
    class_code: str,
    reason: str,
    valid_at: datetime,
    severity: str | None = None,
    findings: Collection[str] = (),
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> Classification:
    """Put a case into a class from an instant on (订正): the former class stays in the history.

    Raises `ClassUnknown` or `ClassUnchanged`. A class reached by a rule of the pack carries its path.
    """
    with acting(by):
        found = _case(case)
        by.require(may.CLASSIFY_CASE, found.division_code)
        former = Classification.objects.filter(id=id).first() if id else None
        return former or _classify(found, class_code, severity, findings, reason, by, valid_at, cause, id)


def report_case(
    *,
    by: Actor,
    case: uuid.UUID,
    class_code: str,
    valid_at: datetime,
    number: str = "",
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> CaseReport:
    """Record that a case was entered, in a class, in the direct-report network."""
    with acting(by):
        found = _case(case)
        by.require(may.REPORT_CASE, found.division_code)
        report, made = CaseReport.objects.get_or_create(
            case=found, class_code=class_code,
            defaults={
                "id": id or new_id(), "county": found.county, "division_code": found.division_code, "number": number,
                "reported_at": valid_at, "recorded_at": response_now(), "reported_by": by.account_id,
            },
        )  # fmt: skip
        if made:
            _audit(by, "cases.report_case", "case", found, class_code=class_code)
            _finish("case_report", [(found.id, class_code)], by, found.county, "reported", valid_at, cause)
        return report


def transfer_case(
    *,
    by: Actor,
    case: uuid.UUID,
    hospital: str,
    valid_at: datetime,
    vehicle: str = "",
    cause: uuid.UUID | None = None,
) -> None:
    """Record that an ambulance has brought a case to a hospital."""
    require_words(hospital=hospital)
    with acting(by):
        found = _case(case)
        by.require(may.TRANSFER_CASE, found.division_code)
        found.hospital, found.vehicle, found.transferred_at = hospital, vehicle, valid_at
        found.save(update_fields=["hospital", "vehicle", "transferred_at"])
        _audit(by, "cases.transfer_case", "case", found)
        _finish("positive_transfer", [(found.id, "once")], by, found.county, "transferred", valid_at, cause)


def record_investigation(
    *,
    by: Actor,
    case: uuid.UUID,
    stage: str,
    summary: str,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> Investigation:
    """Record a finished stage of a case's investigation: core_info, preliminary_report or final_report."""
    require_words(summary=summary)
    with acting(by):
        found = _case(case)
        by.require(may.INVESTIGATE_CASE, found.division_code)
        investigation, made = Investigation.objects.get_or_create(
            id=id or new_id(),
            defaults={
                "county": found.county, "case": found, "division_code": found.division_code, "stage": stage,
                "summary": summary, "valid_at": valid_at, "recorded_at": response_now(),
                "investigator": by.account_id,
            },
        )  # fmt: skip
        if made:
            _audit(by, "cases.record_investigation", "case", found, stage=stage)
        if made and stage != "final_report":
            _finish(stage, [(found.id, "once")], by, found.county, "recorded", valid_at, cause)
        return investigation


def add_trajectory(*, by: Actor, case: uuid.UUID, entries: Sequence[dict[str, Any]]) -> list[uuid.UUID]:
    """Add stays of a case (``place_text``, ``since``, ``until``; also place, place_code, note, replaces, id)."""
    with acting(by):
        found = _case(case)
        by.require(may.INVESTIGATE_CASE, found.division_code)
        now = response_now()
        rows = [
            TrajectoryEntry(
                id=entry.get("id") or new_id(), county=found.county, case=found, division_code=found.division_code,
                place_text=entry["place_text"], since=entry["since"], until=entry["until"],
                place=entry.get("place"), place_code=entry.get("place_code"), note=entry.get("note", ""),
                replaces_id=entry.get("replaces"), recorded_at=now, investigator=by.account_id,
            )
            for entry in entries
        ]  # fmt: skip
        TrajectoryEntry.objects.bulk_create(rows, ignore_conflicts=True)
        _audit(by, "cases.add_trajectory", "case", found, count=len(rows))
        return [row.id for row in rows]


def mark_risk_site(
    *,
    by: Actor,
    incident: uuid.UUID,
    division_code: int,
    name: str,
    since: datetime,
    until: datetime,
    valid_at: datetime,
    case: uuid.UUID | None = None,
    place: uuid.UUID | None = None,
    note: str = "",
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> RiskSite:
    """Mark a place where a case may have infected others between two instants."""
    require_words(name=name)
    by.require(may.INVESTIGATE_CASE, division_code)
    with acting(by):
        site, made = RiskSite.objects.get_or_create(
            id=id or new_id(),
            defaults={
                "county": county_of(division_code), "incident": incident, "case_id": case, "place": place,
                "division_code": division_code, "name": name, "since": since, "until": until, "note": note,
                "valid_at": valid_at, "recorded_at": response_now(), "decided_by": by.account_id,
            },
        )  # fmt: skip
        if made:
            _audit(by, "cases.mark_risk_site", "risk_site", site)
        return site


# ------------------------------------------------------------------------------------------------- inside the room


def _present_code(resident: uuid.UUID) -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT present_code FROM people_resident WHERE id = %s", [resident])
        row = cursor.fetchone()
    if row is None:
        raise ResidentNotFound(f"Person {resident} is not in the register of your area: register the person first.")
    return int(row[0])


def _positive(id: uuid.UUID) -> ScreenPositive:
    found = ScreenPositive.objects.select_for_update().filter(id=id).first()
    if found is None:
        raise CaseNotFound(f"There is no preliminary positive {id} in your area. Refresh your list.")
    return found


def _case(id: uuid.UUID) -> Case:
    found = Case.objects.select_for_update().filter(id=id).first()
    if found is None:
        raise CaseNotFound(f"There is no case {id} in your area. Refresh your list.")
    return found


def _number(case: Case, by: Actor) -> None:
    # Numbers run through the whole incident, which somebody of one township cannot see: the county's hand counts.
    with acting(ledger_keeper(by, case.county)), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"cases {case.incident}"])
        cursor.execute(
            "SELECT coalesce(max(number), 0) + 1, coalesce(bool_or(resident = %s), false) FROM cases_case WHERE incident = %s",
            [case.resident, case.incident],
        )
        case.number, known = cursor.fetchone()
    if known:
        raise CaseAlreadyRegistered("This person is a case of this incident already: reclassify that case instead.")
    case.save(force_insert=True)


def _classify(
    case: Case,
    class_code: str,
    severity: str | None,
    findings: Collection[str],
    reason: str,
    by: Actor,
    valid_at: datetime,
    cause: uuid.UUID | None,
    id: uuid.UUID | None = None,
) -> Classification:
    require_words(reason=reason)
    minute = to_minute(valid_at)
    # Two classes recorded within the same minute stand in the order in which they were recorded.
    before = case.classifications.filter(valid_at__lte=minute).order_by("-valid_at", "-recorded_at").first()
    if before and (before.class_code, before.severity) == (class_code, severity):
        raise ClassUnchanged(f"Case {case.number} was {class_code} at that time already: nothing to reclassify.")
    rule = rule_for_class(
        pack_of_protocol(case.protocol), before.class_code if before else None, class_code, severity, findings
    )
    made = Classification.objects.create(
        id=id or new_id(), county=case.county, case=case, division_code=case.division_code, class_code=class_code,
        severity=severity, findings=sorted(findings), rule=rule or "", reason=reason, decided_by=by.account_id,
        command=cause, valid_at=minute, recorded_at=_after(before),
    )  # fmt: skip
    _audit(by, "cases.classify_case", "case", case, classification=made.id)
    reconcile(*desire_cases(by, case.county, [case.id]), by=by, county=case.county, valid_at=valid_at, cause=cause)
    return made


def _after(before: Classification | None) -> datetime:
    now = response_now()
    # A held clock gives two records one instant; the later one must still be told from the earlier.
    return max(now, before.recorded_at + timedelta(microseconds=1)) if before else now


def _become_case(case: Case, by: Actor, valid_at: datetime, cause: uuid.UUID | None) -> None:
    open_contacts = Contact.objects.filter(incident=case.incident, resident=case.resident, status="active")
    contacts = list(open_contacts.values_list("id", flat=True))
    if contacts:
        upgrade_contacts(by=by, contacts=contacts, to="case", reason="registered as a case", valid_at=valid_at,
                         cause=cause, permission=may.REGISTER_CASE)  # fmt: skip


def _confirm_positives(case: Case, by: Actor, valid_at: datetime, cause: uuid.UUID | None) -> None:
    open_ones = ScreenPositive.objects.filter(incident=case.incident, status="open")
    for positive in open_ones.filter(Q(resident=case.resident) | Q(id=case.screen_positive_id)):
        positive.status, positive.decided_at = "confirmed", valid_at
        positive.retest_sampled_at = positive.retest_sampled_at or case.sampled_at
        positive.save(update_fields=["status", "decided_at", "retest_sampled_at"])
        _lift_holds(positive, by, valid_at, "已登记为病例")
        _finish("confirmatory_retest", [(positive.id, "once")], by, case.county, "positive", valid_at, cause)
        _refresh_positive(positive, by, valid_at, cause)


def _reported_before(incident: uuid.UUID, resident: uuid.UUID, tube: uuid.UUID | None) -> ScreenPositive | None:
    same = ScreenPositive.objects.select_for_update().filter(incident=incident, resident=resident)
    return (
        same.filter(Q(status="open") | Q(tube=tube, tube__isnull=False))
        .order_by(F("decided_at").desc(nulls_first=True))
        .first()
    )


def _say_better(
    known: ScreenPositive, by: Actor, detected_by: str, sample: uuid.UUID | None, tube: uuid.UUID | None
) -> ScreenPositive:
    said = (detected_by, known.sample or sample, known.tube or tube)
    if known.status == "open" and said != (known.detected_by, known.sample, known.tube):
        known.detected_by, known.sample, known.tube = said
        known.save(update_fields=["detected_by", "sample", "tube"])
        _audit(by, "cases.report_positive", "screen_positive", known, detected_by=detected_by)
    return known


def _lift_holds(positive: ScreenPositive, by: Actor, valid_at: datetime, reason: str) -> None:
    running = Hold.objects.filter(positive=positive, lifted_at__isnull=True)
    running.update(lifted_at=Greatest(valid_at, "held_at"), lifted_by=by.account_id, lift_reason=reason)


def _refresh_positive(positive: ScreenPositive, by: Actor, valid_at: datetime, cause: uuid.UUID | None) -> None:
    refresh_positives(by=by, county=positive.county, positives=[positive.id], valid_at=valid_at, cause=cause)


def _finish(
    kind: str,
    keys: list[tuple[uuid.UUID, str]],
    by: Actor,
    county: int,
    outcome: str,
    valid_at: datetime,
    cause: uuid.UUID | None,
) -> None:
    finish_duties(keys, kind=kind, by=by, county=county, outcome=outcome, valid_at=valid_at, cause=cause)


def _audit(by: Actor, verb: str, kind: str, subject: Any, count: int = 1, **detail: Any) -> None:
    record_audit(by, verb, subject=(kind, subject.id), division_code=subject.division_code, count=count, **detail)
