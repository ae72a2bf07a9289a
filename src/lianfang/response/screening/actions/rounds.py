"""Writing rounds: open and freeze, sign off, decide on the next; their sampling sites."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Max

from lianfang.core.access.audit import record_audit
from lianfang.core.access.queries import holds_post
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting, planned_wide
from lianfang.engines.protocol import clock, load_pack, round_target
from lianfang.kit.clock import local_date, response_now
from lianfang.kit.codes import CodeRange, county_of
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Refusal
from lianfang.response.screening import queries
from lianfang.response.screening.actions.people import add_sampled_off_roster
from lianfang.response.screening.actions.records import round_of
from lianfang.response.screening.actions.visits import bring_visits_up_to_date
from lianfang.response.screening.models import Round, RoundArea, RoundDecision, SamplingSite
from lianfang.response.screening.permissions import (
    ANSWERS_FOR_REMAINDER,
    CLOSE_ROUND,
    DECIDE_ROUND,
    OPEN_ROUND,
    OPEN_SITES,
)
from lianfang.response.screening.rules import (
    AccepterUnfit,
    Account,
    AreaEntry,
    AreaPlan,
    RemainderNotAccepted,
    RosterEmpty,
    RoundAlreadyClosed,
    RoundNumberTaken,
    SiteEntry,
    check_areas,
    plan_areas,
    visits_from,
)
from lianfang.response.specimens.rules import county_hand

FREEZE = f"""
WITH entry AS (
    INSERT INTO screening_rosterentry (county, round, resident, division_code, household)
    SELECT %(county)s, %(round)s, member.resident, member.division_code, member.household FROM ({queries.ROSTER}) AS member
    RETURNING division_code
),
tally AS (
    INSERT INTO screening_rostertally (county, round, division_code, frozen, sampled)
    SELECT %(county)s, %(round)s, division_code, count(*), 0 FROM entry GROUP BY division_code RETURNING frozen
)
SELECT coalesce(sum(frozen), 0) FROM tally
"""  # noqa: S608 - made of constants


# Listed and counted by one statement: samples go on coming in while a round is signed off.
REMAINDER = f"""
{queries.STANDING},
remainder AS (
    INSERT INTO screening_missingentry (county, round, resident, division_code)
    SELECT %(county)s, t.round, t.resident, t.division_code FROM standing t WHERE t.standing = 'missing'
)
SELECT {queries.COUNTS} FROM standing t
"""  # noqa: S608 - made of constants


@dataclass(frozen=True)
class SignOff:
    """What a round was signed off with: the account, how many remain, and exclusions that nobody has called back yet."""

    round: uuid.UUID
    account: Account
    remaining: int
    recalls_outstanding: int


def open_round(
    *,
    by: Actor,
    incident: uuid.UUID,
    area_code: int,
    title: str,
    areas: Sequence[AreaEntry],
    pack: str,
    valid_at: datetime,
    overlays: Sequence[str] = (),
    number: int | None = None,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> Round:
    """Open a round: freeze its roster in one statement, set target, pool sizes and visits by the pack in force.

    Opening it again under the same id returns it as it stands. ``area_code`` is the unit its number counts in. Raises
    `RangesOverlap`, `RosterEmpty` or `RoundNumberTaken`.
    """
    ordered = check_areas(areas)
    for area in ordered:
        by.require(OPEN_ROUND, area.code_lo)
        by.require(OPEN_ROUND, area.code_hi)
    rules = load_pack(pack, overlays=overlays, on=local_date(valid_at))
    plans = plan_areas(rules, ordered)
    with acting(by):
        there = Round.objects.filter(id=id).first() if id else None
        if there is not None:
            return there
        round = Round(
            id=id or new_id(), county=county_of(ordered[0].code_lo), incident=incident, area_code=area_code, title=title,
            pack=pack, opened_at=valid_at, recorded_at=response_now(), recorded_by=by.account_id,
            visit_within=clock(rules, "door_visit"),
        )  # fmt: skip
        round.frozen = _freeze(round, ordered)
        round.target_at = valid_at + round_target(rules, round.frozen)
        round.visits_from = visits_from(valid_at, round.target_at, round.visit_within)
        _save_numbered(round, number, plans)
        record_audit(by, OPEN_ROUND, subject=("round", round.id), division_code=area_code, count=round.frozen,
                     number=round.number, pack=pack, command=cause)  # fmt: skip
    return round


def _freeze(round: Round, areas: Sequence[AreaEntry]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            FREEZE,
            {
                "county": round.county, "round": round.id, "los": [area.code_lo for area in areas],
                "his": [area.code_hi for area in areas],
            },
        )  # fmt: skip
        frozen = int(cursor.fetchone()[0])
    if not frozen:
        raise RosterEmpty("Nobody is registered where this round is to be held: import the residents first.")
    return frozen


def _save_numbered(round: Round, number: int | None, plans: Sequence[AreaPlan]) -> None:
    former = Round.objects.filter(county=round.county, incident=round.incident, area_code=round.area_code)
    round.number = number or (former.aggregate(last=Max("number"))["last"] or 0) + 1
    try:
        with transaction.atomic():
            round.save(force_insert=True)
    except IntegrityError as clash:
        if "round_number_once" not in str(clash):
            raise
        raise RoundNumberTaken(
            f"Round {round.number} of {round.area_code} exists: leave the number out, or close that round."
        ) from clash
    RoundArea.objects.bulk_create(
        RoundArea(round=round, mode=plan.mode, pool=plan.pool, **vars(plan.area)) for plan in plans
    )


def close_round(
    round: uuid.UUID,
    *,
    by: Actor,
    valid_at: datetime,
    accepted_by: uuid.UUID | None = None,
    accepted_title: str = "",
    cause: uuid.UUID | None = None,
) -> SignOff:
    """Sign a round off: list who remains, name the account that accepts it, and carry the remainder on as visits.

    Raises `RoundAlreadyClosed`, and when people remain `RemainderNotAccepted` if nobody is named, or `AccepterUnfit` for
    an account that holds no post from which it could see to all of them.
    """
    with acting(by):
        record = Round.objects.select_for_update().filter(id=round).first() or round_of(round, by)
        for area in record.areas.all():
            by.require(CLOSE_ROUND, area.code_lo)
            by.require(CLOSE_ROUND, area.code_hi)
        if record.closed_at is not None:
            raise RoundAlreadyClosed(
                f"{record.title} was signed off with {record.remaining} people remaining: open its page."
            )
        add_sampled_off_roster(record, by, valid_at, cause)
        account = _list_remainder(record, by)
        if account.missing and (accepted_by is None or not accepted_title.strip()):
            raise RemainderNotAccepted(
                f"{account.missing} people are neither sampled nor excluded: name the post that accepts them, or go on."
            )
        if account.missing and accepted_by is not None:
            _check_accepter(record, accepted_by)
        _close(record, account, by, valid_at, accepted_by, accepted_title)
        record_audit(by, CLOSE_ROUND, subject=("round", round), division_code=record.area_code, count=account.everybody,
                     remaining=account.missing, accepted_by=accepted_by, command=cause)  # fmt: skip
        bring_visits_up_to_date(by, record.county, valid_at, cause)
        outstanding = queries.count_recalls_to_make(round, by=by)
    return SignOff(round, account, account.missing, outstanding)


def _check_accepter(round: Round, accepter: uuid.UUID) -> None:
    """Refuse an accepter who is nobody, or whose post does not reach everywhere that people remain."""
    for area in round.areas.all():
        if not holds_post(accepter, ANSWERS_FOR_REMAINDER, CodeRange(area.code_lo, area.code_hi)):
            raise AccepterUnfit(
                f"Account {accepter} holds no post that answers for {area.code_lo}–{area.code_hi}: name somebody who may "
                "sign this round off or order its visits, in all of its area."
            )


def _list_remainder(round: Round, by: Actor) -> Account:
    """List who remains and account for everybody of the round, also those found outside the signing post's own area."""
    whole = county_hand(by, round.county)
    params: dict[str, Any] = {
        "county": round.county, "rounds": [round.id], "at": response_now(), "lo": whole.scope.lo, "hi": whole.scope.hi
    }  # fmt: skip
    with acting(whole), planned_wide(True), connection.cursor() as cursor:
        cursor.execute(REMAINDER, params)
        return Account(*cursor.fetchone())


