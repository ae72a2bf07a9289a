"""Keep functions to a glance and files to a sitting: report what is past its budget and is not an explained exception."""

import argparse
import ast
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
FUNCTION_LINES = 60
FILE_LINES = 600
FOLDERS = ["src", "scripts", "tests", "bench", "frontend"]
SUFFIXES = {".py", ".html", ".css", ".js", ".ts", ".vue", ".sql", ".sh"}
NOT_OURS = {"node_modules", "vendor", "migrations", "__pycache__", "dist", "generated"}


def main() -> None:
    """Print the sizes and end with an error when a budget is broken or an exception is stale."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT)
    root = parser.parse_args().root
    allowed = exceptions(root / "scripts/size_exceptions.toml")
    lengths = dict(function_lengths(root))
    over = [f"{path}: {lines} lines, past {FILE_LINES}" for path, lines in file_lengths(root) if lines > FILE_LINES]
    over += [
        f"{name}: {lines} lines, past {FUNCTION_LINES}" for name, lines in lengths.items() if lines > FUNCTION_LINES
    ]
    unexplained = [line for line in over if line.split(": ")[0] not in allowed]
    stale = [name for name in allowed if not any(line.startswith(f"{name}: ") for line in over)]
    for line in unexplained:
        print(f"{line}; split it, or explain it in scripts/size_exceptions.toml")
    for name in stale:
        print(f"scripts/size_exceptions.toml: {name} is within its budget now; remove the exception")
    if lengths:
        print(f"{len(lengths)} functions, median {median(lengths.values()):.0f} lines, longest {max(lengths.values())}")
    sys.exit(bool(unexplained or stale))


def exceptions(path: Path) -> dict[str, str]:
    """Return the explained exceptions, name → reason; a reason shorter than a clause is refused."""
    if not path.exists():
        return {}
    entries = tomllib.loads(path.read_text()).get("allowed", [])
    for entry in entries:
        if len(entry.get("reason", "")) < 20:
            sys.exit(f"{path.name}: {entry.get('name')} needs a reason that says why it cannot be split")
    return {entry["name"]: entry["reason"] for entry in entries}


def sources(root: Path) -> Iterator[Path]:
    """Yield our own source files below the known folders; generated and third-party ones are left out."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in SUFFIXES and path.is_file() and not NOT_OURS & set(path.parts):
                yield path


def file_lengths(root: Path) -> Iterator[tuple[str, int]]:
    """Yield each file, relative to the root, with its number of lines."""
    for path in sources(root):
        yield str(path.relative_to(root)), path.read_text().count("\n")


def function_lengths(root: Path) -> Iterator[tuple[str, int]]:
    """Yield each Python function as ``file::qualified.name`` with its lines from ``def`` to its end."""
    for path in sources(root):
        if path.suffix == ".py":
            yield from functions_below(ast.parse(path.read_text()), f"{path.relative_to(root)}::")


def functions_below(node: ast.AST, prefix: str) -> Iterator[tuple[str, int]]:
    """Yield the functions below a node, methods and inner functions included."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{prefix}{child.name}"
            if not isinstance(child, ast.ClassDef):
                yield name, (child.end_lineno or child.lineno) - child.lineno + 1
            yield from functions_below(child, f"{name}.")
        else:
            yield from functions_below(child, prefix)


if __name__ == "__main__":
    main()
