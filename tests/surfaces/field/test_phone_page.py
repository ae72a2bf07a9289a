"""The phone app as it is served: its page everywhere below /field/, kept files and asked-for files, nothing from elsewhere."""

import gzip
import json
import re
from wsgiref.headers import Headers

import pytest
from django.test import Client

from lianfang.surfaces.field.phone_headers import add_headers
from lianfang.surfaces.field.phone_page import PAGE

pytestmark = pytest.mark.django_db
BUILT = PAGE.parent
FIRST_LOAD_BYTES = 300_000


@pytest.fixture
def browser():
    return Client()


@pytest.fixture(scope="module")
def manifest():
    """Vite's list of what was built, source → file, imports."""
    return json.loads((BUILT / ".vite/manifest.json").read_text())


def needed(manifest, name):
    """Return a part and whatever it needs before it runs."""
    part = manifest[name]
    return {name}.union(*(needed(manifest, other) for other in part.get("imports", ())))


@pytest.mark.parametrize("address", ["", "today", "duty/018f", "sign-in?next=/today"])
def test_the_page_answers_at_every_address_of_the_app(browser, address):
    response = browser.get(f"/field/{address}")
    assert (response.status_code, response.content) == (200, PAGE.read_bytes())
    assert response["Cache-Control"] == "no-cache"
    assert "'unsafe-inline'" not in response["Content-Security-Policy"]
    assert browser.get("/field/", headers={"If-None-Match": response["ETag"]}).status_code == 304


@pytest.mark.parametrize("address", ["assets/index-00000000.js", "missing.js", "assets/gone", "icons/none.png"])
def test_a_missing_file_is_not_answered_with_the_page(browser, address):
    assert browser.get(f"/field/{address}").status_code == 404


def test_the_app_takes_nothing_but_questions(browser):
    assert browser.post("/field/").status_code == 405


def test_a_file_with_a_hash_in_its_name_is_kept_for_good(browser, manifest):
    response = browser.get(f"/field/{manifest['index.html']['file']}", headers={"Accept-Encoding": "gzip"})
    assert response.status_code == 200
    assert "immutable" in response["Cache-Control"]
    assert response["Content-Encoding"] == "gzip"


@pytest.mark.parametrize(
    ("name", "kind"), [("sw.js", "text/javascript"), ("manifest.webmanifest", "application/manifest+json")]
)
def test_worker_and_manifest_are_asked_for_each_time(browser, name, kind):
    response = browser.get(f"/field/{name}")
    assert response["Content-Type"].startswith(kind)
    assert response["Cache-Control"] == "no-cache"
    assert "default-src 'none'" in response["Content-Security-Policy"]


@pytest.mark.parametrize(("name", "eval_allowed"), [("zxing-AbCd1234.js", True), ("index-AbCd1234.js", False)])
def test_only_the_scanners_worker_may_compile_in_old_browsers(name, eval_allowed):
    headers = Headers([])
    add_headers(headers, "", f"/field/assets/{name}")
    assert ("'unsafe-eval'" in headers["Content-Security-Policy"]) is eval_allowed


def test_the_worker_keeps_every_file_that_a_page_needs(manifest):
    worker = (BUILT / "sw.js").read_text()
    parts = {name for name in manifest if not manifest[name].get("isDynamicEntry") or "pages/" in name}
    for name in set().union(*(needed(manifest, part) for part in parts)):
        for file in (manifest[name]["file"], *manifest[name].get("css", ())):
            assert f"/field/{file}" in worker


def test_the_script_of_any_first_page_is_small(manifest):
    def script(names):
        return sum(len(gzip.compress((BUILT / manifest[name]["file"]).read_bytes())) for name in names)

    start = needed(manifest, "index.html")
    pages = [name for name in manifest if manifest[name].get("isDynamicEntry") and "pages/" in name]
    assert pages
    heaviest = max(pages, key=lambda page: script(start | needed(manifest, page)))
    assert script(start | needed(manifest, heaviest)) < FIRST_LOAD_BYTES, heaviest


def test_nothing_is_loaded_from_elsewhere():
    # name spaces of XML and addresses within messages are no requests; the scanner is given an address of the house in place of
    # its own, and its policy lets it ask nobody else
    harmless = re.compile(
        r"https?://(www\.w3\.org/|vuejs\.org/|bit\.ly/|dexie\.org|tinyurl\.com/y2uuvskb|fastly\.jsdelivr\.net/npm/zxing-wasm|github\.com/|developers?\.)"
    )
    for path in BUILT.rglob("*"):
        if path.suffix in {".js", ".css", ".html"}:
            found = re.findall(r"https?://[\w./-]+|url\(['\"]?//[^)]+", path.read_text())
            assert [one for one in found if not harmless.match(one)] == [], path.name
