"""The table of commands: payload, permission, and what each does, read from models and actions."""

import inspect
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields, is_dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel

from reference_pages.tables import code, first_sentence, permissions, table

INTRODUCTION = """# Commands

Every change from outside is a command: an id made where the change was made, a `kind`, `valid_at` (when it held, with
its time zone) and a payload. Send it with `POST /api/commands` under the token of `POST /api/sign-in`; the answer is its
receipt. Sent again it changes nothing and returns the same receipt with `repeated`. The id of a record may be chosen by
the sender (`id` in the payload), so that the sender can refer to it before the answer arrives.

A field with `?` may be left out; one that is not listed is refused. *instant* is a date and time with its zone, *day* a
date. Division codes are integers of 15 digits unless said otherwise.
"""
NAMES: dict[object, str] = {
    UUID: "id", datetime: "instant", date: "day", timedelta: "length", int: "integer", str: "text", float: "number",
    Decimal: "number", bool: "yes/no", Any: "anything", type(None): "nothing",
}  # fmt: skip


def page() -> str:
    """Return the page; raises when a command asks for no permission that a room declares."""
    from lianfang.workflows.commands import COMMANDS

    parts: dict[str, type] = {}
    text = [INTRODUCTION, _table(COMMANDS, parts)]
    text += ["\n## Parts of payloads\n", table(["part", "fields"], _part_rows(parts)), ""]
    return "\n".join(text)


def _table(commands: dict[str, Any], parts: dict[str, type]) -> str:
    rows = [
        (f"`{kind}`", _what(handler), _fields(model, parts), code(_permissions_of(kind, handler)))
        for kind, (model, handler) in sorted(commands.items())
    ]
    return table(["kind", "what it does", "payload", "permission"], rows)


def _part_rows(parts: dict[str, type]) -> Iterator[tuple[str, str]]:
    written: set[str] = set()
    while rest := sorted(set(parts) - written):
        for name in rest:
            written.add(name)
            yield f"{name}", _fields(parts[name], parts)


def _fields(model: type, parts: dict[str, type]) -> str:
    return ", ".join(f"`{name}`{'' if needed else '?'} {_words(kind, parts)}" for name, kind, needed in _members(model))


def _members(model: type) -> Iterator[tuple[str, Any, bool]]:
    hints = typing.get_type_hints(model)
    if issubclass(model, BaseModel):
        yield from ((name, hints[name], field.is_required()) for name, field in model.model_fields.items())
    else:
        for field in fields(model):
            yield field.name, hints[field.name], field.default is MISSING and field.default_factory is MISSING


def _words(kind: Any, parts: dict[str, type]) -> str:
    if kind in NAMES:
        return NAMES[kind]
    origin, inside = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return " / ".join(map(str, inside))
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_words(one, parts) for one in inside if one is not type(None))
    if origin is dict:
        return "object"
    if inside:
        return f"list of {_words(inside[0], parts)}"
    if isinstance(kind, type) and (is_dataclass(kind) or issubclass(kind, BaseModel)):
        parts[kind.__name__] = kind
        return kind.__name__
    if isinstance(kind, type) and issubclass(kind, Enum):
        return " / ".join(str(one.value) for one in kind)
    return getattr(kind, "__name__", str(kind))


def _what(handler: Callable[..., Any]) -> str:
    level = [handler]
    for _ in range(3):
        found = [one for one in level if _is_action(one)]
        if found:
            return first_sentence(inspect.getdoc(found[0]))
        level = [inner for one in level for inner in _reached(one)]
    return "–"


def _is_action(one: Callable[..., Any]) -> bool:
    read_only = one.__module__.endswith((".schemas", ".queries", ".commands"))
    return not read_only and not one.__name__.startswith("_") and "by" in inspect.signature(one).parameters


def _permissions_of(kind: str, handler: Callable[..., Any]) -> list[str]:
    """Return the permissions asked for nearest to the handler: further down, an action calls others on its own behalf."""
    known = permissions()
    level, seen = [handler], {handler}
    while level:
        found = sorted({value for one in level for value in _constants(one) if value in known})
        if found:
            return found
        level = [inner for one in level for inner in _reached(one) if inner not in seen]
        seen |= set(level)
    raise SystemExit(f"command {kind}: no action of it asks for a permission")


def _constants(one: Callable[..., Any]) -> Iterator[str]:
    yield from (value for value in _values(one) if isinstance(value, str))
    yield from (value for value in (one.__kwdefaults__ or {}).values() if isinstance(value, str))


def _reached(one: Callable[..., Any]) -> list[Callable[..., Any]]:
    return [value for value in _values(one) if isinstance(value, types.FunctionType)]


def _values(one: Callable[..., Any]) -> Iterator[Any]:
    """Yield what a function's code can name: its closure, its globals, and the attributes of modules among them."""
    for cell in one.__closure__ or ():
        yield cell.cell_contents
    names = _names(one.__code__)
    found = [one.__globals__[name] for name in names if name in one.__globals__]
    yield from found
    for module in (value for value in found if isinstance(value, types.ModuleType)):
        if module.__name__.startswith("lianfang."):
            yield from (getattr(module, name) for name in names if hasattr(module, name))


def _names(body: types.CodeType) -> list[str]:
    inner = [name for part in body.co_consts if isinstance(part, types.CodeType) for name in _names(part)]
    return [*body.co_names, *inner]
