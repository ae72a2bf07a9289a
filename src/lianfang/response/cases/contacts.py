"""Contacts and contacts of contacts: many determined, placed, upgraded or withdrawn at once."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import finish_duties, ledger_keeper, reconcile
from lianfang.engines.protocol import dated_protocol, pack_of_protocol
from lianfang.kit.clock import local_date, response_now
from lianfang.kit.codes import county_of
from lianfang.response.cases import permissions as may
from lianfang.response.cases.duties import desire_contacts
from lianfang.response.cases.rules import (
    CaseNotFound,
    NewContact,
    ResidentNotFound,
    check_contacts,
    require_words,
    tiers_below,
)

GIVEN = """
given AS MATERIALIZED (
    SELECT * FROM unnest(%(ids)s::uuid[], %(residents)s::uuid[], %(tiers)s::text[], %(cases)s::uuid[], %(vias)s::uuid[],
                         %(relations)s::text[], %(categories)s::text[], %(firsts)s::timestamptz[], %(lasts)s::timestamptz[])
         AS g (id, resident, tier, case_id, via_id, relation, category, first_exposure_at, last_exposure_at)
    WHERE NOT EXISTS (SELECT FROM cases_contacthistory h WHERE h.id = g.id)
)
"""

# One open row per person and tier; every determination is a row of the history with the link it was made by.
DETERMINE = f"""
WITH {GIVEN}, merged AS (
    SELECT DISTINCT ON (resident, tier) *, min(first_exposure_at) OVER same AS first_at,
           max(last_exposure_at) OVER same AS last_at
    FROM given WINDOW same AS (PARTITION BY resident, tier) ORDER BY resident, tier, last_exposure_at DESC
), written AS (
    INSERT INTO cases_contact (id, county, incident, resident, division_code, protocol, tier, case_id, via_id, relation,
                               category, first_exposure_at, last_exposure_at, determined_at, determined_by, status,
                               recorded_at)
    SELECT m.id, %(county)s, %(incident)s, m.resident, r.present_code, %(protocol)s, m.tier, m.case_id, m.via_id,
           m.relation, m.category, m.first_at, m.last_at, %(valid_at)s, %(account)s, 'active', %(now)s
    FROM merged m JOIN people_resident r ON r.id = m.resident
    ON CONFLICT (incident, resident, tier) WHERE status = 'active' DO UPDATE
    SET last_exposure_at = greatest(cases_contact.last_exposure_at, excluded.last_exposure_at),
        first_exposure_at = least(cases_contact.first_exposure_at, excluded.first_exposure_at)
    RETURNING id, resident, tier, division_code, xmax = 0 AS fresh
), logged AS (
    INSERT INTO cases_contacthistory (id, county, contact_id, division_code, status, upgraded_to, case_id, via_id,
                                      last_exposure_at, reason, decided_by, command, valid_at, recorded_at)
    SELECT g.id, %(county)s, w.id, w.division_code, 'active', '', g.case_id, g.via_id, g.last_exposure_at, '',
           %(account)s, %(cause)s, %(valid_at)s, %(now)s
    FROM given g JOIN written w USING (resident, tier)
    RETURNING id, contact_id
)
SELECT w.id, w.resident, w.tier, w.fresh FROM written w
"""  # noqa: S608 - made of the constant above

CLOSE = """
WITH closed AS (
    UPDATE cases_contact SET status = %(status)s
    WHERE status = 'active' AND {where}
    RETURNING id, county, division_code, resident, last_exposure_at
), logged AS (
    INSERT INTO cases_contacthistory (id, county, contact_id, division_code, status, upgraded_to, last_exposure_at, reason,
                                      decided_by, command, valid_at, recorded_at)
    SELECT gen_random_uuid(), county, id, division_code, %(status)s, %(to)s, last_exposure_at, %(reason)s, %(account)s,
           %(cause)s, %(valid_at)s, %(now)s
    FROM closed
)
SELECT id, resident, division_code FROM closed
"""


@dataclass(frozen=True)
class Determined:
    """What came of determinations: contacts new in their tier, persons already in it, persons who left a lower one."""

    contacts: dict[uuid.UUID, uuid.UUID]
    new: int
    known: int
    upgraded: int


def determine_contacts(
    *,
    by: Actor,
    incident: uuid.UUID,
    protocol: str,
    division_code: int,
    contacts: Sequence[NewContact],
    valid_at: datetime,
    cause: uuid.UUID | None = None,
) -> Determined:
    """Determine contacts (any number, one statement), each linked to a case or to a contact.

    ``division_code`` is where the investigated case lives, inside the investigator's area; the contacts may live
    anywhere in the county. ``Determined.contacts`` gives the open contact of each resident. Raises `ContactRefused`
    or `ResidentNotFound`; then nothing is written.
    """
    by.require(may.DETERMINE_CONTACT, division_code)
    pack = pack_of_protocol(dated_protocol(protocol, local_date(valid_at)))
    check_contacts(pack, contacts, valid_at)
    county = county_of(division_code)
    # A case's contacts live in other villages than the case; whoever may investigate it may name them all.
    with acting(ledger_keeper(by, county)):
        _all_known([contact.resident for contact in contacts])
        params = _columns(contacts) | _stamp(by, valid_at, cause)
        params |= {"county": county, "incident": incident, "protocol": dated_protocol(protocol, local_date(valid_at))}
        rows = _run(DETERMINE, params)
        upgraded = _leave_lower_tiers(rows, pack_tiers={t: tiers_below(pack, t) for t in {row[2] for row in rows}},
                                      params=params)  # fmt: skip
        fresh = sum(row[3] for row in rows)
        record_audit(by, "cases.determine_contacts", subject=("incident", incident), division_code=division_code,
                     count=len(contacts), new=fresh, upgraded=len(upgraded))  # fmt: skip
        _refresh([row[0] for row in rows], by, county, valid_at, cause)
        return Determined({row[1]: row[0] for row in rows}, fresh, len(rows) - fresh, len(upgraded))


def record_placed(
    *, by: Actor, contacts: Sequence[uuid.UUID], valid_at: datetime, cause: uuid.UUID | None = None
) -> int:
    """Record that contacts are in quarantine since an instant, which ends their clock; return how many were not before."""
    by.require(may.PLACE_CONTACT)
    county = county_of(by.scope.lo)
    # The site that receives somebody lies elsewhere than their home: the county's hand writes for whoever may place.
    with acting(ledger_keeper(by, county)):
        params = {"ids": list(contacts), "valid_at": valid_at}
        _all_seen(contacts)
        rows = _run(
            "UPDATE cases_contact SET placed_at = %(valid_at)s WHERE id = ANY(%(ids)s) AND placed_at IS NULL RETURNING id",
            params,
        )
        if rows:
            record_audit(
                by, "cases.record_placed", subject=("contact", None), division_code=by.scope.lo, count=len(rows)
            )
            keys = [(row[0], "once") for row in rows]
            finish_duties(keys, kind="contact_in_quarantine", by=by, county=county, outcome="placed",
                          valid_at=valid_at, cause=cause)  # fmt: skip
            _refresh([row[0] for row in rows], by, county, valid_at, cause)
        return len(rows)


def upgrade_contacts(
    *,
    by: Actor,
    contacts: Sequence[uuid.UUID],
    to: str,
    reason: str,
    valid_at: datetime,
    cause: uuid.UUID | None = None,
    permission: str = may.DETERMINE_CONTACT,
) -> list[uuid.UUID]:
    """Close open contacts because the persons became a case or another tier; return those closed."""
    return _close(by, contacts, "upgraded", to, reason, valid_at, cause, permission)


def withdraw_contacts(
    *, by: Actor, contacts: Sequence[uuid.UUID], reason: str, valid_at: datetime, cause: uuid.UUID | None = None
) -> list[uuid.UUID]:
    """Withdraw open contacts found to be none, with the reason; return those withdrawn. Their orders are to be lifted."""
    return _close(by, contacts, "withdrawn", "", reason, valid_at, cause, may.DETERMINE_CONTACT)


def _close(
    by: Actor,
    contacts: Sequence[uuid.UUID],
    status: str,
    to: str,
    reason: str,
    valid_at: datetime,
    cause: uuid.UUID | None,
    permission: str,
) -> list[uuid.UUID]:
    by.require(permission)
    require_words(reason=reason)
    with acting(by):
        params = _stamp(by, valid_at, cause) | {"ids": list(contacts), "status": status, "to": to, "reason": reason}
        rows = _run(CLOSE.format(where="id = ANY(%(ids)s)"), params)
        _all_seen(contacts)
        if rows:
            record_audit(by, f"cases.{status}_contacts", subject=("contact", None), division_code=by.scope.lo,
                         count=len(rows))  # fmt: skip
            _refresh([row[0] for row in rows], by, county_of(rows[0][2]), valid_at, cause)
        return [row[0] for row in rows]


def _leave_lower_tiers(rows: list[Any], pack_tiers: dict[str, list[str]], params: dict[str, Any]) -> list[Any]:
    """Close what a person was before: determined as close contact, they are no longer a contact's contact."""
    left: list[Any] = []
    for tier, below in pack_tiers.items():
        residents = [row[1] for row in rows if row[2] == tier]
        where = "incident = %(incident)s AND resident = ANY(%(residents)s) AND tier = ANY(%(below)s)"
        mine = {
            "status": "upgraded",
            "to": tier,
            "reason": f"determined as {tier}",
            "residents": residents,
            "below": below,
        }
        left += _run(CLOSE.format(where=where), params | mine) if below else []
    return left


