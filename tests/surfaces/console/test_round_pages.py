"""Rounds at the desk: opened over a zone, worked down to the last door, signed off with a name, compared and decided."""

import csv
import html
import io
import re
from datetime import timedelta

import pytest

from lianfang.kit.clock import clock_at
from lianfang.kit.ids import new_id
from lianfang.response.screening import actions, queries
from lianfang.response.screening.rules import ExclusionEntry
from making import make_resident
from surfaces.console.browsing import account, cells, hidden, signed_in, text
from surfaces.console.scene import NOW, county_hand

pytestmark = pytest.mark.django_db
pytest_plugins = ["surfaces.console.browsers"]


@pytest.fixture
def round(villages):
    return villages[0].round


@pytest.fixture
def lead(villages):
    """A browser of the county's task-force lead for testing."""
    return signed_in(account(("task_force_lead", "testing", "469021"))[0])


def send(browser, address, confirm=True, **form):
    """Fill in a form and, where it asks, say yes; the address one lands on."""
    answer = browser.post(address, {"command": str(new_id()), **form})
    if confirm and answer.status_code == 200:
        asked = answer.content.decode()
        kept = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', asked))
        kept = {name: html.unescape(value) for name, value in kept.items() if name != "csrfmiddlewaretoken"}
        answer = browser.post(address, kept)
    assert answer.status_code == 302, answer.content.decode()[:3000]
    return answer["Location"]


def account_of(round):
    return queries.accounted(round, by=county_hand())


def test_a_round_is_opened_over_a_zone_after_its_plan_was_seen(lead, villages):
    home, other = villages
    form = text(lead.get("/rounds/opening"))
    assert "zone 1" in form and "zone 2" in form
    asked = {"title": "第二轮", "zone": str(home.zone)}
    plan = text(lead.get("/rounds/opening", asked))
    assert re.search(r'figure-label">名册人数</span><span class="figure-value">3<', plan)
    assert "10人一管" in plan
    before = len(queries.rounds(by=county_hand()))
    form = {"command": hidden(plan, "command"), "incident": hidden(plan, "incident"), **asked}
    landed = [lead.post("/rounds/open", form)["Location"] for _ in range(2)]
    assert landed[0] == landed[1] and len(queries.rounds(by=county_hand())) == before + 1
    assert "第2轮" in text(lead.get(landed[0]))
    refused = text(lead.get("/rounds/opening", asked | {"unit": f"{home.code}000"}))
    assert "leave it out" in refused and 'action="/rounds/open"' not in refused
    nobody = text(lead.get("/rounds/opening", {"title": "x", "unit": "469021100999000"}))
    assert "Nobody is registered there" in nobody
    assert lead.get("/rounds/opening", {"zone": "x"}).status_code == 422
    assert other.name not in plan


def test_only_who_may_open_rounds_sees_the_form(office, worker, headquarters):
    assert office.get("/rounds/opening").status_code == 403 == worker.get("/rounds/opening").status_code
    assert "/rounds/opening" in text(headquarters.get("/rounds/")) and "/rounds/opening" not in text(
        worker.get("/rounds/")
    )


