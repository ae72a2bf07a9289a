"""Writing the ledger: reconcile what the protocol desires, finish, waive and reassign. All set-based."""

import json
import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting, planned_wide
from lianfang.core.duties.models import Attempt, DutyKind
from lianfang.core.duties.permissions import FINISH_DUTY, WAIVE_DUTY
from lianfang.core.duties.rules import (
    AGAIN_WITHIN,
    COLUMNS,
    AttemptRefused,
    Changes,
    Desired,
    DutyAlreadyFinished,
    DutyNotFound,
    DutyOutOfSight,
    Kind,
    UnknownOutcome,
    attempt_fault,
)
from lianfang.kit.clock import response_now
from lianfang.kit.codes import county_of, unit_range
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Refusal

#: how many subjects a reconciliation still looks up one by one
FEW = 200

RECONCILE = """
WITH desired ({columns}) AS MATERIALIZED ({query}),
live AS MATERIALIZED (
    SELECT id, subject, kind, period, state, division_code, role, assignee, opens_at, due_at, correction
    FROM duties_duty
    WHERE county = %(county)s AND state <> 'cancelled' AND kind = ANY(%(kinds)s) {slice}
),
fresh AS (
    INSERT INTO duties_duty (county, kind, subject_kind, subject, period, division_code, role, assignee, rule, source,
                             opens_at, due_at, state, recorded_at)
    SELECT %(county)s, w.kind, w.subject_kind, w.subject, w.period, w.division_code, w.role, w.assignee, w.rule,
           w.source, w.opens_at, w.due_at, 'outstanding', %(now)s
    FROM desired w LEFT JOIN live l USING (subject, kind, period) WHERE l.id IS NULL
    ON CONFLICT DO NOTHING
    RETURNING id, division_code, opens_at, due_at, role, assignee
),
changed AS (
    UPDATE duties_duty d
    SET opens_at = w.opens_at, due_at = w.due_at, division_code = w.division_code, role = w.role,
        assignee = w.assignee, rule = w.rule, source = w.source
    FROM desired w JOIN live l USING (subject, kind, period)
    WHERE d.county = %(county)s AND d.id = l.id AND d.state = 'outstanding'
      AND (l.opens_at, l.due_at, l.division_code, l.role, l.assignee)
          IS DISTINCT FROM (w.opens_at, w.due_at, w.division_code, w.role, w.assignee)
    RETURNING d.id, d.division_code, d.opens_at, d.due_at, d.role, d.assignee,
              (l.opens_at, l.due_at) IS DISTINCT FROM (w.opens_at, w.due_at) AS redated,
              (l.division_code, l.role, l.assignee) IS DISTINCT FROM (w.division_code, w.role, w.assignee) AS reassigned
),
undesired AS (SELECT l.id, l.state, l.correction FROM live l LEFT JOIN desired w USING (subject, kind, period) WHERE w.kind IS NULL),
dropped AS (
    UPDATE duties_duty d SET state = 'cancelled', finished_at = %(valid_at)s, finished_by = %(account)s
    FROM undesired u WHERE d.county = %(county)s AND d.id = u.id AND d.state = 'outstanding'
    RETURNING d.id, d.division_code
),
replaced AS (
    UPDATE duties_duty d SET correction = %(cause)s
    FROM undesired u WHERE d.county = %(county)s AND d.id = u.id AND u.state = 'done' AND u.correction IS NULL
    RETURNING d.id, d.division_code
),
logged AS (
    INSERT INTO duties_transition (county, duty, kind, division_code, valid_at, recorded_at, account, command, reason,
                                   opens_at, due_at, role, assignee)
    SELECT %(county)s, id, 'opened', division_code, %(valid_at)s, %(now)s, %(account)s::uuid, %(cause)s::uuid, NULL, opens_at,
           due_at, role, assignee FROM fresh
    UNION ALL SELECT %(county)s, id, 'redated', division_code, %(valid_at)s, %(now)s, %(account)s::uuid, %(cause)s::uuid, NULL,
           opens_at, due_at, NULL, NULL FROM changed WHERE redated
    UNION ALL SELECT %(county)s, id, 'reassigned', division_code, %(valid_at)s, %(now)s, %(account)s::uuid, %(cause)s::uuid, NULL,
           NULL, NULL, role, assignee FROM changed WHERE reassigned
    UNION ALL SELECT %(county)s, id, 'cancelled', division_code, %(valid_at)s, %(now)s, %(account)s::uuid, %(cause)s::uuid,
           %(reason)s, NULL, NULL, NULL, NULL FROM dropped
    UNION ALL SELECT %(county)s, id, 'superseded', division_code, %(valid_at)s, %(now)s, %(account)s::uuid, %(cause)s::uuid,
           %(reason)s, NULL, NULL, NULL, NULL FROM replaced
)
SELECT (SELECT count(*) FROM fresh), (SELECT count(*) FROM changed WHERE redated),
       (SELECT count(*) FROM changed WHERE reassigned), (SELECT count(*) FROM dropped),
       (SELECT count(*) FROM replaced),
       (SELECT count(*) FROM desired w LEFT JOIN live l USING (subject, kind, period) WHERE l.id IS NULL)
"""

