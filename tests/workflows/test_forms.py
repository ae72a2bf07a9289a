"""Every kind of duty has a form or a reason; what a form makes is what its command takes; health is asked of few."""

import re
import uuid
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from house.source_tree import ROOT, SOURCE
from lianfang.config.kinds import KINDS
from lianfang.core.duties.rules import COULD_NOT
from lianfang.kit.forms import Filling, Form, Option, could_not_payload, faults, payload_of
from lianfang.surfaces.field.phone.duties import COLUMNS
from lianfang.workflows.commands import COMMANDS
from lianfang.workflows.forms import DESK_ONLY, FORMS, digest_of, form_of, forms_for, needs

ROLES = yaml.safe_load((SOURCE / "core/access/roles.yaml").read_text())["roles"]
#: whoever may record these may ask what they ask about somebody's health
HEALTH_RIGHTS = {
    "quarantine.check_person", "quarantine.record_test", "cases.resample", "cases.inform_pool", "specimens.register_tubes",
    "specimens.record_told", "sampling.record_home_sampling", "screening.record_visits", "zones.check_zone",
    "checkpoints.record_passage",
}  # fmt: skip
#: roles that are told nobody's health
WITHOUT_HEALTH = ("volunteer", "courier", "driver", "disinfection", "department", "employer", "inspector", "police")
BY_CODE = {form.code: form for form in FORMS}

every_form = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.code)
uuids = st.uuids().map(str)
words = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=20)


def permissions_of(role: str) -> set[str]:
    return {one for line in ROLES[role]["may"] for one in (line if isinstance(line, list) else [line])}


def test_every_kind_has_a_form_or_a_reason():
    formed = {kind for form in FORMS for kind in form.duties}
    declared = {kind.code for kind in KINDS}
    assert declared == formed | set(DESK_ONLY)
    assert not formed & set(DESK_ONLY)
    assert all(len(reason) > 20 for reason in DESK_ONLY.values())


def test_codes_are_once():
    assert len(BY_CODE) == len(FORMS)


@every_form
def test_texts_are_whole_in_both_languages(form: Form):
    texts = [form, *form.fields, *form.after, *(option for one in form.fields for option in one.options)]
    texts += list(form.could_not.reasons) if form.could_not else []
    for text in texts:
        assert re.search(r"[一-鿿]", text.zh), text
        assert re.search(r"[A-Za-z]", text.en), text
    for one in form.fields:
        assert bool(one.hint_zh) == bool(one.hint_en), one.name


@every_form
def test_commands_and_permissions_exist(form: Form):
    every = {one for role in ROLES for one in permissions_of(role)}
    assert form.command in COMMANDS
    assert form.permission in every
    assert form.could_not is None or form.could_not.command in COMMANDS


@every_form
def test_every_duty_with_work_to_fail_at_has_could_not(form: Form):
    paper_only = {"directive_receipt", "directive_feedback", "inform_pool_police"}
    assert bool(form.could_not) == bool(set(form.duties) - paper_only)


def of_field(one: Any) -> st.SearchStrategy[Any]:
    low, high = one.min if one.min is not None else 0, one.max if one.max is not None else 500
    answer: st.SearchStrategy[Any] = {
        "number": st.integers(int(low), int(high)),
        "temperature": st.integers(int(low * 10), int(high * 10)).map(lambda tenths: tenths / 10),
        "flag": st.booleans(),
        "text": words,
        "scan": st.from_regex(r"[A-Z0-9]{1,20}", fullmatch=True),
        "photo": uuids, "person": uuids, "household": uuids,
        "time": st.just("2022-07-15T09:00:00+08:00"),
        "place": st.just({"division_code": 469021101001001, "text": "村口", "lon": 110.3, "lat": 19.7}),
        "choice": st.sampled_from([option.code for option in one.options] or [offered(one)]),
        "choices": st.lists(st.sampled_from([option.code for option in one.options] or [offered(one)]), min_size=1, unique=True),
    }[one.type]  # fmt: skip
    return st.lists(answer, min_size=1, max_size=3) if one.many else answer


