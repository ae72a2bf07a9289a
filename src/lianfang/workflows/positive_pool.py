"""From a laboratory's finding to everybody in the tube: held, told, sampled again, in the transaction that recorded it.

The laboratory, the squad, the community and the police learn of a positive tube at once; who is let go, or becomes a
case, is decided by a person.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from lianfang.core.access.commands import CommandHandler, Envelope
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting, read_rows
from lianfang.core.duties.actions import ledger_keeper
from lianfang.engines.protocol import dated_protocol
from lianfang.kit.clock import local_date, response_now
from lianfang.kit.codes import county_of
from lianfang.kit.ids import derived_id
from lianfang.response.cases import actions as cases
from lianfang.response.cases.rules import SETTLED_WITHIN, Finding, Outbreak
from lianfang.response.command.permissions import DECLARE_INCIDENT, READ_COMMAND
from lianfang.response.command.queries import IncidentRow
from lianfang.response.command.queries import incidents as running_incidents
from lianfang.response.quarantine.actions import record_tests
from lianfang.response.quarantine.permissions import RECORD_TEST
from lianfang.response.quarantine.queries import known_orders
from lianfang.response.quarantine.rules import NewTest
from lianfang.response.sampling.actions import end_sampled_at_home
from lianfang.response.screening import queries as screening
from lianfang.response.screening.actions import add_sampled_late
from lianfang.response.specimens import actions as specimens
from lianfang.response.specimens.permissions import CORRECT_RESULT, RECORD_RESULTS, REGISTER_TUBES, VOID_SAMPLES
from lianfang.response.specimens.rules import ItemsRefused, RefusedItem, ResultEntry, TubeEntry, Value, round_fault

#: the article under which contacts of an infection are kept for observation, as the standing authority of a hold
ARTICLE = "传染病防治法第三十九条"

TUBES = "SELECT id FROM specimens_tube WHERE county = %s AND (id = ANY(%s) OR code = ANY(%s))"

# The incident of a round, of the person a single resample was taken of, or none when the tube says nothing.
INCIDENTS = """
SELECT asked.tube, coalesce(
    (SELECT p.incident FROM cases_screenpositive p WHERE p.id = asked.order_id),
    (SELECT q.incident FROM cases_poolmember m JOIN cases_pool q ON q.id = m.pool_id WHERE m.id = asked.order_id),
    (SELECT r.incident FROM screening_round r WHERE r.id = asked.round))
FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[]) AS asked (tube, round, order_id)
"""

LATE = "SELECT tube FROM cases_pool WHERE county = %s AND tube = ANY(%s) AND withdrawn_at IS NULL"

#: positive tubes of the last day: an incident was declared since, or a sample came by another way in
LATELY = """
SELECT r.tube FROM specimens_result r
WHERE r.county = %(county)s AND r.value = 'positive' AND r.reported_at > %(since)s
UNION
SELECT q.tube FROM cases_pool q WHERE q.county = %(county)s AND q.withdrawn_at IS NULL AND q.reported_at > %(since)s
"""

#: what somebody's file brought: files are few, so that a look through the results may cost something
IMPORTED = """
SELECT DISTINCT r.tube FROM specimens_result r WHERE r.county = %(county)s AND r.recorded_at >= %(since)s
  AND r.recorded_by = %(account)s AND r.value <> 'negative'
"""


def record_results(results: Sequence[ResultEntry], *, by: Actor, lab: str, valid_at: datetime, cause: UUID | None = None,
                   accept_good: bool = False) -> specimens.ResultsReceipt:  # fmt: skip
    """Record a laboratory's results and, in the same transaction, do what each finding but a negative calls for."""
    with acting(by):
        receipt = specimens.record_results(
            results, by=by, lab=lab, valid_at=valid_at, cause=cause, accept_good=accept_good
        )
        abnormal = [one for one in results if one.value != "negative"]
        if abnormal:
            county = county_of(by.scope.lo)
            tubes = _rows(by, county, TUBES, [county, [one.tube for one in abnormal if one.tube],
                                              [one.code for one in abnormal if not one.tube]])  # fmt: skip
            form_pools(
                [row[0] for row in tubes],
                by=by,
                permission=RECORD_RESULTS,
                county=county,
                valid_at=valid_at,
                cause=cause,
            )
        return receipt


