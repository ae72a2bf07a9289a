"""Every kind of duty, over all rooms: named once, and finished either by ticking it off or by a command that exists."""

import pytest

from lianfang.config.kinds import KINDS
from lianfang.workflows.commands import COMMANDS

#: ticked off by themselves: nothing but the outcome is to be recorded
TICKED_OFF: set[str] = set()


def test_kinds_are_named_once_in_both_languages():
    assert len({kind.code for kind in KINDS}) == len(KINDS)
    assert all(kind.zh and kind.en and kind.outcomes for kind in KINDS)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_work_is_finished_by_the_command_that_records_it(kind):
    assert (kind.command == "") == (kind.code in TICKED_OFF)
    assert not kind.command or kind.command in COMMANDS


def test_whoever_is_held_too_long_outranks_everything():
    assert min(KINDS, key=lambda kind: kind.rank).code == "overstay"
    assert sum(kind.rank == 0 for kind in KINDS) == 1