def _close(
    round: Round, account: Account, by: Actor, valid_at: datetime, accepted_by: uuid.UUID | None, accepted_title: str
) -> None:
    round.closed_at, round.closed_recorded_at, round.closed_by = valid_at, response_now(), by.account_id
    round.accepted_by = accepted_by if account.missing else None
    round.accepted_title = accepted_title.strip() if account.missing else ""
    round.remaining = account.missing
    round.save(force_update=True)


def decide_next_round(
    *,
    by: Actor,
    incident: uuid.UUID,
    area_code: int,
    pack: str,
    situation: str,
    decision: str,
    reason: str,
    valid_at: datetime,
    overlays: Sequence[str] = (),
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> RoundDecision:
    """Record what a person decides after the closed rounds, beside what the pack proposes from the records right now.

    A decision other than the proposal needs a reason. The same id again returns the decision as it stands.
    """
    by.require(DECIDE_ROUND, area_code)
    day: date = local_date(valid_at)
    with acting(by):
        there = RoundDecision.objects.filter(id=id).first() if id else None
        if there is not None:
            return there
        proposal = queries.propose_next_round(
            by=by, incident=incident, area_code=area_code, pack=load_pack(pack, overlays=overlays, on=day),
            situation=situation, on=day,
        )  # fmt: skip
        if decision != proposal.proposal and not reason.strip():
            raise Refusal(f"The pack proposes {proposal.proposal} ({proposal.sentence}) To decide otherwise, say why.")
        made = RoundDecision.objects.create(
            id=id or new_id(), county=county_of(area_code), incident=incident, area_code=area_code,
            proposal=proposal.proposal.value, not_before=proposal.not_before, rule=proposal.rule, why=proposal.sentence,
            decision=decision, reason=reason.strip(), decided_at=valid_at, recorded_at=response_now(),
            recorded_by=by.account_id,
        )  # fmt: skip
        record_audit(by, DECIDE_ROUND, subject=("round_decision", made.id), division_code=area_code,
                     proposal=made.proposal, decision=decision, command=cause)  # fmt: skip
        return made


def open_sites(
    round: uuid.UUID, sites: Sequence[SiteEntry], *, by: Actor, valid_at: datetime, cause: uuid.UUID | None = None
) -> int:
    """Open sampling sites for a round and return how many of these stand now; the same ids again change nothing."""
    for site in sites:
        by.require(OPEN_SITES, site.division_code)
    with acting(by):
        record = round_of(round, by)
        if record.closed_at is not None:
            raise RoundAlreadyClosed(f"{record.title} was signed off: open sites for the next round.")
        SamplingSite.objects.bulk_create(
            [
                SamplingSite(
                    county=record.county, round=record, opened_at=valid_at, recorded_at=response_now(),
                    recorded_by=by.account_id, **vars(site),
                )
                for site in sites
            ],
            ignore_conflicts=True,
        )  # fmt: skip
        record_audit(by, OPEN_SITES, subject=("round", round), division_code=record.area_code, count=len(sites),
                     command=cause)  # fmt: skip
        return SamplingSite.objects.filter(id__in=[site.id for site in sites], round=record).count()
