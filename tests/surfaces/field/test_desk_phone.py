"""The duty desk's telephone: set at the desk for a unit, shown on every phone inside of it, and nowhere else."""

import pytest
from django.conf import settings
from phones import phone

from conftest import JIANGNAN, XINZHU
from lianfang.core.access.actions import set_desk_phone
from lianfang.core.access.queries import desk_phone
from lianfang.core.access.rules import DeskPhoneRefused, NotPermitted
from lianfang.kit.clock import response_now
from lianfang.kit.codes import code_range
from lianfang.kit.ids import new_id
from parcel_making import desk_of
from surfaces.console.browsing import account, hidden, signed_in, text

pytestmark = pytest.mark.django_db
pytest_plugins = ["surfaces.console.browsers"]
TOWN = str(XINZHU)[:9]


def set_at(desk, unit, number):
    code = int(str(unit).ljust(15, "0"))
    return set_desk_phone(by=desk, valid_at=response_now(), cause=new_id(), division_code=code, phone=number)


def test_the_narrowest_unit_that_holds_the_whole_area_is_called():
    county = desk_of("469021")
    assert desk_phone(code_range(str(XINZHU))) == ""
    assert set_at(county, "469021", "0898-63822110") and set_at(county, XINZHU, " 120 ")
    assert [desk_phone(code_range(one)) for one in ("469021", TOWN, str(XINZHU), f"{XINZHU}011", str(JIANGNAN))] == [
        "0898-63822110", "0898-63822110", "120", "120", "0898-63822110",
    ]  # fmt: skip
    assert not set_at(county, XINZHU, "")
    assert desk_phone(code_range(str(XINZHU))) == "0898-63822110"


def test_only_for_ones_own_area_and_only_numbers():
    with pytest.raises(NotPermitted):
        set_at(desk_of(XINZHU), JIANGNAN, "120")
    for text_ in ("call us", "12", "1" * 21, "１２０"):
        with pytest.raises(DeskPhoneRefused, match="digits, like"):
            set_at(desk_of(XINZHU), XINZHU, text_)


def test_the_desk_sets_it_on_its_page_and_the_workers_phone_shows_it(villages):
    worker = phone(XINZHU, "grid_worker")
    assert worker.sync()["desk"]["phone"] == settings.DESK_PHONE
    desk = signed_in(account(("township", "community", TOWN))[0])
    page = text(desk.get("/devices/"))
    assert "值班台电话" in page and "尚未设定" in page
    form = {"unit": str(XINZHU).ljust(15, "0"), "phone": "0898-63822110", "command": hidden(page, "command")}
    assert desk.post("/devices/desk-phone", form).status_code == 302
    assert "0898-63822110" in text(desk.get("/devices/"))
    assert worker.sync()["desk"]["phone"] == "0898-63822110"
    assert phone(JIANGNAN, "grid_worker").sync()["desk"]["phone"] == settings.DESK_PHONE
    outsider = signed_in(account(("grid_worker", "community", str(XINZHU)))[0])
    fresh = form | {"command": str(new_id())}
    assert outsider.post("/devices/desk-phone", fresh).status_code == 403