FINISH = """
WITH finished AS (
    UPDATE duties_duty SET state = %(state)s, outcome = %(outcome)s, detail = %(detail)s, finished_at = %(valid_at)s,
                           finished_by = %(account)s
    WHERE {where} AND state = 'outstanding'
    RETURNING county, id, division_code, subject, kind, period
), logged AS (
    INSERT INTO duties_transition (county, duty, kind, division_code, valid_at, recorded_at, account, command, reason,
                                   authority)
    SELECT county, id, %(state)s, division_code, %(valid_at)s, %(now)s, %(account)s, %(cause)s, %(reason)s, %(authority)s
    FROM finished
)
SELECT id, division_code, subject, kind, period FROM finished
"""

REOPEN = """
WITH opened AS (
    UPDATE duties_duty SET state = 'outstanding', outcome = NULL, detail = NULL, finished_at = NULL, finished_by = NULL
    WHERE county = %(county)s AND id = %(duty)s AND state = 'done' RETURNING county, id, division_code
)
INSERT INTO duties_transition (county, duty, kind, division_code, valid_at, recorded_at, account, command, reason)
SELECT county, id, 'superseded', division_code, %(valid_at)s, %(now)s, %(account)s::uuid, %(cause)s::uuid, %(reason)s FROM opened
"""


def ledger_keeper(by: Actor, county: int) -> Actor:
    """Return the county-wide hand that writes duties on behalf of whoever acts: the protocol, not the person, decides
    whose duty it becomes, and a fact known in one village may oblige another."""
    return Actor(by.account_id, by.grant_id, by.role, "ledger", unit_range(county * 10**9), frozenset())


def reconcile(*desires: Desired, by: Actor, county: int, valid_at: datetime, cause: uuid.UUID | None = None) -> Changes:
    """Make the ledger agree with what is desired: open, re-date, reassign or cancel; never touch what is done.

    Idempotent and independent of the order in which facts arrived. ``cause`` is the command or fact that led here;
    done work that is no longer desired stays and is marked with it. Raises `DutyOutOfSight` rather than drop a duty.
    """
    total, cause = Changes(), cause or new_id()
    with acting(ledger_keeper(by, county)):
        for desire in desires:
            changes, wanted = _reconcile_once(desire, by, county, valid_at, cause)
            if changes.opened != wanted:
                again, missing = _reconcile_once(desire, by, county, valid_at, cause)
                if again.opened != missing:
                    raise DutyOutOfSight(f"{missing - again.opened} duties of {desire.kinds} could not be opened")
                changes += again
            total += changes
    return total


