"""The pages of positive pools: who is held where, what a person decides, and the notice that somebody is free."""

import re

import pytest

from lianfang.kit.clock import clock_at, local
from lianfang.kit.ids import new_id
from surfaces.console.browsing import account, cells, hidden, signed_in, text
from surfaces.console.scene import NOW, county_hand
from workflows.pool_making import HOUR, members, owed, report, resample, the_pool, tube

pytestmark = pytest.mark.django_db
pytest_plugins = ["surfaces.console.browsers"]

LATER = NOW + HOUR * 4


@pytest.fixture
def pool(villages):
    """A pool over two villages: somebody's resample is negative, another's positive, the others wait."""
    by = county_hand()
    made = tube(by, [*villages[0].people, *villages[1].people], NOW - HOUR)
    report(by, made, "positive", NOW)
    waiting = [one for one in members(by, made, NOW) if one.state == "to_resample"]
    resample(by, waiting[0], NOW + HOUR, "negative")
    resample(by, waiting[1], NOW + HOUR, "positive")
    with clock_at(LATER):
        yield by, made, the_pool(by, made), waiting


@pytest.fixture
def epidemiologist(pool):
    return signed_in(account(("epidemiologist", "epidemiology", "469021"))[0])


def test_the_list_counts_who_waits_for_what(pool, epidemiologist):
    _, _, row, _ = pool
    (shown,) = cells(text(epidemiologist.get("/pools/")))
    assert shown[0] == row.code and shown[4:10] == ["6", "2", "0", "1", "1", "0"]


def test_a_pool_shows_everybody_with_the_end_of_their_hold(pool, epidemiologist):
    _, _, row, waiting = pool
    page = text(epidemiologist.get(f"/pools/{row.id}"))
    for one in waiting:
        assert one.name in page
    assert "2022-07-15 12:00" in page
    assert re.search(r'class="lead tone-overdue">复核阳性、须立即登记病例：1人。', page), (
        "the gravest step stands on top"
    )
    assert "急诊优先" in page


@pytest.mark.parametrize(
    ("state", "people"), [("to_resample", 2), ("retest_negative", 1), ("retest_positive", 1), ("case", 2)]
)
def test_each_figure_opens_its_list(pool, epidemiologist, state, people):
    _, _, row, _ = pool
    sheet = epidemiologist.get(f"/pools/{row.id}", {"state": state, "export": "csv", "list": "pool_members"})
    assert len(sheet.content.decode("utf-8-sig").splitlines()) == 1 + people


def test_letting_go_asks_first_and_leaves_a_notice(pool, epidemiologist):
    by, made, row, waiting = pool
    page = text(epidemiologist.get(f"/pools/{row.id}"))
    form = {"people": hidden(page, "people"), "reason": "单采复核阴性"}
    asked = text(epidemiologist.post(f"/pools/{row.id}/release", form))
    assert waiting[0].name in asked and waiting[1].name not in asked
    assert [one.state for one in members(by, made, LATER)].count("released") == 0
    sent = form | {"confirmed": "yes", "command": hidden(asked, "command"), "valid_at": hidden(asked, "valid_at")}
    for _ in range(2):
        assert epidemiologist.post(f"/pools/{row.id}/release", sent).status_code == 302
    assert [one.state for one in members(by, made, LATER)].count("released") == 1
    notice = text(epidemiologist.get(f"/pools/{row.id}/people/{waiting[0].id}"))
    assert "不留任何限制" in notice and "单采复核阴性" in notice


def test_a_positive_resample_is_registered_from_the_page(pool, epidemiologist):
    by, made, row, waiting = pool
    form = {"member": str(waiting[1].id), "class_code": "asymptomatic_case", "reason": "复核阳性"}
    asked = text(epidemiologist.post(f"/pools/{row.id}/case", form))
    sent = form | {"confirmed": "yes", "command": hidden(asked, "command"), "valid_at": hidden(asked, "valid_at")}
    assert epidemiologist.post(f"/pools/{row.id}/case", sent).status_code == 302
    assert [one.state for one in members(by, made, LATER)].count("case") == 3, "two were cases before"


