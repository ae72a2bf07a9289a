"""Ding'an county, Hainan, July 2022: from the first positive test on the 13th to the county's report of the 25th.

What the report of 28 July 2022 says is reproduced by counting records; what it does not say (who, which house, how many
contacts, how the first test came about) is the scenario's own invention, with synthetic people on real divisions.
"""

from collections.abc import Callable
from pathlib import Path

from lianfang.kit.clock import local
from lianfang.replays.dingan_2022.cast import Cast, seat_the_county
from lianfang.replays.dingan_2022.forces import Forces
from lianfang.replays.dingan_2022.outbreak import Outbreak
from lianfang.replays.dingan_2022.places import GROUND
from lianfang.replays.dingan_2022.quarantine import Days
from lianfang.replays.dingan_2022.reporting import NAME, Reporting
from lianfang.replays.dingan_2022.rounds import Rounds
from lianfang.replays.ground import lay_ground
from lianfang.replays.player import Player

END = local("2022-07-25 21:00")


def lay(table: Path, say: Callable[[str], None]) -> None:
    """Build the ground: divisions, headquarters, people, posts and accounts; what stands already stays."""
    lay_ground(GROUND, table=table, say=say)
    say("seating posts and accounts")
    seat_the_county()


def plan(player: Player) -> None:
    """Put the whole scenario on the player's timetable."""
    cast = Cast(player)
    forces, outbreak = Forces(cast), Outbreak(cast)
    rounds = Rounds(cast, forces, outbreak)
    for part in (forces, outbreak, rounds, Days(cast, outbreak), Reporting(cast)):
        part.plan()


__all__ = ["END", "NAME", "lay", "plan"]
