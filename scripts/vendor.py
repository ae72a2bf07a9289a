"""Copy the few third-party files that the console serves out of the front-end packages, and show their sizes."""

import gzip
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ROOT / "frontend/node_modules"
TARGET = ROOT / "src/lianfang/surfaces/console/static/vendor"
FILES = [
    "@tabler/core/dist/css/tabler.min.css",
    "@tabler/core/dist/js/tabler.min.js",
    "htmx.org/dist/htmx.min.js",
    "echarts/dist/echarts.min.js",
]
# Source maps are not served, and Django's manifest storage refuses a file that names a missing one.
SOURCE_MAP = re.compile(rb"\n?(?://|/\*)# sourceMappingURL=\S+(?: ?\*/)?\s*$")


def main() -> None:
    """Write the vendored files into the console's static folder."""
    TARGET.mkdir(parents=True, exist_ok=True)
    for name in FILES:
        write(Path(name).name, SOURCE_MAP.sub(b"\n", (PACKAGES / name).read_bytes()))
    lines = (ROOT / "frontend/icons.txt").read_text().splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    write("icons.svg", sprite(wanted, PACKAGES / "@tabler/icons/icons/outline").encode())


def sprite(names: list[str], folder: Path) -> str:
    """Return one SVG document with a symbol for each named icon; an unknown name ends the run with a sentence."""
    unknown = [name for name in names if not (folder / f"{name}.svg").is_file()]
    if unknown:
        sys.exit(f"frontend/icons.txt: Tabler has no outline icon called {', '.join(unknown)}; correct the name.")
    symbols = [symbol(name, (folder / f"{name}.svg").read_text()) for name in names]
    return "\n".join(['<svg xmlns="http://www.w3.org/2000/svg">', *symbols, "</svg>", ""])


def symbol(name: str, drawing: str) -> str:
    """Return an icon as a symbol that takes size and colour from where it is used."""
    strokes = re.sub(r"\s+", " ", drawing[drawing.index(">") + 1 : drawing.rindex("</svg>")]).strip()
    look = 'fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round"'
    return f'<symbol id="{name}" viewBox="0 0 24 24" {look}>{strokes}</symbol>'


def write(name: str, content: bytes) -> None:
    """Write one vendored file and print its size, plain and as sent over the wire."""
    (TARGET / name).write_bytes(content)
    print(f"{name}: {len(content) / 1000:.0f} kB, {len(gzip.compress(content)) / 1000:.0f} kB compressed")


if __name__ == "__main__":
    main()
