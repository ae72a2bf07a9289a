"""The HTTP interface: every operation with what it takes and answers, read from its own description."""

from collections.abc import Sequence

from reference_pages.tables import code, table


def page() -> str:
    """Return the page; payloads of commands stand on the page of commands."""
    from lianfang.surfaces.field import reference
    from lianfang.surfaces.field.api import api

    description = api.get_openapi_schema()
    found = reference.operations(description)
    text = [f"# HTTP interface\n\n{description['info']['description']}"]
    text += [
        "A running server shows all of this at `/api/docs`, and for programs at `/api/openapi.json` (OpenAPI 3.1).\n"
    ]
    for tag in description["tags"]:
        rows = [_row(one) for one in found if one.tag == tag["name"] and not _one_kind(one.path)]
        headings = ["operation", "what it does", "parameters and body", "answer"]
        text += [f"## {tag['name'].capitalize()}\n\n{tag['description']}\n", table(headings, rows), ""]
    kinds = [one.path.rpartition("/")[2] for one in found if _one_kind(one.path)]
    text += [
        "Each kind of command has an operation of its own, `POST /api/commands/<kind>`, which takes `id`, `valid_at` and "
        f"the typed `payload` of the [kind](commands.md): {code(kinds)}.\n"
    ]
    text += [
        "## Errors\n",
        table(["status", "what it means"], [(f"`{one}`", what) for one, what in reference.errors(description)]),
    ]
    return "\n".join([*text, ""])


def _one_kind(path: str) -> bool:
    return path.startswith("/api/commands/")


def _row(one) -> Sequence[str]:  # type: ignore[no-untyped-def]
    fields = ", ".join(
        f"`{field.name}`{'?' if field.optional else ''} {field.words}" for field in (*one.parameters, *one.body)
    )
    gate = " *(without signing in)*" if one.open else ""
    return f"`{one.method} {one.path}`{gate}", " ".join(one.description.split()), fields or "–", one.answer
