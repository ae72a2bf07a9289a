"""YAML as a pack needs it: no key twice, no ``18:00`` turned into 1080, no ``no`` turned into false, lines known."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from lianfang.engines.protocol.errors import PackInvalid, Problem


class PackLoader(yaml.SafeLoader):
    """Safe YAML with only the plain scalars a pack may hold: numbers, true, false, null, dates."""


PackLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"^(?:true|false)$", "tf"),
    ("int", r"^-?(?:0|[1-9]\d*)$", "-0123456789"),
    ("float", r"^-?\d+\.\d+$", "-0123456789"),
    ("null", r"^(?:null|~|)$", ["n", "~", ""]),
    ("timestamp", r"^\d{4}-\d\d-\d\d$", "0123456789"),
):
    PackLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(_pattern), list(_first))


@dataclass(frozen=True)
class PackFile:
    """One YAML file as read: its plain content and the line of every field."""

    name: str
    content: dict[str, Any]
    lines: dict[tuple[str, ...], int]

    def problem(self, path: Sequence[object], why: str, remedy: str) -> Problem:
        """Return a problem at a path, on the line of the nearest field that the file itself holds."""
        keys = tuple(str(part) for part in path)
        at = next((n for n in range(len(keys), -1, -1) if keys[:n] in self.lines), 0)
        return Problem(self.name, self.lines.get(keys[:at], 1), ".".join(keys), why, remedy)


def _index(node: yaml.Node, path: tuple[str, ...], lines: dict[tuple[str, ...], int], twice: list[Any]) -> None:
    """Note the line of every field below a node, and every key that stands twice."""
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            child = (*path, str(key.value))
            if child in lines:
                twice.append((child, key.start_mark.line + 1, lines[child]))
            lines[child] = key.start_mark.line + 1
            _index(value, child, lines, twice)
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            lines[(*path, str(index))] = value.start_mark.line + 1
            _index(value, (*path, str(index)), lines, twice)


@lru_cache(maxsize=64)
def _read(path: Path, _changed: int) -> PackFile:
    name = path.name
    try:
        text = path.read_text(encoding="utf-8")
        root = yaml.compose(text, PackLoader)
        content = yaml.load(text, PackLoader)
    except UnicodeDecodeError as error:
        why = f"byte {error.start} is not UTF-8"
        raise PackInvalid((Problem(name, 1, "", why, "Save the file as UTF-8"),)) from error
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        why = f"is not YAML: {getattr(error, 'problem', None) or error}"
        line = mark.line + 1 if mark else 1
        raise PackInvalid((Problem(name, line, "", why, "Correct the indentation or quoting there"),)) from error
    if not isinstance(content, dict) or root is None:
        raise PackInvalid((Problem(name, 1, "", "holds no fields", "Start from an existing pack or overlay"),))
    lines: dict[tuple[str, ...], int] = {(): 1}
    twice: list[Any] = []
    _index(root, (), lines, twice)
    if twice:
        remedy = "Keep one of the two"
        raise PackInvalid(
            tuple(Problem(name, n, ".".join(k), f"already stands on line {m}", remedy) for k, n, m in twice)
        )
    return PackFile(name, content, lines)


def read_pack_file(path: Path) -> PackFile:
    """Read one YAML file; raises PackInvalid with the line when it is not YAML or holds a key twice."""
    return _read(path, path.stat().st_mtime_ns)
