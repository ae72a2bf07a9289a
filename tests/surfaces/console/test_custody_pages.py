"""Custody and laboratories in the browser: every number opens its list, a file is looked through before it is taken."""

import io

import pytest
import xlsxwriter

from lianfang.core.duties.queries import duties
from lianfang.kit.ids import new_id
from lianfang.response.specimens import queries
from surfaces.console.browsing import account, cells, hidden, signed_in, text
from surfaces.console.custody_scene import CustodyScene, tubes_on_their_way
from surfaces.console.scene import county_hand

pytestmark = pytest.mark.django_db
pytest_plugins = ["surfaces.console.browsers"]


@pytest.fixture
def scene(villages) -> CustodyScene:
    return tubes_on_their_way(county_hand(), villages[0])


@pytest.fixture
def lab_desk(scene):
    """A browser in which the laboratory's desk is signed in."""
    return signed_in(account(("lab", "testing", "469021"))[0])


@pytest.fixture
def carrier(scene):
    """A browser of a courier."""
    return signed_in(account(("courier", "testing", "469021"))[0])


def test_every_tube_is_somewhere_and_each_number_opens_its_list(headquarters, scene):
    page = text(headquarters.get("/custody/"))
    assert "1号转运员" in page and scene.name in page and scene.tubes["missing"] in page
    found = {}
    for stage in ("open", "site", "box", "courier", "lab", "missing", "lost"):
        rows = headquarters.get("/custody/tubes", {"stage": stage, "export": "csv"}).content.decode().splitlines()[1:]
        found[stage] = sorted(row.split(",")[0] for row in rows)
    tubes = scene.tubes
    assert found == {
        "open": [], "site": [tubes["site"]], "box": [tubes["box"]], "courier": [tubes["courier"]],
        "lab": [tubes["lab"], tubes["late"]], "missing": [tubes["missing"]], "lost": [],
    }  # fmt: skip


def test_late_results_are_listed_by_who_has_them(headquarters, scene):
    page = text(headquarters.get("/custody/late"))
    assert scene.tubes["late"] in page and scene.tubes["lab"] not in page and scene.name in page


def test_what_a_hand_over_lacked_is_cleared_up_from_its_page(carrier, scene):
    address = f"/custody/differences/{scene.difference}"
    assert scene.tubes["missing"] in text(carrier.get(address))
    form = {"outcome": "found", "place": "转运车后备箱", "reason": "", "valid_at": ""}
    asked = text(carrier.post(f"{address}/settle", form))
    answer = carrier.post(f"{address}/settle", form | {"confirmed": "yes", "command": hidden(asked, "command")})
    assert answer.status_code == 302
    assert [one.outcome for one in queries.differences(by=county_hand(), open=False)] == ["found"]
    assert "转运车后备箱" in text(carrier.get("/custody/differences"))


def test_before_people_are_sampled_again_somebody_is_told_so(carrier, scene):
    address = f"/custody/differences/{scene.difference}/settle"
    page = text(carrier.post(address, {"outcome": "lost", "place": "", "reason": "摔碎"}))
    assert "重新漏检" in page or "重新采样" in page


def test_a_tube_shows_its_way_and_its_people_only_to_whom_they_concern(headquarters, carrier, scene, villages):
    page = text(headquarters.get(f"/tubes/{scene.tubes['positive']}"))
    assert villages[0].name + "测试" in page and "阳性" in page and "1号转运员" in page
    page = text(carrier.get(f"/tubes/{scene.tubes['positive']}"))
    assert villages[0].name + "测试" not in page and "阳性" not in page and "1号转运员" in page
    assert headquarters.get("/tubes/none").status_code == 404


def test_who_looked_at_the_people_of_a_tube_is_logged(headquarters, scene):
    headquarters.get(f"/tubes/{scene.tubes['positive']}")
    auditor = signed_in(account(("auditor", "audit", "469021"))[0])
    assert "specimens.view_members" in text(auditor.get("/audit/"))


def test_telling_a_finding_is_recorded_from_the_tubes_page(lab_desk, scene):
    answer = lab_desk.get(f"/custody/notices/{scene.notice}")
    assert answer["Location"].startswith(f"/tubes/{scene.tubes['positive']}")
    address, form = (
        f"/custody/told/{scene.tubes['positive']}",
        {"told_to": "社区值班室", "channel": "phone", "valid_at": ""},
    )
    asked = text(lab_desk.post(address, form))
    assert lab_desk.post(address, form | {"confirmed": "yes", "command": hidden(asked, "command")}).status_code == 302
    assert "社区值班室" in text(lab_desk.get(f"/tubes/{scene.tubes['positive']}"))
    assert not duties(by=county_hand(), kind="tell_result")
    assert lab_desk.post(address, form | {"channel": "pigeon"}).status_code == 422


def test_laboratories_show_their_load_and_the_proposal_for_a_box(headquarters, scene, villages):
    (row,) = cells(text(headquarters.get("/labs/")))
    assert [cell.strip() for cell in row][:6] == [scene.name, "3", "1", "2", "1", "1"]
    page = text(headquarters.get("/labs/", {"box": f"箱-{villages[0].code % 1000}"}))
    assert "您来决定" in page and scene.name in page
    assert "空箱" in text(headquarters.get("/labs/", {"box": "no such box"}))


