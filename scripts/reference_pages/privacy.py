"""What each table may reveal, who sees its rows, and whether they can be changed."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

from reference_pages.tables import code, table

INTRODUCTION = """# Privacy, table by table

Every field is declared once. *Personal* names a person or says where they are; *identifier* is a national ID, phone or
plate, kept encrypted; *health* is a result, diagnosis or condition; everything else is *plain*. A row of a table under
scope is read and written only where one of the columns named lies in the range of codes of whoever acts; PostgreSQL
checks that. *Append-only* takes changing and deleting away from the two logins that serve.

Some tables have rules of their own: grants, posts and the response clock are written on the administration line alone;
an audit row is written by whoever acts and read on the audit line, inside its range.
"""


def page() -> str:
    """Return the page, a section for each room."""
    from lianfang.core.access.privacy import DECLARATIONS

    scoped, kept = dict(_scoped()), set(_append_only())
    by_room: dict[str, list[Any]] = {}
    for model in DECLARATIONS:
        by_room.setdefault(model._meta.app_label, []).append(model)
    parts = [INTRODUCTION]
    for room in sorted(by_room):
        models = sorted(by_room[room], key=lambda model: model._meta.db_table)
        parts += [f"## {room}\n", *(_section(model, DECLARATIONS[model], scoped, kept) for model in models)]
    return "\n".join(parts)


def _section(model: Any, declaration: Any, scoped: dict[str, str], kept: set[str]) -> str:
    name = model._meta.db_table
    fields = [field.name for field in model._meta.get_fields() if field.name in declaration.declared]
    kinds = ("personal", "identifier", "health", "plain")
    rows = [
        (kind, code(f for f in fields if f in getattr(declaration, kind)))
        for kind in kinds
        if getattr(declaration, kind)
    ]
    said = [f"Under scope by {code(scoped[name].split())}" if name in scoped else "Not under scope"]
    said += ["append-only"] if name in kept else []
    because = f" Because {declaration.because}." if declaration.because else ""
    return f"### `{name}`\n\n{'; '.join(said)}.{because}\n\n{table(['kind', 'fields'], rows)}\n"


def _operations() -> Iterator[Any]:
    import lianfang

    for found in pkgutil.walk_packages(lianfang.__path__, "lianfang."):
        if ".migrations." in found.name:
            yield from importlib.import_module(found.name).Migration.operations


def _scoped() -> Iterator[tuple[str, str]]:
    from lianfang.core.access.migration import UnderScope

    for operation in _operations():
        if isinstance(operation, UnderScope):
            yield operation.table, " ".join(operation.columns)


def _append_only() -> Iterator[str]:
    from lianfang.core.access.migration import AppendOnly

    yield from (operation.table for operation in _operations() if isinstance(operation, AppendOnly))
