"""The registry of counts: each has a code, names, what it is asked, and a function that returns the figure with its list.

A count reads through the rooms' own queries, so that it can tell nothing which a list of the console would not.
``at`` is the instant looked at: nothing that was learned later counts. Places are codes of divisions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Annotated, Any, Literal, get_args
from urllib.parse import urlencode
from uuid import UUID

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import read_rows
from lianfang.core.duties.permissions import READ_DUTIES
from lianfang.core.duties.queries import AS_OF
from lianfang.kit.clock import LOCAL
from lianfang.response.cases.queries import CaseEntry, CaseRow, case_history, cases
from lianfang.response.checkpoints.queries import CheckpointRow, checkpoints
from lianfang.response.screening.permissions import READ_ROUNDS
from lianfang.response.screening.queries import RoundPerson, RoundRow, round_people, rounds
from lianfang.response.workforce import queries as workforce
from lianfang.response.workforce.rules import Staffing
from lianfang.surfaces.reports.figures import FIGURES, DailyFigure
from lianfang.surfaces.reports.lists import (
    Cell,
    CountedList,
    Heading,
    Shown,
    figure_list,
    headings,
    listed,
    narrowed,
    now_or,
    place_range,
)
from lianfang.surfaces.reports.rules import BEGINNING, CountRefused, CountUnknown, earlier
from lianfang.surfaces.reports.unaccounted import unaccounted_people

#: more than a county has on duty or at its checkpoints, so that a list read whole is whole
ALL = 10_000_000


def _in_china(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=LOCAL)


#: an instant; without a zone it is local time in China, and a bare date is the midnight with which it begins
Instant = Annotated[datetime, AfterValidator(_in_china)]


class Params(BaseModel):
    """What a count may be asked; fields that nobody defined are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Place(Params):
    """Everything in the actor's area, or in one division of it."""

    place: int | None = None


class Period(Place):
    """After ``since`` up to ``until``; open ends are the beginning of the records and the instant looked at."""

    since: Instant | None = None
    until: Instant | None = None

    def begins(self) -> datetime:
        return self.since or BEGINNING

    def ends(self, at: datetime) -> datetime:
        """Return the end of the period, never past the instant looked at."""
        return earlier(at, self.until)


class Frozen(Period):
    """As it was known when a report was frozen: ``known_at`` before the instant looked at."""

    known_at: Instant | None = None


class Classified(Period):
    class_code: str
    severity: str | None = None


class Reclassified(Place):
    to: str | None = None
    severity: str | None = None


class Deployed(Period):
    kinds: tuple[str, ...] | None = None
    line: str | None = None
    responder_kinds: tuple[str, ...] | None = None
    organisation_kinds: tuple[str, ...] | None = None
    levels: tuple[str, ...] | None = None


class Supporting(Deployed):
    place: int
    organisation_kinds: tuple[str, ...] | None = ("village_committee",)


class Branches(Place):
    kinds: tuple[str, ...] = ("party_branch",)


class Accounted(Place):
    round: UUID | None = None
    standing: Literal["found", "reasoned", "missing", "unaccounted"]


Part = Literal["opened", "done", "waived", "cancelled", "outstanding"]
PARTS = get_args(Part)


class Books(Place):
    part: Part = "outstanding"
    kind: str = ""


@dataclass(frozen=True)
class Count:
    """One count of the registry; ``ask`` takes who asks, the instant looked at, and its validated params."""

    code: str
    zh: str
    en: str
    params: type[Params]
    ask: Callable[[Actor, datetime, Any], CountedList]


CASE = (
    Shown[CaseRow]("编号", "number", lambda row: row.number, "number", "case", lambda row: row.id),
    Shown[CaseRow]("姓名", "name", lambda row: row.name),
    Shown[CaseRow]("村(居)", "village", lambda row: row.village),
    Shown[CaseRow]("分型", "class", lambda row: row.class_code, "code"),
    Shown[CaseRow]("临床程度", "severity", lambda row: row.severity, "code"),
    Shown[CaseRow]("分型时间", "class since", lambda row: row.since, "time"),
    Shown[CaseRow]("发现方式", "found by", lambda row: row.detected_by, "code"),
    Shown[CaseRow]("发现时间", "known at", lambda row: row.known_at, "time"),
)


