"""What the README and the pages promise exists."""

import re

import click
import pytest
from source_tree import ROOT

from lianfang.config.cli import main

TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def test_the_readme_names_the_two_commands():
    assert {"demo", "test"} <= set(made(ROOT / "README.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_named_exist(page):
    assert set(made(page)) - TARGETS == set()
    assert [line for line in typed(page) if unknown_word(line)] == []


@pytest.mark.parametrize(
    ("line", "word"),
    [("audit verify --json", None), ("audit verfy", "verfy"), ("replay dingan-2022", None), ("paint", "paint")],
)
def test_a_misspelt_command_is_seen(line, word):
    assert unknown_word(line) == word


def test_the_index_leads_to_every_page():
    index = (ROOT / "docs/index.md").read_text()
    pages = [page.relative_to(ROOT / "docs").as_posix() for page in PAGES if page.is_relative_to(ROOT / "docs")]
    assert [page for page in pages if page != "index.md" and f"]({page})" not in index] == []


def test_every_command_is_explained():
    explained = set(re.findall(r"^([a-z]+):.*## \S", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    assert explained == TARGETS


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    links = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text())
    own = [link for link in links if "://" not in link]
    assert [link for link in own if not (page.parent / link).exists()] == []


def code(text):
    """Everything set as code: fenced blocks and spans between back quotes."""
    return re.findall(r"```.*?```|`[^`\n]+`", text, flags=re.DOTALL)


def made(page):
    """The targets of make that a page names."""
    return re.findall(r"\bmake ([a-z]+)", "\n".join(code(page.read_text())))


def typed(page):
    """What a page's code gives the command line to do."""
    return re.findall(r"(?:^|`|bin/)lianfang ((?:[a-z]+ ?)+)", "\n".join(code(page.read_text())), flags=re.MULTILINE)


def unknown_word(line):
    """The first word of a command line that names no command, before the arguments begin."""
    command, context = main, click.Context(main)
    for word in line.split():
        if not isinstance(command, click.Group):
            return None
        command = command.get_command(context, word)
        if command is None:
            return word
    return None
