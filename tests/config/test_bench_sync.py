"""The measurement of synchronising, small: it counts what it says it counts, beside the way that pages through lists."""

import json
import os
import subprocess
import sys

import pytest

from databases import remove_cluster
from lianfang.config.benchmarks.community import HOUSEHOLDS, PEOPLE, chosen_households
from lianfang.config.home import Home

pytestmark = pytest.mark.slow
LIANFANG = [sys.executable, "-c", "from lianfang.config.cli import main; main()"]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = Home(tmp_path_factory.mktemp("bench"))
    yield home
    remove_cluster(home)


def test_a_community_on_a_phone_beside_lists_by_the_page(home):
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LIANFANG_", "DJANGO_"))}
    done = subprocess.run(
        [*LIANFANG, "bench", "sync", "--json", "--people", "12000"], env={**kept, "LIANFANG_HOME": str(home.path)},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert (found["households"], found["people"], found["county_people"]) == (HOUSEHOLDS, PEOPLE, 12_000)
    assert found["duties"] > HOUSEHOLDS and found["county_duties"] > 2 * found["duties"]
    # bytes do not depend on the machine: the reach holds in every run of the suite
    assert 0 < found["first_bytes"] < 400_000 < found["naive_bytes"]
    assert 0 < found["later_ms"] <= found["later_most_ms"] and found["later_changed_ms"] > 0
    assert found["first_seconds"] > 0 and found["naive_seconds"] > 0
    assert found["naive_requests"] > (found["people"] + found["duties"]) / 100
    assert found["statements"] < 25


def test_the_chosen_households_hold_the_communitys_people():
    sizes = [(1, 2, 4, 2, 3, 5, 1)[number % 7] for number in range(4000)]
    chosen = chosen_households(sizes)
    assert len(set(chosen)) == HOUSEHOLDS and sum(sizes[row] for row in chosen) == PEOPLE
