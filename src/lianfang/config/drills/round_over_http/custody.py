"""From the sites to the laboratories: boxes, the courier, counts at every hand-over, one tube that turns up and one that does not."""

from collections.abc import Collection
from datetime import datetime

from lianfang.config.drills.round_over_http.http import Payload
from lianfang.config.drills.round_over_http.play import Play, cut
from lianfang.replays.dingan_2022.places import JIANGNAN, XIANGOU, XINZHU, ZHONGNAN

IN_A_BOX = 100
COURIER = "标本转运组"
LAB_OF = {XINZHU: "lab.hospital", JIANGNAN: "lab.hospital", ZHONGNAN: "lab.mobile", XIANGOU: "lab.mobile"}


def carry_the_morning(play: Play) -> None:
    """Carry everything sampled so far; a scan lacks one tube of Jiangnan, which is found, and one of Xiangou, which is not."""
    play.clock.to("13:30", "装箱、交接,两管扫不到 / boxes packed and handed over, two tubes missing")
    found, lost = (_from_a_site(play, place) for place in (JIANGNAN, XIANGOU))
    boxes = {place: pack(play, place) for place in list(play.ready)}
    for place, loads in boxes.items():
        hand_over(play, place, loads, lacking={found, lost})
    due = search_due(play)
    play.clock.to("13:48", "找到一管,一管确认遗失 / one tube is found, one is lost for good")
    back = play.do(f"sampler.{JIANGNAN} A", "record_tube_found", outcome="found", codes=[found], place="2号台冰排下面")
    gone = play.do("courier", "record_tube_found", outcome="lost", codes=[lost], reason="摔碎,已消毒处理")
    play.book.shown |= {
        "minutes to look for a tube": due,
        "tubes found": back["tubes"],
        "people of the lost tube": gone["people"],
    }
    play.do("courier", "hand_over_tubes", codes=[found], giver=play.site(JIANGNAN)["name"], giver_kind="site", taker=COURIER,
            taker_kind="courier", tubes_given=1, tubes_counted=1, scanned=[found])  # fmt: skip
    play.clock.to("14:30", "送达实验室 / received at two laboratories")
    for place, loads in boxes.items():
        receive(play, place, loads, {found, lost})
    receive_loose(play, [found], "lab.hospital")


def _from_a_site(play: Play, place: int) -> str:
    """Return the last tube that a place's second phone filled in the morning."""
    return [code for code in play.ready[place] if code.startswith(f"DA{place % 10**6}B")][-1]


def search_due(play: Play) -> int:
    """Return within how many minutes somebody must have looked for what is missing, by the clock of the pack."""
    open_now = play.callers["testing"].get("custody/differences")
    spans = [datetime.fromisoformat(one["due_at"]) - datetime.fromisoformat(one["noticed_at"]) for one in open_now]
    play.book.shown["tubes missing"] = len([one for one in open_now if one["kind"] == "missing"])
    return int(max(span.total_seconds() for span in spans) // 60)


def pack(play: Play, place: int) -> dict[str, list[str]]:
    """Pack a place's sealed tubes into boxes and return their codes by box."""
    loads = {}
    for codes in cut(play.ready.pop(place), IN_A_BOX):
        play.boxes += 1
        box = f"BOX-{place % 10**6}-{play.boxes:03}"
        play.do(f"sampler.{place} A", "pack_box", code=box, codes=codes, counted=len(codes))
        loads[box] = codes
    return loads


def hand_over(play: Play, place: int, loads: dict[str, list[str]], lacking: Collection[str] = ()) -> Payload:
    """Hand a place's boxes to the courier, who scans what is in them."""
    codes = [code for load in loads.values() for code in load]
    seen = [code for code in codes if code not in lacking]
    return play.do("courier", "hand_over_tubes", boxes=list(loads), giver=play.site(place)["name"], giver_kind="site",
                   taker=COURIER, taker_kind="courier", tubes_given=len(codes), tubes_counted=len(seen), scanned=seen)  # fmt: skip


def receive(play: Play, place: int, loads: dict[str, list[str]], lacking: Collection[str] = ()) -> None:
    """Take a place's boxes in at its laboratory."""
    who = LAB_OF[place]
    seen = [code for load in loads.values() for code in load if code not in lacking]
    play.do(who, "receive_tubes", lab=play.labs[who], giver=COURIER, giver_kind="courier", boxes=list(loads),
            tubes_given=len(seen), tubes_counted=len(seen), scanned=seen)  # fmt: skip
    play.at_lab.setdefault(who, []).extend(seen)


def receive_loose(play: Play, codes: list[str], who: str) -> None:
    """Take single tubes in."""
    play.do(who, "receive_tubes", lab=play.labs[who], giver=COURIER, giver_kind="courier", codes=codes,
            tubes_given=len(codes), tubes_counted=len(codes), scanned=codes)  # fmt: skip
    play.at_lab.setdefault(who, []).extend(codes)


def carry_on(play: Play) -> None:
    """Carry whatever has been sampled since, without a difference; all of it to the hospital."""
    for place in list(play.ready):
        loads = pack(play, place)
        hand_over(play, place, loads)
        codes = [code for load in loads.values() for code in load]
        play.do("lab.hospital", "receive_tubes", lab=play.labs["lab.hospital"], giver=COURIER, giver_kind="courier",
                boxes=list(loads), tubes_given=len(codes), tubes_counted=len(codes), scanned=codes)  # fmt: skip
        play.at_lab.setdefault("lab.hospital", []).extend(codes)
