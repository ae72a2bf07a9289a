"""Engines, kit and every rules module load with the web framework and the database driver out of reach."""

import subprocess
import sys

import pytest
from source_tree import SOURCE, modules

PURE = [
    name for name, _ in modules() if name.split(".")[1:2] in (["kit"], ["engines"]) or "rules" in name.split(".")[3:]
]
OUT_OF_REACH = ["django", "ninja", "procrastinate", "psycopg", "psycopg_pool"]
LOAD = """
import importlib, sys
for name in {out_of_reach}:
    sys.modules[name] = None
for name in {names}:
    importlib.import_module(name)
"""


def load(names):
    script = LOAD.format(out_of_reach=OUT_OF_REACH, names=names)
    return subprocess.run(
        [sys.executable, "-c", script], cwd=SOURCE.parent, capture_output=True, text=True, check=False
    )


def test_pure_modules_load_alone():
    shown = load(PURE)
    assert shown.returncode == 0, shown.stderr
    assert {"lianfang.kit.codes", "lianfang.engines"} <= set(PURE)


@pytest.mark.parametrize("name", ["django.db.models", "psycopg"])
def test_what_is_out_of_reach_is_out_of_reach(name):
    assert "ModuleNotFoundError" in load([name]).stderr
