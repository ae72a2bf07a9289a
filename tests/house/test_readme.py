"""What the README and the pages promise exists."""

import re

import pytest

from house import ROOT

TARGETS = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]


def test_commands_named_in_the_readme_exist():
    named = set(re.findall(r"\bmake ([a-z]+)", "\n".join(code((ROOT / "README.md").read_text()))))
    assert {"demo", "test"} <= named
    assert named - TARGETS == set()


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