def cases_classified(by: Actor, at: datetime, asked: Classified) -> CountedList:
    """Count the cases that entered a class in the period and are in it at the period's end."""
    end = asked.ends(at)
    found = cases(by=narrowed(by, asked.place, end), class_code=asked.class_code, at=end, known_at=at)
    rows = [
        row for row in found
        if row.since >= asked.begins() and asked.severity in (None, row.severity)
    ]  # fmt: skip
    return listed(rows, CASE)


RECLASSIFICATION = (
    Shown[tuple[CaseRow, CaseEntry, CaseEntry]]("编号", "number", lambda row: row[0].number, "number", "case", lambda row: row[0].id),
    Shown[tuple[CaseRow, CaseEntry, CaseEntry]]("姓名", "name", lambda row: row[0].name),
    Shown[tuple[CaseRow, CaseEntry, CaseEntry]]("原分型", "former class", lambda row: row[1].what, "code"),
    Shown[tuple[CaseRow, CaseEntry, CaseEntry]]("订正为", "class", lambda row: row[2].what, "code"),
    Shown[tuple[CaseRow, CaseEntry, CaseEntry]]("临床程度", "severity", lambda row: row[2].severity, "code"),
    Shown[tuple[CaseRow, CaseEntry, CaseEntry]]("订正时间", "reclassified at", lambda row: row[2].valid_at, "time"),
    Shown[tuple[CaseRow, CaseEntry, CaseEntry]]("理由", "reason", lambda row: row[2].words),
)  # fmt: skip


def case_reclassified(by: Actor, at: datetime, asked: Reclassified) -> CountedList:
    """Tell when a case was first reclassified (into a class, with a severity), to the minute; the list shows all."""
    hand = narrowed(by, asked.place, at)
    changes = []
    for case in cases(by=hand, at=at, known_at=at):
        history = [entry for entry in case_history(by=hand, case=case.id) if entry.kind == "classified"]
        known = [entry for entry in history if entry.valid_at <= at and entry.recorded_at <= at]
        changes += [(case, before, after) for before, after in pairwise(known) if before.what != after.what]
    rows = [
        row for row in changes
        if asked.to in (None, row[2].what) and asked.severity in (None, row[2].severity)
    ]  # fmt: skip
    first = min((row[2].valid_at for row in rows), default=None)
    return listed(rows, RECLASSIFICATION, value=first, measured=True)


ROUND = (
    Shown[RoundRow]("轮次", "round", lambda row: row.number, "number", "round", lambda row: row.id),
    Shown[RoundRow]("名称", "title", lambda row: row.title),
    Shown[RoundRow]("区域", "area", lambda row: row.area),
    Shown[RoundRow]("开始", "opened", lambda row: row.opened_at, "time"),
    Shown[RoundRow]("签结", "signed off", lambda row: row.closed_at, "time"),
    Shown[RoundRow]("应检", "everybody", lambda row: row.account.everybody, "number"),
    Shown[RoundRow]("已检", "found", lambda row: row.account.found, "number"),
    Shown[RoundRow]("有原因未检", "reasoned", lambda row: row.account.reasoned, "number"),
    Shown[RoundRow]("漏检", "missing", lambda row: row.account.missing, "number"),
)


def screening_rounds_closed(by: Actor, at: datetime, asked: Period) -> CountedList:
    """Count the rounds of area testing signed off in the period that counted people of the place."""
    found = rounds(by=narrowed(by, asked.place, at), at=at)
    begin, end = asked.begins(), asked.ends(at)
    rows = [row for row in found if row.closed_at and begin < row.closed_at <= end and row.account.everybody]
    return listed(rows, ROUND)


TEAM = (
    Shown[workforce.TeamRow]("名称", "name", lambda row: row.name),
    Shown[workforce.TeamRow]("所属单位", "organisation", lambda row: row.organisation),
    Shown[workforce.TeamRow]("地点", "place", lambda row: row.place),
    Shown[workforce.TeamRow]("负责人", "led by", lambda row: row.leader),
    Shown[workforce.TeamRow]("人数", "members", lambda row: row.members, "number"),
    Shown[workforce.TeamRow]("组建时间", "formed at", lambda row: row.formed_at, "time"),
)


