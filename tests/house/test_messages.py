"""Untranslated, fuzzy and half-plural messages are found; catalogues compile to what Django reads."""

import gettext
import importlib.util

import pytest
from babel.messages.catalog import Catalog
from source_tree import ROOT

CATALOGUE = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=utf-8\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "病例"
msgstr "Cases"

#, fuzzy
msgid "封控区"
msgstr "Zone"

msgid "%(n)s 人"
msgid_plural "%(n)s 人们"
msgstr[0] "%(n)s person"
msgstr[1] ""
"""


@pytest.fixture
def messages():
    spec = importlib.util.spec_from_file_location("lianfang_messages", ROOT / "scripts/messages.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def catalogue(tmp_path):
    path = tmp_path / "locale/en/LC_MESSAGES/django.po"
    path.parent.mkdir(parents=True)
    path.write_text(CATALOGUE)
    return path


def test_messages_of_source_and_templates_are_gathered(tmp_path, messages):
    (tmp_path / "templates").mkdir()
    (tmp_path / "web.py").write_text('title = _("病例")\nother = pgettext("screen", "轮次")\n')
    (tmp_path / "templates/a.html").write_text(
        "{% load i18n %}<h1>{% translate '封控区' %}</h1>{% blocktranslate %}共{{ n }}人{% endblocktranslate %}"
    )
    found = messages.gather(tmp_path)
    assert {message.id for message in found if message.id} == {"病例", "轮次", "封控区", "共%(n)s人"}


def test_what_is_not_wholly_translated_is_told(messages, catalogue):
    wanted = Catalog()
    for message in ["病例", "封控区", ("%(n)s 人", "%(n)s 人们"), "卡口"]:
        wanted.add(message, locations=[("web.py", 1)])
    faults = messages.incomplete([catalogue], wanted)
    assert [any(word in fault for fault in faults) for word in ["病例", "封控区", "人们", "卡口"]] == [
        False,
        True,
        True,
        True,
    ]
    assert faults[0].startswith("en: web.py:1: ")


def test_messages_without_any_catalogue_are_told(messages):
    wanted = Catalog()
    wanted.add("病例")
    assert "no catalogue" in messages.incomplete([], wanted)[0]


def test_compiled_catalogues_translate(messages, catalogue):
    messages.compile_all([catalogue])
    with catalogue.with_suffix(".mo").open("rb") as file:
        assert gettext.GNUTranslations(file).gettext("病例") == "Cases"


def test_updating_adds_what_is_new_and_keeps_what_is_there(messages, catalogue):
    wanted = Catalog()
    wanted.add("病例")
    wanted.add("卡口")
    messages.update_all([catalogue], wanted)
    kept = messages.load(catalogue)
    assert (kept["病例"].string, kept["卡口"].string, "封控区" in kept) == ("Cases", "", False)
