"""The two cases: found, confirmed, investigated; their contacts determined and ordered into quarantine."""

import random
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lianfang.core.access.rules import Actor
from lianfang.core.people.queries import ResidentLine
from lianfang.kit.clock import local
from lianfang.kit.codes import CodeRange, code_range
from lianfang.replays.dingan_2022.cast import Cast, age
from lianfang.replays.dingan_2022.forces import APPEAL_TO, AUTHORITY
from lianfang.replays.dingan_2022.places import COMMUNITIES, HOSPITAL, PACK, SITE, SITE_CODE, XINZHU
from lianfang.replays.player import Payload
from lianfang.response.cases.queries import pool_members, pools


@dataclass(frozen=True)
class Story:
    """How one case is found and what follows, in local time; the figures of contacts are the scenario's own."""

    key: str
    area: CodeRange
    sampled: str
    positive: str
    registered: str
    class_code: str
    severity: str | None
    findings: tuple[str, ...]
    last_exposure: str
    close: int
    secondary: int
    places: tuple[tuple[str, str, str], ...]


def stories(cast: Cast) -> tuple[Story, Story]:
    """Return the case of 13 July in the hamlet Zhong'an and the one of 17 July in Jiangnan community."""
    first = Story(
        "first", cast.zhongan, "2022-07-13 08:40", "2022-07-13 15:30", "2022-07-13 18:45", "asymptomatic_case", None,
        ("retest_positive",), "2022-07-13 07:00", 34, 88,
        (("新竹镇农贸市场", "2022-07-11 07:10", "2022-07-11 08:20"), ("中安村小卖部", "2022-07-11 19:00", "2022-07-11 19:40"),
         ("新竹镇卫生院", "2022-07-12 09:00", "2022-07-12 10:15")),
    )  # fmt: skip
    second = Story(
        "second", code_range(COMMUNITIES[0]), "2022-07-17 07:20", "2022-07-17 11:10", "2022-07-17 13:50", "confirmed_case",
        "mild", ("retest_positive", "symptoms"), "2022-07-17 06:30", 41, 96,
        (("江南社区早餐店", "2022-07-15 07:00", "2022-07-15 07:40"), ("定城镇某超市", "2022-07-16 18:10", "2022-07-16 19:00")),
    )  # fmt: skip
    return first, second


