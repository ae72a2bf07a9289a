"""Who gets in: nobody unknown, nobody past their area, no form from elsewhere; and what they are told."""

import re
import uuid

import pytest
from django.http import HttpResponse
from django.test import Client
from django.urls import URLPattern, get_resolver

from conftest import make_actor
from lianfang.core.access.audit import record_audit
from lianfang.core.access.scope import current_actor
from lianfang.kit.codes import unit_range
from lianfang.kit.refusals import Conflict
from lianfang.response.screening.actions import print_sheets
from lianfang.response.screening.queries import sheets
from lianfang.surfaces.console import urls
from lianfang.surfaces.console.queries import count_audit, duty_line
from lianfang.surfaces.session import POLICY
from surfaces.console.browsing import PASSWORD, account, signed_in
from surfaces.console.custody_scene import tubes_on_their_way
from surfaces.console.scene import NOW, county_hand
from workflows.pool_making import members, report, the_pool, tube

pytestmark = pytest.mark.django_db
pytest_plugins = ["surfaces.console.browsers"]

OPEN = {"sign_in", "choose_language"}
#: what takes only POST
FORMS = {
    "acknowledge_pool", "assign_crew", "call_slot", "choose_grant", "choose_language", "close_round", "confirm_exclusions",
    "confirm_slots", "count_queue", "decide_parcel", "decide_round", "end_code", "end_device", "enrolment_codes", "finish_duty",
    "give_task", "hand_over_positive", "hazard_contact", "report_hazard", "tell_reporter", "withdraw_task",
    "issue_code", "issue_codes", "open_identifier", "open_lanes", "open_needed_sites", "open_round",
    "order_home_sampling", "plan_slots", "print_sheets", "record_recall", "record_resample_attempt", "record_visit",
    "register_devices", "register_lab", "register_pool_case", "release_pool", "relieve_crew", "replan_slots", "set_desk_phone", "settle_difference", "settle_sheet", "sign_out",
    "take_parcel_file", "tell_pool", "tell_result", "waive_duty", "wipe_device", "withdraw_exclusion",
}  # fmt: skip
#: records of a round that the scene has none of
NOT_THERE = {"exclusion", "hazard", "parcel", "photo", "task"}

#: parts of addresses that name tubes and laboratories
CUSTODY = {"lab", "code", "difference", "notice"}
#: pages that answer a commander otherwise: not theirs to see, or leading on
STATUS_ELSE = {"audit": 403, "home_sampling": 403, "send_results": 403, "result_notice": 302} | dict.fromkeys(
    ("codes", "device", "devices", "print_codes", "print_round", "print_sheet", "type_in"), 403
)


def address(pattern: URLPattern, numbers: dict[str, object]) -> str:
    """The path of a route, each of its parts taken from ``numbers`` or made up."""
    made_up = {"int": 1, "uuid": uuid.UUID(int=7), "str": "none", "path": "none", "slug": "none", "day": "2022-07-14"}

    def part(found: re.Match[str]) -> str:
        return str(numbers.get(found[2], made_up[found[1]]))

    return "/" + re.sub(r"<(\w+):(\w+)>", part, str(pattern.pattern))


def routes() -> list[URLPattern]:
    """Every page of the console, and of the surfaces that stand on it."""
    found = list(urls.urlpatterns)
    for one in get_resolver().url_patterns:
        found += [p for p in getattr(one, "url_patterns", []) if isinstance(p, URLPattern) and p not in found]
    return [one for one in found if not str(one.pattern).startswith(("openapi", "docs")) and one.name]


def a_sheet_of(village):
    """A paper sheet of the village's round."""
    by, place = county_hand(), unit_range(village.code * 1000)
    print_sheets(village.round, by=by, within=place, valid_at=NOW)
    return sheets(village.round, by=by)[0].id


def pages() -> list[URLPattern]:
    return [one for one in urls.urlpatterns if one.name not in FORMS | OPEN]


@pytest.mark.parametrize("route", [one for one in routes() if one.callback.__module__.startswith("lianfang")], ids=str)
@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_unknown_gets_further_than_the_sign_in_page(client, route, method):
    if route.name in OPEN or "ninja" in route.callback.__module__:
        return
    answer = getattr(client, method)(address(route, {}))
    assert answer.status_code == 302 and answer["Location"].startswith("/sign-in?next=%2F")