def workbook(*rows):
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        sheet = book.add_worksheet()
        for number, row in enumerate([("管码", "结果"), *rows]):
            sheet.write_row(number, 0, row)
    out.seek(0)
    out.name = "结果.xlsx"
    return out


def test_a_file_is_looked_through_then_taken_in(lab_desk, scene):
    address = f"/labs/{scene.lab}/results"
    assert 'type="file"' in text(lab_desk.get(address))
    page = text(
        lab_desk.post(address, {"file": workbook((scene.tubes["lab"], "阴性"), ("不存在", "阴性"), ("x", "什么"))})
    )
    assert "不存在" in page and "什么" in page
    assert queries.result_files(scene.name, by=county_hand()) == []
    form = {name: hidden(page, name) for name in ("name", "content", "command", "held_at", "accept_good")}
    answer = lab_desk.post(address, form | {"confirmed": "yes"})
    assert answer.status_code == 302
    (file,) = queries.result_files(scene.name, by=county_hand())
    assert (file.rows, file.taken, file.bad) == (3, 1, 2)
    assert "结果.xlsx" in text(lab_desk.get(f"/labs/{scene.lab}"))
    assert lab_desk.post(address, form | {"confirmed": "yes"}).status_code == 302
    assert len(queries.result_files(scene.name, by=county_hand())) == 1


def test_a_file_without_faults_is_taken_in_whole(lab_desk, scene):
    address = f"/labs/{scene.lab}/results"
    page = text(lab_desk.post(address, {"file": workbook((scene.tubes["lab"], "阴性"), (scene.tubes["late"], "阴性"))}))
    assert 'name="accept_good"' not in page
    form = {name: hidden(page, name) for name in ("name", "content", "command", "held_at")}
    assert lab_desk.post(address, form | {"confirmed": "yes"}).status_code == 302
    assert queries.result_files(scene.name, by=county_hand())[0].taken == 2


def test_a_form_without_a_file_or_left_unfinished_says_what_to_do(lab_desk, scene):
    address = f"/labs/{scene.lab}/results"
    assert lab_desk.post(address, {}).status_code == 422
    assert lab_desk.post(address, {"confirmed": "yes", "content": "x"}).status_code == 422
    broken = io.BytesIO(b"nothing")
    broken.name = "结果.xlsx"
    assert lab_desk.post(address, {"file": broken}).status_code == 422


def test_a_past_instant_shows_no_number_of_the_present_as_if_it_held_then(headquarters, scene):
    assert "不是您选定的时刻" in text(headquarters.get("/custody/", {"at": "2022-07-14T10:00"}))


LAB = {"name": "定安县医院检验科", "unit": "469021000000000", "other_county": "", "tubes_per_hour": "60",
       "tubes_per_day": "600", "opens_at": "08:00", "closes_at": "20:00"}  # fmt: skip


def test_a_laboratory_is_registered_from_the_list(villages):
    lead = signed_in(account(("task_force_lead", "testing", "469021"))[0])
    page = text(lead.get("/labs/"))
    assert "请在上方登记" in page
    form = LAB | {"command": hidden(page, "command")}
    for _ in range(2):
        answer = lead.post("/labs/register", form)
        assert answer.status_code == 302
    assert "08:00–20:00" in text(lead.get(answer["Location"]))
    (row,) = cells(text(lead.get("/labs/")))
    assert row[0].strip() == LAB["name"]
    again = lead.post("/labs/register", form | {"command": str(new_id())})
    assert again.status_code == 409


def test_a_laboratory_may_stand_in_another_county(villages):
    lead = signed_in(account(("task_force_lead", "testing", "469021"))[0])
    form = LAB | {"other_county": "460105", "opens_at": "", "closes_at": "", "command": str(new_id())}
    assert lead.post("/labs/register", form).status_code == 302
    by = county_hand()
    [load] = queries.lab_loads(by=by, clocks=queries.clocks_in_force(by=by))
    assert (load.lab.division_code, load.lab.opens_at) == (460105 * 10**9, None)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": " "}, {"unit": "somewhere"}, {"other_county": "46"}, {"tubes_per_hour": "0"}, {"tubes_per_day": "many"},
        {"tubes_per_day": "59"}, {"opens_at": "early"}, {"closes_at": ""},
    ],
)  # fmt: skip
def test_a_laboratory_that_cannot_be_is_refused(villages, wrong):
    lead = signed_in(account(("task_force_lead", "testing", "469021"))[0])
    assert lead.post("/labs/register", LAB | {"command": str(new_id())} | wrong).status_code == 422


def test_who_registers_no_laboratories_sees_no_form(headquarters, carrier):
    for browser in (headquarters, carrier):
        assert "/labs/register" not in text(browser.get("/labs/"))
        assert browser.post("/labs/register", LAB | {"command": str(new_id())}).status_code == 403
