"""The figures of a daily report. Each is one question to the records; its number and its list come from the same rows.

Two times: what held by ``at`` (and, for what happens, after ``since``), as it was known by ``known_at``. A revision asks
again with a later ``known_at``, so that it differs from the report before by corrections alone, never by later work.
"""

from dataclasses import dataclass

from lianfang.core.duties.permissions import READ_DUTIES
from lianfang.response.cases.permissions import READ_CASES
from lianfang.response.cases.queries import CASES, CONTACTS
from lianfang.response.checkpoints.permissions import READ_CHECKPOINTS
from lianfang.response.quarantine.permissions import READ_ORDERS
from lianfang.response.screening.permissions import READ_ROUNDS
from lianfang.response.specimens.permissions import READ_RESULTS
from lianfang.response.specimens.queries import UNUSABLE_TUBES, VOIDED_SAMPLES
from lianfang.response.workforce.permissions import READ_WORKFORCE


class Slots(dict[str, str]):
    """Fills some placeholders of another room's statement with SQL and leaves the rest to be bound."""

    def __missing__(self, name: str) -> str:
        return f"%({name})s"


def filled(statement: str, **words: str) -> str:
    """Return a statement with the named placeholders replaced by constants of ours."""
    return statement % Slots(words)


@dataclass(frozen=True)
class Column:
    """One column of a list: an SQL expression, its titles, and the kind and id of the record it leads to."""

    expression: str
    zh: str
    en: str
    look: str = "text"
    link: str = ""
    link_id: str = "NULL"


@dataclass(frozen=True)
class DailyFigure:
    """One figure: where its rows come from (``FROM … WHERE …``), the code of a row's place, and what a row adds.

    ``event`` says that it tells something that happened: a report in which all of these are 0 is a nil report.
    ``permission`` is what the room asks of whoever opens the list.
    """

    code: str
    zh: str
    en: str
    permission: str
    source: str
    place: str
    columns: tuple[Column, ...]
    event: bool = False
    number: str = "1"


NAME = Column("r.name", "姓名", "name")
RESIDENT = Column("r.name", "姓名", "name", link="resident", link_id="r.id")
RESIDENTS = "LEFT JOIN people_resident r ON r.id = {table}.resident"

ANY_CASE = {"incident": "NULL", "class_code": "NULL", "community": "false", "since": "NULL"}
CASE_COLUMNS = (
    Column("c.number", "编号", "number", "number", "case", "c.id"),
    NAME,
    Column("k.class_code", "分型", "class", "code"),
    Column("k.severity", "临床程度", "severity", "code"),
    Column("c.detected_by", "发现方式", "found by", "code"),
    Column("c.known_at", "发现时间", "known at", "time"),
    Column("k.valid_at", "分型时间", "class since", "time"),
)
#: a case is new in the period in which it became known, in the class it had at the end of it; its first class begins then
NEW_CASE = filled(CASES, **ANY_CASE | {"since": "%(since)s"})
CASE = filled(CASES, **ANY_CASE)

RECLASSIFIED = """
FROM cases_classification k JOIN cases_case c ON c.id = k.case_id
JOIN LATERAL (SELECT b.class_code FROM cases_classification b
              WHERE b.case_id = k.case_id AND b.recorded_at <= %(known_at)s AND (b.valid_at, b.recorded_at) < (k.valid_at, k.recorded_at)
              ORDER BY b.valid_at DESC, b.recorded_at DESC LIMIT 1) AS before ON before.class_code <> k.class_code
LEFT JOIN people_resident r ON r.id = c.resident
WHERE k.valid_at > %(since)s AND k.valid_at <= %(at)s AND k.recorded_at <= %(known_at)s
"""
RECLASSIFIED_COLUMNS = (
    Column("c.number", "编号", "number", "number", "case", "c.id"),
    NAME,
    Column("before.class_code", "原分型", "former class", "code"),
    Column("k.class_code", "订正为", "class", "code"),
    Column("k.severity", "临床程度", "severity", "code"),
    Column("k.valid_at", "订正时间", "reclassified at", "time"),
    Column("k.reason", "理由", "reason"),
)

