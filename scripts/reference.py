"""Write docs/reference and the phone's description of the interface from the source, or with --check say whether they are up to date."""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from reference_pages import api, cli, commands, duties, openapi, packs, privacy, roles

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs/reference"
OPENAPI = ROOT / "frontend/field/openapi.json"
PAGES: dict[str, Callable[[], str]] = {
    "commands.md": commands.page,
    "api.md": api.page,
    "roles.md": roles.page,
    "duties.md": duties.page,
    "packs.md": packs.page,
    "privacy.md": privacy.page,
    "cli.md": cli.page,
}
NOTE = "<!-- Written by scripts/reference.py from the source: change the source, then run it. -->\n"


def main() -> None:
    """Write or check the pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    check = parser.parse_args().check
    with tempfile.TemporaryDirectory() as home:
        _set_up(home)
        texts = {DOCS / name: f"{NOTE}{page()}" for name, page in PAGES.items()} | {OPENAPI: openapi.page()}
    behind = [path for path, text in texts.items() if not _holds(path, text)]
    if check and behind:
        sys.exit(
            f"Behind the source: {', '.join(str(path.relative_to(ROOT)) for path in behind)}; "
            "run `.venv/bin/python scripts/reference.py`"
        )
    for path in behind:
        path.write_text(texts[path], encoding="utf-8")
    print(f"reference: {len(texts)} pages, {0 if check else len(behind)} written")


def _holds(path: Path, text: str) -> bool:
    return path.exists() and path.read_text(encoding="utf-8") == text


def _set_up(home: str) -> None:
    # The models are read, no database is: a home of this run's own, and a server that nobody asks.
    os.environ |= {"LIANFANG_HOME": home, "LIANFANG_DATABASE_URL": "postgresql://nobody@localhost/nothing"}
    from lianfang.config.prepare import set_up_django

    set_up_django()


if __name__ == "__main__":
    main()
