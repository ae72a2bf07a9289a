"""Today's duties of whoever carries the phone: who or what, where, by when, under which rule, what was found last time."""

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import cache, lru_cache, partial
from typing import Any

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import read_rows
from lianfang.core.notices.queries import NoticeRow, notices_of
from lianfang.core.people.actions import county_cipher
from lianfang.response.cases.permissions import HOLD_PERSON
from lianfang.response.cases.queries import where_to_object
from lianfang.response.tasks.rules import checklist
from lianfang.surfaces.field.phone.buckets import Family
from lianfang.surfaces.field.phone.least import PEOPLE, PLAIN_KINDS, Carried, carried
from lianfang.surfaces.field.phone.words import edition, member_words, rule_words, zone_words
from lianfang.workflows.forms import FORMS, digest_of, form_of, forms_for, needs

COLUMNS = (
    "id", "kind", "subject_kind", "subject", "resident", "name", "age_band", "household", "street", "building", "unit",
    "room", "address", "phone", "lon", "lat", "opens_at", "due_at", "rank", "rule", "rule_zh", "rule_en", "form", "period",
    "source", "division_code", "role", "state", "outcome", "finished_at", "next_at", "last_at", "last_kind", "last_outcome",
    "subject_row", "name_zh", "name_en",
)  # fmt: skip
PHONE, RULE, FORM, COUNTY, ABOUT_AT, NAME, NAME_ZH, NAME_EN = (
    COLUMNS.index(name)
    for name in ("phone", "rule", "form", "division_code", "subject_row", "name", "name_zh", "name_en")
)

#: visits at a door begin with the list of who lives behind it
DOORS = ("door_visit", "missed_test_visit")

#: mine: what this post, this account, or a team it belongs to must do today, and what it has done today
MINE = """
SELECT d.* FROM duties_duty d
WHERE d.division_code BETWEEN %(lo)s AND %(hi)s AND d.state = 'outstanding' AND d.opens_at < %(tomorrow)s
  AND (d.assignee IS NULL AND d.role = %(role)s OR d.assignee = ANY(%(hands)s))
UNION ALL
SELECT d.* FROM duties_duty d
WHERE d.finished_by = %(account)s AND d.state = 'done' AND d.finished_at >= %(today)s
  AND d.division_code BETWEEN %(lo)s AND %(hi)s
"""

PERSON = """
CASE m.subject_kind
    WHEN 'resident' THEN m.subject
    WHEN 'order' THEN (SELECT o.resident FROM quarantine_order o WHERE o.id = m.subject)
    WHEN 'contact' THEN (SELECT k.resident FROM cases_contact k WHERE k.id = m.subject)
    WHEN 'case' THEN (SELECT c.resident FROM cases_case c WHERE c.id = m.subject)
    WHEN 'screen_positive' THEN (SELECT p.resident FROM cases_screenpositive p WHERE p.id = m.subject)
    WHEN 'pool_member' THEN (SELECT coalesce(p.resident, x.resident) FROM cases_poolmember x
                             LEFT JOIN cases_screenpositive p ON p.id = x.positive_id WHERE x.id = m.subject)
END
"""

THING = """
CASE m.subject_kind
    WHEN 'zone' THEN (SELECT z.name FROM zones_zone z WHERE z.id = m.subject)
    WHEN 'checkpoint' THEN (SELECT c.name FROM checkpoints_checkpoint c WHERE c.id = m.subject)
    WHEN 'shift' THEN (SELECT s.name FROM workforce_shift s WHERE s.id = m.subject)
    WHEN 'shift_assignment' THEN (SELECT s.name FROM workforce_shiftassignment a JOIN workforce_shift s ON s.id = a.shift_id
                                  WHERE a.id = m.subject)
    WHEN 'directive_recipient' THEN (SELECT q.title FROM command_directiverecipient r
                                     JOIN command_directive q ON q.id = r.directive_id WHERE r.id = m.subject)
    WHEN 'pool' THEN (SELECT q.code FROM cases_pool q WHERE q.id = m.subject)
    WHEN 'custody_difference' THEN (SELECT coalesce(nullif(f.code, ''), t.code) FROM specimens_custodydifference f
                                    LEFT JOIN specimens_tube t ON t.county = f.county AND t.id = f.tube
                                    WHERE f.county = m.county AND f.id = m.subject)
    WHEN 'result_notice' THEN (SELECT t.code FROM specimens_resultnotice n
                               JOIN specimens_tube t ON t.county = n.county AND t.id = n.tube
                               WHERE n.county = m.county AND n.id = m.subject)
END
"""

