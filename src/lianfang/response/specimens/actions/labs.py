"""Writing laboratories and what they can do."""

import uuid
from collections.abc import Sequence
from datetime import datetime, time
from typing import Any

from django.db import IntegrityError, connection, transaction

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import response_now
from lianfang.kit.codes import county_of
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Conflict, Refusal
from lianfang.response.specimens.permissions import REGISTER_LABS
from lianfang.response.specimens.reconciling import LabNotYours

REGISTER = """
INSERT INTO specimens_lab AS lab (county, id, name, division_code, tubes_per_hour, tubes_per_day, opens_at, closes_at,
                                  registered_at, recorded_at, recorded_by, accounts)
VALUES (%(county)s, %(id)s, %(name)s, %(code)s, %(per_hour)s, %(per_day)s, %(opens)s, %(closes)s, %(at)s, %(now)s,
        %(account)s, coalesce(%(accounts)s::uuid[], '{}'))
ON CONFLICT (county, id) DO UPDATE
SET name = excluded.name, division_code = excluded.division_code, tubes_per_hour = excluded.tubes_per_hour,
    tubes_per_day = excluded.tubes_per_day, opens_at = excluded.opens_at, closes_at = excluded.closes_at,
    recorded_at = excluded.recorded_at, recorded_by = excluded.recorded_by,
    accounts = coalesce(%(accounts)s::uuid[], lab.accounts)
"""


class LabNameTaken(Conflict):
    """Another laboratory of the county bears this name."""


def register_lab(
    name: str,
    *,
    by: Actor,
    division_code: int,
    tubes_per_hour: int,
    tubes_per_day: int,
    valid_at: datetime,
    opens_at: time | None = None,
    closes_at: time | None = None,
    accounts: Sequence[uuid.UUID] | None = None,
    county: int | None = None,
    cause: uuid.UUID | None = None,
    id: uuid.UUID | None = None,
) -> uuid.UUID:
    """Register a laboratory with what it can do, or what a known one (same id) can do from now on; return its id.

    Hours are local, none of both means round the clock; ``division_code`` is where it stands, which may be another
    county. ``county`` is the one it works for, the actor's own unless told. Once ``accounts`` are named, no other account
    says what it received or found, and they speak for no other laboratory; left out, those named before stay.
    """
    served = county or county_of(by.scope.lo)
    by.require(REGISTER_LABS, served * 10**9)
    if not name.strip():
        raise Refusal("A laboratory has a name: fill it in as it stands on its reports.")
    if tubes_per_day < tubes_per_hour:
        raise Refusal("A laboratory does at least as many tubes a day as in an hour: correct one of the two figures.")
    if (opens_at is None) != (closes_at is None) or (opens_at is not None and opens_at == closes_at):
        raise Refusal("Give both opening and closing hour, or neither for round the clock.")
    lab = id or cause or new_id()
    params: dict[str, Any] = {
        "county": served, "id": lab, "name": name.strip(), "code": division_code, "per_hour": tubes_per_hour,
        "per_day": tubes_per_day, "opens": opens_at, "closes": closes_at, "at": valid_at, "now": response_now(),
        "account": by.account_id, "accounts": None if accounts is None else list(accounts),
    }  # fmt: skip
    with acting(by):
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(REGISTER, params)
        except IntegrityError as error:
            if "lab_name_once" not in str(error):
                raise
            raise LabNameTaken(
                f"Another laboratory is called “{name.strip()}”: change that one, or add the place."
            ) from None
        record_audit(
            by, REGISTER_LABS, subject=("lab", lab), division_code=division_code, per_hour=tubes_per_hour,
            per_day=tubes_per_day, command=cause,
        )  # fmt: skip
    return lab


# Registered laboratories that a name or id means, and those that the account speaks for.
SPEAKS = """
SELECT l.name, l.id = %(lab)s OR l.name = %(name)s, %(account)s = ANY(l.accounts) FROM specimens_lab l
WHERE l.county = %(county)s AND l.accounts <> '{}'
  AND (l.id = %(lab)s OR l.name = %(name)s OR %(account)s = ANY(l.accounts))
"""


def check_speaks(by: Actor, county: int, *, name: str = "", lab: uuid.UUID | None = None) -> None:
    """Refuse an account that speaks for a laboratory (by name or id) which named others, or that speaks for others only."""
    with connection.cursor() as cursor:
        cursor.execute(SPEAKS, {"county": county, "lab": lab, "name": name.strip(), "account": by.account_id})
        rows = cursor.fetchall()
    if any(mine and meant for _, meant, mine in rows) or not rows:
        return
    other = next((title for title, meant, _ in rows if meant), None)
    if other:
        raise LabNotYours(
            f"{other} reports through accounts of its own, and yours is none of them: let it send this itself."
        )
    raise LabNotYours(
        f"Your account speaks for {rows[0][0]} alone: write its name, or let the other laboratory send this."
    )
