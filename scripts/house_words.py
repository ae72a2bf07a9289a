"""Refuse what no file may hold: addresses of package sources, paths of one machine, private keys."""

import argparse
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FORBIDDEN = {
    "an address of a package source (each machine sets its own mirror)": re.compile(
        r"https?://[\w.@:-]*(?:registry|pypi|pythonhosted|npmjs|npmmirror|/simple\b)"
        r"|--(?:extra-)?index-url|--find[-]links|\"resolved\": \"(?!field\")|^\s*registry\s*=",
        re.MULTILINE | re.IGNORECASE,
    ),
    "a path of one machine (write it relative to the repository)": re.compile(
        r"(?<![\w.~:/-])/(?:work|root|opt|home/\w+|Users/\w+)/[\w.]"
    ),
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
}


def main() -> None:
    """Print each finding with file and line, and end with an error when there is any."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--root", type=Path, default=ROOT)
    root = parser.parse_args().root
    found = [finding for path in listed(root) for finding in findings(root, path)]
    print("\n".join(found) or "no address, machine path or key in any file")
    sys.exit(bool(found))


def listed(root: Path) -> list[Path]:
    """Return the files that git keeps or would keep; outside a git checkout, every file."""
    shown = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        capture_output=True,
        text=True,
        check=False,
    )
    if shown.returncode:
        return sorted(path for path in root.rglob("*") if path.is_file())
    return sorted(root / name for name in set(shown.stdout.split("\0")) if name and (root / name).is_file())


def findings(root: Path, path: Path) -> Iterator[str]:
    """Yield a sentence for each forbidden thing in a file; files that are not UTF-8 text are passed over."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    for what, pattern in FORBIDDEN.items():
        for match in pattern.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            yield f"{path.relative_to(root)}:{line}: {what}: {match[0].strip()!r}"


if __name__ == "__main__":
    main()