def offered(one: Any) -> str:
    """The first of the options that duty or sender bring along."""
    return KNOWN[next(iter(one.options_from.values()))][0]["code"] if one.options_from else SOME


SOME = str(uuid.uuid4())
#: what the phone knows of any duty and its subject, by the name of the attribute
KNOWN: dict[str, Any] = {
    "id": 7, "subject": str(uuid.uuid4()), "source": str(uuid.uuid4()), "period": "2022-07-14", "resident": str(uuid.uuid4()),
    "division_code": 469021101001001, "destination": "县医院", "hospital": "县医院", "vehicle": "琼C12345",
    "address": "村口 3 号", "authority": "县指挥部", "appeal_to": "12345", "title": "网格员", "people": 3,
    "members": [{"code": SOME, "zh": "李", "en": "Li"}], "buildings": [{"code": SOME, "zh": "一栋", "en": "1"}],
    "sites": [{"code": SOME, "zh": "广场", "en": "square"}], "checkpoints": [{"code": SOME, "zh": "大桥", "en": "bridge"}],
    "category": "market", "checklist": [{"code": "masks", "zh": "佩戴口罩", "en": "masks are worn"}],
    "areas": [{"code_lo": 469021101001000, "code_hi": 469021101001999}],
}  # fmt: skip
TUBE = {
    "id": SOME, "code": "T1", "mode": "pooled", "capacity": 10, "purpose": "area_screening", "division_code": 469021101001001,
    "opened_at": "2022-07-14T09:00:00+08:00", "round": SOME, "samples": [{"id": SOME, "resident": SOME}],
}  # fmt: skip


@st.composite
def filled(draw: st.DrawFn, form: Form) -> Filling:
    """Answers of every required field and some of the others."""
    asked = [one for one in form.fields if one.type != "note"]
    values = {one.name: draw(of_field(one)) for one in asked if one.required or draw(st.booleans())}
    values |= {"tubes": [TUBE]} if form.layout == "sampling" else {}
    wanted = needs(form)
    known = {name: {path: KNOWN[path] for path in paths} for name, paths in wanted.items()}
    return Filling(values, known["duty"], known["subject"], known["me"], "2022-07-14T09:00:00+08:00",
                   [str(uuid.uuid4()) for _ in range(5)])  # fmt: skip


@every_form
@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_what_a_form_makes_is_what_its_command_takes(form: Form, data: st.DataObject):
    filling = data.draw(filled(form))
    assert faults(form, filling.values, filling) == []
    COMMANDS[form.command][0].model_validate(payload_of(form, filling))


@every_form
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_what_could_not_makes_is_what_its_command_takes(form: Form, data: st.DataObject):
    if form.could_not:
        filling = data.draw(filled(form)).answering({})
        reason: Option = data.draw(st.sampled_from(form.could_not.reasons))
        again = data.draw(st.sampled_from([None, "2022-07-15T09:00:00+08:00"]))
        payload = could_not_payload(form, filling, reason, data.draw(words), again)
        COMMANDS[form.could_not.command][0].model_validate(payload)


@every_form
def test_every_answer_goes_somewhere(form: Form):
    """Nobody is asked what nobody reads: each field is in the payload, in a condition, or a photo beside it."""
    read = str(form.payload) + str([one.when for one in form.fields])
    for one in form.fields:
        if one.type not in ("note", "photo") and form.layout != "sampling":
            assert re.search(rf"'{one.name}['.]", read), one.name


@every_form
def test_reasons_are_those_of_the_ledger(form: Form):
    assert not form.could_not or set(form.could_not.reasons) <= set(COULD_NOT)


@every_form
def test_health_is_asked_only_of_those_with_a_right_to_it(form: Form):
    assert not form.sensitive or form.permission in HEALTH_RIGHTS