# What forms ask about a thing, beside field work: who lives behind a door and under which order, who belongs to a pool, which
# buildings a zone holds, how many people a shift expects.
ABOUT = """
CASE WHEN m.state = 'outstanding' THEN CASE m.subject_kind
    WHEN 'order' THEN (SELECT json_build_object('behind', json_agg(json_build_array(x.id, x.name, l.kind, l.last_day) ORDER BY l.kind IS NULL, x.id))
                       FROM people_resident x LEFT JOIN LATERAL (
                           SELECT l.kind, l.last_day FROM quarantine_order o JOIN quarantine_leg l ON l.order_id = o.id
                           WHERE o.resident = x.id AND o.status = 'in_force' AND l.left_at IS NULL ORDER BY l.position LIMIT 1) AS l ON true
                       WHERE x.household = r.household AND m.kind = ANY(%(doors)s) AND NOT %(plain)s)
    WHEN 'shift_assignment' THEN (SELECT json_build_object('people', a.people) FROM workforce_shiftassignment a WHERE a.id = m.subject)
    WHEN 'screen_positive' THEN (SELECT json_build_object('authority', i.authority, 'appeal_to', %(appeal_to)s::text) FROM cases_screenpositive p
                                 JOIN command_incident i ON i.id = p.incident WHERE p.id = m.subject AND NOT %(plain)s)
    WHEN 'pool' THEN (SELECT json_build_object('members', json_agg(json_build_object('code', x.id, 'zh', w.name, 'en', w.name) ORDER BY x.id))
                      FROM cases_poolmember x LEFT JOIN people_resident w ON w.id = x.resident
                      WHERE x.pool_id = m.subject AND x.division_code BETWEEN %(lo)s AND %(hi)s AND NOT %(plain)s)
    WHEN 'zone' THEN (SELECT json_build_object('areas', json_agg(json_build_object('code_lo', a.code_lo, 'code_hi', a.code_hi, 'building', a.building) ORDER BY a.code_lo), 'buildings', (
                          SELECT coalesce(json_agg(json_build_object('code', o.id, 'zh', o.name, 'en', o.name) ORDER BY o.division_code, o.name), '[]')
                          FROM (SELECT o.* FROM zones_zonearea a JOIN territory_building o ON o.division_code BETWEEN a.code_lo AND a.code_hi
                                WHERE a.zone_id = m.subject AND o.division_code BETWEEN %(lo)s AND %(hi)s
                                ORDER BY o.division_code, o.name LIMIT 300) AS o))
                      FROM zones_zonearea a WHERE a.zone_id = m.subject)
END END
"""