def party_branches(by: Actor, at: datetime, asked: Branches) -> CountedList:
    """Count the party branches (or teams of other kinds) of a place that stand at the instant."""
    return listed(workforce.teams(by=narrowed(by, asked.place, at), kinds=asked.kinds, at=at), TEAM)


SUPPORT = (
    Shown[workforce.SupportingRow]("单位", "organisation", lambda row: row.name),
    Shown[workforce.SupportingRow]("类别", "kind", lambda row: row.kind, "code"),
    Shown[workforce.SupportingRow]("派出人数", "people sent", lambda row: row.persons, "number"),
    Shown[workforce.SupportingRow]("自", "since", lambda row: row.since, "time"),
)


def supporting_organisations(by: Actor, at: datetime, asked: Supporting) -> CountedList:
    """Count the distinct organisations from elsewhere (village committees, unless told otherwise) with people in a place."""
    narrowed(by, asked.place, at)
    found = workforce.supporting_organisations(by=by, within=place_range(asked.place, at), sent=_sent(asked, at))
    return listed(found, SUPPORT)


DEPLOYMENT = (
    Shown[workforce.DeploymentRow]("姓名", "name", lambda row: row.name),
    Shown[workforce.DeploymentRow]("身份", "kind of person", lambda row: row.kind, "code"),
    Shown[workforce.DeploymentRow]("派出单位", "organisation", lambda row: row.organisation_name),
    Shown[workforce.DeploymentRow]("地点", "place", lambda row: row.place),
    Shown[workforce.DeploymentRow]("条线", "line of work", lambda row: row.line, "code"),
    Shown[workforce.DeploymentRow]("方式", "way", lambda row: row.deployment_kind, "code"),
    Shown[workforce.DeploymentRow]("自", "since", lambda row: row.valid_from, "time"),
)


def deployed_staff(by: Actor, at: datetime, asked: Deployed) -> CountedList:
    """Count the distinct persons deployed at some time in the period; each stands in the list with the first deployment."""
    found = workforce.deployments(by=narrowed(by, asked.place, at), sent=_sent(asked, at), limit=ALL)
    first: dict[UUID, workforce.DeploymentRow] = {}
    for row in sorted(found, key=lambda row: row.valid_from):
        first.setdefault(row.responder, row)
    return listed(list(first.values()), DEPLOYMENT)


def _sent(asked: Deployed, at: datetime) -> workforce.Sent:
    return workforce.Sent(
        since=asked.begins(), until=asked.ends(at), kinds=asked.kinds, line=asked.line,
        responder_kinds=asked.responder_kinds, organisation_kinds=asked.organisation_kinds, levels=asked.levels,
    )  # fmt: skip


ATTENDANCE = (
    Shown[workforce.AttendanceRow]("姓名或队伍", "person or team", lambda row: row.name),
    Shown[workforce.AttendanceRow]("单位", "organisation", lambda row: row.organisation),
    Shown[workforce.AttendanceRow]("地点", "place", lambda row: row.place),
    Shown[workforce.AttendanceRow]("人次", "person-times", lambda row: row.people, "number"),
    Shown[workforce.AttendanceRow]("签到", "checked in", lambda row: row.checked_in_at, "time"),
    Shown[workforce.AttendanceRow]("签退", "checked out", lambda row: row.checked_out_at, "time"),
)


def volunteer_person_times(by: Actor, at: datetime, asked: Period) -> CountedList:
    """Count the person-times of volunteers begun in the period: one per attendance of a person, a team's by its people."""
    found = workforce.attendances(
        by=narrowed(by, asked.place, at), since=asked.begins(), until=asked.ends(at), voluntary=True, limit=ALL
    )
    return listed(found, ATTENDANCE, value=sum(row.people for row in found), measured=True)


