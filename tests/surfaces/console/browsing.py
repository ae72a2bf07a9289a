"""Accounts that sign in to the console, and what they ask of it."""

import re
import shutil
from datetime import timedelta

import pytest
from django.test import Client

from lianfang.core.access.actions import ADMINISTRATION, create_account, give_grant
from lianfang.core.access.queries import actors_of
from lianfang.core.access.rules import Actor
from lianfang.kit.clock import machine_now
from lianfang.kit.codes import code_range
from lianfang.kit.ids import new_id

PASSWORD = "open sesame 22"
#: scripts/install-chromium looks for the same names
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))), None
)
HOW_TO_GET_IT = (
    "no Chromium on this machine: as root run `apt-get install chromium fonts-noto-cjk` (`make test` does so as root)"
)
NEEDS_CHROMIUM = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM, reason=HOW_TO_GET_IT)]


def account(*roles: tuple[str, str, str], name: str = "") -> tuple[str, list[Actor]]:
    """An account with one grant for each (role, line of work, scope); its name and what it may act as."""
    username = name or f"console-{new_id()}"
    made = create_account(by=ADMINISTRATION, username=username, title=roles[0][0], password=PASSWORD)
    for role, line, scope in roles:
        give_grant(
            by=ADMINISTRATION, account=made.id, role=role, line=line, scope=code_range(scope),
            valid_from=machine_now() - timedelta(days=1), reason="test",
        )  # fmt: skip
    return username, actors_of(made.id, machine_now())


def signed_in(username: str, **options: object) -> Client:
    """A browser in which an account has signed in through the form."""
    client = Client(**options)
    answer = client.post("/sign-in", {"username": username, "password": PASSWORD, "next": "/"})
    assert answer.status_code == 302, answer.content.decode()[:2000]
    return client


def hidden(page: str, name: str) -> str:
    """The value of a hidden field of a page."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"no field {name}"
    return found[1]


def text(answer) -> str:
    """The page of an answer that went well."""
    assert answer.status_code == 200, answer.content.decode()[:3000]
    return answer.content.decode()


def cells(page: str) -> list[list[str]]:
    """The rows of a page's list as they are read, without what marks them up."""
    body = re.search(r'<div id="list">.*?<tbody>(.*?)</tbody>', page, re.DOTALL)
    assert body
    rows = re.findall(r"<tr>(.*?)</tr>", body[1], re.DOTALL)
    return [[re.sub(r"<[^>]+>", "", cell) for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)] for row in rows]


def fits(page) -> bool:
    """Whether a page of a real browser is no wider than its window."""
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
