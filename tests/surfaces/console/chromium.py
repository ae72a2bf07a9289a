"""A real browser before the real application: fixtures for modules that bring ``villages`` and ``names`` of their own."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest
from django.core.wsgi import get_wsgi_application
from django.db import connections

from surfaces.console.browsing import CHROMIUM, PASSWORD

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")


class Threads(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *words: object) -> None: ...


@contextmanager
def house(asked: list[str] | None = None) -> Iterator[str]:
    """The address of the house, served by threads of this process; what it is asked for is written into a list."""
    application = get_wsgi_application()

    def answer(environ: Any, start_response: Any) -> list[bytes]:
        if asked is not None:
            asked.append(environ["PATH_INFO"])
        # whole, and in this thread: a generator that a browser walked away from would close another thread's connections
        response = application(environ, start_response)
        try:
            return [b"".join(response)]
        finally:
            response.close()
            connections.close_all()  # a thread answers one request and ends

    server = make_server("127.0.0.1", 0, answer, Threads, Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def playwright():
    """The browser's driver, once for a module: a thread has room for one."""
    sync_api = pytest.importorskip("playwright.sync_api")
    with pytest.MonkeyPatch.context() as patch, sync_api.sync_playwright() as found:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # the browser's loop runs in this thread; nothing here awaits
        yield found


@pytest.fixture(scope="module")
def launched(playwright):
    """The browser of this machine, started once for a module."""
    found = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
    yield found
    found.close()


@pytest.fixture
def browser(launched):
    """The browser; each who looks has a context of their own, which ends with the test."""
    yield launched
    for context in launched.contexts:
        context.close()


@pytest.fixture
def address(villages, names):
    """The address of the house with its villages."""
    with house() as found:
        yield found


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
