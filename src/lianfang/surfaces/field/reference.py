"""The description of the interface in words: one entry for each operation and each part, for the page and for the docs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

FORMATS = {"uuid": "id", "date-time": "instant", "date": "day", "duration": "length"}
TYPES = {"string": "text", "integer": "integer", "number": "number", "boolean": "yes/no", "null": "nothing"}


@dataclass(frozen=True)
class Field:
    """A parameter or a field: its name, whether it may be left out, its type in words, what it is."""

    name: str
    optional: bool
    words: str
    what: str

    @property
    def part(self) -> str:
        """Return the name of the part that the type is made of, or nothing."""
        last = self.words.rpartition(" ")[2]
        return last if last[:1].isupper() else ""


@dataclass(frozen=True)
class Operation:
    """One operation: how it is called, what it takes, what it answers."""

    method: str
    path: str
    summary: str
    description: str
    tag: str
    open: bool
    parameters: tuple[Field, ...]
    body: tuple[Field, ...]
    answer: str

    @property
    def paragraphs(self) -> list[str]:
        """Return what it does, as plain paragraphs."""
        return [" ".join(text.split()).replace("`", "") for text in self.description.split("\n\n")]

    @property
    def anchor(self) -> str:
        """Return the name by which a page refers to it."""
        return f"{self.method}-{self.path.strip('/').replace('/', '-').replace('{', '').replace('}', '')}".lower()


def operations(description: dict[str, Any]) -> list[Operation]:
    """Return all operations in the order of their tags, then of the description."""
    order = [tag["name"] for tag in description["tags"]]
    found = [
        _operation(description, method, path, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    return sorted(found, key=lambda one: order.index(one.tag) if one.tag in order else len(order))


def parts(description: dict[str, Any]) -> list[tuple[str, str, tuple[Field, ...]]]:
    """Return the name, meaning and fields of everything that operations take and answer."""
    schemas = sorted(description["components"]["schemas"].items())
    return [(name, _first(schema.get("description", "")), tuple(_fields(schema))) for name, schema in schemas]


def errors(description: dict[str, Any]) -> list[tuple[str, str]]:
    """Return each status of a refusal with what it means."""
    found = {
        status: answer["description"]
        for methods in description["paths"].values()
        for operation in methods.values()
        for status, answer in operation["responses"].items()
        if status >= "400"
    }
    return sorted(found.items())


def _operation(description: dict[str, Any], method: str, path: str, operation: dict[str, Any]) -> Operation:
    parameters = (
        Field(one["name"], not one["required"], words(one["schema"]), one.get("description", ""))
        for one in operation["parameters"]
    )
    answers = operation["responses"].get("200", {}).get("content", {})
    return Operation(
        method.upper(), path, operation["summary"], operation["description"], operation["tags"][0],
        "security" not in operation, tuple(parameters), tuple(_body(description, operation)),
        words(next(iter(answers.values()))["schema"]) if answers else "nothing",
    )  # fmt: skip


def _body(description: dict[str, Any], operation: dict[str, Any]) -> Iterator[Field]:
    if "requestBody" not in operation:
        return
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    if "$ref" in schema:
        schema = description["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    yield from _fields(schema)


def _fields(schema: dict[str, Any]) -> Iterator[Field]:
    needed = schema.get("required", [])
    for name, kind in schema.get("properties", {}).items():
        yield Field(name, name not in needed, words(kind), kind.get("description", ""))


def words(schema: dict[str, Any]) -> str:
    """Say in words what a JSON schema takes; parts are named."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "enum" in schema:
        return " / ".join(map(str, schema["enum"]))
    if "const" in schema:
        return str(schema["const"])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(words(one) for one in schema["anyOf"] if one.get("type") != "null"))
    kind = schema.get("type")
    if kind == "array":
        return f"list of {words(schema['items'])}" if "items" in schema else "list"
    if kind == "object":
        return "object"
    return FORMATS.get(schema.get("format", ""), TYPES.get(str(kind), "anything"))


def _first(text: str) -> str:
    return text.partition("\n\n")[0].replace("\n", " ")