@pytest.mark.parametrize("role", WITHOUT_HEALTH)
def test_no_form_with_a_health_field_reaches(role: str):
    assert [form.code for form in forms_for(permissions_of(role)) if form.sensitive] == []


@pytest.mark.parametrize("field", ["temperature", "symptoms", "identifier"])
def test_health_fields_say_so(field: str):
    for form in FORMS:
        assert all(one.sensitive for one in form.fields if one.name == field)


def test_words_are_those_of_the_glossary():
    """A form that stands for a kind of duty bears the kind's own name, and forms without one say what the glossary says."""
    kinds = {kind.code: kind for kind in KINDS}
    listed = yaml.safe_load((ROOT / "docs/glossary.yaml").read_text())
    glossary = {entry["id"]: entry["zh"] for entry in (*listed["terms"], *listed["words"])}
    for form in FORMS:
        if form.code in kinds:
            assert form.zh == kinds[form.code].zh
            assert kinds[form.code].en.startswith(form.en)
        else:
            assert glossary.get(form.code, "—") in form.zh, form.code


@pytest.mark.parametrize(
    ("kind", "role"),
    [
        ("door_visit", "community"), ("missed_test_visit", "community"), ("daily_check", "grid_worker"),
        ("daily_check", "site_team"), ("quarantine_test", "sampler"), ("closed_loop_transfer", "driver"),
        ("transfer_to_hospital", "driver"), ("positive_transfer", "driver"), ("hold_in_place", "community"),
        ("confirmatory_retest", "sampler"), ("pool_resample", "rapid_squad"), ("inform_pool_community", "community"),
        ("inform_pool_police", "police"), ("tell_release", "community"), ("contact_in_quarantine", "community"),
        ("round_visit", "grid_worker"), ("home_sampling", "sampler"), ("missing_tube", "courier"),
        ("missing_tube", "lab"), ("extra_tube", "lab"), ("tell_result", "lab"), ("zone_needs_check", "community"),
        ("patrol", "grid_worker"), ("patrol", "volunteer"), ("clean_up", "disinfection"), ("delivery", "volunteer"),
        ("field_inspection", "inspector"), ("field_inspection", "grid_worker"), ("fix_finding", "community"),
        ("tell_reporter", "service_desk"), ("tell_reporter", "community"), ("directive_receipt", "community"), ("directive_feedback", "township"),
    ],
)  # fmt: skip
def test_whoever_gets_a_duty_gets_its_form(kind: str, role: str):
    code = form_of(kind, "", permissions_of(role))
    assert code
    assert kind in BY_CODE[code].duties
    could_not = BY_CODE[code].could_not
    assert not could_not or could_not.command != "record_attempt" or "duties.finish_duty" in permissions_of(role)


def test_a_shift_is_checked_in_to_by_those_assigned():
    may = permissions_of("volunteer")
    assert form_of("shift_attendance", "shift_assignment", may) == "shift_check_in"
    assert form_of("shift_attendance", "shift", may) is None


SUPPLIED = {
    "subject": {
        "resident",
        "people",
        "members",
        "areas",
        "buildings",
        "authority",
        "appeal_to",
        "category",
        "checklist",
    },
    "me": {"title", "sites", "checkpoints"},
}


@every_form
def test_a_form_reads_only_what_a_phone_has(form: Form):
    read = needs(form)
    assert read["duty"] <= set(COLUMNS)
    assert read["subject"] <= SUPPLIED["subject"]
    assert read["me"] <= SUPPLIED["me"]


def test_a_drivers_forms_say_nothing_of_health():
    for form in forms_for(permissions_of("driver")):
        told = " ".join([form.code, form.zh, form.en])
        assert not re.search("阳性|隔离|异常|病例|positive|quarantine|case|loop", told), told


def test_the_digest_follows_the_forms():
    forms = forms_for(permissions_of("grid_worker"))
    changed = (forms[0].model_copy(update={"zh": "另一个名字"}), *forms[1:])
    assert digest_of(forms) == digest_of(tuple(forms)) != digest_of(changed)
