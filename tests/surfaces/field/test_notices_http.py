"""Notices over HTTP: one's own list, marked as read, the number for text messages."""

import json

import pytest
from django.test import Client
from field_scene import PASSWORD, account

from conftest import make_actor
from lianfang.config.kinds import KINDS
from lianfang.core.access.limits import store
from lianfang.core.access.sign_in import sign_in, token_of
from lianfang.core.duties.actions import declare_kinds
from lianfang.core.notices.actions import notify
from lianfang.core.notices.rules import NewNotice

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_allowances(tmp_path, settings):
    settings.RATES_FILE = tmp_path / "rates"
    store.cache_clear()
    yield
    store.cache_clear()


@pytest.fixture(scope="module", autouse=True)
def kinds(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        declare_kinds(KINDS)


@pytest.fixture
def mine():
    return sign_in(account("grid_worker", "469021101201", "community"), PASSWORD)[0]


@pytest.fixture
def ask(mine):
    headers = {"Authorization": f"Bearer {token_of(mine)}"}

    def asked(path, body=None):
        if body is None:
            return Client().get(f"/api/field/{path}", headers=headers)
        return Client().post(f"/api/field/{path}", json.dumps(body), content_type="application/json", headers=headers)

    return asked


def test_a_driver_reads_the_plain_name_of_what_carries_somebodys_health():
    (kind,) = [kind for kind in KINDS if kind.code == "positive_transfer"]
    driver = sign_in(account("driver", "469021101201", "community"), PASSWORD)[0]
    params = {"zh": kind.zh, "en": kind.en, "due": "2022-07-14T08:00:00+00:00"}
    notify([NewNotice(driver.account_id, "duty_given", "1", params=params)], by=make_actor())
    [told] = Client().get("/api/field/notices", headers={"Authorization": f"Bearer {token_of(driver)}"}).json()
    assert "人员转运" in told["zh"] and "drive somebody" in told["en"]
    assert kind.zh not in told["zh"] and kind.en not in told["en"]


def test_a_notice_is_listed_in_both_languages_and_marked_as_read(ask, mine):
    notify([NewNotice(mine.account_id, "call_desk", "1")], by=make_actor())
    (row,) = ask("notices").json()
    assert (row["zh"], row["en"], row["tone"], row["read"]) == (
        "请与值班台联系",
        "Please call the duty desk",
        "alarm",
        False,
    )
    assert ask("notices/read", {"ids": [row["id"], 2**62]}).json() == {"read": 1}
    assert ask("notices").json()[0]["read"]
    assert ask(f"notices?after={row['id']}").json() == []


def test_ones_own_number_is_set_and_shown_masked(ask):
    assert ask("notices/phone").json() == {"phone": ""}
    assert ask("notices/phone", {"phone": "13800001234"}).json() == {"phone": "138****1234"}
    refused = ask("notices/phone", {"phone": "12"})
    assert (refused.status_code, "11 digits" in refused.json()["detail"]) == (422, True)
    assert ask("notices/phone", {"phone": ""}).json() == {"phone": ""}
