"""Every sentence with which a room of testing refuses something, and the rooms below it, is there in Chinese."""

import ast
import re

import pytest
from source_tree import ROOT, SOURCE

from lianfang.kit.sentences import in_chinese

ROOMS = (
    "response/specimens", "response/screening", "response/sampling", "response/cases/pools.py",
    "response/cases/pool_people.py", "response/cases/pool_queries.py", "workflows", "core/people", "core/access",
    "core/duties", "core/notices", "response/checkpoints", "response/quarantine", "surfaces/field",
)  # fmt: skip
#: words of the interface's description and of packs, which no user meets as a refusal
NOT_REFUSALS = {"schemas.py", "models.py", "openapi.py", "escalation.py", "reference.py", "config.py", "forms.py"}
SENTENCE = re.compile(r"[A-Z“{].*[a-z”}] [a-z“{].*[.!]", re.DOTALL)
#: what stands in a gap while the table is asked
GAP = "X1"


def files():
    found = [
        path for room in ROOMS for path in ([SOURCE / room] if room.endswith(".py") else (SOURCE / room).rglob("*.py"))
    ]
    return [path for path in sorted(found) if path.name not in NOT_REFUSALS and "synthetic" not in path.parts]


def text_of(node):
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else GAP for part in node.values)
    return ""


def sentences(tree):
    """Sentences of a module that are no docstrings; a summary, a description or an example is told to programmers."""
    kept = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)]
    kept += [key.value for node in ast.walk(tree) if isinstance(node, ast.Call) for key in node.keywords
             if key.arg in ("description", "summary", "examples", "because")]  # fmt: skip
    kept += [arg for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
             and node.func.id in ("ValueError", "TypeError", "AssertionError") for arg in node.args]  # fmt: skip
    kept += [part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values]
    for node in ast.walk(tree):
        text = text_of(node)
        if not any(node is one for one in kept) and "\n" not in text and SENTENCE.fullmatch(text) and len(text) > 24:
            yield node.lineno, text


def untranslated(path):
    for line, text in sentences(ast.parse(path.read_text())):
        told = text if not text.startswith(f"{GAP} ") else f"Tube {text}"
        if in_chinese(told) is None and in_chinese(text) is None:
            yield f"{path.name}:{line}: {text}"


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_every_refusal_is_there_in_chinese(path):
    assert list(untranslated(path)) == []


def test_a_new_sentence_is_noticed(tmp_path):
    planted = tmp_path / "rules.py"
    planted.write_text(
        'def f(tube):\n    """Return why a tube is refused, as a sentence."""\n    return f"Tube {tube} is on fire: run away."\n'
    )
    assert list(untranslated(planted)) == ["rules.py:3: Tube X1 is on fire: run away."]
    assert ROOT in SOURCE.parents
