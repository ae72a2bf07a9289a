"""A superior level looks at the county that has incidents, and is never answered with a silent zero."""

import pytest

from conftest import DINGAN, make_actor
from lianfang.kit.clock import local
from lianfang.response.command.actions import declare_incident
from lianfang.response.command.permissions import PERMISSIONS
from lianfang.response.command.queries import county_in_view
from lianfang.response.command.rules import CountyNotChosen

pytestmark = pytest.mark.django_db


def declare(county: int) -> None:
    by = make_actor(*PERMISSIONS, scope=str(county))
    declare_incident(
        by=by, division_code=county * 10**9, title_zh=f"{county}", title_en="t", disease="covid19-cn",
        pack="covid19-cn-ed9", authority="county government", valid_at=local("2022-07-13 18:00"),
    )  # fmt: skip


def test_a_county_and_everybody_in_it_look_at_themselves():
    assert county_in_view(make_actor(scope="469021")) == DINGAN
    assert county_in_view(make_actor(scope="469021101201")) == DINGAN


def test_a_province_looks_at_its_one_county_with_incidents():
    declare(DINGAN)
    assert county_in_view(make_actor(scope="46")) == DINGAN


def test_a_province_is_asked_which_when_there_are_several_or_none():
    with pytest.raises(CountyNotChosen, match="0 counties"):
        county_in_view(make_actor(scope="46"))
    declare(DINGAN)
    declare(469022)
    with pytest.raises(CountyNotChosen, match="2 counties"):
        county_in_view(make_actor(scope="46"))
