"""The end of a round: signed off with whoever remains, who accepts them, and what a person decides comes next."""

from lianfang.config.drills.round_over_http.play import Play
from lianfang.replays.dingan_2022.places import PACK


def close(play: Play) -> None:
    """Sign the round off and decide on the next one."""
    play.clock.to("15 14:00", "收官签认:谁承接遗留人员 / signed off, the remainder accepted by name")
    remains = len(play.missing("testing"))
    alone = play.refused("testing", "close_round", round=play.round) if remains else ""
    chosen = next(
        one for one in play.callers["testing"].get(f"rounds/{play.round}/acceptors") if one["role"] == "commander"
    )
    made = play.do(
        "testing", "close_round", round=play.round, accepted_by=chosen["account"], accepted_title=chosen["holder"]
    )
    proposal = play.callers["testing"].get(f"rounds/{play.round}/next", situation="chain_clear")
    row = play.callers["testing"].get(f"rounds/{play.round}")
    decided = play.do("commander", "decide_next_round", incident=play.incident, area_code=row["area_code"], pack=PACK,
                      situation="chain_clear", decision=proposal["proposal"])  # fmt: skip
    play.book.shown |= {
        "remaining at sign-off": made["remaining"], "accepted by": row["accepted_title"], "refused without a name": bool(alone),
        "recalls still open": made["recalls_outstanding"], "pack proposes": proposal["proposal"],
        "a person decides": decided["decision"],
    }  # fmt: skip
