"""Before the first sample: incident, zones, phones, laboratories, the round with its sites and slots, who is left out."""

from typing import Any

from lianfang.config.drills.round_over_http.http import Caller, Payload, made_id, sign_in
from lianfang.config.drills.round_over_http.places import PLACES, TOWN_OF, houses, seats, zhongan
from lianfang.config.drills.round_over_http.play import Area, Phone, Play, cut
from lianfang.kit.codes import CodeRange, code_range, full_code
from lianfang.replays.dingan_2022.places import COUNTY, JIANGNAN, PACK, XIANGOU, XINZHU, ZHONGNAN
from lianfang.replays.dingan_2022.rounds import pieces

AUTHORITY = "定安县新冠肺炎疫情防控指挥部令"
APPEAL_TO = "定安县指挥部办公室 0898-00000000"
LETTERS = "AB"
LABS = {"lab.hospital": "县人民医院核酸检测实验室", "lab.mobile": "移动方舱实验室"}


def open_the_day(play: Play) -> dict[str, Phone]:
    """Do everything up to the first sample and return the phones by their names (place and letter)."""
    play.clock.to("05:30", "指挥部登记疫情,划定风险区 / incident declared, zones drawn")
    for seat in seats():
        play.callers[seat.username] = sign_in(play.port, seat.username, play.password)
    declare(play)
    draw_zones(play)
    play.clock.to("06:00", "开启轮次 / round opened over the zones")
    open_round(play)
    phones = enrol(play)
    play.clock.to("06:30", "采样点、时段、通道 / sites, slots, lanes")
    plan(play)
    for phone in phones.values():
        phone.site = play.site(phone.place, LETTERS.index(phone.letter))["id"]
    play.clock.to(
        "07:00", "免检名单逐人确认，第二人回拨抽查 / exclusions confirmed by name, called back by a second person"
    )
    exclude(play)
    return phones


def declare(play: Play) -> None:
    """Declare the incident for the whole county."""
    area = code_range(COUNTY)
    play.do("commander", "declare_incident", id=play.incident, division_code=area.lo, title_zh="定安县2022年7月新冠肺炎疫情",
            title_en="COVID-19 in Ding'an, July 2022", disease="covid19-cn", pack=PACK, authority=AUTHORITY,
            areas=[{"lo": area.lo, "hi": area.hi}])  # fmt: skip


def draw_zones(play: Play) -> None:
    """Look at who needs what inside, then draw each zone with reason, authority and appeal."""
    hamlet = zhongan()
    around = [
        one for one in pieces(code_range(XINZHU), hamlet, "high_risk", "medium_risk") if one.zone_level != "high_risk"
    ]
    whole = {code: code_range(code) for code in PLACES}
    for level, name, ranges, place in (
        ("high_risk", "中安村高风险区", [hamlet], XINZHU),
        ("medium_risk", "新竹村委会中风险区", [CodeRange(one.code_lo, one.code_hi) for one in around], XINZHU),
        ("medium_risk", "江南社区中风险区", [whole[JIANGNAN]], JIANGNAN),
        ("low_risk", "定城镇低风险区", [whole[ZHONGNAN], whole[XIANGOU]], ZHONGNAN),
    ):
        zone, areas = made_id(), [{"code_lo": one.lo, "code_hi": one.hi} for one in ranges]
        play.zones[name] = zone
        play.do(f"township.{TOWN_OF[place]}", "check_zone", zone=zone, areas=areas, medical_plan="透析、孕产、慢病用药逐户登记",
                egress=dict.fromkeys(houses(ranges), True))  # fmt: skip
        play.do("commander", "draw_zone", id=zone, incident=play.incident, name=name, level=level, protocol=PACK, areas=areas,
                reason="病例居住地及活动区域", authority=AUTHORITY, appeal_to=APPEAL_TO)  # fmt: skip


def open_round(play: Play) -> None:
    """Open the round over the zones; the pack says who is sampled how. Two laboratories are registered."""
    play.do("testing", "open_zone_round", id=play.round, incident=play.incident, zones=list(play.zones.values()),
            title="四社区第1轮区域核酸检测", pack=PACK)  # fmt: skip
    rows = play.callers["testing"].get(f"rounds/{play.round}/areas")
    play.areas = [Area(row["code_lo"], row["code_hi"], row["mode"], row["pool"]) for row in rows]
    for number, (who, name) in enumerate(LABS.items(), 2):
        play.labs[who] = made_id()
        play.do("testing", "register_lab", id=play.labs[who], name=name, division_code=full_code(COUNTY),
                tubes_per_hour=200 * number, tubes_per_day=4000 * number)  # fmt: skip