def correct_result(tube: UUID, *, by: Actor, value: Value, lab: str, reason: str, tested_at: datetime, valid_at: datetime,
                   cause: UUID | None = None, ct: float | None = None) -> int:  # fmt: skip
    """Correct a tube's result: a pool reported in error is withdrawn and its people let go at once, a new one begins."""
    with acting(by):
        number = specimens.correct_result(
            tube, by=by, value=value, lab=lab, reason=reason, tested_at=tested_at, valid_at=valid_at, cause=cause, ct=ct
        )
        form_pools(
            [tube], by=by, permission=CORRECT_RESULT, county=county_of(by.scope.lo), valid_at=valid_at, cause=cause
        )
        return number


def register_tubes(tubes: Sequence[TubeEntry], *, by: Actor, valid_at: datetime, cause: UUID | None = None,
                   accept: Any = "nothing") -> specimens.TubesReceipt:  # fmt: skip
    """Register tubes of rounds that exist; whoever comes late for a tube that was reported meanwhile joins its pool,
    whoever comes after the sign-off and is on no roster is counted as found, a single resample ends the visit it was
    due by, a sample taken at home the duty to take it, and a sample under a quarantine order is a test of that day."""
    county, ids = county_of(tubes[0].division_code), [tube.id for tube in tubes]
    with acting(by):
        openings = _openings(tubes, county)
        receipt = specimens.register_tubes(
            tubes, by=by, valid_at=valid_at, cause=cause, accept=accept,
            rounds={round: opened_at for round, (opened_at, _) in openings.items()},
        )  # fmt: skip
        _count_late(tubes, openings, by, valid_at, cause)
        _serve_orders(tubes, by, valid_at, cause)
        end_sampled_at_home(
            [one.resident for tube in tubes if tube.round for one in tube.samples],
            by=by, county=county, valid_at=valid_at, cause=cause,
        )  # fmt: skip
        touched = {row[0] for row in _rows(by, county, LATE, [county, ids])}
        touched |= {tube.id for tube in tubes if tube.purpose == "confirmatory_retest"}
        if touched:
            form_pools(sorted(touched), by=by, permission=REGISTER_TUBES, county=county, valid_at=valid_at, cause=cause)
        return receipt


def _openings(tubes: Sequence[TubeEntry], county: int) -> dict[UUID, tuple[datetime, bool]]:
    named = {tube.round for tube in tubes if tube.round}
    return screening.round_openings(sorted(named), county=county) if named else {}


def _count_late(
    tubes: Sequence[TubeEntry],
    openings: Mapping[UUID, tuple[datetime, bool]],
    by: Actor,
    valid_at: datetime,
    cause: UUID | None,
) -> None:
    late = {round for round, (_, signed_off) in openings.items() if signed_off}
    people = [sample.resident for tube in tubes if tube.round in late for sample in tube.samples]
    if people:
        add_sampled_late(sorted(late), people, by=by, valid_at=valid_at, cause=cause)


def _serve_orders(tubes: Sequence[TubeEntry], by: Actor, valid_at: datetime, cause: UUID | None) -> None:
    """Record samples under quarantine orders as tests of their days, whose results are still to come."""
    taken = [
        (tube, sample) for tube in tubes if tube.purpose == "quarantine" and tube.order_id for sample in tube.samples
    ]
    if not taken or not by.may(RECORD_TEST):
        return
    standing = set(known_orders([tube.order_id for tube, _ in taken if tube.order_id], by=by))
    tests = [
        NewTest(tube.order_id, sample.taken_at or valid_at, "pending", sample.id, id=derived_id("sample", sample.id))
        for tube, sample in taken if tube.order_id in standing
    ]  # fmt: skip
    if tests:
        record_tests(by=by, tests=tests, valid_at=valid_at, cause=cause)


