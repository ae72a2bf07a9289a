"""Run every check of the house, two at a time, and say which held: what ``make check`` and the CI run."""

import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BIN = ROOT / ".venv/bin"
OURS = ["src", "tests", "scripts"]

# The slow ones first, so that the short ones fill the second core.
CHECKS: dict[str, list[str]] = {
    "types": ["mypy"],
    "phone types": ["python", "scripts/npm.py", "run", "--silent", "types", "-w", "field"],
    "phone units": ["python", "scripts/npm.py", "run", "--silent", "test", "-w", "field"],
    "migrations": ["lianfang", "django", "makemigrations", "--check", "--dry-run"],
    "floors and rooms": ["lint-imports", "--no-logo"],
    "translations": ["python", "scripts/messages.py", "check"],
    "lint": ["ruff", "check", "--output-format=concise", *OURS],
    "format": ["ruff", "format", "--check", "--output-format=concise", *OURS],
    "sizes": ["python", "scripts/size_budgets.py"],
    "words": ["python", "scripts/house_words.py"],
    "glossary": ["python", "scripts/glossary.py", "--check"],
    "reference": ["python", "scripts/reference.py", "--check"],
}


def main() -> None:
    """Run the checks, print what each found, and end with an error when any failed."""
    # settings need a home with keys in it: one of its own, so that nobody's is touched
    with tempfile.TemporaryDirectory() as home:
        os.environ["LIANFANG_HOME"] = home
        held = run_all()
    failed = [name for name, ok in held.items() if not ok]
    print(f"check: failed: {', '.join(failed)}" if failed else f"check: all {len(held)} held")
    sys.exit(bool(failed))


def run_all() -> dict[str, bool]:
    """Run the checks two at a time and return which held."""
    with ThreadPoolExecutor(max_workers=min(2, os.cpu_count() or 1)) as pool:
        return dict(zip(CHECKS, pool.map(run, CHECKS), strict=True))


def run(name: str) -> bool:
    """Run one check and print its outcome: all its words when it failed, its last line otherwise."""
    program, *arguments = CHECKS[name]
    begun = time.monotonic()
    done = subprocess.run([BIN / program, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    held = done.returncode == 0
    last = next((line for line in reversed(done.stdout.splitlines()) if line.strip()), "")
    words = last if held else (done.stdout + done.stderr).strip()
    seconds = time.monotonic() - begun
    print(f"{'ok    ' if held else 'FAILED'} {name} ({seconds:.1f} s)  {words}", flush=True)
    return held


if __name__ == "__main__":
    main()
