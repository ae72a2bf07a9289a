"""Notices: told once, to their account alone, in words that name nobody; a number that only its keepers may set."""

import uuid
from datetime import datetime

import pytest
from django.db import connection

from conftest import make_actor
from core.notices.accounts import worker
from lianfang.core.access.models import AuditEntry
from lianfang.core.access.permissions import MANAGE_ACCOUNTS
from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.core.access.sealer import SEALER
from lianfang.core.notices.actions import notify, read_notices, set_phone
from lianfang.core.notices.models import NoticePhone
from lianfang.core.notices.queries import masked_phone, notices_of
from lianfang.core.notices.rules import KINDS, NewNotice, PhoneRefused, text_of, words
from lianfang.core.notices.texts import POSTMAN

PARAMS = {"zh": "上门随访", "en": "door visit", "due": "2022-07-14T10:00:00+00:00", "count": 3, "title": "2-3"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_speaks_both_languages(kind):
    zh, en = words(kind, PARAMS)
    assert zh != en
    assert not any("{" in one or "T10" in one for one in (zh, en))
    assert not any("\u4e00" <= sign <= "\u9fff" for sign in en)


def test_times_are_shown_as_clocks_in_china_show_them():
    assert words("duty_given", PARAMS) == (
        "新任务：上门随访，7月14日18:00前完成",
        "New duty: door visit, by 14 Jul 18:00",
    )


def test_a_text_message_counts_and_names_nobody():
    assert (
        text_of({"new": 3, "overdue": 1})
        == "【联防】您有3项新任务、1项逾期任务，请打开联防。3 new, 1 overdue: open Lianfang."
    )
    assert len(text_of({"new": 99, "overdue": 99, "answer": 99})) <= 70 * 2


@pytest.mark.django_db
class TestNotices:
    def test_the_same_thing_is_told_once(self):
        mine, desk = worker(), make_actor()
        one = NewNotice(mine.account_id, "parcel_declined", "p1")
        other = NewNotice(
            mine.account_id, "duty_given", "7:x", 7, {**PARAMS, "due": datetime.fromisoformat(PARAMS["due"])}
        )
        assert notify([one, other], by=desk) == 2
        assert notify([one, NewNotice(mine.account_id, "parcel_declined", "p2")], by=desk) == 1
        rows = notices_of(by=mine)
        assert [(row.kind, row.duty, row.tone) for row in rows] == [
            ("parcel_declined", None, "alarm"), ("duty_given", 7, "info"), ("parcel_declined", None, "alarm"),
        ]  # fmt: skip
        assert [row.id for row in notices_of(by=mine, after=rows[1].id)] == [rows[2].id]

    def test_a_kind_without_words_is_refused_before_anything_is_told(self):
        mine = worker()
        with pytest.raises(KeyError):
            notify(
                [NewNotice(mine.account_id, "call_desk", "1"), NewNotice(mine.account_id, "gossip", "1")],
                by=make_actor(),
            )
        assert notices_of(by=mine) == []

    def test_nobody_reads_or_ticks_off_anothers(self):
        mine, other = worker(), worker()
        notify([NewNotice(mine.account_id, "call_desk", "1")], by=make_actor())
        (row,) = notices_of(by=mine)
        with acting(other), connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM notices_notice")
            assert cursor.fetchone() == (0,)
        assert read_notices([row.id], by=other) == 0
        assert not notices_of(by=mine)[0].read
        assert (read_notices([row.id], by=mine), read_notices([row.id], by=mine)) == (1, 0)
        assert notices_of(by=mine)[0].read


@pytest.mark.django_db
class TestPhone:
    def test_one_sets_ones_own_and_sees_it_masked(self):
        mine = worker()
        assert masked_phone(by=mine) == ""
        assert set_phone(by=mine, phone="+86 138-0000 1234")
        assert masked_phone(by=mine) == "138****1234"
        with acting(POSTMAN):
            assert b"13800001234" not in bytes(NoticePhone.objects.get(account=mine.account_id).number)
        assert not set_phone(by=mine, phone="")
        assert masked_phone(by=mine) == ""

    def test_the_areas_administrator_sets_it_and_nobody_else(self):
        mine = worker()
        administrator = make_actor(MANAGE_ACCOUNTS, line="administration")
        assert set_phone(by=administrator, account=mine.account_id, phone="13800001234")
        assert masked_phone(by=mine) == "138****1234"
        with pytest.raises(NotPermitted):
            set_phone(by=worker(), account=mine.account_id, phone="13900001234")
        with pytest.raises(PhoneRefused, match="no post in your area"):
            set_phone(by=make_actor(MANAGE_ACCOUNTS, scope="460106"), account=mine.account_id, phone="13900001234")
        assert masked_phone(by=mine) == "138****1234"

    def test_only_its_owner_and_the_postman_can_see_the_number(self):
        mine = worker()
        set_phone(by=mine, phone="13800001234")
        for who, seen in (
            (worker(), 0),
            (make_actor(MANAGE_ACCOUNTS, line="administration"), 0),
            (mine, 1),
            (POSTMAN, 1),
        ):
            with acting(who):
                assert NoticePhone.objects.count() == seen

    @pytest.mark.parametrize("phone", ["12345", "0898-66778899", "138000012345", "not a phone"])
    def test_what_gets_no_text_message_is_refused(self, phone):
        with pytest.raises(PhoneRefused):
            set_phone(by=worker(), phone=phone)

    def test_setting_it_is_audited_without_the_number(self):
        mine = worker()
        set_phone(by=mine, phone="13800001234", cause=uuid.uuid4())
        with acting(SEALER):
            entry = AuditEntry.objects.get(verb="notices.set_phone", subject_id=mine.account_id)
        assert "138" not in str(entry.detail.get("cleared"))
        assert "13800001234" not in str(entry.detail)