@pytest.mark.parametrize("name", sorted(FORMS | {"sign_in"}))
def test_a_form_without_its_token_is_refused(villages, name):
    browser = signed_in(account(("commander", "command", "469021"))[0])
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = browser.cookies
    route = next(one for one in urls.urlpatterns if one.name == name)
    answer = strict.post(address(route, {"duty": villages[0].duty, "resident": villages[0].people[0]}), {"grant": "x"})
    assert answer.status_code == 403 and "表单已过期" in answer.content.decode()


@pytest.mark.parametrize("name", sorted(FORMS - {"choose_language"}))
def test_a_link_never_changes_anything(headquarters, villages, name):
    route = next(one for one in urls.urlpatterns if one.name == name)
    numbers = {"duty": villages[0].duty, "resident": villages[0].people[0]}
    assert headquarters.get(address(route, numbers)).status_code == 405


@pytest.mark.parametrize("route", pages(), ids=lambda route: route.name)
def test_another_villages_records_are_refused_and_never_shown(route, villages, office, worker):
    _home, other = villages
    private = {"duty": other.duty, "resident": other.people[0], "case": other.case, "order": other.order}
    private["round"], private["site"] = other.round, other.site
    if "<uuid:sheet>" in str(route.pattern):
        private["sheet"] = a_sheet_of(other)
    part = re.search(r"<\w+:(\w+)>", str(route.pattern))
    for browser in (office, worker):
        answer = browser.get(address(route, private | {"zone": other.zone}))
        assert other.name + "测试" not in answer.content.decode()
        if part and part[1] in private:
            assert answer.status_code in (403, 404)


@pytest.mark.parametrize("route", pages(), ids=lambda route: route.name)
def test_the_same_pages_answer_to_whom_they_concern(route, villages, headquarters):
    home = villages[0]
    numbers = {"duty": home.duty, "resident": home.people[0], "case": home.case, "order": home.order}
    numbers |= {"round": home.round, "earlier": home.round, "zone": home.zone, "site": home.site}
    if str(route.pattern).startswith("pools/<"):
        by = county_hand()
        made = tube(by, home.people)
        report(by, made, "positive", NOW)
        numbers |= {"pool": the_pool(by, made).id, "member": members(by, made, NOW)[0].id}
    if "<uuid:sheet>" in str(route.pattern):
        numbers["sheet"] = a_sheet_of(home)
    if CUSTODY & set(re.findall(r"<\w+:(\w+)>", str(route.pattern))):
        scene = tubes_on_their_way(county_hand(), home)
        numbers |= {
            "lab": scene.lab,
            "code": scene.tubes["lab"],
            "difference": scene.difference,
            "notice": scene.notice,
        }
    answer = headquarters.get(address(route, numbers))
    assert answer.status_code == STATUS_ELSE.get(str(route.name), 404 if route.name in NOT_THERE else 200)


@pytest.mark.parametrize("name", ["duties", "people", "duty_branches", "round", "missing", "round_people"])
def test_another_village_cannot_be_asked_for_by_its_code(name, villages, office):
    home, other = villages
    route = next(one for one in urls.urlpatterns if one.name == name)
    answer = office.get(address(route, {"round": home.round}), {"within": f"{other.code}000"})
    assert answer.status_code == 403 and other.name + "测试" not in answer.content.decode()


def test_exports_hold_no_row_of_another_village(villages, office):
    _home, other = villages
    for name in ("duties", "people", "cases", "contacts", "quarantine", "checkpoints"):
        text = office.get(f"/{name}/", {"export": "csv"}).content.decode()
        assert other.name not in text


def test_work_in_another_village_is_not_finished_from_here(villages, office):
    form = {"outcome": "recorded", "confirmed": "yes", "command": str(uuid.uuid4())}
    assert office.post(f"/duties/{villages[1].duty}/finish", form).status_code == 404
    assert duty_line(villages[1].duty, by=county_hand()).state == "outstanding"


def test_a_page_that_the_post_may_not_see_says_so(worker):
    answer = worker.get("/audit/")
    assert answer.status_code == 403 and "本岗位在此无权操作" in answer.content.decode()
    assert "/audit/" not in worker.get("/").content.decode()


