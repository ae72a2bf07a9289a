"""The contracts of .importlinter, each seen to break when a violation is planted in a copy of the source."""

import pytest
from source_tree import SOURCE, copied_source, modules, plant, run

PLANTED = {
    "Floors: arrows go down": ("kit/planted.py", "import lianfang.core.planted_target"),
    "Surfaces do not know each other": (
        "surfaces/console/planted.py",
        "import lianfang.surfaces.portal.planted_target",
    ),
    "Response: whoever acts on a finding stands above it; rooms on one line do not know each other": (
        "response/cases/planted.py",
        "from lianfang.response.quarantine import planted_target",
    ),
    "Core: intake above duties above people above territory above access": (
        "core/access/planted.py",
        "from lianfang.core.people import planted_target",
    ),
    "Engines do not know each other": ("engines/epi/planted.py", "from lianfang.engines.tracing import planted_target"),
    "Engines and kit stay free of web framework and database": (
        "engines/epi/framework.py",
        "from django.db import models",
    ),
    "Rules are pure": ("response/cases/rules.py", "from lianfang.response.cases import models"),
}
TARGETS = [
    "core/planted_target.py",
    "surfaces/portal/planted_target.py",
    "response/quarantine/planted_target.py",
    "core/people/planted_target.py",
    "engines/tracing/planted_target.py",
    "response/cases/models.py",
]


@pytest.fixture(scope="module")
def verdict(tmp_path_factory):
    """What lint-imports says, contract by contract, about a copy with one violation of each planted."""
    folder = tmp_path_factory.mktemp("planted")
    source = copied_source(folder)
    for target in TARGETS:
        plant(source / target, "")
    for path, text in PLANTED.values():
        plant(source / path, text)
    plant(source / "attic/__init__.py", "")
    shown = run(folder, "lint-imports", "--no-logo", "--no-cache")
    assert shown.returncode == 1, shown.stdout + shown.stderr
    listed, _, explained = shown.stdout.partition("Broken contracts")
    return listed, explained


@pytest.mark.parametrize("contract", PLANTED)
def test_a_planted_violation_breaks_its_contract(verdict, contract):
    listed, explained = verdict
    planted = "lianfang." + PLANTED[contract][0].removesuffix(".py").replace("/", ".")
    assert f"{contract} BROKEN" in listed
    assert planted in section(explained, contract)


def test_a_floor_that_no_contract_names_is_refused(verdict):
    assert "lianfang.attic" in section(verdict[1], "Floors: arrows go down")


def section(explained, contract):
    """The part of the explanation under one contract's heading."""
    after = explained[explained.index(contract) + len(contract) :]
    ends = [after.index(other) for other in PLANTED if other in after]
    return after[: min(ends, default=len(after))]


def test_every_folder_with_source_is_a_package():
    """Import contracts are blind to folders without ``__init__.py``."""
    assert [str(path.parent) for _, path in modules() if not (path.parent / "__init__.py").exists()] == []


def test_no_module_has_a_name_that_says_nothing():
    empty = {"util", "utils", "helper", "helpers", "manager", "managers", "service", "services", "common", "misc"}
    assert [str(path) for path in SOURCE.rglob("*") if path.stem in empty] == []
