"""The reference is written from the source, and says so when it is behind."""

import shutil

from source_tree import ROOT, run


def test_the_pages_are_written_from_the_source():
    shown = run(ROOT, "python", "scripts/reference.py", "--check")
    assert shown.returncode == 0, shown.stderr


def test_a_page_that_somebody_edited_is_named(tmp_path):
    for name in ["scripts", "src", "docs/reference", "frontend/field"]:
        shutil.copytree(
            ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "vendor", "generated", "*.mo")
        )
    page = tmp_path / "docs/reference/duties.md"
    page.write_text(page.read_text().replace("overstay", "tarry"))
    shown = run(tmp_path, "python", "scripts/reference.py", "--check")
    assert shown.returncode == 1
    assert "docs/reference/duties.md;" in shown.stderr
