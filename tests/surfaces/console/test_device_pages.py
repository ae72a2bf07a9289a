"""Devices and residents' codes at the desk: registered, shown once to a phone, ended; issued, printed, given anew."""

import html
import re
import uuid

import pytest

from lianfang.core.access.actions import enrol_device
from lianfang.core.access.queries import count_devices, devices
from lianfang.core.people.queries import code_cards, printed_code
from lianfang.kit.ids import new_id
from surfaces.console.browsing import account, cells, hidden, signed_in, text
from surfaces.console.scene import county_hand

pytestmark = pytest.mark.django_db
pytest_plugins = ["surfaces.console.browsers"]

TOWN = "469021101000000"


@pytest.fixture
def desk(villages):
    """A browser of the township's desk, in whose area Xinzhu lies."""
    return signed_in(account(("township", "community", TOWN[:9]))[0])


def registered(desk, titles="2号点1号台\n2号点2号台", **fields):
    form = {"titles": titles, "unit": TOWN, "command": str(new_id())} | fields
    return desk.post("/devices/register", form), form


def say_yes(browser, path, form):
    asked = text(browser.post(path, form))
    kept = {name: html.unescape(hidden(asked, name)) for name in (*form, "valid_at", "command")}
    answer = browser.post(path, kept | {"confirmed": "yes"})
    assert answer.status_code == 302, answer.content.decode()[:2000]
    return asked, answer["Location"]


def test_an_empty_list_offers_the_form(desk):
    page = text(desk.get("/devices/"))
    assert "请在上方登记采样点的手机" in page and "device-form" in page and " open>" in page


def test_devices_are_registered_one_in_each_line_and_once(desk):
    answer, form = registered(desk)
    assert answer["Location"] == "/devices/?state=waiting"
    assert desk.post("/devices/register", form)["Location"] == "/devices/?state=waiting"
    assert [row.title for row in devices(by=county_hand())] == ["2号点1号台", "2号点2号台"]
    page = text(desk.get(answer["Location"]))
    assert [row[:2] for row in cells(page)] == [["2号点1号台", "待启用"], ["2号点2号台", "待启用"]]
    assert "2号点1号台" in desk.get("/devices/", {"export": "csv"}).content.decode("utf-8-sig")
    assert "暂无设备" in text(desk.get("/devices/", {"state": "revoked"}))


@pytest.mark.parametrize(
    "fields",
    [
        {"titles": " "}, {"titles": "a\na"}, {"titles": "x" * 81}, {"unit": ""}, {"unit": "469021"}, {"command": "x"},
        {"username": "nobody-here"}, {"titles": "\n".join(map(str, range(201)))},
    ],
    ids=lambda fields: "-".join(fields),
)  # fmt: skip
def test_half_a_form_registers_nothing(desk, fields):
    assert registered(desk, **fields)[0].status_code == 422
    assert sum(count_devices(by=county_hand()).values()) == 0


def test_a_device_of_another_unit_is_not_registered(desk):
    assert registered(desk, unit="469021100000000")[0].status_code == 403


def test_a_device_bound_to_an_account_says_whose_it_is(desk, villages):
    name = account(("sampler", "testing", TOWN[:9]))[0]
    answer, _form = registered(desk, titles="1号台", username=name)
    assert f"({name})" in text(desk.get(answer["Location"]))


def test_the_code_is_shown_on_request_enrols_once_and_is_gone(desk):
    answer, _form = registered(desk, titles="1号台")
    page = text(desk.get(answer["Location"]))
    assert not re.search(r"[0-9A-Z]{5}-[0-9A-Z]{5}", page)
    device = hidden(page, "device")
    shown = text(desk.post("/devices/codes", {"device": device}))
    (code,) = re.findall(r'class="enrol-code">([0-9A-Z]{5}-[0-9A-Z]{5})<', shown)
    assert shown.count("data:image/svg+xml") == 1
    assert enrol_device(code)[0] == uuid.UUID(device)
    assert "已启用" in text(desk.get(answer["Location"]))
    gone = desk.post("/devices/codes", {"device": device})
    assert gone.status_code == 422 and "没有待启用的设备" in gone.content.decode()
    assert desk.post("/devices/codes", {"device": "x"}).status_code == 422


def test_all_that_wait_are_shown_together(desk):
    registered(desk)
    assert text(desk.post("/devices/codes", {})).count('class="enrol-code"') == 2


