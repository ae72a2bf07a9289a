"""Whoever reads the table of sessions cannot sign in with it."""

import pytest
from django.contrib.sessions.models import Session

from lianfang.core.access.session_store import SessionStore, hidden

pytestmark = pytest.mark.django_db


@pytest.fixture
def session():
    made = SessionStore()
    made["account"] = "commander"
    made.save()
    return made


def test_a_session_is_found_by_its_key_only(session):
    assert SessionStore(session.session_key)["account"] == "commander"
    stored = Session.objects.get()
    assert stored.session_key == hidden(session.session_key) != session.session_key
    assert SessionStore(stored.session_key).get("account") is None


def test_a_row_copied_under_another_key_says_nothing(session):
    mine = SessionStore()
    mine["account"] = "grid"
    mine.save()
    Session.objects.filter(session_key=hidden(mine.session_key)).update(
        session_data=Session.objects.get(session_key=hidden(session.session_key)).session_data
    )
    assert SessionStore(mine.session_key).get("account") is None


def test_signing_out_removes_it(session):
    key = session.session_key
    session.flush()
    assert not SessionStore().exists(key) and not Session.objects.exists()


def test_saving_again_changes_the_same_row(session):
    again = SessionStore(session.session_key)
    again["account"] = "township"
    again.save()
    assert SessionStore(session.session_key)["account"] == "township" and Session.objects.count() == 1