POSITIVES = f"""
FROM cases_screenpositive p {RESIDENTS.format(table="p")}
WHERE p.found_at > %(since)s AND p.found_at <= %(at)s AND p.recorded_at <= %(known_at)s
"""
POSITIVE_COLUMNS = (
    RESIDENT,
    Column("p.detected_by", "发现方式", "found by", "code"),
    Column("p.found_at", "发现时间", "found at", "time"),
)

CONTACT_COLUMNS = (
    Column("r.name", "姓名", "name", link="resident", link_id="k.resident"),
    Column("k.tier", "类别", "tier", "code"),
    Column("k.last_exposure_at", "末次暴露", "last exposure", "time"),
    Column("k.determined_at", "判定时间", "determined at", "time"),
    Column("k.placed_at", "管控到位", "in quarantine since", "time"),
)
NEW_CONTACT = (
    filled(CONTACTS, incident="NULL", tier="NULL", status="NULL", unplaced="false")
    + " AND k.determined_at > %(since)s AND k.determined_at <= %(at)s AND k.recorded_at <= %(known_at)s"
)

# The leg somebody is in is the last one begun; whoever has not been released is still in it after its end.
QUARANTINED = f"""
FROM quarantine_order o
JOIN LATERAL (SELECT l.kind, l.ends_at FROM quarantine_leg l WHERE l.order_id = o.id AND l.first_day <= %(day)s
              ORDER BY l.position DESC LIMIT 1) AS leg ON true
{RESIDENTS.format(table="o")}
WHERE o.started_at <= %(at)s AND o.recorded_at <= %(known_at)s AND (o.closed_at IS NULL OR o.closed_at > %(at)s)
"""  # noqa: S608 - made of the constant above
QUARANTINED_COLUMNS = (
    Column("r.name", "姓名", "name", link="order", link_id="o.id"),
    Column("o.tier", "类别", "tier", "code"),
    Column("leg.kind", "管理方式", "kind of quarantine", "code"),
    Column("o.started_at", "开始时间", "since", "time"),
    Column("o.ends_at", "到期时间", "ends at", "time"),
)

SAMPLED = f"""
FROM specimens_sample s {RESIDENTS.format(table="s")}
WHERE s.county = %(county)s AND s.taken_at > %(since)s AND s.taken_at <= %(at)s AND s.recorded_at <= %(known_at)s
  AND (s.tube, s.id) NOT IN ({filled(VOIDED_SAMPLES, at="%(known_at)s")})
"""
SAMPLED_COLUMNS = (
    RESIDENT,
    Column("s.purpose", "用途", "purpose", "code"),
    Column("s.taken_at", "采样时间", "taken at", "time"),
)

MISSING = f"""
FROM (SELECT m.county, m.round, m.resident, m.division_code FROM screening_rosterentry m
      UNION ALL SELECT f.county, f.round, f.resident, f.division_code FROM screening_foundentry f
      WHERE f.valid_at <= %(at)s AND f.recorded_at <= %(known_at)s) AS m
JOIN screening_round d ON d.id = m.round AND d.county = m.county
LEFT JOIN people_resident r ON r.id = m.resident
WHERE m.county = %(county)s AND d.opened_at <= %(at)s AND d.recorded_at <= %(known_at)s
  AND (d.closed_at IS NULL OR d.closed_at > %(since)s)
  AND NOT EXISTS (SELECT FROM specimens_sample s
                  WHERE s.county = m.county AND s.round = m.round AND s.resident = m.resident
                    AND s.taken_at <= %(at)s AND s.recorded_at <= %(known_at)s
                    AND s.tube NOT IN ({filled(UNUSABLE_TUBES, at="%(known_at)s")})
                    AND (s.tube, s.id) NOT IN ({filled(VOIDED_SAMPLES, at="%(known_at)s")}))
  AND NOT EXISTS (SELECT FROM screening_exclusion e
                  WHERE e.county = m.county AND e.round = m.round AND e.resident = m.resident
                    AND e.valid_at <= %(at)s AND e.recorded_at <= %(known_at)s
                    AND (e.withdrawn_at IS NULL OR e.withdrawn_at > %(at)s OR e.withdrawn_recorded_at > %(known_at)s))
"""  # noqa: S608 - made of constants
MISSING_COLUMNS = (
    Column("r.name", "姓名", "name", link="resident", link_id="m.resident"),
    Column("d.title", "轮次", "round", link="round", link_id="d.id"),
    Column("d.target_at", "目标完成时间", "target", "time"),
)

