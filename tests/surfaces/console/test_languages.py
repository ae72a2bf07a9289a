"""Chinese first, English on request; every word of the console has its Chinese; nothing inline in any template."""

import importlib.util
import re

import pytest

from house.source_tree import ROOT
from lianfang.surfaces.console import words
from surfaces.console.browsing import account, signed_in

pytestmark = pytest.mark.django_db
pytest_plugins = ["surfaces.console.browsers"]

TEMPLATES = sorted((ROOT / "src/lianfang/surfaces").glob("**/templates/**/*.html"))


def test_chinese_is_spoken_until_somebody_asks_for_english(client):
    page = client.get("/sign-in", headers={"Accept-Language": "en-US"})
    assert '<html lang="zh-Hans">' in page.content.decode() and "登录" in page.content.decode()
    answer = client.post("/language", {"language": "en", "next": "/sign-in"})
    assert answer["Location"] == "/sign-in" and answer.cookies["django_language"].value == "en"
    page = client.get("/sign-in").content.decode()
    assert '<html lang="en">' in page and "Sign in" in page and "登录" not in page


def test_a_language_nobody_speaks_here_changes_nothing(client):
    assert "django_language" not in client.post("/language", {"language": "fr"}).cookies
    client.cookies["django_language"] = "tlh"
    assert '<html lang="zh-Hans">' in client.get("/sign-in").content.decode()


def test_names_kept_in_two_languages_follow_the_reader(headquarters):
    assert "测试疫情" in headquarters.get("/").content.decode()
    headquarters.post("/language", {"language": "en"})
    page = headquarters.get("/").content.decode()
    assert "a test outbreak" in page and "测试疫情" not in page
    assert "core information of a case" in headquarters.get("/duties/").content.decode()


def test_roles_are_named_in_the_readers_language(villages):
    name = account(("grid_worker", "community", str(villages[0].code)))[0]
    browser = signed_in(name)
    assert "网格员 · 社区管控" in browser.get("/").content.decode()
    browser.post("/language", {"language": "en"})
    assert "grid worker · community" in browser.get("/").content.decode()


def test_every_message_has_its_chinese():
    spec = importlib.util.spec_from_file_location("lianfang_messages", ROOT / "scripts/messages.py")
    messages = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(messages)
    catalogues = sorted((ROOT / "src").glob("**/locale/zh_Hans/LC_MESSAGES/*.po"))
    assert catalogues and messages.incomplete(catalogues, messages.gather(messages.SOURCE)) == []


def test_a_code_without_words_is_still_readable():
    assert words.word("something_new") == "something new" and words.word(None) == ""


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_holds_scripts_styles_or_handlers(template):
    source = template.read_text()
    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:|hx-on|https?://", source)
