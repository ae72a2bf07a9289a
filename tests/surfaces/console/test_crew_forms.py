"""The crew on a site's page: whoever is missing is found, ticked, put to a function, and relieved after asking."""

import pytest

from conftest import XINZHU
from lianfang.core.access.actions import ADMINISTRATION, create_posts
from lianfang.core.access.rules import NewPost
from lianfang.core.access.scope import acting
from lianfang.kit.codes import code_range
from lianfang.kit.ids import new_id
from lianfang.response.sampling.queries import crew_of, site_of
from lianfang.response.workforce.models import Organisation, Responder
from surfaces.console.browsing import account, hidden, signed_in, text
from surfaces.console.scene import NOW, county_hand

pytestmark = pytest.mark.django_db
pytest_plugins = ["surfaces.console.browsers"]


@pytest.fixture
def home(villages):
    return villages[0]


@pytest.fixture
def lead(villages):
    """A browser of the county's testing task force."""
    return signed_in(account(("task_force_lead", "testing", "469021"))[0])


@pytest.fixture
def nurses(home):
    """Three people on duty: the third may not wear protective clothing."""
    by, place = county_hand(), home.code * 1000
    with acting(by):
        hospital = Organisation.objects.create(
            county=469021, name="县医院", kind="hospital", level="county", division_code=place, recorded_at=NOW,
            account=by.account_id,
        )  # fmt: skip
        return [
            Responder.objects.create(
                county=469021, name=name, kind="medic", organisation=hospital, division_code=place, present_code=place,
                protective=name != "丙护士", recorded_at=NOW, registered_by=by.account_id,
            ).id
            for name in ("甲护士", "乙护士", "丙护士")
        ]  # fmt: skip


def working(home, function):
    [line] = [one for one in crew_of(home.site, by=county_hand()) if one.function == function]
    return [member.name for member in line.members]


def put(browser, home, function, *ticked):
    path = f"/sites/{home.site}"
    page = text(browser.get(path, {"function": function}))
    command = hidden(page[page.index(f"{path}/crew") :], "command")
    return browser.post(f"{path}/crew", {"command": command, "function": function} | dict.fromkeys(ticked, "yes"))


def test_a_site_without_a_leader_is_given_one_where_it_says_so(lead, home):
    seat = NewPost("township", "community", "新竹镇包点领导", code_range(XINZHU))
    create_posts([seat], by=ADMINISTRATION)
    path = f"/sites/{home.site}?function=leader"
    for where in (f"/sites/{home.site}", f"/rounds/{home.round}/sites"):
        page = text(lead.get(where))
        assert f'href="{path}#assign">无人负责：请指定' in page
    assert "新竹镇包点领导" in text(lead.get(path))
    assert put(lead, home, "leader", f"post-{seat.id}").status_code == 302
    assert site_of(home.site, by=county_hand()).leader_title == "新竹镇包点领导"
    for where in (f"/sites/{home.site}", f"/rounds/{home.round}/sites"):
        page = text(lead.get(where))
        assert "无人负责" not in page and "新竹镇包点领导" in page


def test_several_are_ticked_at_once_and_a_form_sent_twice_counts_once(lead, home, nurses):
    path = f"/sites/{home.site}"
    page = text(lead.get(path, {"function": "sampler"}))
    assert "甲护士" in page and "丙护士" not in page, "the third may not wear the clothing"
    form = {"command": hidden(page[page.index(f"{path}/crew") :], "command"), "function": "sampler"}
    form |= {f"responder-{one}": "yes" for one in nurses[:2]}
    for _ in range(2):
        assert lead.post(f"{path}/crew", form).status_code == 302
    assert sorted(working(home, "sampler")) == ["乙护士", "甲护士"]
    again = text(lead.get(path, {"function": "registrar"}))
    assert f"responder-{nurses[0]}" not in again and f"responder-{nurses[2]}" in again


def test_somebody_is_found_by_a_part_of_the_name(lead, home, nurses):
    page = text(lead.get(f"/sites/{home.site}", {"function": "sampler", "find": "乙"}))
    assert f"responder-{nurses[1]}" in page and f"responder-{nurses[0]}" not in page
    assert "没有此姓名" in text(lead.get(f"/sites/{home.site}", {"function": "sampler", "find": "nobody"}))


def test_whoever_is_relieved_is_free_after_asking(lead, home, nurses):
    put(lead, home, "sampler", *(f"responder-{one}" for one in nurses[:2]))
    [line] = [one for one in crew_of(home.site, by=county_hand()) if one.function == "sampler"]
    gone = next(member for member in line.members if member.name == "甲护士")
    path, form = f"/sites/{home.site}/crew/relieve", {f"member-{gone.id}": "yes"}
    asked = text(lead.post(path, form))
    assert "甲护士" in asked and "乙护士" not in asked and len(working(home, "sampler")) == 2
    sent = form | {"confirmed": "yes", "command": hidden(asked, "command"), "valid_at": hidden(asked, "valid_at")}
    for _ in range(2):
        assert lead.post(path, sent).status_code == 302
    assert working(home, "sampler") == ["乙护士"]
    assert f"responder-{gone.responder}" in text(lead.get(f"/sites/{home.site}", {"function": "sampler"}))


def test_nobody_ticked_is_refused(lead, home):
    assert put(lead, home, "sampler").status_code == 422
    assert lead.post(f"/sites/{home.site}/crew/relieve", {"command": str(new_id())}).status_code == 422


def test_the_first_function_that_lacks_somebody_is_offered(lead, home, nurses):
    page = text(lead.get(f"/sites/{home.site}"))
    assert hidden(page[page.index(f"/sites/{home.site}/crew") :], "function") == "leader"
    put(lead, home, "leader", f"responder-{nurses[2]}")
    page = text(lead.get(f"/sites/{home.site}"))
    assert hidden(page[page.index(f"/sites/{home.site}/crew") :], "function") == "registrar"


def test_who_may_not_assign_sees_no_forms(home):
    browser = signed_in(account(("inspector", "inspection", "469021"))[0])
    page = text(browser.get(f"/sites/{home.site}"))
    assert "/crew" not in page and "#assign" not in page
    answer = browser.post(f"/sites/{home.site}/crew", {"command": str(new_id()), "function": "leader", "post-x": "yes"})
    assert answer.status_code in (403, 422)
    assert "#assign" not in text(browser.get(f"/rounds/{home.round}/sites"))
