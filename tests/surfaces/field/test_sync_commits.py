"""Whatever the order in which facts are committed, the next synchronisation has them."""

import threading

from django.db import connections
from phones import one_more_home, phone

from conftest import XINZHU, make_actor
from lianfang.config.kinds import KINDS
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import declare_kinds
from lianfang.kit.clock import clock_at
from making import make_resident
from surfaces.console.scene import NOW, two_villages

GRID = XINZHU * 1000 + 11


def test_a_fact_written_earlier_and_committed_later_is_not_missed(committing):
    declare_kinds(KINDS)
    with clock_at(NOW):
        two_villages()
        one = phone(XINZHU, "community")
    home = one_more_home(GRID)
    wrote, commit = threading.Event(), threading.Event()

    def write_slowly():
        by = make_actor()
        with acting(by):
            make_resident(by=by, grid=GRID, household=home, name="先写后交")
            wrote.set()
            commit.wait(20)
        connections.close_all()

    writer = threading.Thread(target=write_slowly)
    writer.start()
    assert wrote.wait(20)
    make_resident(by=make_actor(), grid=GRID, household=home, name="后写先交")
    with clock_at(NOW):
        one.sync()
        assert "后写先交" in one.text and "先写后交" not in one.text
        commit.set()
        writer.join()
        one.sync()
        assert "先写后交" in one.text
        assert one.sync()["changed"] == {}
