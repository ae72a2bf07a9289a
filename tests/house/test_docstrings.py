"""Every public function and class of the doors, the engines and the kit says what it does; nothing prints."""

import pytest
from source_tree import ROOT, SOURCE, copied_source, plant, run

PLACES = ["engines", "kit"]
DOORS = ["actions.py", "actions/*.py", "queries.py", "queries/*.py"]


def undocumented(source):
    """What ruff finds undocumented (D101 classes, D103 functions), as ``file:line``."""
    chosen = [source / place for place in PLACES] + [path for door in DOORS for path in sorted(source.rglob(door))]
    shown = run(
        ROOT,
        "ruff",
        "check",
        "--isolated",
        "--no-cache",
        "--select",
        "D101,D103",
        "--output-format",
        "concise",
        *map(str, chosen),
    )
    return [line for line in shown.stdout.splitlines() if "D10" in line]


def test_what_is_public_is_documented():
    assert undocumented(SOURCE) == []


@pytest.mark.parametrize(
    "name", ["kit/planted.py", "engines/epi/planted.py", "response/attic/actions.py", "response/attic/actions/seals.py"]
)
def test_a_planted_silence_is_seen(tmp_path, name):
    source = copied_source(tmp_path)
    plant(source / name, "def seal_planted():\n    return 1\n\n\ndef _own():\n    return 2\n")
    assert [name in line for line in undocumented(source) if "seal_planted" in line or name in line] == [True]


def test_a_planted_print_is_seen(tmp_path):
    plant(copied_source(tmp_path) / "response/zones/actions.py", 'print("sealed")')
    shown = run(tmp_path, "ruff", "check", "--no-cache", "--output-format", "concise", "src/lianfang/response/zones")
    assert "T201" in shown.stdout
