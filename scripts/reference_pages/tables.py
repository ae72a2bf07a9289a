"""Tables of Markdown, and where to find what the rooms declare."""

import importlib
import pkgutil
from collections.abc import Iterable, Iterator, Sequence
from types import ModuleType

import lianfang


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; bars and line breaks inside cells are made harmless."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def code(words: Iterable[object]) -> str:
    """Return words set as code, comma-separated; a dash when there is none."""
    return ", ".join(f"`{word}`" for word in words) or "–"


def first_sentence(text: str | None) -> str:
    """Return the first sentence of a docstring."""
    plain = " ".join((text or "").split())
    end = plain.find(". ")
    return (plain if end < 0 else plain[: end + 1]).replace("``", "`")


def modules_named(*names: str) -> Iterator[ModuleType]:
    """Import and yield every module of the project whose last part is one of these names, in order of their paths."""
    for found in sorted(pkgutil.walk_packages(lianfang.__path__, "lianfang."), key=lambda one: one.name):
        if found.name.rpartition(".")[2] in names:
            yield importlib.import_module(found.name)


def permissions() -> dict[str, tuple[str, str]]:
    """Return every permission that a room declares, with its Chinese and English words."""
    return {
        name: words
        for module in modules_named("permissions")
        for name, words in getattr(module, "PERMISSIONS", {}).items()
    }


def _cell(text: str) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")
