"""What the tests of the house share: where it stands, and a copy of its source to plant violations in."""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src/lianfang"
PROGRAMS = Path(sys.executable).parent


def copied_source(folder: Path) -> Path:
    """Copy what the checks read into a folder and return the copy of ``src/lianfang``."""
    leave_out = shutil.ignore_patterns("__pycache__", "vendor", "*.mo")
    shutil.copytree(ROOT / "src", folder / "src", ignore=leave_out)
    shutil.copytree(ROOT / "scripts", folder / "scripts", ignore=leave_out)
    for name in ["pyproject.toml", ".importlinter"]:
        shutil.copy(ROOT / name, folder / name)
    return folder / "src/lianfang"


def plant(path: Path, text: str) -> None:
    """Add text to the end of a module, making its package when there is none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    (path.parent / "__init__.py").touch()
    before = path.read_text() if path.exists() else ""
    path.write_text(f"{before}\n{text}\n")


def run(folder: Path, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one of the house's tools in a folder, on the source that lies there."""
    environment = {**os.environ, "PYTHONPATH": str(folder / "src"), "COLUMNS": "400"}
    command = [PROGRAMS / program, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def modules(source: Path = SOURCE) -> Iterator[tuple[str, Path]]:
    """Yield each module below a copy of ``src/lianfang`` as dotted name and path."""
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source.parent).with_suffix("").parts
        yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imports(name: str, path: Path) -> Iterator[tuple[int, str]]:
    """Yield (line, dotted name) for everything that a module imports, relative imports made absolute."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.rsplit(".", node.level - 1)[0] if node.level else ""
            base = ".".join(part for part in (above, node.module) if part)
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)