def _reconcile_once(
    desire: Desired, by: Actor, county: int, valid_at: datetime, cause: uuid.UUID
) -> tuple[Changes, int]:
    sliced = "" if desire.subjects is None else "AND subject = ANY(%(subjects)s)"
    statement = RECONCILE.format(columns=", ".join(COLUMNS), query=desire.query, slice=sliced)
    params: dict[str, Any] = {
        "county": county,
        "kinds": list(desire.kinds),
        "subjects": None if desire.subjects is None else list(desire.subjects),
        "now": response_now(),
        "valid_at": valid_at,
        "account": by.account_id,
        "cause": cause,
        "reason": desire.reason,
        **desire.params,
    }
    # 163 s for the roll of 5,000 orders looped, 2 s hashed; a handful of subjects is still best looked up one by one.
    large = desire.subjects is None or len(desire.subjects) > FEW
    with planned_wide(large), connection.cursor() as cursor:
        cursor.execute(statement, params)
        *counts, wanted = cursor.fetchone()
    return Changes(*counts), wanted


def finish_duty(
    duty: int,
    *,
    by: Actor,
    outcome: str,
    valid_at: datetime,
    detail: dict[str, Any] | None = None,
    cause: uuid.UUID | None = None,
) -> None:
    """Record the outcome of one duty in the actor's area.

    Raises `DutyNotFound`, `DutyAlreadyFinished` or `UnknownOutcome`, each with a sentence for whoever did the work.
    """
    by.require(FINISH_DUTY)
    with acting(by):
        kind = _duty_kind(duty, by)
        _check_outcome(kind, outcome)
        done = _finish("id = %(duty)s AND county = %(county)s", by, "done", outcome, valid_at, cause, detail,
                       duty=duty, county=county_of(by.scope.lo))  # fmt: skip
        if not done:
            raise DutyAlreadyFinished(f"Duty {duty} was finished or cancelled before. Your result is kept beside it.")
        record_audit(
            by,
            f"duties.finish.{kind}",
            subject=("duty", None),
            division_code=done[0][1],
            duty=duty,
            outcome=outcome,
        )