# A duty counts from the time it opens. It is finished at most once, so what stood outstanding then is outstanding now,
# or was finished later, or was known to be only later.
OUTSTANDING = """
FROM duties_duty d JOIN duties_dutykind kind ON kind.code = d.kind
WHERE d.county = %(county)s AND d.kind <> 'daily_report' AND d.opens_at <= %(at)s AND d.recorded_at <= %(known_at)s
  AND (d.state = 'outstanding' OR d.finished_at > %(at)s OR d.id IN (
        SELECT t.duty FROM duties_transition t WHERE t.county = %(county)s AND t.kind IN ('done', 'waived', 'cancelled')
          AND t.recorded_at > %(known_at)s))
"""
DUTY_COLUMNS = (
    Column("kind.name_zh", "任务", "duty", link="duty", link_id="d.id"),
    Column("kind.name_en", "任务（英文）", "duty (English)"),
    Column("d.role", "责任角色", "role", "code"),
    Column("d.opens_at", "开始", "opens", "time"),
    Column("d.due_at", "期限", "due", "time"),
)

ON_DUTY = """
FROM workforce_attendance a
LEFT JOIN workforce_responder r ON r.id = a.responder_id
LEFT JOIN workforce_team t ON t.id = a.team_id
LEFT JOIN workforce_shiftassignment g ON g.id = a.assignment_id
LEFT JOIN workforce_shift s ON s.id = g.shift_id
WHERE a.checked_in_at <= %(at)s AND a.recorded_at <= %(known_at)s
  AND coalesce(a.checked_out_at, s.ends_at, 'infinity'::timestamptz) > %(at)s
"""
ON_DUTY_COLUMNS = (
    Column("coalesce(r.name, t.name)", "人员或队伍", "person or team"),
    Column("a.people", "人数", "people", "number"),
    Column("a.line", "条线", "line of work", "code"),
    Column("a.checked_in_at", "到岗时间", "since", "time"),
)

PASSED = """
FROM checkpoints_passage p JOIN checkpoints_checkpoint c ON c.id = p.checkpoint
WHERE p.at > %(since)s AND p.at <= %(at)s AND p.recorded_at <= %(known_at)s
"""
PASSED_COLUMNS = (
    Column("c.name", "卡口", "checkpoint"),
    Column("p.at", "时间", "at", "time"),
    Column("p.people", "人数", "people", "number"),
    Column("p.outcome", "处置", "outcome", "code"),
)


def _cases(code: str, zh: str, en: str, source: str, *, class_code: str = "", event: bool = True) -> DailyFigure:
    of_class = f"k.class_code = '{class_code}'" if class_code else "k.class_code <> 'ruled_out'"
    return DailyFigure(code, zh, en, READ_CASES, f"{source} AND {of_class}", "c.division_code", CASE_COLUMNS, event)


def _quarantined(code: str, zh: str, en: str, tier: str = "") -> DailyFigure:
    source = QUARANTINED + (f" AND o.tier = '{tier}'" if tier else "")
    return DailyFigure(code, zh, en, READ_ORDERS, source, "o.division_code", QUARANTINED_COLUMNS)


def _contacts(code: str, zh: str, en: str, tier: str) -> DailyFigure:
    source = f"{NEW_CONTACT} AND k.tier = '{tier}'"
    return DailyFigure(code, zh, en, READ_CASES, source, "k.division_code", CONTACT_COLUMNS, event=True)


