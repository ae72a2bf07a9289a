"""Write docs/glossary.md from docs/glossary.yaml, or with --check say whether it is up to date."""

import argparse
import sys
from pathlib import Path

import yaml

DOCS = Path(__file__).resolve().parent.parent / "docs"
INTRODUCTION = """# Glossary

The responders' own words. Names in source, records, screens and reports come from here, one per thing. `python
scripts/glossary.py` writes this page from `glossary.yaml`; change the words there.
"""


def main() -> None:
    """Write or check the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    page = DOCS / "glossary.md"
    text = rendered(yaml.safe_load((DOCS / "glossary.yaml").read_text()))
    if not parser.parse_args().check:
        page.write_text(text)
    elif not page.exists() or page.read_text() != text:
        sys.exit("docs/glossary.md is behind docs/glossary.yaml: run `.venv/bin/python scripts/glossary.py`")
    print(f"docs/glossary.md: {text.count(chr(10) + '| ') - 2} entries")


def rendered(glossary: dict[str, list[dict[str, str]]]) -> str:
    """Return the page: a table of the field's terms and one of the plain words."""
    parts = [INTRODUCTION]
    for title, section in [("Terms of the field", "terms"), ("Plain words of our records", "words")]:
        rows = [f"| {row['zh']} | {row['en']} | `{row['id']}` | {row['means']} |" for row in glossary[section]]
        parts.append(
            "\n".join([f"## {title}", "", "| 中文 | English | name | meaning |", "|---|---|---|---|", *rows, ""])
        )
    return "\n".join(parts)


if __name__ == "__main__":
    main()