def finish_duties(
    keys: Iterable[tuple[uuid.UUID, str]],
    *,
    kind: str,
    by: Actor,
    county: int,
    outcome: str,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> int:
    """Finish all outstanding duties of a kind with these (subject, period) keys at once and return their number."""
    pairs = list(keys)
    where = "county = %(county)s AND kind = %(kind)s AND (subject, period) IN (SELECT * FROM unnest(%(subjects)s::uuid[], %(periods)s::text[]))"
    with acting(ledger_keeper(by, county)):
        _check_outcome(kind, outcome)
        return len(
            _finish(where, by, "done", outcome, valid_at, cause, None, county=county, kind=kind,
                    subjects=[subject for subject, _ in pairs], periods=[period for _, period in pairs])
        )  # fmt: skip


def record_attempt(
    *,
    by: Actor,
    duty: int,
    reason: str,
    valid_at: datetime,
    note: str = "",
    next_at: datetime | None = None,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> Attempt:
    """Record that a duty was tried and could not be done: why, and when somebody comes again; the duty stays open.

    Its due time stays as well, since the protocol's clock goes on. Raises `DutyNotFound`, `DutyAlreadyFinished` or
    `AttemptRefused`.
    """
    by.require(FINISH_DUTY)
    again = next_at or valid_at + AGAIN_WITHIN
    if fault := attempt_fault(reason, valid_at, again):
        raise AttemptRefused(fault)
    with acting(by):
        former = Attempt.objects.filter(id=id).first() if id else None
        if former:
            return former
        kind, code = _outstanding(duty, by)
        made = Attempt.objects.create(
            id=id or new_id(), county=county_of(code), duty=duty, division_code=code, reason=reason, note=note.strip(),
            tried_at=valid_at, next_at=again, recorded_at=response_now(), account=by.account_id, command=cause,
        )  # fmt: skip
        record_audit(by, f"duties.record_attempt.{kind}", subject=("duty", None), division_code=code, duty=duty, reason=reason)  # fmt: skip
        return made


def reopen_duty(
    duty: int, *, by: Actor, county: int, valid_at: datetime, reason: str, cause: uuid.UUID | None = None
) -> bool:
    """Open a done duty again, so that another finding of the same work takes the place of the one on record.

    Only for whoever finishes it again in the same transaction; the log keeps both. False when it is not done.
    """
    with acting(ledger_keeper(by, county)), connection.cursor() as cursor:
        cursor.execute(
            REOPEN,
            {"county": county, "duty": duty, "valid_at": valid_at, "now": response_now(), "account": by.account_id,
             "cause": cause, "reason": reason},
        )  # fmt: skip
        return bool(cursor.rowcount)


def waive_duties(
    duties: Sequence[int],
    *,
    by: Actor,
    reason: str,
    authority: str,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> int:
    """Waive outstanding duties in the actor's area for a reason and on an authority; return how many were."""
    by.require(WAIVE_DUTY)
    if not reason.strip() or not authority.strip():
        raise Refusal("A duty is waived for a reason and on somebody's authority: fill in both.")
    with acting(by):
        done = _finish("id = ANY(%(duties)s) AND county = %(county)s", by, "waived", None, valid_at, cause, None,
                       reason=reason, authority=authority, duties=list(duties), county=county_of(by.scope.lo))  # fmt: skip
        for number, code, *_ in done:
            record_audit(by, "duties.waive_duty", subject=("duty", None), division_code=code, duty=number)
        return len(done)


def declare_kinds(kinds: Iterable[Kind]) -> None:
    """Write the kinds of duty that the rooms declare into the database (as owner, when it is prepared)."""
    DutyKind.objects.using("owner").bulk_create(
        [DutyKind(code=k.code, name_zh=k.zh, name_en=k.en, room=k.room, rank=k.rank, outcomes=list(k.outcomes), command=k.command) for k in kinds],
        update_conflicts=True,
        unique_fields=["code"],
        update_fields=["name_zh", "name_en", "room", "rank", "outcomes", "command"],
    )  # fmt: skip


def _finish(
    where: str,
    by: Actor,
    state: str,
    outcome: str | None,
    valid_at: datetime,
    cause: uuid.UUID | None,
    detail: dict[str, Any] | None,
    reason: str | None = None,
    authority: str | None = None,
    **params: Any,
) -> list[Any]:
    params |= {
        "state": state,
        "outcome": outcome,
        "valid_at": valid_at,
        "now": response_now(),
        "cause": cause,
    }
    params |= {"account": by.account_id, "reason": reason, "authority": authority}
    params["detail"] = None if detail is None else json.dumps(detail, default=str)
    with connection.cursor() as cursor:
        cursor.execute(FINISH.format(where=where), params)
        return cursor.fetchall()


def _duty_kind(duty: int, by: Actor) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT kind FROM duties_duty WHERE county = %s AND id = %s", [county_of(by.scope.lo), duty])
        row = cursor.fetchone()
    if row is None:
        raise DutyNotFound(f"There is no duty {duty} in your area. Refresh your list.")
    return str(row[0])


def _outstanding(duty: int, by: Actor) -> tuple[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT kind, division_code, state FROM duties_duty WHERE county = %s AND id = %s FOR UPDATE",
            [county_of(by.scope.lo), duty],
        )
        row = cursor.fetchone()
    if row is None:
        raise DutyNotFound(f"There is no duty {duty} in your area. Refresh your list.")
    if row[2] != "outstanding":
        raise DutyAlreadyFinished(f"Duty {duty} was finished or cancelled before. Nobody has to come again.")
    return str(row[0]), int(row[1])


def _check_outcome(kind: str, outcome: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT outcomes FROM duties_dutykind WHERE code = %s", [kind])
        row = cursor.fetchone()
    outcomes = [] if row is None else json.loads(row[0]) if isinstance(row[0], str) else row[0]
    if outcome not in outcomes:
        raise UnknownOutcome(f"“{outcome}” is no outcome of {kind}. It knows: {', '.join(outcomes)}.")
