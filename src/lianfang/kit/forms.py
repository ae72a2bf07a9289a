"""What a phone asks for a piece of work, described as data, and how an answer becomes the payload of a command: pure.

The phone has the same rules in TypeScript (``frontend/field/src/forms/engine.ts``); both run the cases of
``frontend/field/src/forms/vectors.json``.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

Json = Any
Cond = dict[str, Any]
FieldType = Literal[
    "choice", "choices", "number", "temperature", "text", "flag", "scan", "photo", "person", "household", "time",
    "place", "note",
]  # fmt: skip
Layout = Literal["page", "steps", "sampling", "handover", "checkpoint"]
Scanned = Literal["resident_code", "id_card", "tube", "box", "device_code", "plate"]
#: what a condition and a template may be made of
CONDITIONS = ({"field", "is"}, {"field", "at_least"}, {"field", "filled"}, {"any"}, {"all"}, {"not"})
SOURCES = ("$value", "$duty", "$subject", "$me", "$item")
PARTS = ({"$now"}, {"$id"}, {"$if", "then"}, {"$if", "then", "else"}, {"$omit_if_empty"}, {"$each", "give"},
         *({name} for name in SOURCES))  # fmt: skip
#: what the payload of “could not, because …” may use besides the fields
COULD_NOT_VALUES = ("reason", "reason_text", "note", "again_at")

#: what the screens of a layout put together themselves: the tubes with the samples in them
MADE_BY_LAYOUT = {"sampling": ("tubes",)}


class Described(BaseModel):
    """Base of everything a phone reads about forms: unknown words are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Option(Described):
    """One answer of a choice."""

    code: str
    zh: str
    en: str


class Field(Described):
    """One question, or a note that asks nothing; ``when`` may look at fields above it only."""

    name: str
    type: FieldType
    zh: str
    en: str
    hint_zh: str = ""
    hint_en: str = ""
    required: bool = False
    options: tuple[Option, ...] = ()
    options_from: Json = None
    many: bool = False
    min: float | None = None
    max: float | None = None
    step: float | None = None
    unit: str = ""
    when: Cond | None = None
    default: Json = None
    sensitive: bool = False
    accept: tuple[Scanned, ...] = ()


class CouldNot(Described):
    """“Could not, because …”: one tap on a reason, which is a result like any other."""

    reasons: tuple[Option, ...]
    command: str
    payload: Json


class After(Described):
    """What the phone says when an answer calls for it."""

    when: Cond
    zh: str
    en: str
    tone: Literal["alarm", "info"]


class Form(Described):
    """What is asked for a piece of work, and which command its answers become.

    ``duties`` are the kinds it finishes, of ``subject_kinds`` only where some are named; ``alone`` says that it may be
    begun without a duty. Raises ``ValueError`` when a condition or template names what is not there.
    """

    code: str
    zh: str
    en: str
    icon: str
    command: str
    permission: str
    payload: Json
    duties: tuple[str, ...] = ()
    subject_kinds: tuple[str, ...] = ()
    alone: bool = False
    layout: Layout = "page"
    fields: tuple[Field, ...] = ()
    could_not: CouldNot | None = None
    after: tuple[After, ...] = ()

    @property
    def sensitive(self) -> bool:
        """Whether anything of somebody's health is asked."""
        return any(one.sensitive for one in self.fields)

    @model_validator(mode="after")
    def _names_what_is_there(self) -> "Form":
        above: set[str] = set()
        for one in self.fields:
            if one.name in above:
                raise ValueError(f"{self.code}: two fields are named {one.name}")
            _check_condition(one.when, above, self.code)
            _check_template([one.default, one.options_from], above, self.code)
            above.add(one.name)
        for note in self.after:
            _check_condition(note.when, above, self.code)
        above.update(MADE_BY_LAYOUT.get(self.layout, ()))
        _check_template(self.payload, above, self.code)
        if self.could_not:
            _check_template(self.could_not.payload, above | set(COULD_NOT_VALUES), self.code)
        return self


@dataclass(frozen=True)
class Filling:
    """What a template is filled from: the answers, what is known of duty, subject and sender, the instant, new ids."""

    values: Mapping[str, Json] = field(default_factory=dict)
    duty: Mapping[str, Json] = field(default_factory=dict)
    subject: Mapping[str, Json] = field(default_factory=dict)
    me: Mapping[str, Json] = field(default_factory=dict)
    now: str = ""
    ids: Sequence[str] = ()

    def answering(self, values: Mapping[str, Json]) -> "Filling":
        """Return the same with other answers."""
        return Filling(values, self.duty, self.subject, self.me, self.now, self.ids)


