"""One positive pool: everybody in it held and told, sampled again alone, one becomes a case, the others are let go with a notice."""

from typing import Any

from lianfang.config.drills.round_over_http.custody import COURIER, receive_loose
from lianfang.config.drills.round_over_http.http import Command, Payload, made_id
from lianfang.config.drills.round_over_http.places import TOWN_OF
from lianfang.config.drills.round_over_http.play import Play
from lianfang.config.drills.round_over_http.results import report
from lianfang.kit.codes import full_code
from lianfang.replays.dingan_2022.places import HOSPITAL, JIANGNAN, PACK


def inform_everybody(play: Play, tube: str) -> None:
    """Let police and community know; everybody is held in place, with reason, end and appeal, since the result."""
    play.clock.to(
        "17:50", "混管阳性:就地留置,社区、公安、采样小分队 / everybody held, community, police and squad called"
    )
    inform(play, pool_of(play, tube))


def resample_everybody(play: Play, tube: str) -> dict[str, Payload]:
    """Sample everybody of the pool again, each alone, and bring the tubes to the hospital; returns them by positive."""
    play.clock.to("18:40", "单采复核 / single resamples")
    tubes = resample(play, pool_of(play, tube))
    play.clock.to("19:10")
    codes = [one["code"] for one in tubes.values()]
    play.do("courier", "hand_over_tubes", codes=codes, giver="应急采样小分队", giver_kind="site", taker=COURIER,
            taker_kind="courier", tubes_given=len(codes), tubes_counted=len(codes), scanned=codes)  # fmt: skip
    receive_loose(play, codes, "lab.hospital")
    play.at_lab["lab.hospital"] = [code for code in play.at_lab["lab.hospital"] if code not in codes]
    return tubes


def decide(play: Play, tube: str, tubes: dict[str, Payload]) -> None:
    """One resample is positive and becomes a case; the others are let go, each with a notice and told so."""
    play.clock.to("21:30", "复核结果:一人阳性,其余解除 / one is a case, the others are let go")
    codes, ill = [one["code"] for one in tubes.values()], min(tubes)
    report(play, "lab.hospital", codes, {tubes[ill]["code"]: "positive"})
    play.do("lab.hospital", "record_told", tube=tubes[ill]["id"], channel="phone", told_to="流调溯源专班、江南社区")
    people = {row["positive"]: row for row in members(play, "epi", pool_of(play, tube))}
    register_case(play, people[ill], tubes[ill])
    free = [one for one in people if one != ill]
    play.do("epi", "release_pool_members", positives=free)
    play.do(f"community.{JIANGNAN}", "tell_pool_members", members=[people[one]["id"] for one in free])
    play.book.shown |= {"people held": len(people), "released with notice": len(free)}


def pool_of(play: Play, tube: str) -> str:
    """Return the pool that a positive tube led to."""
    return str(next(row["id"] for row in play.callers["epi"].get("pools") if row["tube"] == tube))


def inform(play: Play, pool: str) -> None:
    """Police acknowledge what stands in their list of duties; the community tells everybody why they wait and until when."""
    station = f"police.{TOWN_OF[JIANGNAN]}"
    for duty in owed(play, station, "inform_pool_police"):
        play.do(station, "acknowledge_pool", pool=duty["subject"])
    officer = f"community.{JIANGNAN}"
    told = [row["id"] for row in members(play, officer, pool)]
    play.do(officer, "tell_pool_members", members=told)


def owed(play: Play, who: str, kind: str) -> list[Payload]:
    """List what somebody owes of a kind."""
    rows: list[Payload] = play.callers[who].pages("duties", kind=kind)
    return rows


def members(play: Play, who: str, pool: str) -> list[Payload]:
    """List the people of a pool in the area of a caller."""
    rows: list[Payload] = play.callers[who].get(f"pools/{pool}/members")
    return rows


def resample(play: Play, pool: str) -> dict[str, Payload]:
    """Let the squad sample everybody of its duties again, each alone; return the tubes by the positive they settle."""
    due = {duty["subject"] for duty in owed(play, "squad", "pool_resample")}
    now = play.clock.now
    tubes = {
        row["positive"]: {
            "id": made_id(), "code": f"DR{number:04}", "mode": "single", "capacity": 1, "purpose": "confirmatory_retest",
            "division_code": full_code(JIANGNAN), "opened_at": now, "sealed_at": now, "order_id": row["positive"],
            "samples": [{"id": made_id(), "resident": row["resident"], "taken_at": now}],
        }
        for number, row in enumerate(members(play, "squad", pool), 1)
        if row["id"] in due
    }  # fmt: skip
    command = Command("register_tubes", {"tubes": list(tubes.values()), "accept": "nothing"}, now)
    play.book.note(command, play.callers["squad"].send(command))
    return tubes


def register_case(play: Play, person: Payload, tube: Payload) -> None:
    """Decide the positive, register the case and do what a case starts: report, hospital, investigation."""
    case, sampled = made_id(), tube["opened_at"]
    play.do("epi", "record_retest", positive=person["positive"], result="positive", sampled_at=sampled)
    play.do("epi", "register_case", id=case, incident=play.incident, resident=person["resident"], protocol=PACK,
            detected_by="community_screening", class_code="asymptomatic_case", findings=["retest_positive"], reason="复核阳性,专家组会诊",
            sampled_at=sampled, screen_positive=person["positive"])  # fmt: skip
    play.do("epi", "report_case", case=case, class_code="asymptomatic_case")
    play.do("driver", "transfer_case", case=case, hospital=HOSPITAL, vehicle="负压救护车")
    for stage, summary in (("core_info", "核心信息:轨迹、风险点位、密接"), ("preliminary_report", "初步流调报告")):
        done: dict[str, Any] = {"case": case, "stage": stage, "summary": summary}
        play.do("epi", "record_investigation", **done)