def _all_seen(contacts: Sequence[uuid.UUID]) -> None:
    """Raise when a contact is out of sight: an update would pass it over without a word."""
    seen = {row[0] for row in _run("SELECT id FROM cases_contact WHERE id = ANY(%(ids)s)", {"ids": list(contacts)})}
    hidden = sorted(set(contacts) - seen)
    if hidden:
        raise CaseNotFound(f"{len(hidden)} of these contacts lie outside your area, first {hidden[0]}. Hand them over.")


def _all_known(residents: Sequence[uuid.UUID]) -> None:
    known = _run("SELECT id FROM people_resident WHERE id = ANY(%(ids)s)", {"ids": list(residents)})
    unknown = sorted(set(residents) - {row[0] for row in known})
    if unknown:
        raise ResidentNotFound(
            f"{len(unknown)} of these people are not in the county's register, first {unknown[0]}: register them first."
        )


def _refresh(
    contacts: Sequence[uuid.UUID], by: Actor, county: int, valid_at: datetime, cause: uuid.UUID | None
) -> None:
    # The same person's rows in other tiers belong to the slice: one of them may have to speak now.
    with acting(ledger_keeper(by, county)):
        rows = _run(
            "SELECT k.id FROM cases_contact k JOIN cases_contact mine USING (incident, resident) WHERE mine.id = ANY(%(ids)s)",
            {"ids": list(contacts)},
        )
    subjects = list({row[0] for row in rows})
    reconcile(desire_contacts(by, county, subjects), by=by, county=county, valid_at=valid_at, cause=cause)


def _columns(contacts: Sequence[NewContact]) -> dict[str, Any]:
    return {
        "ids": [c.id for c in contacts],
        "residents": [c.resident for c in contacts],
        "tiers": [c.tier for c in contacts],
        "cases": [c.case for c in contacts],
        "vias": [c.via for c in contacts],
        "relations": [c.relation for c in contacts],
        "categories": [c.category for c in contacts],
        "firsts": [c.first_exposure_at for c in contacts],
        "lasts": [c.last_exposure_at for c in contacts],
    }


def _stamp(by: Actor, valid_at: datetime, cause: uuid.UUID | None) -> dict[str, Any]:
    return {"account": by.account_id, "cause": cause, "valid_at": valid_at, "now": response_now()}


def _run(sql: str, params: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()