def test_what_a_view_wrote_before_it_refused_is_undone(headquarters, monkeypatch):
    """The same view, once without and once with a refusal at its end."""

    def view(request):
        record_audit(current_actor(), "test.written", subject=("test", None), division_code=469021 * 10**9)
        if "refuse" in request.GET:
            raise Conflict("somebody was first")
        return HttpResponse()

    route = next(one for one in urls.urlpatterns if one.name == "situation")
    monkeypatch.setattr(route, "callback", view)
    auditor = make_actor("access.read_audit", line="audit")
    answer = headquarters.get("/", {"refuse": "yes"})
    assert answer.status_code == 409 and "somebody was first" in answer.content.decode()
    assert count_audit(by=auditor, verb="test.written") == 0
    assert headquarters.get("/").status_code == 200
    assert count_audit(by=auditor, verb="test.written") == 1


def test_something_broken_shows_no_trace(villages, monkeypatch):
    browser = signed_in(account(("commander", "command", "469021"))[0], raise_request_exception=False)

    def broken(request):
        raise ZeroDivisionError("inner words")

    monkeypatch.setattr(next(one for one in urls.urlpatterns if one.name == "situation"), "callback", broken)
    answer = browser.get("/")
    assert answer.status_code == 500
    assert "没有写入任何内容" in answer.content.decode() and "inner words" not in answer.content.decode()


def test_an_address_that_leads_nowhere_says_what_to_do(headquarters):
    answer = headquarters.get("/nowhere")
    assert answer.status_code == 404 and "从态势页重新进入" in answer.content.decode()


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ("at=0002-01-01T00:00", 200),
        ("at=0001-01-01T00:00%2B14:00", 422),
        ("at=2022-07-14T12:00%2B23:59", 200),
        ("at=9999-12-31T23:59-14:00", 422),
        ("state=%00", 404),
        ("kind=%00", 404),
    ],
)
def test_no_address_breaks_a_page(headquarters, question, status):
    assert headquarters.get(f"/duties/?{question}").status_code == status


def test_signing_in_leads_on_and_never_elsewhere(villages):
    name = account(("commander", "command", "469021"))[0]
    for target, landed in (("/duties/", "/duties/"), ("https://evil.example/", "/"), ("//evil.example", "/")):
        form = {"username": name, "password": PASSWORD, "next": target}
        assert Client().post("/sign-in", form)["Location"] == landed


@pytest.fixture
def fresh_tries(tmp_path, settings):
    """Buckets of the test's own, so that neither its tries nor its neighbours' count for the other."""
    from lianfang.core.access.limits import store

    settings.RATES_FILE = tmp_path / "rates"
    store.cache_clear()
    yield
    store.cache_clear()


def test_too_many_wrong_passwords_have_to_wait(client, villages, fresh_tries):
    name = account(("commander", "command", "469021"))[0]
    wrong = [client.post("/sign-in", {"username": name, "password": "wrong"}).status_code for _ in range(9)]
    assert wrong == [401] * 8 + [429]
    assert client.post("/sign-in", {"username": name, "password": PASSWORD}).status_code == 429
    other = account(("commander", "command", "469021"))[0]
    assert client.post("/sign-in", {"username": other, "password": PASSWORD}).status_code == 302


def test_one_acts_under_one_grant_at_a_time(villages):
    home, other = villages
    name, actors = account(("community", "community", str(home.code)), ("community", "community", str(other.code)))
    browser = signed_in(name)
    shown = []
    for actor in actors:
        assert browser.post("/grant", {"grant": str(actor.grant_id)}).status_code == 302
        text = browser.get("/people/").content.decode()
        shown.append([village.name + "测试" in text for village in villages])
    assert sorted(shown) == [[False, True], [True, False]]


def test_a_grant_of_somebody_else_is_not_taken(villages, office):
    stranger = account(("commander", "command", "469021"))[1][0]
    assert office.post("/grant", {"grant": str(stranger.grant_id)}).status_code == 401
    assert villages[1].name + "测试" not in office.get("/people/").content.decode()


def test_signing_out_ends_it(office):
    office.post("/sign-out")
    assert office.get("/people/").status_code == 302


def test_nothing_may_run_or_load_from_elsewhere(headquarters, client):
    for answer in (headquarters.get("/"), headquarters.get("/nowhere"), client.get("/sign-in")):
        assert answer["Content-Security-Policy"] == POLICY and answer["Cache-Control"] == "no-store"