CHECKPOINT = (
    Shown[tuple[CheckpointRow, Staffing]]("卡口", "checkpoint", lambda row: row[0].name, link="checkpoint", link_id=lambda row: row[0].id),
    Shown[tuple[CheckpointRow, Staffing]]("地点", "place", lambda row: row[0].place),
    Shown[tuple[CheckpointRow, Staffing]]("自", "staffed from", lambda row: row[1].since, "time"),
    Shown[tuple[CheckpointRow, Staffing]]("至", "to", lambda row: row[1].until, "time"),
    Shown[tuple[CheckpointRow, Staffing]]("满员时间占比", "share of the time with a full crew", lambda row: round(row[1].full_share, 4), "number"),
)  # fmt: skip


def checkpoints_staffed_round_the_clock(by: Actor, at: datetime, asked: Period) -> CountedList:
    """Count the checkpoints at which check-ins prove somebody at every instant they stood open in the period.

    One that stood for less than a day in the period proves nothing and does not count.
    """
    hand = narrowed(by, asked.place, at)
    begin, end = asked.begins(), asked.ends(at)
    rows = []
    for row in checkpoints(by=hand, at=end, closed=True):
        since, until = max(begin, row.opened_at), earlier(end, row.closed_at)
        if until - since >= timedelta(days=1):
            staffing = workforce.staffing_of([row.id], by=hand, since=since, until=until)[row.id]
            rows += [(row, staffing)] if staffing.round_the_clock else []
    return listed(rows, CHECKPOINT)


PERSON = (
    Shown[tuple[RoundRow, RoundPerson]]("轮次", "round", lambda row: row[0].title, link="round", link_id=lambda row: row[0].id),
    Shown[tuple[RoundRow, RoundPerson]]("姓名", "name", lambda row: row[1].name, link="resident", link_id=lambda row: row[1].resident),
    Shown[tuple[RoundRow, RoundPerson]]("网格", "grid", lambda row: row[1].division_code),
    Shown[tuple[RoundRow, RoundPerson]]("状态", "standing", lambda row: row[1].standing, "code"),
    Shown[tuple[RoundRow, RoundPerson]]("原因", "reason", lambda row: row[1].reason, "code"),
    Shown[tuple[RoundRow, RoundPerson]]("去向", "where", lambda row: row[1].where),
)  # fmt: skip
#: what a report calls the groups → what the room calls them
STANDINGS = {"found": "sampled", "reasoned": "excluded", "missing": "missing"}


def people_accounted(by: Actor, at: datetime, asked: Accounted) -> CountedList:
    """Count who stands as found, reasoned or missing in a round (or each round), or in none of these groups."""
    hand = narrowed(by, asked.place, at)
    hand.require(READ_ROUNDS)
    chosen = [row for row in rounds(by=hand, at=at) if asked.round in (None, row.id)]
    if asked.standing == "unaccounted":
        return unaccounted_people(hand, chosen, at)
    numbers = [getattr(row.account, asked.standing) for row in chosen]

    def read(limit: int, offset: int) -> list[tuple[Cell, ...]]:
        rows: list[tuple[RoundRow, RoundPerson]] = []
        for row, number in zip(chosen, numbers, strict=True):
            wanted = limit - len(rows)
            if offset < number and wanted > 0:
                page = round_people(
                    row.id, by=hand, standing=STANDINGS[asked.standing], at=at, limit=wanted, offset=offset
                )
                rows += [(row, person) for person in page]
            offset = max(offset - number, 0)
        return [tuple(column.cell(row) for column in PERSON) for row in rows]

    return CountedList(headings(PERSON), sum(numbers), read, sum(numbers))


BOOK = """
SELECT book.kind, coalesce(k.name_zh, book.kind), coalesce(k.name_en, book.kind), count(*), count(*) FILTER (WHERE done), count(*) FILTER (WHERE waived),
       count(*) FILTER (WHERE cancelled), count(*) FILTER (WHERE NOT (done OR waived OR cancelled))
FROM ({as_of}) AS book LEFT JOIN duties_dutykind k ON k.code = book.kind
WHERE book.division_code BETWEEN %(lo)s AND %(hi)s GROUP BY 1, 2, 3, k.rank ORDER BY k.rank, 1
"""
BOOKS = (
    Heading("任务", "duty"),
    Heading("任务（英文）", "duty (English)"),
    *(Heading(zh, en, "number") for zh, en in (("下达", "opened"), ("完成", "done"), ("免除", "waived"), ("取消", "cancelled"), ("未完成", "outstanding"))),
)  # fmt: skip


