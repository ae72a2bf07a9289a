"""The worker does all its parts side by side, on the response clock, until one fails."""

import itertools
import threading
from datetime import timedelta

import pytest

from lianfang.config import worker
from lianfang.config.worker import PARTS, forget_now, tick_now, work_forever
from lianfang.core.access.actions import ADMINISTRATION, move_response_clock
from lianfang.core.access.sealer import seal_audit
from lianfang.core.notices.texts import send_texts
from lianfang.kit.clock import machine_now
from lianfang.response.screening.actions import tally_samples


class LostDatabase(Exception):
    """What a part raises in these tests."""


def test_it_seals_counts_and_lets_time_pass():
    assert [part for part, _ in PARTS] == [seal_audit, tally_samples, tick_now, forget_now, send_texts]


def test_a_slow_part_keeps_no_other_waiting_and_a_failing_one_ends_the_work():
    release, seals = threading.Event(), itertools.count(1)

    def seal() -> None:
        if next(seals) == 5:
            raise LostDatabase

    with pytest.raises(LostDatabase):
        work_forever(((lambda: release.wait(10), 0.0), (seal, 0.0)))
    assert next(seals) == 6
    release.set()


@pytest.mark.django_db
@pytest.mark.parametrize("days", [0, -120])
def test_time_passes_by_the_response_clock_of_the_database(monkeypatch, days):
    seen = []
    monkeypatch.setattr(worker, "tick", seen.append)
    if days:
        move_response_clock(timedelta(days=days), by=ADMINISTRATION, reason="drill")
    tick_now()
    assert abs(seen[0] - machine_now() - timedelta(days=days)) < timedelta(seconds=10)