def test_the_missing_are_worked_down_one_form_each(worker, villages, round):
    one, two, three = villages[0].people
    page = text(worker.get(f"/rounds/{round}/missing"))
    assert page.count('<article class="person">') == 3 and "****" in page and "1001234567" not in page
    later = (NOW + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M")
    send(worker, f"/rounds/{round}/missing/{one}", outcome="appointment", appointment_at=later)
    send(worker, f"/rounds/{round}/missing/{two}", outcome="could_not", note="nobody home")
    assert account_of(round).missing == 3
    visited = {row.resident: row for row in queries.missing(round, by=county_hand())}
    assert visited[one].appointment_at == NOW + timedelta(hours=3) and visited[two].last_outcome == "could_not"
    back = send(
        worker,
        f"/rounds/{round}/missing/{three}",
        outcome="excluded",
        reason="away",
        where="海口",
        within=f"{villages[0].code}000",
    )
    assert account_of(round).missing == 2 and "undo=" in back and "within=" in back
    undo = re.search(r'action="(/rounds/[^"]+/withdraw)"', text(worker.get(back)))[1]
    send(worker, undo)
    assert account_of(round).missing == 3
    send(worker, f"/rounds/{round}/missing/{three}", outcome="found_elsewhere", where="三亚")
    assert account_of(round).missing == 2


@pytest.mark.parametrize(
    "form",
    [
        {"outcome": "excluded", "reason": "away"}, {"outcome": "excluded"}, {"outcome": "could_not"},
        {"outcome": "appointment"}, {"outcome": "found_elsewhere"}, {"outcome": "arrested"},
        {"outcome": "appointment", "appointment_at": "2022-07-13T10:00"},
    ],
    ids=lambda form: "-".join(form.values()),
)  # fmt: skip
def test_half_a_visit_is_refused_with_what_to_fill_in(worker, villages, round, form):
    answer = worker.post(f"/rounds/{round}/missing/{villages[0].people[0]}", form | {"command": str(new_id())})
    assert answer.status_code == 422 and account_of(round).missing == 3
    assert {row.visits for row in queries.missing(round, by=county_hand())} == {0}


def test_a_button_pressed_twice_writes_one_visit(worker, villages, round):
    form = {"outcome": "could_not", "note": "nobody home", "command": str(new_id())}
    for _ in range(2):
        assert worker.post(f"/rounds/{round}/missing/{villages[0].people[0]}", form).status_code == 302
    assert sum(row.visits for row in queries.missing(round, by=county_hand())) == 1


def test_buildings_and_households_lead_to_their_people(office, villages, round):
    page = text(office.get(f"/rounds/{round}/buildings"))
    homes = html.unescape(re.search(r'href="(/rounds/[^"]+/households[^"]*)"', page)[1])
    page = text(office.get(homes))
    people = html.unescape(re.search(r'href="(/rounds/[^"]+/people\?[^"]*household=[^"]*)"', page)[1])
    listed = text(office.get(people))
    assert all(f"{villages[0].name}测试{n}" in listed for n in (1, 2, 3))
    assert "竹组1号" in page
    sheet = office.get(f"/rounds/{round}/households", {"export": "csv"}).content.decode("utf-8-sig")
    assert len(list(csv.reader(io.StringIO(sheet)))) == 2


def test_the_denominator_opens_the_list_behind_each_of_its_reasons(office, villages, round):
    person = villages[0].people[0]
    actions.exclude_people(round, [ExclusionEntry(new_id(), person, "medical")], by=county_hand(), valid_at=NOW)
    page = text(office.get(f"/rounds/{round}"))
    section = page.split('id="denominator"')[1].split("</section>")[0]
    rows = [html.unescape(href) for href in re.findall(r'href="(/rounds/[^"]+/people\?[^"]+)"', section)]
    totals = []
    for href in rows:
        total = re.search(r"共(\d+)条", text(office.get(href)).split('id="list"')[1])
        totals.append(int(total[1]))
    assert totals == [3, 1, 2]


def test_proposed_exclusions_are_confirmed_name_by_name(villages, round, headquarters):
    by = county_hand()
    grid = villages[0].code * 1000 + 11
    away = make_resident(by=by, grid=grid, present_code=469021100004001, present_place="Haikou", present_since=NOW).id
    fresh = actions.open_round(
        by=by, incident=queries.round_row(round, by=by).incident, area_code=villages[0].code * 1000, title="second",
        pack="covid19-cn-ed9", areas=[actions.rounds.AreaEntry(villages[0].code * 1000, villages[0].code * 1000 + 999)],
        valid_at=NOW,
    ).id  # fmt: skip
    office = signed_in(account(("community", "community", str(villages[0].code)))[0])
    page = text(office.get(f"/rounds/{fresh}/exclusions/proposed"))
    assert f'name="keep-{away}" value="away" checked' in page and 'value="Haikou"' in page
    assert account_of(fresh).reasoned == 0
    address = f"/rounds/{fresh}/exclusions/confirm"
    assert office.post(address, {"command": str(new_id())}).status_code == 422
    empty = {f"keep-{away}": "away", f"where-{away}": " ", "command": str(new_id())}
    assert office.post(address, empty).status_code == 422
    asked = office.post(address, {f"keep-{away}": "away", f"where-{away}": "海口", "command": str(new_id())})
    assert asked.status_code == 200 and account_of(fresh).reasoned == 0
    send(office, address, **{f"keep-{away}": "away", f"where-{away}": "海口"})
    assert account_of(fresh).reasoned == 1
    assert "keep-" not in text(headquarters.get(f"/rounds/{fresh}/exclusions/proposed"))


def test_the_writer_is_told_that_somebody_else_calls_and_a_second_person_answers(villages, round, lead):
    name, actors = account(("community", "community", str(villages[0].code)))
    entries = [ExclusionEntry(new_id(), person, "away", "Haikou") for person in villages[0].people[:2]]
    actions.exclude_people(round, entries, by=actors[0], valid_at=NOW)
    (drawn,) = queries.recalls_to_make(round, by=county_hand())
    writer = signed_in(name)
    page = text(writer.get(f"/rounds/{round}/recalls"))
    assert "须由他人" in page and 'name="answer"' not in page
    form = {"answer": "true", "command": str(new_id())}
    assert writer.post(f"/rounds/{round}/recalls/{drawn.exclusion}", form).status_code == 422
    assert 'value="untrue"' in text(lead.get(f"/rounds/{round}/recalls"))
    send(lead, f"/rounds/{round}/recalls/{drawn.exclusion}", answer="untrue", note="at home")
    assert account_of(round).missing == 2 and queries.count_recalls_to_make(round, by=county_hand()) == 0
    assert lead.post(f"/rounds/{round}/recalls/{drawn.exclusion}", {"answer": "perhaps"}).status_code == 422


def test_a_second_person_confirms(villages, round, lead):
    entry = ExclusionEntry(new_id(), villages[0].people[0], "away", "Haikou")
    actions.exclude_people(round, [entry], by=county_hand(), valid_at=NOW)
    send(lead, f"/rounds/{round}/recalls/{entry.id}", answer="true")
    assert account_of(round).reasoned == 1 and queries.count_recalls_to_make(round, by=county_hand()) == 0


def test_an_exclusion_is_taken_back_by_its_writer_alone(villages, round, lead):
    name, actors = account(("community", "community", str(villages[0].code)))
    entry = ExclusionEntry(new_id(), villages[0].people[0], "away", "Haikou")
    actions.exclude_people(round, [entry], by=actors[0], valid_at=NOW)
    page = f"/rounds/{round}/exclusions/{entry.id}"
    listed = text(lead.get(f"/rounds/{round}/people", {"standing": "excluded"}))
    assert page in listed and "/withdraw" not in text(lead.get(page))
    writer = signed_in(name)
    assert f"{page}/withdraw" in text(writer.get(page))
    assert lead.post(f"{page}/withdraw", {"command": str(new_id())}).status_code == 422
    send(writer, f"{page}/withdraw")
    assert account_of(round).reasoned == 0 and writer.get(page).status_code == 404


def test_a_sign_off_names_who_accepts_whoever_remains(villages, round, headquarters):
    actors = account(("task_force_lead", "testing", "469021"))[1]
    page = text(headquarters.get(f"/rounds/{round}/sign-off"))
    assert str(actors[0].account_id) in page
    address = f"/rounds/{round}/close"
    assert headquarters.post(address, {"command": str(new_id())}).status_code == 422
    stranger = account(("grid_worker", "community", str(villages[0].code)))[1][0]
    assert str(stranger.account_id) not in page
    form = {"command": str(new_id()), "accepted_by": str(stranger.account_id)}
    assert headquarters.post(address, form).status_code == 422
    visits = account(("community", "community", str(villages[0].code)))[1][0]
    assert str(visits.account_id) in text(headquarters.get(f"/rounds/{round}/sign-off")), "whoever orders its visits"
    landed = send(headquarters, address, accepted_by=str(visits.account_id))
    row = queries.round_row(round, by=county_hand())
    assert (row.remaining, row.closed_at) == (3, NOW) and row.accepted_title.endswith("community")
    assert "仍有3人" in text(headquarters.get(landed))
    assert headquarters.post(address, {"command": str(new_id())}).status_code == 409
    assert 'action="' + address not in text(headquarters.get(f"/rounds/{round}/sign-off"))


def test_a_round_without_remainder_is_signed_off_by_a_click(villages, round, headquarters):
    entries = [ExclusionEntry(new_id(), person, "medical") for person in villages[0].people]
    actions.exclude_people(round, entries, by=county_hand(), valid_at=NOW)
    send(headquarters, f"/rounds/{round}/close")
    assert queries.round_row(round, by=county_hand()).remaining == 0


def test_the_pack_proposes_and_a_person_decides(villages, round, headquarters, office):
    page = text(headquarters.get(f"/rounds/{round}/next"))
    assert "screening.rounds.chain_unclear" in page and "ed9_local" in page and "再做一轮" in page
    address = f"/rounds/{round}/decide"
    form = {"situation": "chain_unclear", "decision": "stop", "reason": ""}
    asked = headquarters.post(address, form | {"command": str(new_id())})
    assert asked.status_code == 200
    refused = headquarters.post(address, form | {"command": str(new_id()), "confirmed": "yes"})
    assert refused.status_code == 422 and "另作决定请写明原因" in refused.content.decode()
    send(headquarters, address, **form | {"reason": "no transmission"})
    page = text(headquarters.get(f"/rounds/{round}/next"))
    assert "no transmission" in page
    assert office.post(address, form | {"command": str(new_id()), "confirmed": "yes", "reason": "x"}).status_code == 403


def test_two_rounds_beside_each_other_and_whom_both_missed(villages, round, headquarters):
    by = county_hand()
    row = queries.round_row(round, by=by)
    with clock_at(NOW + timedelta(hours=1)):
        second = actions.open_round(
            by=by, incident=row.incident, area_code=row.area_code, title="second", pack=row.pack,
            areas=[actions.rounds.AreaEntry(row.area_code, row.area_code + 999)], valid_at=NOW + timedelta(hours=1),
        ).id  # fmt: skip
        entry = ExclusionEntry(new_id(), villages[0].people[0], "medical")
        actions.exclude_people(second, [entry], by=by, valid_at=NOW)
        assert f"/rounds/{second}/compare/{round}" in text(headquarters.get(f"/rounds/{second}"))
        page = text(headquarters.get(f"/rounds/{second}/compare/{round}"))
        twice = page.split('id="missing_in_both"')[1].split("</section>")[0]
        assert [f"竹测试{n}" in twice for n in (1, 2, 3)] == [False, True, True]
        sheet = headquarters.get(f"/rounds/{second}/compare/{round}", {"export": "csv", "list": "missing_in_both"})
        assert len(sheet.content.decode().splitlines()) == 3
        inside = text(headquarters.get(f"/rounds/{second}/compare/{round}", {"within": f"{villages[0].code}000"}))
        assert 'id="comparison"' in inside


def test_a_look_back_offers_no_forms(headquarters, round):
    at = {"at": "2022-07-14T10:00"}
    for page in ("missing", "recalls", "sign-off", "next", "exclusions/proposed"):
        assert 'method="post" action="/rounds' not in text(headquarters.get(f"/rounds/{round}/{page}", at))


def test_who_may_only_read_gets_no_forms(villages, round):
    browser = signed_in(account(("epidemiologist", "epidemiology", "469021"))[0])
    for page in ("missing", "recalls", "sign-off", "next", "exclusions/proposed"):
        assert 'method="post" action="/rounds' not in text(browser.get(f"/rounds/{round}/{page}"))


def test_an_inspector_counts_a_round_and_reads_no_full_names(villages, round):
    browser = signed_in(account(("inspector", "inspection", "469021"))[0])
    page = text(browser.get(f"/rounds/{round}"))
    assert f"/rounds/{round}/exclusions/proposed" not in page
    answer = browser.get(f"/rounds/{round}/missing")
    assert answer.status_code == 302
    rows = cells(text(browser.get(answer["Location"])))
    assert rows and all("*" in row[0] for row in rows)
    assert browser.get(f"/rounds/{round}/recalls").status_code == 403
