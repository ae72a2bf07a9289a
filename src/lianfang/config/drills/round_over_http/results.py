"""What the laboratories report: over the interface, by a file with bad rows first, and one of them late."""

import base64
import csv
import io
from collections import Counter
from collections.abc import Sequence

from lianfang.config.drills.round_over_http.http import Payload
from lianfang.config.drills.round_over_http.opening import LABS
from lianfang.config.drills.round_over_http.play import Play
from lianfang.kit.clock import LOCAL
from lianfang.replays.dingan_2022.places import JIANGNAN

HEADINGS = ("管码", "结果", "检测时间")


def report_the_morning(play: Play) -> str:
    """The hospital reports half over the interface and half by file; one pool of ten is positive. Returns its tube's id."""
    play.clock.to("17:30", "县医院出结果:接口与文件,一个混管阳性 / results by interface and file, one pool positive")
    waiting = play.at_lab.pop("lab.hospital")
    positive = pool_of_ten(play, waiting)
    half = len(waiting) // 2
    by_file = [code for code in waiting[:half] if code != play.book.tubes[positive]]
    by_interface = [code for code in waiting if code not in set(by_file)]
    report(play, "lab.hospital", by_interface, {play.book.tubes[positive]: "positive"})
    report_by_file(play, "lab.hospital", by_file)
    play.do("lab.hospital", "record_told", tube=positive, channel="phone", told_to="流调溯源专班、江南社区")
    return positive


def pool_of_ten(play: Play, codes: Sequence[str]) -> str:
    """Return a tube of Jiangnan with as many people as any of these, filled at a site, as the one that is positive."""
    people = Counter(play.book.acknowledged.values())
    wanted = {code for code in codes if code.startswith(f"DA{JIANGNAN % 10**6}B")}
    return max(
        (tube for tube, code in play.book.tubes.items() if code in wanted), key=lambda tube: (people[tube], tube)
    )


def report(play: Play, who: str, codes: Sequence[str], other: dict[str, str] | None = None) -> Payload:
    """Report tubes over the interface, negative unless said otherwise."""
    found = [
        {"code": code, "value": (other or {}).get(code, "negative"), "tested_at": play.clock.now} for code in codes
    ]
    made = play.do(who, "record_results", lab=LABS[who], results=found)
    play.book.refused += [item["sentence"] for item in made["refused"]]
    return made


def report_by_file(play: Play, who: str, codes: Sequence[str]) -> None:
    """Send a file with two bad rows, read what is wrong with them, and send it again without."""
    rows = [(code, "阴性", f"{play.clock.at.astimezone(LOCAL):%Y-%m-%d %H:%M}") for code in codes]
    bad = [("DA000X00001", "阴性", rows[0][2]), (rows[0][0], "好", rows[0][2])] if rows else []
    first = send_file(play, who, [*bad, *rows[1:]])
    again = send_file(play, who, rows)
    play.book.refused += [f"{row['row']} {row['field']}: {row['why']}" for row in first["bad_rows"]]
    play.book.shown |= {"bad rows of the file": len(first["bad_rows"]), "rows taken": again["taken"],
                        "written with bad rows": first["written"]}  # fmt: skip


def send_file(play: Play, who: str, rows: Sequence[tuple[str, str, str]]) -> Payload:
    """Send rows as a laboratory's program exports them."""
    text = io.StringIO()
    csv.writer(text).writerows([HEADINGS, *rows])
    content = base64.b64encode(text.getvalue().encode("gb18030")).decode()
    return play.do(who, "import_results", name="结果0714.csv", content=content, lab=LABS[who])


def report_late(play: Play) -> None:
    """The second laboratory reports when its clock has run out for everything it has; until then it is shown as late."""
    play.clock.to("15 12:00", "移动方舱超时:逐管公示,随后出结果 / the late laboratory is shown, then reports")
    late = play.callers["testing"].pages("tubes/late", round=play.round)
    report(play, "lab.mobile", play.at_lab.pop("lab.mobile"))
    still = play.callers["testing"].pages("tubes/late", round=play.round)
    play.book.shown |= {"tubes shown late": len(late), "held by": ", ".join(sorted({one["held_by"] or "" for one in late})),
                        "late after the report": len(still)}  # fmt: skip


def report_the_rest(play: Play, when: str) -> None:
    """The hospital reports what came to it since, all negative."""
    play.clock.to(when, "补采结果 / results of those sampled later")
    waiting = play.at_lab.pop("lab.hospital", [])
    if waiting:
        report(play, "lab.hospital", waiting)