def form_pools(tubes: Sequence[UUID], *, by: Actor, permission: str, county: int, valid_at: datetime, cause: UUID | None = None) -> cases.PoolsFormed:  # fmt: skip
    """Bring pools, holds and duties into line with what the laboratory says of these tubes, whatever it said before."""
    findings = cases.unpooled_findings(by=by, county=county, tubes=tubes)
    outbreaks = _outbreaks(findings, by, county, valid_at)
    return cases.form_pools(
        by=by, permission=permission, county=county, tubes=tubes, outbreaks=outbreaks, valid_at=valid_at, cause=cause
    )


def complete_pools(*, by: Actor, permission: str, county: int, valid_at: datetime, cause: UUID | None = None) -> cases.PoolsFormed:  # fmt: skip
    """Form what is still missing of the pools of the last day; with nothing missing it changes nothing."""
    rows = _rows(by, county, LATELY, {"county": county, "since": valid_at - SETTLED_WITHIN})
    return form_pools(
        [row[0] for row in rows], by=by, permission=permission, county=county, valid_at=valid_at, cause=cause
    )


def after_import(handler: CommandHandler) -> CommandHandler:
    """Return the handler of a laboratory's file, followed by what its findings call for."""

    def handle(by: Actor, envelope: Envelope, payload: Any) -> dict[str, Any]:
        county, began = county_of(by.scope.lo), response_now()
        result = handler(by, envelope, payload)
        params = {"county": county, "since": began, "account": by.account_id}
        tubes = [row[0] for row in _rows(by, county, IMPORTED, params)]
        if tubes:
            form_pools(
                tubes, by=by, permission=RECORD_RESULTS, county=county, valid_at=envelope.valid_at, cause=envelope.id
            )
        return result

    return handle


def after_moving(handler: CommandHandler) -> CommandHandler:
    """Return the handler that moves a sample into a round that exists, followed by what its true tube calls for."""

    def handle(by: Actor, envelope: Envelope, payload: Any) -> dict[str, Any]:
        tube: TubeEntry = payload.to
        openings = _openings([tube], county_of(tube.division_code))
        if fault := round_fault(tube, {round: opened_at for round, (opened_at, _) in openings.items()}):
            raise ItemsRefused([RefusedItem(tube.id, None, *fault)])
        result = handler(by, envelope, payload)
        _count_late([tube], openings, by, envelope.valid_at, envelope.id)
        form_pools([tube.id], by=by, permission=VOID_SAMPLES, county=county_of(tube.division_code),
                   valid_at=envelope.valid_at, cause=envelope.id)  # fmt: skip
        return result

    return handle


def after_declaring(handler: CommandHandler) -> CommandHandler:
    """Return the handler that declares an incident, followed by the pools that waited for one."""

    def handle(by: Actor, envelope: Envelope, payload: Any) -> dict[str, Any]:
        result = handler(by, envelope, payload)
        complete_pools(by=by, permission=DECLARE_INCIDENT, county=county_of(payload.division_code),
                       valid_at=envelope.valid_at, cause=envelope.id)  # fmt: skip
        return result

    return handle


def _outbreaks(findings: Sequence[Finding], by: Actor, county: int, valid_at: datetime) -> dict[UUID, Outbreak]:
    """Return what the people of each new finding are held for; a finding waits where no incident runs."""
    if not findings:
        return {}
    hand = ledger_keeper(by, county)
    reader = Actor(hand.account_id, hand.grant_id, hand.role, hand.line, hand.scope, frozenset({READ_COMMAND}))
    running = {one.id: one for one in running_incidents(by=reader, at=valid_at) if one.county == county}
    columns = [[one.tube for one in findings], [one.round for one in findings], [one.order_id for one in findings]]
    said = dict(_rows(by, county, INCIDENTS, columns))
    latest = next(iter(running.values()), None)
    found = {tube: running.get(incident, latest) for tube, incident in said.items()}
    return {tube: _outbreak(incident, valid_at) for tube, incident in found.items() if incident}


def _outbreak(incident: IncidentRow, valid_at: datetime) -> Outbreak:
    protocol = "+".join((incident.pack, *incident.overlays))
    return Outbreak(incident.id, dated_protocol(protocol, local_date(valid_at)), f"{incident.authority}；{ARTICLE}")


def _rows(by: Actor, county: int, sql: str, params: Any) -> list[Any]:
    return read_rows(ledger_keeper(by, county), sql, params)
