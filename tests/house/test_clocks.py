"""Two clocks only: no statement asks the database for the time, and only the clock module asks the machine."""

import ast
import re

import pytest
from source_tree import SOURCE, modules

DATABASE_TIME = re.compile(
    r"\b(?:now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\s*\(\s*\)"
    r"|\b(?:current_timestamp|current_date|current_time|localtimestamp|localtime)\b",
    re.IGNORECASE,
)
MACHINE_TIME = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "timezone.now", "time.time"}

#: modules that may ask the machine for the time, each with the reason
EXPLAINED = {"lianfang.kit.clock": "it is the clock"}


def asked_of_the_database(tree):
    """Yield lines of strings that hold a time function of SQL; docstrings are prose."""
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            if DATABASE_TIME.search(node.value):
                yield node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module == "django.db.models.functions":
            yield from (node.lineno for alias in node.names if alias.name == "Now")
        elif isinstance(node, ast.keyword) and node.arg in {"auto_now", "auto_now_add"}:
            yield node.value.lineno


def asked_of_the_machine(tree):
    """Yield lines that read a clock without going through the clock module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ".".join(ast.unparse(node).split(".")[-2:]) in MACHINE_TIME:
            yield node.lineno


def test_no_statement_asks_the_database_for_the_time():
    found = [
        f"{name}:{line}" for name, path in modules() for line in asked_of_the_database(ast.parse(path.read_text()))
    ]
    found += [str(path) for path in SOURCE.rglob("*.sql") if DATABASE_TIME.search(path.read_text())]
    assert found == []


def test_only_the_clock_asks_the_machine():
    read = {name: list(asked_of_the_machine(ast.parse(path.read_text()))) for name, path in modules()}
    assert {name: lines for name, lines in read.items() if lines and name not in EXPLAINED} == {}
    assert all(read[name] for name in EXPLAINED)


@pytest.mark.parametrize(
    "text",
    [
        'execute("update duty set done_at = now()")',
        'execute(f"select {column} where due_at < CURRENT_TIMESTAMP")',
        "from django.db.models.functions import Now",
        "field = DateTimeField(auto_now_add=True)",
    ],
)
def test_a_planted_question_to_the_database_is_seen(text):
    assert list(asked_of_the_database(ast.parse(text))) == [1]


def test_prose_and_other_words_are_not_questions():
    text = '"""We never call now()."""\nexecute("select known(), nowhere")'
    assert list(asked_of_the_database(ast.parse(text))) == []


@pytest.mark.parametrize(
    "text", ["datetime.now(UTC)", "datetime.datetime.now()", "timezone.now()", "default=timezone.now"]
)
def test_a_planted_question_to_the_machine_is_seen(text):
    planted = f"call({text})"
    assert list(asked_of_the_machine(ast.parse(planted))) == [1]
