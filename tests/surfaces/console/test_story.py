"""One story in a real browser: the commander finds who is missing; a grid worker is kept to one village."""

import re
import shutil
import threading
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connections

from lianfang.core.access.actions import ADMINISTRATION, move_response_clock
from lianfang.kit.clock import clock_at, machine_now
from surfaces.console.browsing import PASSWORD, account
from surfaces.console.scene import NOW, two_villages

CHROMIUM = shutil.which("chromium")
pytestmark = [pytest.mark.browser, pytest.mark.skipif(not CHROMIUM, reason="needs Debian's chromium")]


class Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *words: object) -> None: ...


@pytest.fixture
def villages(committing):
    """Two villages, committed, on a response clock that every thread of the server sees."""
    with clock_at(NOW):
        made = two_villages()
    move_response_clock(NOW - machine_now(), by=ADMINISTRATION, reason="a test's afternoon")
    return made


@pytest.fixture
def names(villages):
    """A commander's account and a grid worker's, made before the browser's event loop forbids it."""
    return account(("commander", "command", "469021"))[0], account(("grid_worker", "community", str(villages[0].code)))[
        0
    ]


@pytest.fixture
def address(villages, names):
    application = get_wsgi_application()

    def answer(environ, start_response):
        try:
            yield from application(environ, start_response)
        finally:
            connections.close_all()  # a thread answers one request and ends

    server = make_server("127.0.0.1", 0, answer, Threads, Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def browser(address):
    sync_api = pytest.importorskip("playwright.sync_api")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture
def sign_in(browser, address):
    def open_page(username, width=1440):
        page = browser.new_context(viewport={"width": width, "height": 900}).new_page()
        page.complaints = []
        page.on("console", lambda said: page.complaints.append(said.text) if said.type == "error" else None)
        page.goto(address)
        page.get_by_label("账号").fill(username)
        page.get_by_label("密码").fill(PASSWORD)
        page.get_by_role("button", name="登录").click()
        return page

    return open_page


def fits(page) -> bool:
    return page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_the_commander_finds_the_missing_and_a_grid_worker_keeps_to_one_village(sign_in, villages, names, address):
    home, other = villages
    page = sign_in(names[0])
    assert page.get_by_role("heading", level=1).inner_text().startswith("态势")
    assert "2022-07-14 12:" in page.locator("details.clock").inner_text()
    page.get_by_role("link", name="核酸轮次").first.click()
    page.locator(f'a[href="/rounds/{home.round}"]').first.click()
    page.get_by_role("link", name=re.compile("^未采")).click()
    assert page.locator("#list tbody tr").count() == 3
    page.get_by_label("网格").select_option(index=1)
    page.wait_for_url(re.compile("within="))
    assert page.locator("#list tbody tr").count() == 3 and page.complaints == []

    phone = sign_in(names[1], width=390)
    phone.goto(f"{address}/people/")
    assert home.name + "测试1" in phone.content() and other.name + "测试" not in phone.content() and fits(phone)
    for path in (f"/people/{other.people[0]}", f"/duties/{other.duty}", f"/rounds/{other.round}/missing"):
        assert phone.goto(address + path).status in (403, 404)
        assert other.name + "测试" not in phone.content() and fits(phone)