def enrol(play: Play) -> dict[str, Phone]:
    """Register devices, type in their codes and sign in on them: two phones for each place, one each for courier and squad."""
    wanted = {f"sampler.{code} {letter}": code for code in PLACES for letter in LETTERS} | {
        "courier": COUNTY,
        "squad": COUNTY,
    }
    ids = {name: made_id() for name in wanted}
    play.do("admin", "register_devices", devices=[
        {"id": ids[name], "title": name, "division_code": full_code(unit)} for name, unit in wanted.items()
    ])  # fmt: skip
    codes = play.callers["admin"].post("devices/codes", {"devices": list(ids.values())})
    typed = {one["device"]: one["code"] for one in codes}
    for name in wanted:
        given = Caller(play.port, name).post("devices/enrol", {"code": typed[ids[name]]})
        play.callers[name] = sign_in(play.port, name.partition(" ")[0], play.password, given["device"], given["secret"])
        play.callers[name].name = name
    return {
        f"{code} {letter}": Phone(play, play.callers[f"sampler.{code} {letter}"], code, letter, "")
        for code in PLACES
        for letter in LETTERS
    }


def plan(play: Play) -> None:
    """Open the sites that the pack asks for, plan the slots of all buildings, confirm them, open a lane for symptoms."""
    testing = play.callers["testing"]
    for need in testing.get(f"rounds/{play.round}/site-needs"):
        place = need["code"] // 1000
        play.sites[place] = [
            {"id": made_id(), "name": f"{need['name']}{number}号采样点", "division_code": need["code"], **shape}
            for number, shape in enumerate(need["shapes"], 1)
        ]
    play.do("testing", "open_sites", round=play.round, sites=[site for sites in play.sites.values() for site in sites])
    batch = made_id()
    made = play.do("testing", "plan_slots", id=batch, round=play.round, starts_at=play.clock.after(hours=2))
    play.do("testing", "confirm_slots", plan=batch)
    roomy = [site for sites in play.sites.values() for site in sites if site["tables"] > 1]
    for site in roomy:
        lanes = [{"kind": "ordinary", "tables": site["tables"] - 1}, {"kind": "symptomatic", "tables": 1}]
        play.do("testing", "open_lanes", site=site["id"], lanes=lanes)
    play.book.shown |= {"sites": made["sites"], "slots": made["slots"], "lanes": len(roomy)}


def exclude(play: Play) -> None:
    """Confirm what the records propose, name by name; a second person calls a sample back and finds one untrue."""
    written = 0
    for place in PLACES:
        officer = play.callers[f"community.{place}"]
        rows = officer.pages(f"rounds/{play.round}/exclusions/proposed")
        people = [_exclusion(row) for row in rows]
        for some in cut(people, 1000):
            play.do(officer.name, "exclude_people", round=play.round, people=some)
        written += len(people)
    calls = [(name, row) for name in townships() for row in to_recall(play, name)]
    away = [row["exclusion"] for _, row in calls if row["reason"] == "away"]
    for name, row in calls:
        true = row["exclusion"] not in away[:1]
        play.do(name, "record_recall", round=play.round, exclusion=row["exclusion"], confirmed=true,
                note="" if true else "本人接电话:就在家里")  # fmt: skip
    play.book.shown |= {"excluded at first": written, "called back": len(calls), "found untrue": len(away[:1])}


def _exclusion(row: Payload) -> Payload:
    where = row["where"] or ("外出,电话核实" if row["reason"] in ("away", "quarantined") else "")
    return {"id": made_id(), "resident": row["resident"], "reason": row["reason"], "where": where}


def townships() -> list[str]:
    """Return the desks that call exclusions back."""
    return [f"township.{town}" for town in sorted(set(TOWN_OF.values()))]


def to_recall(play: Play, who: str) -> list[Any]:
    """List what a desk has to call back now."""
    rows: list[Any] = play.callers[who].get(f"rounds/{play.round}/exclusions/to-recall")
    return rows
