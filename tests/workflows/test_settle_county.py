"""A county settled below its villages: everybody in a grid of their village, in the hamlets the report names."""

from datetime import date

import pytest

from conftest import make_actor
from lianfang.core.people.permissions import PERMISSIONS as PEOPLE
from lianfang.core.people.queries import count_residents
from lianfang.core.territory import permissions as territory
from lianfang.core.territory.actions import overlay_divisions
from lianfang.core.territory.queries import find, standing
from lianfang.core.territory.rules import Overlay, Period
from lianfang.kit.codes import EVERYWHERE, code_range, full_code
from lianfang.workflows.settle_county import settle_county

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
LAND = [name for name in vars(territory).values() if isinstance(name, str) and name.startswith("territory.")]
XINZHU = full_code(469021101201)


@pytest.fixture
def land():
    by = make_actor(*LAND, *PEOPLE, scope=EVERYWHERE)
    names = {46: "海南省", 4690: "省直辖县级行政区划", 469021: "定安县", 469021100: "定城镇", 469021101: "新竹镇",
             469021100004: "江南社区居委会", 469021100003: "中南街社区居委会", 469021101201: "新竹村委会"}  # fmt: skip
    names |= {469021101202 + number: f"测试{number}村委会" for number in range(60)}
    names |= {469021100010 + number: f"测试{number}社区居委会" for number in range(20)}
    overlay_divisions(
        [Overlay("add", full_code(code), Period(date(1949, 10, 1)), "test", name) for code, name in names.items()],
        by=by,
    )
    return by


def test_everybody_lives_in_a_grid_of_a_village(land):
    made = settle_county(
        by=land, county=469021, households_per_grid=300, seed=7, reference_date=date(2022, 7, 1),
        hamlet_names={XINZHU: ["中安村"]},
    )  # fmt: skip
    assert made.residents == 284_690
    assert count_residents(by=land, within=code_range(469021)) == (made.households, made.residents)
    grids = {one.code for one in standing(code_range(469021)) if one.level == "grid"}
    assert len(grids) == made.grids
    homes = count_by_grid(land)
    assert set(homes) == grids
    assert find("中安村", within=XINZHU // 1000).level == "hamlet"


def count_by_grid(by):
    from django.db import connection

    from lianfang.core.access.scope import acting

    with acting(by), connection.cursor() as cursor:
        cursor.execute("SELECT division_code, count(*) FROM people_household GROUP BY 1")
        return dict(cursor.fetchall())