def ledger_balance(by: Actor, at: datetime, asked: Books) -> CountedList:
    """Count one part of the ledger's books at the instant; the list is the whole balance, kind by kind."""
    hand = narrowed(by, asked.place, at)
    hand.require(READ_DUTIES)
    as_of = AS_OF.format(kind="AND d.kind = %(kind)s" if asked.kind else "")
    params = {"at": at, "kind": asked.kind, "lo": hand.scope.lo, "hi": hand.scope.hi}
    rows = read_rows(hand, BOOK.format(as_of=as_of), params)

    def read(limit: int, offset: int) -> list[tuple[Cell, ...]]:
        return [
            (Cell(row[1], "duties", row[0]), *(Cell(value) for value in row[2:]))
            for row in rows[offset : offset + limit]
        ]

    return CountedList(BOOKS, len(rows), read, sum(row[3 + PARTS.index(asked.part)] for row in rows))


def _of_figure(figure: DailyFigure) -> Count:
    def ask(by: Actor, at: datetime, asked: Frozen) -> CountedList:
        known_at = earlier(at, asked.known_at)
        hand = narrowed(by, asked.place, at)
        return figure_list(figure, by=hand, since=asked.begins(), until=asked.ends(at), known_at=known_at)

    return Count(figure.code, figure.zh, figure.en, Frozen, ask)


COUNTS: Mapping[str, Count] = {
    count.code: count
    for count in (
        *(_of_figure(figure) for figure in FIGURES),
        Count("cases_classified", "某分型病例", "cases of a class", Classified, cases_classified),
        Count("case_reclassified", "病例订正时间", "when a case was reclassified", Reclassified, case_reclassified),
        Count("screening_rounds_closed", "已完成区域核酸检测轮次", "rounds of area testing signed off", Period, screening_rounds_closed),
        Count("checkpoints_staffed_round_the_clock", "24小时有人值守的卡口", "checkpoints staffed round the clock", Period, checkpoints_staffed_round_the_clock),
        Count("party_branches", "党支部", "party branches", Branches, party_branches),
        Count("supporting_organisations", "支援单位", "supporting organisations", Supporting, supporting_organisations),
        Count("deployed_staff", "下沉支援人员", "staff deployed", Deployed, deployed_staff),
        Count("volunteer_person_times", "志愿服务人次", "person-times of volunteers", Period, volunteer_person_times),
        Count("people_accounted", "人员核清", "people accounted for", Accounted, people_accounted),
        Count("ledger_balance", "任务台账", "the ledger's books", Books, ledger_balance),
    )
}  # fmt: skip


def count_of(code: str) -> Count:
    """Return the count of a code, or raise `CountUnknown` with those there are."""
    if code not in COUNTS:
        raise CountUnknown(f"There is no count “{code}”. Known: {', '.join(sorted(COUNTS))}.")
    return COUNTS[code]


def checked_params(code: str, asked: Mapping[str, Any]) -> Params:
    """Return what a count is asked, checked; raises `CountRefused` with each field that does not fit, and why."""
    try:
        return count_of(code).params.model_validate(dict(asked))
    except ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, one['loc'])) or code}: {one['msg']}" for one in error.errors())
        raise CountRefused(f"The count {code} cannot be asked like that: {faults}.") from None


def counted(code: str, *, by: Actor, at: datetime | None = None, **asked: Any) -> CountedList:
    """Answer a count as known at an instant (now unless told) for the actor's area, with its list."""
    params = checked_params(code, asked)
    return count_of(code).ask(by, now_or(at), params)


def list_query(asked: Mapping[str, Any]) -> str:
    """Return what a count is asked as the query of an address; lists become repeated fields."""
    return urlencode({name: value for name, value in asked.items() if value is not None}, doseq=True)
