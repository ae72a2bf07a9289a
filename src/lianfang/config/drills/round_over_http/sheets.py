"""When a site's phones fail too: two paper sheets, typed in by one person and by another, settled where they differ."""

from lianfang.config.drills.round_over_http.http import Payload
from lianfang.config.drills.round_over_http.places import TOWN_OF
from lianfang.config.drills.round_over_http.play import Play
from lianfang.replays.dingan_2022.places import XINZHU

FIRST = f"community.{XINZHU}"
SECOND = f"township.{TOWN_OF[XINZHU]}"


def on_paper(play: Play) -> None:
    """Print the sheets of two places, fill them in with a pencil, type them in twice, settle the line that differs."""
    play.clock.to("11:50", "新竹采样点停电:打印两张纸质表 / paper sheets printed")
    made = [play.do(FIRST, "print_sheets", round=play.round, within={"lo": grid, "hi": grid})
            for grid in sorted({one.code for one in play.kept["paper"]})]  # fmt: skip
    play.book.shown |= {
        "sheets": sum(one["sheets"] for one in made),
        "people on sheets": sum(one["people"] for one in made),
    }
    play.clock.to("12:20", "纸上采样 / sampled on paper")
    filled = {row["id"]: fill_in(play, row) for row in sheets(play)}
    play.clock.to("12:40", "第一人录入 / typed in")
    for sheet, lines in filled.items():
        typed = play.do(FIRST, "type_in_sheet", sheet=sheet, lines=lines, total=len(lines), sealed_at=play.clock.now)
        play.book.typed += typed["registered"]
        play.ready.setdefault(XINZHU, []).extend(sorted({line["tube_code"] for line in lines}))
    sheet, lines = next(iter(filled.items()))
    play.refused(FIRST, "type_in_sheet", sheet=sheet, lines=lines, total=len(lines))
    play.clock.to("12:55", "第二人复录、核对 / typed in again by a second person, compared, settled")
    for number, (sheet, lines) in enumerate(filled.items()):
        again = lines[1:] if number == 0 else lines
        seen = play.do(SECOND, "type_in_sheet", sheet=sheet, lines=again, total=len(lines))
        if seen["differing"]:
            true = [line for line in lines if line["line"] in seen["differing"]]
            play.do(SECOND, "settle_sheet", sheet=sheet, lines=true, note="对照原件:第一行确有采样")
    states = sorted(row["state"] for row in sheets(play))
    play.book.shown["sheets reconciled"] = " + ".join(states)


def sheets(play: Play) -> list[Payload]:
    """List the sheets of the round."""
    rows: list[Payload] = play.callers[FIRST].get("table/sheets", round=play.round)
    return rows


def fill_in(play: Play, sheet: Payload) -> list[Payload]:
    """Tick everybody on a sheet who was kept for it, with time and the number of the tube they shared."""
    mine = {one.resident for one in play.kept["paper"]}
    return [
        {"line": row["line"], "sampled": True, "tube_code": f"DP{sheet['number']:03}{row['tube']:02}", "taken_at": play.clock.now}
        for row in play.callers[FIRST].get(f"table/sheets/{sheet['code']}")
        if row["resident"] in mine
    ]  # fmt: skip
