"""The ground a scenario stands on: divisions as they stood, hamlets and grids, people, posts and accounts."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path

from lianfang.core.access.actions import ADMINISTRATION, create_posts, seat_accounts
from lianfang.core.access.rules import Actor, NewPost, NewSeat
from lianfang.core.access.scope import acting
from lianfang.core.people.permissions import PERMISSIONS as PEOPLE
from lianfang.core.people.queries import count_residents
from lianfang.core.territory.actions import (
    import_divisions,
    overlay_divisions,
    register_places,
    set_up_headquarters,
)
from lianfang.core.territory.permissions import PERMISSIONS as TERRITORY
from lianfang.core.territory.queries import headquarters_for, standing
from lianfang.core.territory.rules import NewPlace, Overlay
from lianfang.kit.codes import CodeRange, code_range
from lianfang.workflows.settle_county import settle_county

Say = Callable[[str], None]

#: the installation's own hand with everything that building the ground takes
BUILDER: Actor = replace(
    ADMINISTRATION,
    permissions=ADMINISTRATION.permissions | frozenset(TERRITORY) | frozenset(PEOPLE),
)


@dataclass(frozen=True)
class Ground:
    """What a scenario says of its county before the first day.

    ``steps``: the county's chain of responsibility from the ground up, (level, post title); ``superior``: name and
    code of the unit its headquarters reports to; ``hamlets``: known hamlets by village code (15 digits); ``only``:
    villages (15 digits) that are settled, all when empty, with a ``share`` of their households.
    """

    county: int
    name: str
    superior: tuple[str, str]
    steps: Sequence[tuple[str, str]]
    overlays: Sequence[Overlay]
    hamlets: Mapping[int, Sequence[str]]
    places: Sequence[NewPlace]
    households_per_grid: int
    reference_date: date
    seed: int
    only: Sequence[int] = ()
    share: float = 1.0


def lay_ground(ground: Ground, *, table: Path, say: Say) -> None:
    """Build what is not there yet: each stage is one transaction, so that a run that died goes on at the next."""
    area = code_range(ground.county)
    if not standing(area, ground.reference_date).exists():
        say("importing the national table of divisions")
        import_divisions(table, by=BUILDER, source="statistical division codes, 2023 edition")
    overlay_divisions(ground.overlays, by=BUILDER)
    own = headquarters_for(ground.county, ground.reference_date)
    if own is None or own.code_lo != area.lo:
        _set_up_headquarters(ground, area)
    if not count_residents(by=BUILDER, within=area)[1]:
        settle_county(
            by=BUILDER, county=ground.county, households_per_grid=ground.households_per_grid, seed=ground.seed,
            reference_date=ground.reference_date, hamlet_names=ground.hamlets, only=ground.only,
            share=ground.share, say=say,
        )  # fmt: skip
    register_places(ground.places, by=BUILDER)


def _set_up_headquarters(ground: Ground, area: CodeRange) -> None:
    name, code = ground.superior
    with acting(BUILDER):
        superior = set_up_headquarters(by=BUILDER, name=name, scope=code_range(code), post_title=name)
        set_up_headquarters(
            by=BUILDER, name=ground.name, scope=area, post_title="指挥长", steps=ground.steps, reports_to=superior
        )


def grid_posts(ground: Ground, on: date) -> list[NewPost]:
    """Return one grid worker's seat for every grid of the county, and one for every village and township above."""
    seats = {
        "grid": ("grid_worker", "网格员"),
        "village": ("community", "村(居)委会主任"),
        "township": ("township", "镇长"),
    }
    posts = []
    for division in standing(code_range(ground.county), on):
        if division.level in seats:
            role, title = seats[division.level]
            posts.append(NewPost(role, "community", f"{division.name}{title}", division.range))
    return posts


def seat_everybody(posts: Sequence[NewPost], seats: Sequence[NewSeat], *, valid_from: datetime) -> None:
    """Create the posts of a scenario and the accounts that hold some of them; those that exist stay."""
    create_posts([*posts, *(seat.post for seat in seats)], by=BUILDER)
    seat_accounts(seats, by=BUILDER, valid_from=valid_from, reason="replay")