# Everything that many duties need is fetched at once for all of them. Where somebody is: the place they are held at, else their home where the duty is to be done there, else where they stay.
# The telephone leaves with outstanding duties only, and only sealed: it is opened for buckets that are sent.
DUTIES = f"""
WITH plain AS MATERIALIZED (
    SELECT p.code, p.kind, min(j.rank) OVER (PARTITION BY p.kind) AS rank
    FROM unnest(%(kinds)s::text[], %(plainly)s::text[]) AS p (code, kind) JOIN duties_dutykind j ON j.code = p.code
    WHERE %(plain)s
),
who AS MATERIALIZED (SELECT m.*, {PERSON} AS resident, {THING} AS thing FROM ({MINE}) AS m),
person AS MATERIALIZED (
    SELECT r.id, r.name, r.birth_date, r.household, r.division_code, r.present_place, r.phone_cipher
    FROM people_resident r WHERE r.id = ANY(ARRAY(SELECT resident FROM who))
),
door AS MATERIALIZED (
    SELECT h.id, h.number, h.building, h.unit, h.room, h.address
    FROM people_household h WHERE h.id = ANY(ARRAY(SELECT household FROM person))
),
errand AS MATERIALIZED (
    SELECT t.id, t.title, t.person, coalesce(nullif(t.address, ''), concat_ws(' ', (
               SELECT v.name FROM territory_division v WHERE v.code = t.inspects_code ORDER BY v.valid_from DESC LIMIT 1), t.place)) AS address, t.lon, t.lat,
           json_build_object('title', CASE WHEN t.kind <> 'delivery' THEN t.title END, 'place', t.place, 'person', t.person, 'items', t.items, 'category', t.category) AS about
    FROM tasks_task t WHERE t.id = ANY(ARRAY(SELECT subject FROM who WHERE subject_kind = 'task'))
    UNION ALL
    SELECT f.id, t.title, '', t.place, t.lon, t.lat, json_build_object('title', t.title, 'item', f.item, 'text', f.text)
    FROM tasks_finding f JOIN tasks_task t ON t.id = f.task_id
    WHERE f.id = ANY(ARRAY(SELECT subject FROM who WHERE subject_kind = 'finding'))
    UNION ALL
    SELECT h.id, h.place, '', h.place, h.lon, h.lat, json_build_object('kind', h.kind, 'text', h.text)
    FROM tasks_hazard h WHERE h.id = ANY(ARRAY(SELECT subject FROM who WHERE subject_kind = 'hazard'))
),
place AS MATERIALIZED (
    SELECT DISTINCT ON (v.code) v.code, v.name FROM territory_division v
    WHERE v.code = ANY(ARRAY(SELECT division_code FROM who)) AND v.valid_from <= %(day)s
      AND (v.valid_until IS NULL OR v.valid_until > %(day)s) ORDER BY v.code, v.valid_from DESC
),
found AS MATERIALIZED (
    SELECT DISTINCT ON (e.subject, e.kind) e.subject, e.kind, e.outcome, e.finished_at FROM duties_duty e
    WHERE NOT %(plain)s AND e.county = %(county)s AND e.subject = ANY(ARRAY(SELECT subject FROM who WHERE state = 'outstanding'))
      AND e.state = 'done' AND e.state <> 'cancelled' ORDER BY e.subject, e.kind, e.finished_at DESC, e.id DESC
),
tried AS MATERIALIZED (
    SELECT DISTINCT ON (a.duty) a.duty, a.next_at FROM duties_attempt a
    WHERE a.county = %(county)s AND a.duty = ANY(ARRAY(SELECT id FROM who WHERE state = 'outstanding'))
    ORDER BY a.duty, a.tried_at DESC, a.id DESC
)
SELECT 'duties:' || m.division_code AS bucket, coalesce(h.number, 0) AS place, m.id,
       coalesce(plain.kind, m.kind), CASE WHEN %(plain)s AND m.subject_kind = ANY(%(people)s) THEN 'person' ELSE m.subject_kind END,
       m.subject, m.resident, coalesce(r.name, nullif(errand.person, ''), errand.title, m.thing),
       CASE WHEN NOT %(plain)s THEN CASE
           WHEN r.birth_date > %(day)s::date - interval '3 years' THEN '0-2'
           WHEN r.birth_date > %(day)s::date - interval '18 years' THEN '3-17'
           WHEN r.birth_date > %(day)s::date - interval '60 years' THEN '18-59'
           WHEN r.birth_date > %(day)s::date - interval '80 years' THEN '60-79'
           WHEN r.birth_date IS NOT NULL THEN '80+' END END,
       h.number, coalesce(yard.name, v.name, ''), b.name,
       CASE WHEN home.here THEN h.unit END, CASE WHEN home.here THEN h.room END,
       CASE WHEN held.place <> '' THEN held.place WHEN home.here THEN CASE WHEN h.room = '' OR b.id IS NULL THEN h.address END
            ELSE coalesce(errand.address, nullif(r.present_place, '')) END,
       CASE WHEN %(calls)s AND m.state = 'outstanding' THEN r.phone_cipher END,
       round(coalesce(b.lon, yard.lon, spot.lon, errand.lon)::numeric, 5)::float, round(coalesce(b.lat, yard.lat, spot.lat, errand.lat)::numeric, 5)::float,
       m.opens_at, m.due_at, coalesce(plain.rank, k.rank), CASE WHEN %(plain)s THEN '' ELSE m.rule END, NULL::text, NULL::text, m.kind || ' ' || m.subject_kind, m.period, m.source,
       m.division_code, m.role, m.state, CASE WHEN plain.kind IS NULL THEN m.outcome END, m.finished_at, again.next_at,
       last.finished_at, last.kind, last.outcome, coalesce(errand.about, {ABOUT})::text,
       (SELECT z.protocol || ' ' || z.level FROM zones_zone z WHERE m.subject_kind = 'zone' AND z.id = m.subject), NULL::text
FROM who AS m
JOIN duties_dutykind k ON k.code = m.kind
LEFT JOIN plain ON plain.code = m.kind
LEFT JOIN person AS r ON r.id = m.resident
LEFT JOIN door AS h ON h.id = r.household
LEFT JOIN LATERAL (
    SELECT coalesce(nullif(l.place, ''), o.place) AS place FROM quarantine_leg l JOIN quarantine_order o ON o.id = l.order_id
    WHERE m.subject_kind = 'order' AND l.order_id = m.subject AND l.left_at IS NULL AND l.held_code <> l.division_code
    ORDER BY l.position LIMIT 1) AS held ON true
CROSS JOIN LATERAL (SELECT h.id IS NOT NULL AND r.division_code = m.division_code AND coalesce(held.place, '') = '' AS here) AS home
LEFT JOIN LATERAL (SELECT b.* FROM territory_building b WHERE home.here AND b.id = h.building LIMIT 1) AS b ON true
LEFT JOIN LATERAL (SELECT y.* FROM territory_compound y WHERE y.id = b.compound_id LIMIT 1) AS yard ON true
LEFT JOIN checkpoints_checkpoint spot ON m.subject_kind = 'checkpoint' AND spot.id = m.subject
LEFT JOIN place AS v ON v.code = m.division_code
LEFT JOIN errand ON errand.id = m.subject
LEFT JOIN tried AS again ON again.duty = m.id
LEFT JOIN found AS last ON m.state = 'outstanding' AND last.subject = m.subject AND last.kind = m.kind
"""  # noqa: S608 - made of the constants above

