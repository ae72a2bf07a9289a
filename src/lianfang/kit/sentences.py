"""What the house refuses, in Chinese: each English sentence of the rooms beside its Chinese one, both from one table."""

import re
from functools import cache
from importlib.resources import files

import yaml

GAP = re.compile(r"\{(\w+)\}")
#: where one sentence of a gap ends and the next begins, and what joins them in Chinese
BETWEEN = (
    (re.compile(r"(?<=[.!]) (?=[A-Z“])"), ""),
    (re.compile(r"; (?=entry \d|and \d)"), "；"),
    (re.compile(r"; "), "；"),
)
#: what gaps hold that never reach into the next fault of a list
WITHIN = {"path": r"[^\s:;]+", "choices": r"[^;]+", "detail": r"[^;]+"}
#: what a sentence says before its first gap, by which its row of the table is found
HEAD = 6


@cache
def _table() -> dict[str, dict[str, str]]:
    """Return ``sentences`` and the ``words`` of their gaps, Chinese by English."""
    return dict(yaml.safe_load((files(__package__) / "sentences.yaml").read_text("utf-8")))


@cache
def _patterns() -> dict[str, list[tuple[re.Pattern[str], str]]]:
    """Return the sentences as patterns, by how they begin; those that begin with a gap under the empty text."""
    found: dict[str, list[tuple[re.Pattern[str], str]]] = {}
    for english, chinese in _table()["sentences"].items():
        parts = GAP.split(english)
        pattern = "".join(
            re.escape(part) if even else f"(?P<{part}>{WITHIN.get(part, '.+?')})"
            for part, even in zip(parts, _even(), strict=False)
        )
        head = parts[0][:HEAD] if len(parts[0]) >= HEAD else ""
        found.setdefault(head, []).append((re.compile(pattern, re.DOTALL), chinese))
    return found


def _even() -> list[bool]:
    return [True, False] * 12


def in_chinese(sentence: str) -> str | None:
    """Return a sentence of the rooms in Chinese, or None when the table does not hold it.

    What stands in its gaps is kept (a tube's code, a number), turned into Chinese where it is a word or a sentence itself.
    """
    for head in (sentence[:HEAD], ""):
        for pattern, chinese in _patterns().get(head, []):
            if found := pattern.fullmatch(sentence):
                return chinese.format_map({name: _value(name, text) for name, text in found.groupdict().items()})
    return None


def _value(gap: str, text: str) -> str:
    words = _table()["words"]
    listed = [words.get(f"{gap}/{part}") or words.get(part) for part in text.split(", ")]
    if all(listed):
        return "、".join(map(str, listed))
    for between, joint in BETWEEN:
        parts = [in_chinese(part) for part in between.split(text)]
        if len(parts) > 1 and all(parts):
            return joint.join(map(str, parts))
    return in_chinese(text) or text
