"""Daily and zero reports of every village, town and of the county; and the press report's own words."""

from datetime import datetime, time, timedelta

from lianfang.core.territory.queries import standing
from lianfang.engines.protocol import load_pack, report_due
from lianfang.kit.clock import at_local, local
from lianfang.kit.codes import full_code
from lianfang.replays.dingan_2022.cast import OTHER_TOWNS, Cast
from lianfang.replays.dingan_2022.places import (
    COUNTY,
    DINGCHENG,
    FIRST_DAY,
    JIANGNAN,
    LAST_DAY,
    PACK,
    XIANGOU,
    XINZHU,
    XINZHU_TOWN,
    ZHONGNAN,
    county,
)
from lianfang.replays.dingan_2022.quarantine import days
from lianfang.replays.player import Payload

NAME = "dingan-2022"
PUBLISHED = local("2022-07-28 00:00")


class Reporting:
    """Puts the reports on the timetable."""

    def __init__(self, cast: Cast) -> None:
        self.cast, self.player = cast, cast.player

    def plan(self) -> None:
        due = report_due(load_pack(PACK, on=FIRST_DAY), "daily_report")
        for day in days(FIRST_DAY, LAST_DAY):
            midnight = at_local(day)
            if day > FIRST_DAY:
                self.player.plan(midnight + timedelta(minutes=10), "", self.open)
            frozen = midnight + due - timedelta(hours=1) if day > FIRST_DAY else at_local(day, time(23))
            self.player.plan(frozen, f"{day} 日报告、零报告", self.freeze)
        self.player.plan(at_local(LAST_DAY, time(20, 50)), "录入报道原文", self.quote)

    def open(self, at: datetime) -> None:
        self.player.do("open_reports", at.date(), {"county": COUNTY}, by=self.player.actor("office"), at=at)

    def freeze(self, at: datetime) -> None:
        """Figures are computed once, for all units, from the records; each unit confirms its own, nil included."""
        day, office = at.date(), self.player.actor("office")
        self.player.do("freeze_reports", day, {"day": day, "county": COUNTY}, by=office, at=at)
        for number, (unit, hand) in enumerate(self.units()):
            when = at + timedelta(seconds=20 * number)
            self.player.do(
                "submit_report", (unit, day), {"unit": unit, "day": day}, by=self.player.actor(hand), at=when
            )

    def units(self) -> list[tuple[int, str]]:
        """Return every unit that reports with the account that confirms: a town for itself and its villages."""
        towns = {XINZHU_TOWN: "township", DINGCHENG: "dingcheng"} | {town: f"town.{town}" for town in OTHER_TOWNS}
        rows = [one for one in standing(county(), FIRST_DAY) if one.level in ("village", "township")]
        units = [(one.code, towns[one.code // 10**6]) for one in rows]
        return [*units, (full_code(COUNTY), "office")]

    def quote(self, at: datetime) -> None:
        self.player.do("quote", NAME, {
            "scenario": NAME, "published_at": PUBLISHED,
            "quotations": [entry | {"order": order} for order, entry in enumerate(quotations(), start=1)],
        }, by=self.player.actor("commander"), at=at)  # fmt: skip


def quotations() -> list[Payload]:
    """Return the report's words, each with its value, how it is meant, and the count that must reproduce it."""
    rounds = "截至7月25日,新竹镇新竹村委会已完成两轮区域核酸检测"
    four = "定城镇江南社区、中南社区、仙沟社区各完成四轮区域核酸检测"
    return [
        quotation("first_asymptomatic", "7月13日,定安发现1例新冠病毒无症状感染者", "1", "=", "cases_classified",
                  class_code="asymptomatic_case", since="2022-07-13T00:00", until="2022-07-14T00:00"),
        quotation("reclassified_at", "7月14日12时59分订正为确诊病例(轻型)", "2022-07-14T12:59:00+08:00", "=",
                  "case_reclassified", to="confirmed_case", severity="mild"),
        quotation("second_case", "7月17日,定安新增1例确诊病例", "1", "=", "cases_classified",
                  class_code="confirmed_case", since="2022-07-17T00:00", until="2022-07-18T00:00"),
        quotation("rounds_xinzhu", rounds, "2", "=", "screening_rounds_closed", place=full_code(XINZHU)),
        quotation("rounds_jiangnan", four, "4", "=", "screening_rounds_closed", place=full_code(JIANGNAN)),
        quotation("rounds_zhongnan", four, "4", "=", "screening_rounds_closed", place=full_code(ZHONGNAN)),
        quotation("rounds_xiangou", four, "4", "=", "screening_rounds_closed", place=full_code(XIANGOU)),
        quotation("checkpoints", "在中安村4个卡口24小时轮流值守", "4", "=", "checkpoints_staffed_round_the_clock",
                  place=full_code(XINZHU)),
        quotation("party_branches", "全镇下辖的35个党支部,由支部书记率队“揭榜出征”", "35", "=", "party_branches",
                  place=full_code(DINGCHENG)),
        quotation("supporting_committees", "6个村委会的党员纷纷支援新竹村委会", "6", "=", "supporting_organisations",
                  place=full_code(XINZHU)),
        quotation("staff", "2000多名机关干部冲锋在前", "2000", ">=", "deployed_staff", kinds=["sent_down"],
                  responder_kinds=["cadre"]),
        quotation("volunteers", "志愿者累计近400人次参与志愿服务", "400", "<=", "volunteer_person_times"),
        quotation("community_new", "无社会面新增阳性感染者和确诊病例", "0", "=", "community_new_cases",
                  since="2022-07-18T00:00", until="2022-07-25T21:00"),
    ]  # fmt: skip


def quotation(name: str, quote: str, value: str, comparator: str, count: str, **params: object) -> Payload:
    """Return one figure of the report as it is entered."""
    return {"name": name, "quote": quote, "value": value, "comparator": comparator, "count": count, "params": params}