KINDS = f"""
SELECT DISTINCT 'kinds' AS bucket, coalesce(plain.kind, k.code)::text AS place, coalesce(plain.kind, k.code),
       coalesce(plain.zh, k.name_zh), coalesce(plain.en, k.name_en)
FROM (SELECT DISTINCT kind FROM ({MINE}) AS m) AS m
JOIN duties_dutykind k ON k.code = m.kind
LEFT JOIN unnest(%(kinds)s::text[], %(plainly)s::text[], %(zh)s::text[], %(en)s::text[]) AS plain (code, kind, zh, en)
  ON %(plain)s AND plain.code = m.kind
"""  # noqa: S608 - made of the constants above


def duties_family(asked: dict[str, Any], what: Carried) -> Family:
    """Return the duties by place, with what is needed to find the person and to do it."""
    finish = partial(_finished, asked["permissions"])
    made_with = edition() + forms_digest(asked["permissions"])
    return Family(COLUMNS, DUTIES, _asked(asked, what), finish, made_with, wide=True)


def kinds_family(asked: dict[str, Any], what: Carried) -> Family:
    """Return the names of the kinds that occur among the duties."""
    return Family(("code", "zh", "en"), KINDS, _asked(asked, what))


def _asked(asked: dict[str, Any], what: Carried) -> dict[str, Any]:
    return asked | {
        "appeal_to": where_to_object(asked["county"]) if HOLD_PERSON in asked["permissions"] else None, "plain": what.plain,
        "calls": what.calls, "people": list(PEOPLE), "doors": list(DOORS), "kinds": list(PLAIN_KINDS),
        "plainly": [kind for kind, _, _ in PLAIN_KINDS.values()], "zh": [zh for _, zh, _ in PLAIN_KINDS.values()],
        "en": [en for _, _, en in PLAIN_KINDS.values()],
    }  # fmt: skip


