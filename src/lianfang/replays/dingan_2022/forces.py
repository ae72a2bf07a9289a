"""The response is built: headquarters, task forces, directives, people sent, branches, checkpoints, volunteers."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from lianfang.kit.clock import local
from lianfang.kit.codes import full_code
from lianfang.replays.dingan_2022.cast import (
    BRANCH_MEMBERS,
    DEPARTMENTS,
    ENFORCERS,
    Cast,
    register_workforce,
    supporting,
)
from lianfang.replays.dingan_2022.places import COMMUNITIES, COUNTY, DINGCHENG, PACK, XINZHU, XINZHU_TOWN
from lianfang.replays.player import Payload
from lianfang.response.workforce.queries import applications

AUTHORITY = "定安县新冠肺炎疫情防控指挥部"
APPEAL_TO = "定安县疫情防控指挥部申诉专线"
#: the office and groups of the headquarters: kind, Chinese and English name, line of work, who leads
TASK_FORCES = (
    ("office", "指挥部办公室", "headquarters office", "command", "办公室主任", "县政府会议中心"),
    ("task_force", "流调溯源专班", "tracing task force", "epidemiology", "县疾控中心主任", "县疾控中心专门办公区域"),
    ("task_force", "核酸检测专班", "testing task force", "testing", "县卫健委主任", "县人民医院"),
    ("task_force", "医疗救治专班", "treatment task force", "treatment", "县人民医院院长", "县人民医院"),
    ("task_force", "隔离管控专班", "quarantine task force", "quarantine", "县政府副县长", "集中隔离点"),
    ("task_force", "社区防控专班", "community task force", "community", "县委组织部部长", "县委组织部"),
    ("task_force", "交通卡口专班", "checkpoints task force", "checkpoints", "县公安局局长", "县公安局"),
    ("task_force", "民生保障专班", "supplies task force", "supplies", "县商务局局长", "县商务局"),
    ("task_force", "宣传舆情专班", "information task force", "information", "县委宣传部部长", "县委宣传部"),
    ("task_force", "督导检查专班", "inspection task force", "inspection", "县纪委书记", "县纪委监委"),
)
DIRECTIVES = (
    ("开展流调溯源,当夜报送核心信息", "2022-07-13 19:40", (COUNTY, "epidemiologist"), 4),
    ("新竹镇立即组织中安村管控和新竹村委会区域核酸检测", "2022-07-13 19:50", (XINZHU_TOWN, "township"), 12),
    ("压实四方责任,全县执行日报告零报告", "2022-07-13 20:00", None, 24),
    ("定城镇组织江南、中南、仙沟社区区域核酸检测", "2022-07-17 14:30", (DINGCHENG, "township"), 12),
)
TOWNS = tuple(range(469021100, 469021110))
CHECKPOINTS = ("东路口", "南路口", "西路口", "北路口")
SHIFT = timedelta(hours=8)
CHECKPOINTS_FROM, CHECKPOINTS_UNTIL = local("2022-07-13 22:00"), local("2022-07-26 06:00")
#: volunteers at a sampling site, and those who coordinate each round
VOLUNTEERS_AT_A_SITE, COORDINATORS = 9, 2


class Forces:
    """Puts the building of the response on the timetable."""

    def __init__(self, cast: Cast) -> None:
        self.cast, self.player = cast, cast.player
        self.incident = str(self.player.id_of("incident"))
        self.appeal = str(self.player.id_of("appeal"))
        self.serving: dict[datetime, int] = {}

    def plan(self) -> None:
        plan = self.player.plan
        plan("2022-07-13 18:00", "县卫健委报告:单位和人员名册就绪", self.register)
        plan("2022-07-13 15:20", "县卫健委接报,指挥部登记疫情", self.declare)
        plan("2022-07-13 18:50", "指挥部启动应急响应,成立专班", self.activate)
        plan("2022-07-13 19:00", "指挥部召开会商研判会", self.meet)
        for text, when, recipient, hours in DIRECTIVES:
            plan(when, f"调度令:{text}", self.direct, text, recipient, hours)
        plan("2022-07-13 20:30", "机关干部下沉、六个村委会支援新竹", self.deploy)
        plan(CHECKPOINTS_FROM, "中安村设四个卡口,24小时值守", self.open_checkpoints)
        plan("2022-07-14 08:00", "宣传部门招募志愿者", self.call_for_volunteers)
        plan("2022-07-17 15:00", "定城镇35个党支部出征", self.form_branches)
        for at in shift_starts():
            plan(at, "", self.relieve)

    def register(self, at: datetime) -> None:
        register_workforce(self.cast, at)

    # ------------------------------------------------------------------------------------------------- headquarters

    def declare(self, at: datetime) -> None:
        commander = self.player.actor("commander")
        self.player.do("declare_incident", "dingan", {
            "id": self.incident, "division_code": full_code(COUNTY), "title_zh": "定安县2022年7月新冠肺炎疫情",
            "title_en": "COVID-19 in Ding'an, July 2022", "disease": "covid19-cn", "pack": PACK, "authority": AUTHORITY,
            "areas": [{"lo": full_code(COUNTY), "hi": full_code(COUNTY + 1) - 1}],
        }, by=commander, at=at)  # fmt: skip

    def activate(self, at: datetime) -> None:
        """The county government starts level IV; the headquarters forms its office and task forces."""
        commander = self.player.actor("commander")
        self.player.do("set_response_level", "start", {
            "incident": self.incident, "level": 4, "mode": "emergency", "government": "county", "authority": "定安县人民政府",
            "reason": "发现1例新冠病毒无症状感染者,平急转换",
        }, by=commander, at=at)  # fmt: skip
        for kind, zh, en, line, lead, place in TASK_FORCES:
            self.player.do("form_task_force", zh, {
                "id": str(self.player.id_of("force", zh)), "incident": self.incident, "division_code": full_code(COUNTY),
                "kind": kind, "name_zh": zh, "name_en": en, "line": line, "lead_title": lead, "work_place": place,
                "authority": AUTHORITY,
            }, by=commander, at=at)  # fmt: skip

    def meet(self, at: datetime) -> None:
        self.player.do("record_meeting", at, {
            "incident": self.incident, "division_code": full_code(COUNTY), "kind": "consultation", "title": "首次会商研判",
            "conclusions": "按第九版方案处置;中安村为高风险区,新竹村委会其余区域为中风险区;当夜完成核心流调。",
            "chaired_by": "县委书记",
        }, by=self.player.actor("commander"), at=at)  # fmt: skip

    def direct(self, at: datetime, text: str, recipient: tuple[int, str] | None, hours: int) -> None:
        """Issue a directive; its recipients acknowledge within the hour and report back in time."""
        to = [recipient] if recipient else [(town, "township") for town in TOWNS]
        self.player.do("issue_directive", text, {
            "id": str(self.player.id_of("directive", text)), "incident": self.incident, "division_code": full_code(COUNTY),
            "title": text, "text": text, "authority": AUTHORITY, "acknowledge_by": at + timedelta(hours=1),
            "feedback_by": at + timedelta(hours=hours),
            "recipients": [
                {"id": str(self.player.id_of("recipient", text, code)), "division_code": full_code(code), "role": role}
                for code, role in to
            ],
        }, by=self.player.actor("commander"), at=at)  # fmt: skip
        for code, _ in to:
            who = self.answering(code)
            recipient_id = str(self.player.id_of("recipient", text, code))
            self.player.plan(at + timedelta(minutes=20), "", self.acknowledge, who, recipient_id)
            self.player.plan(at + timedelta(hours=hours * 0.8), "", self.report_back, who, recipient_id)

    def acknowledge(self, at: datetime, who: str, recipient: str) -> None:
        self.player.do("acknowledge_directive", recipient, {"recipient": recipient}, by=self.player.actor(who), at=at)

    def report_back(self, at: datetime, who: str, recipient: str) -> None:
        answer = {"recipient": recipient, "state": "completed", "text": "已按要求完成"}
        self.player.do("report_back", recipient, answer, by=self.player.actor(who), at=at)

    def answering(self, code: int) -> str:
        """Return the account that answers for a unit."""
        return {COUNTY: "epi", XINZHU_TOWN: "township", DINGCHENG: "dingcheng"}.get(code, f"town.{code}")

    # ------------------------------------------------------------------------------------------------ people are sent

    def deploy(self, at: datetime) -> None:
        """Send the departments' cadres to towns, members of the six committees to Xinzhu, medics to sampling."""
        office, groups = self.player.actor("office"), self.cast.by_group
        for number, name in enumerate(DEPARTMENTS):
            town = (DINGCHENG, XINZHU_TOWN)[number % 2]
            self._send(at, office, name, groups[name, "cadre"], town, "sent_down", "community", "机关干部下沉一线")
        for name in supporting(self.cast):
            members = groups[name, "village_cadre"]
            self._send(at, office, name, members, XINZHU, "support", "community", "村委会党员支援新竹村委会")
        medics = groups["支援新竹医疗队", "medic"]
        self._send(at, office, "支援新竹医疗队", medics, XINZHU, "support", "testing", "医疗队支援新竹")
        self._send(
            at, office, "县人民医院", groups["县人民医院", "medic"], COUNTY, "in_place", "testing", "医务人员就地转化"
        )

    def _send(self, at, by, name, people, code, kind, line, reason) -> None:  # type: ignore[no-untyped-def]
        self.player.do("deploy", (name, code), {
            "reason": reason, "authority": AUTHORITY,
            "deployments": [
                {"id": str(self.player.id_of("deployment", person, code)), "responder": person,
                 "division_code": full_code(code), "kind": kind, "line": line}
                for person in people
            ],
        }, by=by, at=at)  # fmt: skip

    def form_branches(self, at: datetime) -> None:
        """Every village and community of Dingcheng has a party branch, the town's own offices one more."""
        committees = [name for code, name in self.cast.villages.items() if code // 1000 == DINGCHENG]
        rows = [(f"{name}党支部", name, self.cast.by_group[name, "village_cadre"]) for name in committees]
        rows.append(("定城镇机关党支部", "定城镇政府", self.cast.by_group["定城镇政府", "cadre"]))
        self.player.do("form_teams", "branches", {"teams": [
            {"id": str(self.player.id_of("branch", name)), "kind": "party_branch", "name": name,
             "division_code": full_code(DINGCHENG), "organisation": str(self.cast.organisation(home)),
             "leader": people[0], "members": people[1:BRANCH_MEMBERS]}
            for name, home, people in rows
        ]}, by=self.player.actor("dingcheng"), at=at)  # fmt: skip

    # --------------------------------------------------------------------------------------------------- checkpoints

    def open_checkpoints(self, at: datetime) -> None:
        """Open four checkpoints in Zhong'an and plan their shifts of eight hours, crews of the six committees and the
        town, police and enforcement squad, up to the end of the order."""
        township = self.player.actor("township")
        code = self.cast.zhongan.lo
        for name in CHECKPOINTS:
            self.player.do("open_checkpoint", name, {
                "id": self.checkpoint(name), "incident": self.incident, "name": f"中安村{name}卡口", "division_code": code,
                "road": f"中安村{name}", "emergency_lane": "应急车道保持畅通,救护车随到随过", "reason": "中安村划为高风险区",
                "authority": AUTHORITY, "appeal_to": APPEAL_TO, "ends_at": CHECKPOINTS_UNTIL,
            }, by=township, at=at)  # fmt: skip
            self.player.do("form_teams", name, {"teams": list(self.crews(name, code))}, by=township, at=at)
            self.player.do("plan_shifts", name, {
                "incident": self.incident, "shifts": list(self.shifts(name, code)),
            }, by=township, at=at)  # fmt: skip

    def checkpoint(self, name: str) -> str:
        return str(self.player.id_of("checkpoint", name))

    def crews(self, name: str, code: int) -> Iterator[Payload]:
        """Three crews to a checkpoint, so that each is relieved after eight hours and rests sixteen."""
        groups = self.cast.by_group
        village = supporting(self.cast)
        at = CHECKPOINTS.index(name)
        for watch in range(3):
            committee = groups[village[(at * 3 + watch) % len(village)], "village_cadre"]
            half = committee[: len(committee) // 2] if at < 2 else committee[len(committee) // 2 :]
            town = groups["新竹镇政府", "cadre"][at * 6 + watch * 2 : at * 6 + watch * 2 + 2]
            police = groups["新竹派出所", "police"][at * 9 + watch * 3 : at * 9 + watch * 3 + 2]
            squad = groups["新竹镇执法中队", "enforcement"][(at * 3 + watch) % ENFORCERS :][:1]
            people = [*town, *half, *police, *squad]
            yield {
                "id": self.crew(name, watch), "kind": "checkpoint_crew", "name": f"中安村{name}第{watch + 1}班",
                "division_code": code, "leader": people[0], "members": people[1:],
            }  # fmt: skip

    def crew(self, name: str, watch: int) -> str:
        return str(self.player.id_of("crew", name, watch))

    def shifts(self, name: str, code: int) -> Iterator[Payload]:
        for number, start in enumerate(shift_starts()):
            crew = {"id": self.assignment(name, start), "team": self.crew(name, number % 3), "people": 4}
            yield {
                "id": str(self.player.id_of("shift", name, start)), "staffs": "checkpoint",
                "subject": self.checkpoint(name), "name": f"中安村{name}卡口", "division_code": code, "starts_at": start,
                "ends_at": start + SHIFT, "role": "checkpoint", "headcount": 4, "crews": [crew],
            }  # fmt: skip

    def assignment(self, name: str, start: datetime) -> str:
        return str(self.player.id_of("assignment", name, start))

    def relieve(self, at: datetime) -> None:
        """One crew comes, the one before leaves; every checkpoint, every eight hours, night and day."""
        township = self.player.actor("township")
        self.player.do("check_in", at, {
            "checks": [{"id": str(self.player.id_of("in", name, at)), "assignment": self.assignment(name, at), "at": at}
                       for name in CHECKPOINTS],
        }, by=township, at=at)  # fmt: skip
        before = at - SHIFT
        if before >= CHECKPOINTS_FROM:
            self.player.do("check_out", at, {
                "checks": [{"assignment": self.assignment(name, before), "at": at,
                            "relieved_by": self.assignment(name, at)} for name in CHECKPOINTS],
            }, by=township, at=at)  # fmt: skip
        self.player.do(
            "record_passages", at, {"passages": self.passages(at)}, by=self.player.actor("checkpoint"), at=at
        )

    def passages(self, at: datetime) -> list[Payload]:
        """Freight, residents going home and a patient now and then; visitors are advised back, nobody else."""
        hour = at.hour
        kinds = [("essential_freight", "let_through"), ("going_home", "let_through")]
        kinds += [("visit", "advised_back")] if hour == 14 else []
        kinds += [("medical", "let_through")] if at.day % 5 == 0 and hour == 6 else []
        return [
            {"id": str(self.player.id_of("passage", name, at, kind)), "checkpoint": self.checkpoint(name), "at": at,
             "direction": "in" if kind != "medical" else "out", "purpose": kind, "outcome": outcome, "subject": "vehicle",
             "people": 2, **({"reason": "高风险区暂不进入", "destination": "返回定城镇"} if outcome == "advised_back" else {})}
            for name in CHECKPOINTS for kind, outcome in kinds
        ]  # fmt: skip

    # ---------------------------------------------------------------------------------------------------- volunteers

    def call_for_volunteers(self, at: datetime) -> None:
        """Appeal, applications, decisions, assignment: by the civilisation practice centre for the four communities."""
        office, player = self.player.actor("office"), self.player
        people = self.cast.by_group["县新时代文明实践中心", "volunteer"]
        player.do("open_appeal", "july", {
            "id": self.appeal, "organisation": str(self.cast.organisation("县新时代文明实践中心")),
            "division_code": full_code(COMMUNITIES[0]), "title": "疫情防控志愿者招募", "text": "通知居民、测量体温、维护秩序、登记信息",
            "line": "testing", "needed": len(people), "incident": self.incident,
        }, by=office, at=at)  # fmt: skip
        at += timedelta(hours=1)
        player.do("apply_as_volunteers", "july", {"appeal": self.appeal, "responders": people}, by=office, at=at)
        at += timedelta(hours=1)
        player.do("decide_applications", "july", lambda: {
            "applications": [str(row.id) for row in applications(player.id_of("appeal"), by=office)], "accept": True,
        }, by=office, at=at)  # fmt: skip
        player.do("assign_volunteers", "july", lambda: {
            "applications": [str(row.id) for row in applications(player.id_of("appeal"), by=office)],
            "division_code": full_code(COMMUNITIES[0]), "line": "testing",
        }, by=office, at=at)  # fmt: skip

    def serve_at_sites(self, at: datetime, code: int, number: int, sites: int) -> None:
        """Volunteers serve at the sampling sites of a round: one person-time (人次) each."""
        people = self.cast.by_group["县新时代文明实践中心", "volunteer"]
        # nobody serves at two places at once: rounds that begin together draw one after another
        start = self.serving.get(at, number * 29)
        self.serving[at] = start + sites * VOLUNTEERS_AT_A_SITE + COORDINATORS
        wanted = [people[place % len(people)] for place in range(start, self.serving[at])]
        self.player.do("record_attendance", (code, number), {"attendances": [
            {"id": str(self.player.id_of("service", code, number, person)), "responder": person,
             "division_code": full_code(code), "line": "testing", "checked_in_at": at,
             "checked_out_at": at + timedelta(hours=5)}
            for person in wanted
        ]}, by=self.player.actor("office"), at=at + timedelta(hours=6))  # fmt: skip


def shift_starts() -> list[datetime]:
    """Return when the checkpoints' crews change: every eight hours from the first night on."""
    starts, at = [], CHECKPOINTS_FROM
    while at < CHECKPOINTS_UNTIL:
        starts.append(at)
        at += SHIFT
    return starts
