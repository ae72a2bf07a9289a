"""The measurement of registration, small: it counts what it says it counts, and nothing acknowledged is lost."""

import json
import os
import subprocess
import sys

import pytest

from databases import remove_cluster
from lianfang.config.home import Home

pytestmark = pytest.mark.slow
LIANFANG = [sys.executable, "-c", "from lianfang.config.cli import main; main()"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home of its own, because one of the measurements kills its database."""
    home = Home(tmp_path_factory.mktemp("bench"))
    yield home
    remove_cluster(home)


def bench(home, *arguments):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LIANFANG_", "DJANGO_"))}
    done = subprocess.run(
        [*LIANFANG, "bench", "screening", "--json", *arguments], env={**kept, "LIANFANG_HOME": str(home.path)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_three_modes_beside_bare_statements_and_the_obvious_way(home):
    found = bench(home, "--people", "60000", "--seconds", "2.4", "--phones", "40")
    for mode in ("single", "tube", "batch"):
        assert found[f"people_per_second_{mode}"] > 0
        assert found[f"ratio_{mode}"] == pytest.approx(
            found[f"people_per_second_{mode}"] / found[f"bare_{mode}"], abs=0.006
        )
        assert 0 < found[f"p50_ms_{mode}"] <= found[f"p99_ms_{mode}"]
    assert found["obvious_single"] > 0
    assert (found["phones"], found["phones_people"]) == (40, 400)
    assert found["acknowledged"] == found["stored"] > 400
    assert (found["lost"], found["duplicated"]) == (0, 0)


def test_what_was_acknowledged_before_a_kill_is_there_once(home):
    found = bench(home, "--crash", "--people", "20000", "--seconds", "6")
    assert found["crashes"] == 3
    assert found["retries"] > 0
    assert found["acknowledged"] == found["stored"] > 0
    assert (found["lost"], found["duplicated"]) == (0, 0)