class Outbreak:
    """Puts the cases on the timetable."""

    def __init__(self, cast: Cast) -> None:
        self.cast, self.player = cast, cast.player
        self.incident = str(self.player.id_of("incident"))
        self.stories = stories(cast)
        self.positives: dict[str, str] = {}

    def plan(self) -> None:
        first = self.stories[0]
        for story in self.stories:
            self.player.plan(local(story.positive), "初筛阳性报告", self.find, story)
        self.player.plan("2022-07-14 12:59", "首例订正为确诊病例(轻型)", self.reclassify, first)
        for story in self.stories:
            self.player.plan(
                local(story.registered) + timedelta(hours=3), "判定密接和密接的密接,签发隔离决定",
                self.trace, story,
            )  # fmt: skip

    # ------------------------------------------------------------------------------------------------------- the case

    def patient(self, story: Story) -> ResidentLine:
        """Return who falls ill: the first adult of the area who does not live alone, in the register's order."""
        people = self.cast.living_in(story.area)
        homes = [line.household for line in people]
        return next(line for line in people if 28 <= age(line) <= 50 and 3 <= homes.count(line.household) <= 6)

    def sealed_grid(self) -> CodeRange:
        """Return the grid of the second patient, which becomes the high-risk zone of Jiangnan."""
        code = self.patient(self.stories[1]).division_code
        return CodeRange(code, code)

    def find(self, at: datetime, story: Story) -> None:
        """From the first positive tube to the ambulance, each step within the pack's clock."""
        player, epi, key = self.player, self.player.actor("epi"), story.key
        patient = self.patient(story)
        self._sample(story, patient, "first", "fever_clinic", local(story.sampled), at, "positive")
        # The laboratory's result has called squad, community and police already; the clinic says how it came about.
        positive = self.positives[key] = player.do("report_positive", key, {
            "incident": self.incident, "resident": str(patient.id), "protocol": PACK,
            "detected_by": "fever_clinic", "sample": str(player.id_of("sample", key, "first")),
            "tube": str(player.id_of("tube", key, "first")),
        }, by=epi, at=at)["id"]  # fmt: skip
        self._tell(story, patient, at + timedelta(minutes=8))
        player.do("hold_in_place", key, {
            "id": str(player.id_of("hold", key)), "positive": positive, "place": "县人民医院发热门诊留观室",
            "reason": "核酸初筛阳性,等待复核", "authority": "传染病防治法第三十九条;县疾控中心", "appeal_to": APPEAL_TO,
        }, by=epi, at=at + timedelta(minutes=10))  # fmt: skip
        retest = at + timedelta(minutes=30)
        registered = local(story.registered)
        player.plan(registered - timedelta(minutes=15), "复核阳性", self._retest, story, patient, retest)
        player.plan(registered, "病例登记并网络直报", self._register, story, patient)
        player.plan(registered + timedelta(minutes=50), "病例转运定点医院", self._transfer, story)
        player.plan(registered + timedelta(hours=2), "核心流调信息", self._investigate, story)

    def _tell(self, story: Story, patient: ResidentLine, at: datetime) -> None:
        """The police know; the patient's community tells them why they wait, and until when."""
        player, tube = self.player, self.player.id_of("tube", story.key, "first")
        [pool] = [row for row in pools(by=player.actor("epi"), at=at) if row.tube == tube]
        police = player.actor("police" if story.key == "first" else "police.dingcheng")
        player.do("acknowledge_pool", story.key, {"pool": str(pool.id)}, by=police, at=at - timedelta(minutes=4))
        told = [str(member.id) for member in pool_members(pool.id, by=player.actor("epi"))]
        officer = player.actor(f"community.{patient.division_code // 1000}")
        player.do("tell_pool_members", story.key, {"members": told}, by=officer, at=at)

    def _sample(
        self, story: Story, patient: ResidentLine, which: str, purpose: str, taken: datetime, told: datetime, value: str
    ) -> None:
        player = self.player
        tube = str(player.id_of("tube", story.key, which))
        purposes = {"fever_clinic": "mandatory_testing", "retest": "confirmatory_retest"}
        order = self.positives[story.key] if purpose == "retest" else None
        player.do("register_tubes", (story.key, which), {"tubes": [{
            "id": tube, "code": f"S{story.key.upper()}{which.upper()}", "mode": "single", "capacity": 1,
            "purpose": purposes[purpose], "division_code": patient.division_code, "opened_at": taken, "sealed_at": taken,
            "order_id": order,
            "samples": [{"id": str(player.id_of("sample", story.key, which)), "resident": str(patient.id), "taken_at": taken}],
        }]}, by=self.player.actor("squad") if order else self.sampler(patient.division_code), at=taken + timedelta(minutes=5), held_at=taken)  # fmt: skip
        player.do("record_results", (story.key, which), {
            "lab": "县人民医院", "results": [{"tube": tube, "value": value, "tested_at": told - timedelta(minutes=5)}],
        }, by=player.actor("lab"), at=told)  # fmt: skip

    def sampler(self, code: int):  # type: ignore[no-untyped-def]
        """Return the sampling crew that serves a grid."""
        return self.player.actor(f"sampler.{code // 1000}")

    def _retest(self, at: datetime, story: Story, patient: ResidentLine, sampled: datetime) -> None:
        self._sample(story, patient, "retest", "retest", sampled, at, "positive")
        self.player.do("record_retest", story.key, {
            "positive": self.positives[story.key], "result": "positive", "sampled_at": sampled,
        }, by=self.player.actor("epi"), at=at)  # fmt: skip

    def _register(self, at: datetime, story: Story, patient: ResidentLine) -> None:
        player, epi, case = self.player, self.player.actor("epi"), self.case(story)
        player.do("register_case", story.key, {
            "id": case, "incident": self.incident, "resident": str(patient.id), "protocol": PACK,
            "detected_by": "fever_clinic", "class_code": story.class_code, "severity": story.severity,
            "findings": list(story.findings), "reason": "复核阳性,专家组会诊", "sampled_at": local(story.sampled),
            "screen_positive": self.positives[story.key],
        }, by=epi, at=at)  # fmt: skip
        player.do("report_case", (story.key, story.class_code), {
            "id": str(player.id_of("report", story.key, story.class_code)), "case": case, "class_code": story.class_code,
        }, by=epi, at=at + timedelta(minutes=25))  # fmt: skip

    def case(self, story: Story) -> str:
        return str(self.player.id_of("case", story.key))

    def _transfer(self, at: datetime, story: Story) -> None:
        self.player.do("transfer_case", story.key, {
            "case": self.case(story), "hospital": HOSPITAL, "vehicle": "负压救护车",
        }, by=self.player.actor("driver"), at=at)  # fmt: skip

    def reclassify(self, at: datetime, story: Story) -> None:
        """订正 to the minute: symptoms make an asymptomatic infection a confirmed case, mild."""
        player, epi = self.player, self.player.actor("epi")
        player.do("classify_case", story.key, {
            "id": str(player.id_of("classification", story.key)), "case": self.case(story), "class_code": "confirmed_case",
            "severity": "mild", "findings": ["symptoms"], "reason": "出现咽痛等症状,专家组订正为确诊病例(轻型)",
        }, by=epi, at=at)  # fmt: skip
        player.do("report_case", (story.key, "confirmed_case"), {
            "id": str(player.id_of("report", story.key, "confirmed_case")), "case": self.case(story),
            "class_code": "confirmed_case",
        }, by=epi, at=at + timedelta(minutes=40))  # fmt: skip

    # ------------------------------------------------------------------------------------------------- investigation

    def _investigate(self, at: datetime, story: Story) -> None:
        player, epi, case = self.player, self.player.actor("epi"), self.case(story)
        player.do("record_investigation", (story.key, "core_info"), {
            "id": str(player.id_of("investigation", story.key, "core_info")), "case": case, "stage": "core_info",
            "summary": "完成核心信息:活动轨迹、风险点位、首批密接",
        }, by=epi, at=at)  # fmt: skip
        player.do("add_trajectory", story.key, {"case": case, "entries": [
            {"id": str(player.id_of("stay", story.key, place)), "place_text": place, "since": local(since), "until": local(until)}
            for place, since, until in story.places
        ]}, by=epi, at=at)  # fmt: skip
        for place, since, until in story.places:
            player.do("mark_risk_site", (story.key, place), {
                "id": str(player.id_of("risk", story.key, place)), "incident": self.incident, "case": case, "name": place,
                "division_code": story.area.lo, "since": local(since), "until": local(until),
            }, by=epi, at=at)  # fmt: skip
        player.plan(at + timedelta(hours=14), "初步流调报告", self._conclude, story)

    def _conclude(self, at: datetime, story: Story) -> None:
        self.player.do("record_investigation", (story.key, "preliminary_report"), {
            "id": str(self.player.id_of("investigation", story.key, "preliminary_report")), "case": self.case(story),
            "stage": "preliminary_report", "summary": "初步流调报告:传播链清楚,未见社会面扩散",
        }, by=self.player.actor("epi"), at=at)  # fmt: skip

    def trace(self, at: datetime, story: Story) -> None:
        """Determine contacts and contacts of contacts, order each into quarantine, and bring them there."""
        close, secondary = self.contacts(story)
        exposure = local(story.last_exposure)
        rows = [self._contact(story, line, "close_contact", exposure, case=self.case(story)) for line in close]
        rows += [
            self._contact(story, line, "secondary_contact", exposure - timedelta(hours=1), via=self.contact(story, via))
            for line, via in secondary
        ]
        player, epi = self.player, self.player.actor("epi")
        player.do("determine_contacts", story.key, {
            "incident": self.incident, "protocol": PACK, "division_code": story.area.lo, "contacts": rows,
        }, by=epi, at=at)  # fmt: skip
        orders = [self._order(story, line, "close_contact", exposure) for line in close]
        orders += [
            self._order(story, line, "secondary_contact", exposure - timedelta(hours=1), linked=via)
            for line, via in secondary
        ]
        at += timedelta(minutes=40)
        player.do("issue_orders", story.key, {"incident": self.incident, "protocol": PACK, "orders": orders},
                  by=player.actor("quarantine"), at=at)  # fmt: skip
        player.plan(
            at + timedelta(hours=2),
            "密接集中隔离、次密接居家隔离到位",
            self._settle,
            story,
            close,
            secondary,
        )

    def contacts(self, story: Story) -> tuple[list[ResidentLine], list[tuple[ResidentLine, uuid.UUID]]]:
        """Choose the patient's household and neighbours as contacts, and from their households the contacts' contacts."""
        rng = random.Random(f"dingan-2022 {story.key}")
        patient = self.patient(story)
        around = story.area if story.key == "second" else code_range(XINZHU)
        people = [line for line in self.cast.living_in(around) if line.id != patient.id]
        family = [line for line in people if line.household == patient.household]
        others = [line for line in people if line.household != patient.household and 6 <= age(line) <= 70]
        close = family + rng.sample(others, story.close - len(family))
        taken = {line.id for line in close}
        homes = {line.household: line.id for line in close}
        kin = [line for line in people if line.household in homes and line.id not in taken]
        return close, [(line, homes[line.household]) for line in kin[: story.secondary]]

    def contact(self, story: Story, resident: uuid.UUID, tier: str = "close_contact") -> str:
        return str(self.player.id_of("contact", story.key, resident, tier))

    def _contact(self, story: Story, line: ResidentLine, tier: str, exposure: datetime, **link: str) -> Payload:
        return {
            "id": self.contact(story, line.id, tier), "resident": str(line.id), "tier": tier, "last_exposure_at": exposure,
            "first_exposure_at": exposure - timedelta(days=1), "relation": "共同生活或接触", **link,
        }  # fmt: skip

    def _order(
        self, story: Story, line: ResidentLine, tier: str, exposure: datetime, linked: uuid.UUID | None = None
    ) -> Payload:
        central = tier == "close_contact"
        return {
            "id": self.order(story, line.id), "resident": str(line.id), "tier": tier, "last_exposure_at": exposure,
            "reason": "与病例有接触,按第九版方案隔离医学观察", "authority": AUTHORITY, "appeal_to": APPEAL_TO,
            "contact": self.contact(story, line.id, tier), "linked_resident": str(linked) if linked else None,
            **({"place": SITE, "site_code": SITE_CODE, "dependants": False} if central else {}),
        }  # fmt: skip

    def order(self, story: Story, resident: uuid.UUID) -> str:
        return str(self.player.id_of("order", story.key, resident))

    def _settle(
        self,
        at: datetime,
        story: Story,
        close: Sequence[ResidentLine],
        secondary: Sequence[tuple[ResidentLine, uuid.UUID]],
    ) -> None:
        """Contacts are driven to the site; village officers visit the contacts of contacts at their doors (M20)."""
        player = self.player
        player.do("start_orders", (story.key, "site"), {"orders": [self.order(story, line.id) for line in close]},
                  by=player.actor("site"), at=at)  # fmt: skip
        for number, (line, _) in enumerate(secondary):
            when = at + timedelta(minutes=3 * number)
            officer, order = player.actor(f"community.{line.division_code // 1000}"), self.order(story, line.id)
            self.visit(when, order, officer, pledge="refused" if number % 17 == 16 else "signed")
            player.do("start_orders", order, {"orders": [order]}, by=officer, at=when)
        contacts = [self.contact(story, line.id) for line in close]
        contacts += [self.contact(story, line.id, "secondary_contact") for line, _ in secondary]
        player.do(
            "record_placed", story.key, {"contacts": contacts}, by=player.actor("epi"), at=at + timedelta(hours=5)
        )

    def visit(self, at: datetime, order: str, officer: Actor, pledge: str = "signed") -> None:
        """Visit a door step by step: inform, reassure, check the test, pledge or not, hand over the notice, ask for needs."""
        self.player.do("record_visit", (order, at.date()), {
            "id": str(self.player.id_of("visit", order, at.date())), "order": order, "informed": True, "reassured": True,
            "test_checked": True, "notice_handed": True, "shopping_asked": True, "pledge": pledge,
            "needs": "代购米面蔬菜" if order.endswith("0") else "",
        }, by=officer, at=at)  # fmt: skip
