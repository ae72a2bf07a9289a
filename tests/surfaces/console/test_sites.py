"""The pages of sampling sites: what is needed, planned, confirmed, called, counted and planned anew, by their forms."""

import pytest

from lianfang.core.access.scope import acting
from lianfang.core.people.models import Vulnerability
from lianfang.kit.clock import clock_at, local
from lianfang.kit.ids import new_id
from lianfang.response.sampling.queries import home_sampling_list, lanes_of, plans_of, site_flow_now, site_lines, slots
from lianfang.response.screening.actions import open_round
from lianfang.response.screening.rules import AreaEntry
from surfaces.console.browsing import account, cells, hidden, signed_in, text
from surfaces.console.scene import ED9, NOW, county_hand

pytestmark = pytest.mark.django_db
pytest_plugins = ["surfaces.console.browsers"]


@pytest.fixture
def home(villages):
    return villages[0]


@pytest.fixture
def lead(villages):
    """A browser of the county's testing task force."""
    return signed_in(account(("task_force_lead", "testing", "469021"))[0])


def say_yes(browser, path, form):
    """Send a form and say yes on the page that asks."""
    asked = text(browser.post(path, form))
    given = {name: hidden(asked, name) for name in (*form, "valid_at", "command")}
    answer = browser.post(path, given | {"confirmed": "yes"})
    assert answer.status_code == 302, answer.content.decode()[:2000]
    return asked


def planned(lead, home):
    """A plan made and confirmed on the round's page."""
    path = f"/rounds/{home.round}/sites"
    page = text(lead.get(path))
    assert "下一步：编排" in page
    form = {"starts_at": "2022-07-14T12:00", "command": hidden(page, "command")}
    assert lead.post(f"{path}/plan", form).status_code == 302
    page = text(lead.get(path))
    assert "等待确认" in page
    say_yes(lead, f"{path}/confirm", {"plan": hidden(page, "plan")})


def test_the_page_says_what_each_place_needs(lead, home):
    page = text(lead.get(f"/rounds/{home.round}/sites"))
    assert home.name + "采样点" in page and "暂无方案" in page
    export = lead.get(f"/rounds/{home.round}/sites", {"export": "csv", "list": "site_needs"}).content.decode()
    assert export.splitlines()[1].endswith(",3,1,1,1,2,1,2,10")


def test_sites_that_are_missing_are_opened_after_asking(lead, home):
    by, code = county_hand(), home.code * 1000
    bare = open_round(
        by=by, incident=new_id(), area_code=code, title="bare", pack=ED9, areas=[AreaEntry(code, code + 999)], valid_at=NOW
    )  # fmt: skip
    path = f"/rounds/{bare.id}/sites"
    assert "还有1个采样点未开设" in text(lead.get(path))
    say_yes(lead, f"{path}/open", {"code": str(code)})
    [line] = site_lines(bare.id, by=by)
    assert (line.tables, line.samplers) == (1, 1)
    refused = lead.post(f"{path}/open", {"code": str(code)})
    assert refused.status_code == 422 and "不需要再增设" in refused.content.decode()


def test_a_plan_is_made_confirmed_and_called(lead, home):
    planned(lead, home)
    page = text(lead.get(f"/sites/{home.site}"))
    assert "通知下一批" in page and "排队与方案相符" in page
    form = {"slot": hidden(page, "slot"), "command": hidden(page, "command")}
    for _ in range(2):
        assert lead.post(f"/sites/{home.site}/call", form).status_code == 302
    by = county_hand()
    assert [row.called_at for row in slots(home.site, by=by)] == [NOW]
    assert "已通知" in text(lead.get(f"/sites/{home.site}"))


def test_a_long_line_turns_the_page_red_and_the_plan_is_made_anew(lead, home):
    planned(lead, home)
    page = text(lead.get(f"/sites/{home.site}"))
    line = {"waiting": "60", "command": hidden(page, "command")}
    assert lead.post(f"/sites/{home.site}/queue", line).status_code == 302
    page = text(lead.get(f"/sites/{home.site}"))
    assert "tone-overdue" in page and "请为尚未通知的人员重新编排" in page
    say_yes(lead, f"/sites/{home.site}/replan", {"reason": "一台停用"})
    by = county_hand()
    assert [(plan.state, plan.waiting) for plan in plans_of(by=by, site=home.site)] == [
        ("in_force", 60),
        ("superseded", 0),
    ]
    assert site_flow_now(home.site, by=by).waiting == 60


@pytest.mark.parametrize("waiting", ["", "many", "-3", "٣"])
def test_a_number_that_is_none_is_refused(lead, home, waiting):
    page = text(lead.get(f"/sites/{home.site}"))
    answer = lead.post(f"/sites/{home.site}/queue", {"waiting": waiting, "command": hidden(page, "command")})
    assert answer.status_code == 422


def test_lanes_are_opened_by_their_tables(lead, home):
    page = text(lead.get(f"/sites/{home.site}"))
    form = {"symptomatic": "1", "yellow_code": "0", "command": hidden(page, "command")}
    assert lead.post(f"/sites/{home.site}/lanes", form).status_code == 302
    assert lanes_of(home.site, by=county_hand()) == {"ordinary": 1, "symptomatic": 1}


def test_who_may_only_look_sees_no_forms(home, villages):
    browser = signed_in(account(("inspector", "inspection", "469021"))[0])
    for path in (f"/rounds/{home.round}/sites", f"/sites/{home.site}"):
        page = text(browser.get(path))
        assert 'method="post" action="/sites' not in page and 'method="post" action="/rounds' not in page


def test_what_was_is_looked_at_without_forms(lead, home):
    planned(lead, home)
    with clock_at(local("2022-07-14 13:00")):
        page = text(lead.get(f"/sites/{home.site}", {"at": "2022-07-14T12:30"}))
        assert f'action="/sites/{home.site}/call"' not in page
        assert len(cells('<div id="list">' + page[page.index("<tbody>") - 7 :])) == 1


def test_who_may_not_be_able_to_come_is_listed_and_ordered_for(office, home):
    by = county_hand()
    with acting(by):
        Vulnerability.objects.create(
            county=469021,
            resident=home.people[2],
            division_code=home.code * 1000 + 11,
            kind="bedridden",
            since=NOW.date(),
        )
    path = f"/rounds/{home.round}/home-sampling"
    page = text(office.get(path))
    assert f"{home.name}测试3" in page and "另有1人可能无法到场" in page
    say_yes(office, f"{path}/order", {})
    assert [row.resident for row in home_sampling_list(home.round, by=by)] == [home.people[2]]
    assert "另有0人可能无法到场" in text(office.get(path))
    assert office.post(f"{path}/order").status_code == 422


def test_sampling_at_home_is_not_shown_to_who_only_looks(home):
    browser = signed_in(account(("inspector", "inspection", "469021"))[0])
    assert browser.get(f"/rounds/{home.round}/home-sampling").status_code == 403
    assert "home-sampling" not in text(browser.get(f"/rounds/{home.round}/sites"))
