"""A phone's browser that has installed the authority opens the server without a warning and keeps a service worker."""

import http.server
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lianfang.config.home import Home
from lianfang.config.trust import certificates
from lianfang.config.trust.certificates import Trust
from surfaces.console.browsing import CHROMIUM, NEEDS_CHROMIUM

pytestmark = NEEDS_CHROMIUM
INSTALLING = Path(__file__).with_name("installing.py")
REGISTERED = (
    "navigator.serviceWorker.register('/sw.js').then(() => navigator.serviceWorker.ready).then(r => r.active !== null)"
)


class Files(http.server.BaseHTTPRequestHandler):
    """A page and a service worker, which is all a browser needs to say whether it trusts the place."""

    def do_GET(self) -> None:
        kind, body = (
            ("text/javascript", b"") if self.path == "/sw.js" else ("text/html", b"<!doctype html><title>x</title>")
        )
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None: ...


@pytest.fixture
def trust(tmp_path: Path) -> Trust:
    return certificates.make(Home(tmp_path / "home"), ["localhost"], ["127.0.0.1"])


@pytest.fixture
def port(trust: Trust) -> Iterator[int]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Files)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(trust.server_file)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def browse(tmp_path: Path) -> Iterator:
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:

        def open_browser(person: Path):
            return playwright.chromium.launch_persistent_context(
                str(person / "profile"),
                executable_path=CHROMIUM,
                args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
                env={"HOME": str(person), "PATH": "/usr/bin:/bin"},
            )

        yield open_browser


def test_a_browser_that_trusts_the_authority_registers_a_service_worker(browse, trust, port, tmp_path) -> None:
    # in a process of its own: the library keeps the store open for the life of its process
    subprocess.run([sys.executable, INSTALLING, tmp_path / "person", trust.authority_file], check=True)
    context = browse(tmp_path / "person")
    for host in ("localhost", "127.0.0.1"):
        page = context.new_page()
        page.goto(f"https://{host}:{port}/")
        assert page.evaluate("window.isSecureContext")
        assert page.evaluate(REGISTERED)
    context.close()


def test_a_browser_that_does_not_refuses_it(browse, port, tmp_path) -> None:
    context = browse(tmp_path / "stranger")
    page = context.new_page()
    with pytest.raises(Exception, match="ERR_CERT_AUTHORITY_INVALID"):
        page.goto(f"https://localhost:{port}/")
    context.close()