def holds(cond: Cond | None, values: Mapping[str, Json]) -> bool:
    """Say whether a condition is met; none always is, and a missing answer equals nothing and reaches no number."""
    if cond is None:
        return True
    if "any" in cond:
        return any(holds(one, values) for one in cond["any"])
    if "all" in cond:
        return all(holds(one, values) for one in cond["all"])
    if "not" in cond:
        return not holds(cond["not"], values)
    found = values.get(cond["field"])
    if "filled" in cond:
        return _empty(found) != cond["filled"]
    if "at_least" in cond:
        return _is_number(found) and found >= cond["at_least"]
    return any(_same(one, cond["is"]) for one in (found if isinstance(found, list) else [found]))


def shown(form: Form, values: Mapping[str, Json]) -> dict[str, Json]:
    """Return the answers of the fields that are shown, from the top: what a hidden field held before does not count."""
    kept: dict[str, Json] = {}
    for one in form.fields:
        if one.type != "note" and holds(one.when, kept) and not _empty(values.get(one.name)):
            kept[one.name] = values[one.name]
    return kept


def begun(form: Form, filling: Filling) -> dict[str, Json]:
    """Return the answers that a form begins with: the defaults that are known."""
    known = {one.name: render(one.default, filling.answering({})) for one in form.fields}
    return {name: value for name, value in known.items() if not _empty(value)}


def faults(form: Form, values: Mapping[str, Json], filling: Filling | None = None) -> list[tuple[str, str]]:
    """Return what is wrong with the answers as (field, ``required``, ``type``, ``option``, ``min`` or ``max``)."""
    kept = shown(form, values)
    asked = [one for one in form.fields if one.type != "note" and holds(one.when, kept)]
    found = [(one.name, _fault(one, kept.get(one.name), filling or Filling())) for one in asked]
    return [(name, fault) for name, fault in found if fault]


def payload_of(form: Form, filling: Filling) -> Json:
    """Return the payload of the form's command for these answers."""
    made = {name: filling.values.get(name) for name in MADE_BY_LAYOUT.get(form.layout, ())}
    return render(form.payload, filling.answering(shown(form, filling.values) | made))


def could_not_payload(
    form: Form, filling: Filling, reason: Option, note: str = "", again_at: str | None = None
) -> Json:
    """Return the payload that says why the work could not be done, and when somebody comes again."""
    assert form.could_not, f"{form.code} has no “could not”"
    text = f"{reason.zh}：{note.strip()}" if note.strip() else reason.zh
    said = {"reason": reason.code, "reason_text": text, "note": note.strip(), "again_at": again_at}
    return render(form.could_not.payload, filling.answering({**shown(form, filling.values), **said}))


def said_after(form: Form, values: Mapping[str, Json]) -> list[After]:
    """Return what the phone says about these answers."""
    kept = shown(form, values)
    return [note for note in form.after if holds(note.when, kept)]


def render(template: Json, filling: Filling, item: Json = None) -> Json:
    """Fill a template; what is not known becomes null."""
    if isinstance(template, list):
        return [render(one, filling, item) for one in template if not _left_out(one, filling, item)]
    if not isinstance(template, dict):
        return template
    key = next((name for name in template if name.startswith("$")), "")
    if not key:
        return {name: render(one, filling, item) for name, one in template.items() if not _left_out(one, filling, item)}
    if key in SOURCES:
        return _picked(key, template[key], filling, item)
    if key == "$now":
        return filling.now
    if key == "$id":
        return filling.ids[template["$id"] - 1]
    if key == "$if":
        return render(
            template["then"] if holds(template["$if"], filling.values) else template.get("else"), filling, item
        )
    if key == "$each":
        return [render(template["give"], filling, one) for one in render(template["$each"], filling, item) or []]
    return render(template["$omit_if_empty"], filling, item)


def sources(template: Json) -> Iterator[tuple[str, str]]:
    """Yield what a template reads, as (``$duty``, attribute) and so on."""
    if isinstance(template, dict):
        yield from ((name, path) for name, path in template.items() if name in SOURCES and isinstance(path, str))
    for part in template.values() if isinstance(template, dict) else template if isinstance(template, list) else ():
        yield from sources(part)


def templates(form: Form) -> Iterator[Json]:
    """Yield every template of a form."""
    yield form.payload
    for one in form.fields:
        yield from (one.default, one.options_from)
    if form.could_not:
        yield form.could_not.payload


def value(path: str) -> Json:
    """Return the template of an answer."""
    return {"$value": path}


def of_duty(path: str) -> Json:
    """Return the template of something known of the duty."""
    return {"$duty": path}


