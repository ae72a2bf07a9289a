"""What is wrong with a command's fields is said in Chinese too, whatever it is."""

import re

import pytest
from pydantic import TypeAdapter

from lianfang.core.access.commands import Envelope
from lianfang.kit.clock import local
from lianfang.kit.ids import new_id
from lianfang.kit.sentences import in_chinese
from lianfang.workflows.commands import COMMANDS, PayloadRefused, _read

NOON = local("2022-07-14 12:00")
#: what no field takes, or few
WRONG = (
    None,
    "",
    "x",
    "2022-07-14T12:00:00",
    "9" * 5000,
    -1,
    10**30,
    1.5,
    float("inf"),
    True,
    [],
    {},
    [None],
    ["x"] * 3000,
    "长" * 3000,
)
ENGLISH = re.compile(r"[A-Za-z]+ [a-z]+ [a-z]+")


def refusals(kind, model):
    """Sentences with which a kind of command refuses each wrong value in each of its fields, alone and in its lists."""
    for payload in payloads(TypeAdapter(model).json_schema()):
        try:
            _read(model, Envelope(new_id(), kind, NOON, payload))
        except PayloadRefused as refused:
            yield str(refused)


def payloads(schema):
    """Payloads with one thing wrong: a field, or a field of the entries of a field."""
    yield {}
    yield {"nobody_knows": 1}
    for name, about in schema.get("properties", {}).items():
        for wrong in WRONG:
            yield {name: wrong}
        inner = entry(about, schema)
        for field in inner:
            for wrong in WRONG:
                yield {name: [{field: wrong}]}
                yield {name: {field: wrong}}


def entry(about, schema):
    """The fields of what a field holds, one or many of it."""
    found = re.search(r"#/\$defs/(\w+)", str(about))
    return schema["$defs"][found[1]].get("properties", {}) if found else {}


def faults():
    """Every fault of every field of every command, each once, as a refusal of a command says it."""
    found = {}
    for kind, (model, _) in sorted(COMMANDS.items()):
        for said in refusals(kind, model):
            for fault in said.removesuffix(".").partition(" cannot be read: ")[2].split("; "):
                found.setdefault(re.sub(r"^[^:]*: |\d+", "", fault), f"The command {kind} cannot be read: {fault}.")
    return found


def test_every_fault_of_a_field_has_its_chinese():
    found = faults()
    assert len(found) > 30
    left = {said: in_chinese(said) for said in found.values() if ENGLISH.search(in_chinese(said) or said)}
    assert not left


def test_thousands_of_faults_are_counted_and_not_listed():
    with pytest.raises(PayloadRefused) as refused:
        _read(COMMANDS["waive_duties"][0], Envelope(new_id(), "waive_duties", NOON, {"duties": ["x"] * 3000}))
    assert len(str(refused.value)) < 700 and "另有 2997 项" in (in_chinese(str(refused.value)) or "")