def test_a_lost_device_is_ended_after_asking_with_its_reason(desk):
    answer, _form = registered(desk, titles="1号台")
    path = answer["Location"]
    asked, back = say_yes(desk, f"{path}/end", {"reason": "遗失在路上", "valid_at": "2022-07-14T11:30"})
    assert "2022-07-14 11:30" in asked and back == path
    (row,) = devices(by=county_hand(), state="revoked")
    assert row.revoked_reason == "遗失在路上"
    page = text(desk.get(path))
    assert "已停用" in page and f"{path}/end" not in page
    assert desk.post(f"{path}/end", {"reason": ""}).status_code == 422


def test_who_sees_and_who_ends_devices(desk, villages, worker):
    answer, _form = registered(desk, titles="1号台")
    lead = signed_in(account(("task_force_lead", "testing", "469021"))[0])
    page = text(lead.get("/devices/"))
    assert 'href="/devices/"' in page and "device-form" not in page
    page = text(lead.get(answer["Location"]))
    assert "/end" in page and "/devices/codes" not in page
    assert lead.post("/devices/codes", {}).status_code == 403
    assert worker.get("/devices/").status_code == 403 and 'href="/devices/"' not in text(worker.get("/"))
    other = signed_in(account(("township", "community", "469021100"))[0])
    assert cells_or_nothing(other) == [] and other.get(answer["Location"]).status_code == 404
    assert other.post(f"{answer['Location']}/end", {"reason": "mine"}).status_code == 404


def cells_or_nothing(browser):
    page = text(browser.get("/devices/"))
    return [] if "<tbody>" not in page else cells(page)


def test_a_place_is_issued_codes_after_asking_and_its_cards_printed(office):
    page = text(office.get("/codes/"))
    assert cells(page)[0][1:4] == ["3", "0", "3"]
    asked, back = say_yes(office, "/codes/issue", {"within": hidden(page, "within")})
    assert ">3<" in asked and back == "/codes/"
    page = text(office.get("/codes/"))
    assert cells(page)[0][1:4] == ["3", "3", "0"] and "这里人人都有采样码" in page
    assert text(office.get("/codes/print")).count("data:image/svg+xml") == 3
    assert office.post("/codes/issue", {"within": "x"}).status_code == 422
    elsewhere = "469021100000000:469021100999999"
    assert (
        office.post("/codes/issue", {"within": elsewhere, "confirmed": "yes", "command": str(new_id())}).status_code
        == 403
    )


def test_the_cards_of_a_place_without_codes_lead_to_issuing(office):
    assert 'href="/codes/"' in text(office.get("/codes/print"))


def test_one_person_or_a_household_gets_codes_from_the_residents_page(office, villages):
    one, two, three = villages[0].people
    page = text(office.get(f"/people/{one}"))
    assert "尚未发放采样码" in page
    answer = office.post(f"/people/{one}/code", {"who": "one", "command": str(new_id())})
    assert text(office.get(answer["Location"])).count("data:image/svg+xml") == 1
    answer = office.post(f"/people/{two}/code", {"who": "household", "command": str(new_id())})
    assert text(office.get(answer["Location"])).count("data:image/svg+xml") == 3
    assert printed_code(three, by=county_hand()).serial == 1
    assert f"household={one}" in text(office.get(f"/people/{one}"))


@pytest.mark.parametrize(("again", "serial"), [("yes", 2), ("no", 1)])
def test_a_lost_card_is_ended_and_given_anew_after_asking(office, villages, again, serial):
    one = villages[0].people[0]
    office.post(f"/people/{one}/code", {"who": "one", "command": str(new_id())})
    (old,) = code_cards(by=county_hand())
    assert office.post(f"/people/{one}/code/end", {"reason": "stolen"}).status_code == 422
    say_yes(office, f"/people/{one}/code/end", {"reason": "lost", "reissue": again})
    code = printed_code(one, by=county_hand())
    assert code.serial == serial and (code.revoked_at is None) == (again == "yes")
    assert old.code not in [card.code for card in code_cards(by=county_hand())]
    assert ("遗失" in text(office.get(f"/people/{one}")).split('id="code"')[1].split("details")[0]) == (again == "no")


def test_codes_are_for_whoever_may_issue_them(worker, office, villages):
    one, stranger = villages[0].people[0], villages[1].people[0]
    assert 'id="code"' not in text(worker.get(f"/people/{one}")) and worker.get("/codes/").status_code == 403
    assert "/codes/" not in text(worker.get("/people/")) and "/codes/" in text(office.get("/people/"))
    answer = office.post(f"/people/{stranger}/code", {"who": "one", "command": str(new_id())})
    assert printed_code(stranger, by=county_hand()) is None and answer.status_code == 302
    assert office.get("/codes/print", {"resident": "x"}).status_code == 422