def of_subject(path: str) -> Json:
    """Return the template of something known of the duty's subject."""
    return {"$subject": path}


def of_me(path: str) -> Json:
    """Return the template of something known of whoever acts."""
    return {"$me": path}


def new_one(number: int) -> Json:
    """Return the template of the draft's n-th new id."""
    return {"$id": number}


def unless_empty(template: Json) -> Json:
    """Return a template that is left out when it comes to nothing."""
    return {"$omit_if_empty": template}


def given(name: str) -> Json:
    """Return the template of an answer that is left out when there is none."""
    return unless_empty(value(name))


def chosen(name: str, answer: Json) -> Cond:
    """Return the condition that a field has an answer."""
    return {"field": name, "is": answer}


def filled(name: str) -> Cond:
    """Return the condition that a field has any answer."""
    return {"field": name, "filled": True}


def choose(cond: Cond, then: Json, otherwise: Json = None) -> Json:
    """Return a template that depends on a condition."""
    return {"$if": cond, "then": then, "else": otherwise}


def options(*entries: tuple[str, str, str]) -> tuple[Option, ...]:
    """Return options from (code, Chinese, English)."""
    return tuple(Option(code=code, zh=zh, en=en) for code, zh, en in entries)


def ask(name: str, type: FieldType, zh: str, en: str, **more: Any) -> Field:
    """Return a field; ``hint`` and ``options`` may be given as (zh, en) and (code, zh, en)."""
    if "hint" in more:
        more["hint_zh"], more["hint_en"] = more.pop("hint")
    if more.get("options") and isinstance(more["options"][0], tuple):
        more["options"] = options(*more["options"])
    return Field(name=name, type=type, zh=zh, en=en, **more)


NOW: Json = {"$now": 1}


def _left_out(template: Json, filling: Filling, item: Json) -> bool:
    return isinstance(template, dict) and "$omit_if_empty" in template and _empty(render(template, filling, item))


def _picked(source: str, path: Json, filling: Filling, item: Json) -> Json:
    if source == "$item" and not isinstance(path, str):
        return item
    found = item if source == "$item" else getattr(filling, source[1:] + ("s" if source == "$value" else ""))
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _empty(found: Json) -> bool:
    return found is None or found == "" or (isinstance(found, list | dict) and not found)


def _is_number(found: Json) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool)


def _same(one: Json, other: Json) -> bool:
    return one is not None and isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _fault(one: Field, answer: Json, filling: Filling) -> str:
    if _empty(answer):
        return "required" if one.required else ""
    answers = answer if isinstance(answer, list) else [answer]
    if isinstance(answer, list) != (one.many or one.type == "choices") or not all(_fits(one, each) for each in answers):
        return "type"
    codes = [option.code for option in one.options] or [
        option["code"] for option in render(one.options_from, filling) or []
    ]
    if one.type in ("choice", "choices") and not all(each in codes for each in answers):
        return "option"
    if _is_number(answer) and one.min is not None and answer < one.min:
        return "min"
    return "max" if _is_number(answer) and one.max is not None and answer > one.max else ""


def _fits(one: Field, answer: Json) -> bool:
    if one.type in ("number", "temperature"):
        return _is_number(answer)
    if one.type == "time":
        return isinstance(answer, str) and _is_instant(answer)
    return isinstance(answer, {"flag": bool, "place": dict}.get(one.type, str))


def _is_instant(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _check_condition(cond: Cond | None, names: set[str], form: str) -> None:
    if cond is None:
        return
    if set(cond) not in CONDITIONS:
        raise ValueError(f"{form}: {cond} is no condition")
    if "field" in cond and cond["field"] not in names:
        raise ValueError(f"{form}: no field {cond['field']} stands above {cond}")
    for part in (*cond.get("any", ()), *cond.get("all", ()), *((cond["not"],) if "not" in cond else ())):
        _check_condition(part, names, form)


def _check_template(template: Json, names: set[str], form: str) -> None:
    if isinstance(template, dict):
        keys = {name for name in template if name.startswith("$")}
        if keys and set(template) not in PARTS:
            raise ValueError(f"{form}: {template} is no part of a template")
        if "$value" in template and template["$value"].partition(".")[0] not in names:
            raise ValueError(f"{form}: there is no field {template['$value']}")
        _check_condition(template.get("$if"), names, form)
    for part in _inner(template):
        _check_template(part, names, form)


def _inner(template: Json) -> Iterable[Json]:
    if isinstance(template, dict):
        return [part for name, part in template.items() if name not in ("$if", *SOURCES)]
    return template if isinstance(template, list) else ()
