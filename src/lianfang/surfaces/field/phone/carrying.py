"""One synchronisation: who asks, what their phone may carry, and which buckets of it differ from what it has."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting, read_rows
from lianfang.core.duties.permissions import READ_DUTIES
from lianfang.kit.clock import at_local, local_date, response_now
from lianfang.kit.codes import CodeRange, county_of
from lianfang.response.specimens.rules import county_hand
from lianfang.surfaces.field.phone import decided, duties, posts, register, sampling
from lianfang.surfaces.field.phone.buckets import Answer, Family, collect
from lianfang.surfaces.field.phone.least import VILLAGE, Carried, carried

DAY = timedelta(days=1)

# Whatever a duty may be assigned to: the account, the post it holds, the person it is on duty as, and their teams.
WHO = """
WITH person AS (SELECT r.id FROM workforce_responder r WHERE r.account = %(account)s)
SELECT array(SELECT g.post_id FROM access_grant g WHERE g.id = %(grant)s AND g.post_id IS NOT NULL)
       || array(SELECT id FROM person)
       || array(SELECT m.team_id FROM workforce_teammember m WHERE m.responder_id IN (SELECT id FROM person) AND m.until IS NULL),
       array(SELECT r.id FROM screening_round r WHERE r.county = %(county)s AND r.closed_at IS NULL AND EXISTS (
             SELECT FROM screening_roundarea a WHERE a.round_id = r.id AND a.code_lo <= %(hi)s AND a.code_hi >= %(lo)s)),
       (SELECT r.name_zh FROM access_role r WHERE r.code = %(role)s), (SELECT r.name_en FROM access_role r WHERE r.code = %(role)s),
       (SELECT v.name FROM territory_division v WHERE v.code = %(lo)s AND v.valid_from <= %(day)s
        AND (v.valid_until IS NULL OR v.valid_until > %(day)s) ORDER BY v.valid_from DESC LIMIT 1),
       (SELECT q.post_title FROM territory_headquarters q
        WHERE q.code_lo <= %(lo)s AND q.code_hi >= %(hi)s AND q.valid_from <= %(day)s
          AND (q.valid_until IS NULL OR q.valid_until > %(day)s) ORDER BY q.code_hi - q.code_lo, q.name LIMIT 1)
"""


@dataclass(frozen=True)
class Asker:
    """Who asks, in words: the role in both languages, the name of the area, the post that answers for it."""

    role_zh: str
    role_en: str
    area: str
    headquarters: str
    what: Carried


@dataclass(frozen=True)
class Synchronised:
    """What a phone needs to agree with the server: buckets that differ, names that are gone, whether more is to come."""

    at: datetime
    asker: Asker
    changed: dict[str, dict[str, Any]]
    gone: list[str]
    more: bool


def synchronise(have: Mapping[str, str], *, by: Actor, nothing: bool = False) -> Synchronised:
    """Return what the caller's phone lacks, and log how many people's data left the house.

    ``have``: the digest of every bucket on the phone; ``nothing``: only who asks is told, as to a phone that is to wipe itself. The number of statements does not depend on the number of people.
    """
    by.require(READ_DUTIES)
    now = response_now()
    with acting(by):
        asked, asker = _asked(by, now)
        answer = Answer()
        if nothing:
            return Synchronised(now, asker, {}, [], False)
        for family in _families(asked, asker.what):
            collect(family, answer, by=by, have=have)
        if asker.what.missing:
            collect(sampling.missing_family(asked), answer, by=county_hand(by, asked["county"]), have=have)
        _log(answer, by)
    return Synchronised(now, asker, answer.changed, sorted(set(have) - answer.names), answer.more)


def _asked(by: Actor, now: datetime) -> tuple[dict[str, Any], Asker]:
    today = at_local(local_date(now))
    near = by.scope if by.scope.lo // VILLAGE == by.scope.hi // VILLAGE else CodeRange(by.scope.lo, by.scope.lo)
    asked: dict[str, Any] = {
        "lo": by.scope.lo, "hi": by.scope.hi, "county": county_of(by.scope.lo), "role": by.role, "account": by.account_id,
        "grant": by.grant_id, "permissions": by.permissions, "at": now, "day": local_date(now), "today": today, "tomorrow": today + DAY,
        "yesterday": today - DAY, "near_lo": near.lo, "near_hi": near.hi,
    }  # fmt: skip
    (row,) = read_rows(by, WHO, asked)
    hands, rounds, role_zh, role_en, area, headquarters = row
    asked |= {"hands": [by.account_id, *hands], "rounds": rounds}
    what = carried(by.permissions, by.scope)
    return asked, Asker(role_zh or by.role, role_en or by.role, area or "", headquarters or "", what)


def _families(asked: dict[str, Any], what: Carried) -> list[Family]:
    families = [duties.duties_family(asked, what), duties.kinds_family(asked, what), *posts.post_families(asked)]
    families.append(decided.decided_family(asked))
    families += register.register_families(asked) if what.register else []
    families += [sampling.round_family(asked)] if what.rounds else []
    families += [sampling.site_family(asked)] if what.sites else []
    families += sampling.tube_families(asked) if what.tubes else []
    families += [posts.checkpoint_family(asked)] if what.checkpoints else []
    return families


def _log(answer: Answer, by: Actor) -> None:
    """Write one row for each sort of personal data that leaves: how many people, never who."""
    taken = [bucket["rows"] for name, bucket in answer.changed.items() if name.startswith("duties:")]
    counts = {
        "people.call_residents": duties.phones_in([row for rows in taken for row in rows]),
        "people.carry_register": answer.sent.get("people", 0),
        "duties.carry_duties": answer.sent.get("duties", 0),
        "screening.carry_missing": answer.sent.get("missing", 0),
    }
    for verb, count in counts.items():
        if count:
            record_audit(by, verb, subject=("phone", by.device_id), division_code=by.scope.lo, count=count)