FIGURES: tuple[DailyFigure, ...] = (
    DailyFigure("new_positives", "新增初筛阳性", "new preliminary positives", READ_CASES, POSITIVES, "p.division_code", POSITIVE_COLUMNS, event=True),
    _cases("new_cases", "新增病例（含无症状）", "new cases, asymptomatic ones included", NEW_CASE),
    _cases("new_confirmed", "其中确诊", "of these confirmed", NEW_CASE, class_code="confirmed_case"),
    _cases("new_asymptomatic", "其中无症状", "of these asymptomatic", NEW_CASE, class_code="asymptomatic_case"),
    _cases("new_suspected", "其中疑似", "of these suspected", NEW_CASE, class_code="suspected_case"),
    _cases("community_new_cases", "社会面新增", "community-detected new cases", f"{NEW_CASE} AND c.community_detected"),
    DailyFigure("reclassified", "订正", "reclassified", READ_CASES, RECLASSIFIED, "c.division_code", RECLASSIFIED_COLUMNS, event=True),
    _cases("cases_in_all", "累计病例", "cases in all", CASE, event=False),
    _contacts("new_close_contacts", "新增密切接触者", "new close contacts", "close_contact"),
    _contacts("new_secondary_contacts", "新增密接的密接", "new secondary contacts", "secondary_contact"),
    _quarantined("in_quarantine", "在管隔离人员", "people in quarantine"),
    _quarantined("close_contacts_in_quarantine", "其中密切接触者", "of these close contacts", "close_contact"),
    _quarantined("secondary_contacts_in_quarantine", "其中密接的密接", "of these secondary contacts", "secondary_contact"),
    DailyFigure("sampled", "采样人次", "samples taken", READ_RESULTS, SAMPLED, "s.division_code", SAMPLED_COLUMNS),
    DailyFigure("missing", "未检人员", "missing in rounds", READ_ROUNDS, MISSING, "m.division_code", MISSING_COLUMNS),
    DailyFigure("duties_outstanding", "未完成任务", "duties outstanding", READ_DUTIES, OUTSTANDING, "d.division_code", DUTY_COLUMNS),
    DailyFigure("duties_overdue", "超期任务", "duties overdue", READ_DUTIES, f"{OUTSTANDING} AND d.due_at < %(at)s", "d.division_code", DUTY_COLUMNS),
    DailyFigure("staff_on_duty", "在岗人员", "staff on duty", READ_WORKFORCE, ON_DUTY, "a.division_code", ON_DUTY_COLUMNS, number="a.people"),
    DailyFigure("people_screened_at_checkpoints", "卡口查验人次", "people screened at checkpoints", READ_CHECKPOINTS, PASSED, "p.division_code", PASSED_COLUMNS, number="p.people"),
)  # fmt: skip
BY_CODE = {figure.code: figure for figure in FIGURES}

VILLAGE = """
LEFT JOIN LATERAL (SELECT v.name FROM territory_division v WHERE v.code = listed.place / 1000 * 1000 AND v.valid_from <= %(day)s
                   AND (v.valid_until IS NULL OR v.valid_until > %(day)s) LIMIT 1) AS village ON true
"""


def numbers_statement(figures: tuple[DailyFigure, ...] = FIGURES) -> str:
    """Return one statement that answers every figure per place: (code, division_code, number), zeros left out."""
    return " UNION ALL ".join(
        f"SELECT '{one.code}' AS code, {one.place} AS division_code, sum({one.number})::bigint AS number {one.source}"
        f" AND {one.place} BETWEEN %(lo)s AND %(hi)s GROUP BY 2"
        for one in figures
    )


def list_statement(figure: DailyFigure) -> str:
    """Return the statement of a figure's list: the village's name, then each column with the id it leads to."""
    columns = ", ".join(f"{column.expression}, ({column.link_id})::text" for column in figure.columns)
    names = ", ".join(f"c{n}, i{n}" for n in range(len(figure.columns)))
    return f"""
    SELECT village.name, listed.place, {names} FROM (
        SELECT {figure.place}, {columns} {figure.source} AND {figure.place} BETWEEN %(lo)s AND %(hi)s
        ORDER BY 1, 2, 3 LIMIT %(limit)s OFFSET %(offset)s
    ) AS listed (place, {names}) {VILLAGE} ORDER BY listed.place, c0, i0
    """  # noqa: S608 - made of constants of this file


def total_statement(figure: DailyFigure) -> str:
    """Return the statement of a figure's number of rows and of what they add up to, within a range of codes."""
    return (
        f"SELECT count(*), coalesce(sum({figure.number}), 0)::bigint {figure.source}"
        f" AND {figure.place} BETWEEN %(lo)s AND %(hi)s"
    )
