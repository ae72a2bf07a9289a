"""Field work at the desk: given, listed, withdrawn; what was found; hazards that callers tell of, and word to them."""

import csv
import io

import pytest

from conftest import XINZHU
from lianfang.core.duties.queries import duties
from lianfang.kit.clock import clock_at, local
from lianfang.kit.ids import new_id
from lianfang.response.tasks import actions, queries
from lianfang.response.tasks.rules import NewFinding
from surfaces.console.browsing import account, cells, hidden, signed_in, text
from surfaces.console.scene import NOW, county_hand

pytestmark = pytest.mark.django_db
pytest_plugins = ["surfaces.console.browsers"]
GRID = XINZHU * 1000 + 1
FORMS = {
    "patrol": {"title": "河堤巡查", "place": "南渡江"},
    "clean_up": {"title": "九个垃圾点"},
    "delivery": {"title": "送米送药", "person": "李婆婆", "address": "3 号", "items": "米 5 公斤\n\n降压药"},
    "field_inspection": {"title": "查市场", "category": "market"},
}


@pytest.fixture
def desk(villages):
    return signed_in(account(("township", "community", "469021101"))[0])


def nothing(browser, path, **query):
    return "<tbody>" not in text(browser.get(path, query))


def give(desk, kind="patrol", **fields):
    page = text(desk.get("/field-work/", {"give": kind}))
    form = {"command": hidden(page, "command"), "kind": kind, "unit": GRID // 1000 * 1000, "role": "",
            "starts_at": "2022-07-14T12:00", "due_at": "2022-07-14T16:00"}  # fmt: skip
    return desk.post("/field-work/give", form | FORMS[kind] | fields)


@pytest.mark.parametrize("kind", FORMS)
def test_work_is_given_from_the_form_of_its_kind(desk, kind):
    assert give(desk, kind).status_code == 302
    (row,) = cells(text(desk.get("/field-work/", {"kind": kind})))
    assert FORMS[kind]["title"] in row
    assert len(duties(by=county_hand(), kind=kind)) == 1
    assert nothing(desk, "/field-work/", kind=kind, state="done")


def test_an_empty_list_says_what_to_do(desk, worker):
    assert "点上面的按钮交办" in text(desk.get("/field-work/"))
    page = text(worker.get("/field-work/"))
    assert "由值班席交办" in page and "?give=" not in page
    assert "没有发现问题" in text(desk.get("/field-work/findings"))
    assert "还没有隐患" in text(desk.get("/hazards/"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": ""},
        {"unit": "here"},
        {"due_at": "2022-07-14T11:00"},
        {"every_hours": "4", "until": "2022-07-14T11:00"},
        {"role": "lab"},
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_given(desk, wrong):
    assert give(desk, **wrong).status_code == 422
    assert queries.count_tasks(by=county_hand(), at=NOW) == 0


def test_work_that_comes_round_says_so(desk):
    give(desk, every_hours="4", until="2022-07-15T12:00")
    (row,) = cells(text(desk.get("/field-work/")))
    assert "每 4 小时一次，到 2022-07-15 12:00" in row


def test_what_was_done_and_found_is_seen_and_the_rest_withdrawn(desk):
    give(desk, "field_inspection")
    (row,) = queries.tasks(by=county_hand(), at=NOW)
    by_when = local("2022-07-15 12:00")
    found = NewFinding("masks", "三人没戴", by_when)
    actions.record_inspection(
        by=county_hand(), task=row.id, findings=[found], checked=["masks"], measure="closed", valid_at=NOW
    )
    page = text(desk.get(f"/field-work/{row.id}"))
    for word in ("有问题", "佩戴口罩", "三人没戴", "集贸市场", "2022-07-15 12:00"):
        assert word in page
    listed = desk.get("/field-work/findings", {"export": "csv"}).content.decode("utf-8-sig")
    assert [line[:3] for line in csv.reader(io.StringIO(listed))][1:] == [["佩戴口罩", "待整改", "三人没戴"]]
    assert nothing(desk, "/field-work/findings", state="fixed")
    form = {"reason": "市场关了"}
    asked = text(desk.post(f"/field-work/{row.id}/withdraw", form))
    answer = desk.post(
        f"/field-work/{row.id}/withdraw", form | {"confirmed": "yes", "command": hidden(asked, "command")}
    )
    assert answer.status_code == 302
    assert queries.task(row.id, by=county_hand(), at=NOW).withdrawn_reason == "市场关了"


def test_a_callers_hazard_is_given_to_somebody_and_the_caller_told(desk):
    page = text(desk.get("/hazards/"))
    form = {"command": hidden(page, "command"), "kind": "rubbish", "unit": GRID // 1000 * 1000, "place": "桥头",
            "text": "垃圾没人收", "contact": "王先生 13907550000"}  # fmt: skip
    answer = desk.post("/hazards/report", form)
    address = answer["Location"]
    assert "待处理" in text(desk.get(address)) and "13907550000" not in text(desk.get(address))
    (hazard,) = queries.hazards(by=county_hand(), at=NOW)
    with clock_at(NOW):
        actions.record_clean_up(by=county_hand(), task=hazard.task, points=1, disinfected=True, valid_at=NOW)
    desk.post(f"{address}/contact")
    page = text(desk.get(address))
    assert "王先生 13907550000" in page
    assert desk.post(f"{address}/told", {"command": hidden(page, "command"), "note": "谢谢"}).status_code == 302
    (row,) = cells(text(desk.get("/hazards/", {"state": "told"})))
    assert "桥头" in row
    assert "13907550000" not in text(desk.get("/hazards/"))


def test_the_next_village_is_told_nothing(desk, villages):
    give(desk, "delivery")
    (row,) = queries.tasks(by=county_hand(), at=NOW)
    stranger = signed_in(account(("community", "community", str(villages[1].code)))[0])
    assert nothing(stranger, "/field-work/")
    assert stranger.get(f"/field-work/{row.id}").status_code == 404


def test_whoever_may_not_give_gives_nothing(worker):
    form = {
        "command": str(new_id()),
        "kind": "patrol",
        "unit": GRID,
        "title": "x",
        "starts_at": "2022-07-14T12:00",
        "due_at": "2022-07-14T16:00",
    }
    assert worker.post("/field-work/give", form).status_code == 403
