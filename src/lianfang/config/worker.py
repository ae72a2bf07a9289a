"""What the worker does, each part in a thread with a connection of its own: sealing and counting must not wait for a
long tick."""

import threading
import time
from collections.abc import Callable
from queue import SimpleQueue

from lianfang.core.access.queries import response_clock_offset
from lianfang.core.access.sealer import seal_audit
from lianfang.core.intake.actions import forget_photos
from lianfang.core.notices.texts import send_texts
from lianfang.kit.clock import clock_offset, response_now
from lianfang.response.screening.actions import tally_samples
from lianfang.workflows.tick import tick

Part = tuple[Callable[[], object], float]


def tick_now() -> int:
    """Let time pass by the response clock of this database, which a replay or a drill may have moved."""
    with clock_offset(response_clock_offset()):
        return tick(response_now())


def forget_now() -> int:
    """Delete what is too old by the response clock of this database."""
    with clock_offset(response_clock_offset()):
        return forget_photos()


#: what is done, and the seconds of rest after each time
PARTS: tuple[Part, ...] = (
    *((seal_audit, 1.0), (tally_samples, 0.2), (tick_now, 120.0)),
    *((forget_now, 3600.0), (send_texts, 5.0)),
)


def work_forever(parts: tuple[Part, ...] = PARTS) -> None:
    """Do every part again and again until one fails, and raise what it raised."""
    ended: SimpleQueue[BaseException] = SimpleQueue()
    for part, rest in parts:
        threading.Thread(target=_repeat, args=(part, rest, ended), daemon=True).start()
    raise ended.get()


def _repeat(part: Callable[[], object], rest: float, ended: "SimpleQueue[BaseException]") -> None:
    try:
        while True:
            part()
            time.sleep(rest)
    except BaseException as error:
        ended.put(error)
