"""Forms are filled as the shared cases say, which the phone runs as well; a form that names what is not there is refused."""

import json

import pytest
from pydantic import ValidationError

from house.source_tree import ROOT
from lianfang.kit.forms import Filling, Form, begun, could_not_payload, faults, holds, payload_of, render, said_after

VECTORS = json.loads((ROOT / "frontend/field/src/forms/vectors.json").read_text())
FORM = Form.model_validate(VECTORS["form"])
FILLING = Filling(**VECTORS["filling"])


def cases(name):
    return pytest.mark.parametrize("case", VECTORS[name], ids=lambda case: case["name"])


@cases("conditions")
def test_conditions(case):
    assert holds(case["cond"], case["values"]) is case["holds"]


@cases("templates")
def test_templates(case):
    assert render(case["template"], FILLING) == case["gives"]


@cases("answers")
def test_answers_become_a_payload_and_faults_are_named(case):
    filling = FILLING.answering(case["values"])
    assert payload_of(FORM, filling) == case["payload"]
    assert faults(FORM, case["values"], filling) == [tuple(fault) for fault in case["faults"]]
    assert [note.en for note in said_after(FORM, case["values"])] == case["after"]


@cases("could_not")
def test_could_not_is_a_result(case):
    reason = next(one for one in FORM.could_not.reasons if one.code == case["reason"])
    assert could_not_payload(FORM, FILLING.answering({}), reason, case["note"], case["again_at"]) == case["payload"]


def test_it_begins_with_what_is_known():
    assert begun(FORM, FILLING) == VECTORS["begun"]


@pytest.mark.parametrize(
    "change",
    [
        {"payload": {"$value": "nothing"}},
        {"payload": {"$each": 1}},
        {"payload": {"$if": {"field": "nothing", "is": 1}, "then": 1}},
        {"payload": {"$omit_if_empty": {"a": [{"$value": "nothing"}]}}},
        {"after": [{"when": {"field": "outcome"}, "zh": "一", "en": "one", "tone": "info"}]},
        {"fields": [*VECTORS["form"]["fields"], VECTORS["form"]["fields"][1]]},
        {"fields": [VECTORS["form"]["fields"][2], *VECTORS["form"]["fields"][:2], *VECTORS["form"]["fields"][3:]]},
        {"colour": "red"},
    ],
    ids=["no such field", "half a part", "condition on nothing", "deep inside", "half a condition", "a name twice",
         "condition on a field below", "an unknown word"],
)  # fmt: skip
def test_what_is_not_there_is_refused(change):
    with pytest.raises(ValidationError):
        Form.model_validate(VECTORS["form"] | change)