def test_a_community_sees_and_tells_its_own(pool, villages):
    by, _, row, waiting = pool
    officer = signed_in(account(("community", "community", str(villages[0].code)))[0])
    page = text(officer.get(f"/pools/{row.id}"))
    mine = [one for one in waiting if one.division_code // 1000 == villages[0].code]
    assert all(one.name in page for one in mine)
    assert not any(one.name in page for one in waiting if one not in mine)
    form = {"people": hidden(page, "people")}
    asked = text(officer.post(f"/pools/{row.id}/tell", form))
    sent = form | {"confirmed": "yes", "command": hidden(asked, "command"), "valid_at": hidden(asked, "valid_at")}
    assert officer.post(f"/pools/{row.id}/tell", sent).status_code == 302
    assert len(owed(by, "inform_pool_community")) == 1, "the other village still has to"


def test_the_police_say_that_they_know(pool):
    by, _, row, _ = pool
    station = signed_in(account(("police", "security", "469021"))[0])
    asked = text(station.post(f"/pools/{row.id}/acknowledge", {}))
    sent = {"confirmed": "yes", "command": hidden(asked, "command"), "valid_at": hidden(asked, "valid_at")}
    assert station.post(f"/pools/{row.id}/acknowledge", sent).status_code == 302
    assert owed(by, "inform_pool_police") == []


def test_who_is_in_another_county_is_handed_over_after_asking(pool, epidemiologist):
    by, made, row, waiting = pool
    page = text(epidemiologist.get(f"/pools/{row.id}"))
    offered = page[page.index(f"/pools/{row.id}/hand-over") :].split("</form>")[0]
    assert str(waiting[2].id) in offered and str(waiting[0].id) not in offered, "whoever is negative is let go here"
    form = {
        "member": str(waiting[2].id),
        "county_name": "屯昌县",
        "taken_over_by": "屯昌县疾控值班长",
        "reason": "人在屯昌",
    }
    asked = text(epidemiologist.post(f"/pools/{row.id}/hand-over", form))
    assert waiting[2].name in asked and "屯昌县疾控值班长" in asked
    assert [one.state for one in members(by, made, LATER)].count("handed_over") == 0
    sent = form | {"confirmed": "yes", "command": hidden(asked, "command"), "valid_at": hidden(asked, "valid_at")}
    for _ in range(2):
        assert epidemiologist.post(f"/pools/{row.id}/hand-over", sent).status_code == 302
    [gone] = [one for one in members(by, made, LATER) if one.state == "handed_over"]
    assert (gone.id, gone.handed_to) == (waiting[2].id, "屯昌县 · 屯昌县疾控值班长")
    assert epidemiologist.post(f"/pools/{row.id}/hand-over", form | {"taken_over_by": " "}).status_code == 422


def test_a_visit_in_vain_opens_the_next_one(pool):
    by, _, row, waiting = pool
    squad = signed_in(account(("rapid_squad", "testing", "469021"))[0])
    page = text(squad.get(f"/pools/{row.id}"))
    assert f"/pools/{row.id}/hand-over" not in page
    form = {"member": str(waiting[2].id), "reason": "敲门无人应", "next_at": "2022-07-14T19:00"}
    form["command"] = hidden(page[page.index(f"/pools/{row.id}/attempt") :], "command")
    before = {duty.id for duty in owed(by, "pool_resample")}
    for _ in range(2):
        assert squad.post(f"/pools/{row.id}/attempt", form).status_code == 302
    [visit] = [duty for duty in owed(by, "pool_resample") if duty.id not in before]
    assert visit.subject == waiting[2].id and len(owed(by, "pool_resample")) == len(before)
    assert visit.due_at >= local("2022-07-14 19:00")
    late = squad.post(f"/pools/{row.id}/attempt", form | {"next_at": "2022-07-14T08:00", "command": str(new_id())})
    assert late.status_code == 422 and "时间已过" in late.content.decode()


def test_forms_are_for_who_may_use_them(pool, epidemiologist, villages):
    _, _, row, _ = pool
    assert f"/pools/{row.id}/attempt" not in text(epidemiologist.get(f"/pools/{row.id}"))
    officer = signed_in(account(("community", "community", str(villages[0].code)))[0])
    page = text(officer.get(f"/pools/{row.id}"))
    assert f"/pools/{row.id}/attempt" not in page and f"/pools/{row.id}/hand-over" not in page
