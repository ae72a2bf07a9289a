"""A round over Ding'an's four communities through the public interface, from the first zone to the sign-off.

Everything is sent over HTTP by phones and desks that have signed in; only the clock is moved from inside, and what people
carry in their pockets is read from the register. At the end every figure is counted and held against the others.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from lianfang.config.benchmarks.house import serving
from lianfang.config.benchmarks.scratch import scratch_database
from lianfang.config.home import current_home
from lianfang.config.postgres import server_of
from lianfang.config.prepare import prepare
from lianfang.config.replaying import Say

DATABASE = "lianfang_drill_round"


def drill_round(
    *, share: float = 1.0, lose_batch: bool = False, keep: bool = False, say: Say = lambda line: None
) -> dict[str, Any]:
    """Play the round and return its account.

    ``share`` of the households take part; ``lose_batch``: a phone dies with its last batch, so that its people must be
    shown as missing; ``keep`` leaves the database for a look.
    """
    with _database(keep, say) as name:
        from lianfang.config.drills.round_over_http.places import lay
        from lianfang.config.drills.round_over_http.play import Clock, Play

        password = secrets.token_urlsafe(18)
        people = lay(password, share, say)
        clock = Clock(say)
        clock.to(clock.at)
        with serving(name) as port:
            return _played(Play(port, password, clock, people), lose_batch)


def _played(play: Any, lose_batch: bool) -> dict[str, Any]:
    from lianfang.config.drills.round_over_http import (
        closing,
        custody,
        missing,
        opening,
        pool,
        reckoning,
        results,
        sampling,
        sheets,
    )

    phones = opening.open_the_day(play)
    sampling.sample_the_morning(play, phones, lose_batch)
    sheets.on_paper(play)
    missing.sample_at_home(play, phones)
    custody.carry_the_morning(play)
    positive = results.report_the_morning(play)
    pool.inform_everybody(play, positive)
    missing.visit(play)
    tubes = pool.resample_everybody(play, positive)
    missing.sample_later(play, phones)
    pool.decide(play, positive, tubes)
    missing.review_zones(play)
    results.report_the_rest(play, "23:50")
    missing.visit_again(play)
    missing.recall_again(play)
    results.report_late(play)
    closing.close(play)
    return reckoning.reckon(play)


@contextmanager
def _database(keep: bool, say: Say) -> Iterator[str]:
    if not keep:
        with scratch_database(DATABASE, say) as name:
            yield name
        return
    home = current_home()
    server_of(home).ensure_running()
    prepare(home, DATABASE, recreate=True, say=say)
    yield DATABASE