@lru_cache(maxsize=256)
def forms_digest(permissions: frozenset[str]) -> str:
    """Return what changes whenever one of the forms of these permissions does."""
    return digest_of(forms_for(permissions))


def _finished(permissions: frozenset[str], rows: list[tuple[Any, ...]]) -> Sequence[Sequence[Any]]:
    """Open the telephone numbers, put the rules into words, and name the form that does each duty."""
    made = []
    for row in rows:
        line = list(row)
        if line[PHONE] is not None:
            line[PHONE] = county_cipher(line[COUNTY] // 10**9).open(bytes(line[PHONE]))
        line[RULE + 1], line[RULE + 2] = rule_words(line[RULE])
        kind, _, subject_kind = line[FORM].partition(" ")
        line[FORM] = form_of(kind, subject_kind, permissions)
        line[ABOUT_AT] = _about(line)
        if line[NAME_ZH]:
            line[NAME_ZH], line[NAME_EN] = zone_words(line[NAME_ZH], line[NAME])
        made.append(line)
    return made


@cache
def _asked_by_forms() -> dict[str, frozenset[str]]:
    return {form.code: needs(form)["subject"] for form in FORMS}


def _about(line: list[Any]) -> dict[str, Any] | None:
    """Return what the form of a duty asks of its subject, as far as it is known."""
    about: dict[str, Any] = json.loads(line[ABOUT_AT]) if line[ABOUT_AT] else {}
    if behind := about.pop("behind", None):
        about["members"] = [member_words(*one) for one in behind]
    wanted = _asked_by_forms().get(line[FORM], frozenset())
    for name in wanted & {"resident", "address"}:
        about[name] = line[COLUMNS.index(name)]
    if about.get("category") and "checklist" in wanted:
        about["checklist"] = checklist(about["category"])
    return about or None


def notices_for(by: Actor, after: int | None = None) -> list[NoticeRow]:
    """Return the actor's notices after an id, in the words that the role may read."""
    found = notices_of(by=by, after=after)
    return _named_plainly(found, by) if found and carried(by.permissions, by.scope).plain else found


def _named_plainly(notices: Sequence[NoticeRow], by: Actor) -> list[NoticeRow]:
    """Put plain words in place of kinds that tell of somebody's health, for roles that need not know."""
    kinds = read_rows(
        by,
        "SELECT k.code, k.name_zh, k.name_en FROM duties_dutykind k WHERE k.code = ANY(%(kinds)s)",
        {"kinds": list(PLAIN_KINDS)},
    )
    made = []
    for one in notices:
        zh, en = one.zh, one.en
        for code, name_zh, name_en in sorted(kinds, key=lambda kind: -len(kind[1])):
            _, plain_zh, plain_en = PLAIN_KINDS[code]
            # both at once: one notice is about one kind, and a short name may stand inside of a longer one
            if f"：{name_zh}，" in zh:
                zh, en = zh.replace(name_zh, plain_zh), en.replace(name_en, plain_en)
                break
        made.append(replace(one, zh=zh, en=en))
    return made


def phones_in(rows: Sequence[Sequence[Any]]) -> int:
    """Count the people whose telephone number stands in rows of duties."""
    person = COLUMNS.index("resident")
    return len({row[person] for row in rows if row[PHONE] is not None})
