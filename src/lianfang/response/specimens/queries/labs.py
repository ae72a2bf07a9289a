"""Reading laboratories: what they received, reported and still have, when they will be through, who was told what."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import read_rows
from lianfang.kit.clock import at_local, local_date, response_now
from lianfang.kit.refusals import NotFound
from lianfang.response.specimens.capacity import Capacity, finish, left_today, projected_late
from lianfang.response.specimens.permissions import READ_CUSTODY
from lianfang.response.specimens.queries.custody import wide_rows
from lianfang.response.specimens.queries.results import EXPECTED, _area
from lianfang.response.specimens.rules import result_clocks
from lianfang.response.specimens.waiting import running_pack

#: how long results may take where no incident runs, so that no pack says it: the longest that the packs know
OTHERWISE = {"single": timedelta(hours=6), "pooled": timedelta(hours=24), "household": timedelta(hours=24)}

LABS = """
SELECT id, name, division_code, tubes_per_hour, tubes_per_day, opens_at, closes_at FROM specimens_lab
WHERE county = %(county)s AND closed_at IS NULL ORDER BY name
"""

# A laboratory serves the county: its load is all of it, whichever part of it somebody answers for.
BACKLOG = """
SELECT p.lab, date_trunc('minute', t.opened_at + clock.wait), count(*), sum(t.filled), min(p.since)
FROM specimens_tube t
JOIN unnest(%(modes)s::text[], %(waits)s::interval[]) AS clock (mode, wait) ON clock.mode = t.mode
JOIN specimens_tubeplace p ON p.county = t.county AND p.tube = t.id AND p.stage = 'lab' AND p.lab IS NOT NULL
WHERE t.county = %(county)s AND t.resulted_at IS NULL GROUP BY 1, 2
"""

TODAY = """
SELECT p.lab, count(*) FILTER (WHERE p.since >= %(day)s), count(*) FILTER (WHERE t.resulted_at >= %(day)s)
FROM specimens_tubeplace p JOIN specimens_tube t ON t.county = p.county AND t.id = p.tube
WHERE p.county = %(county)s AND p.lab IS NOT NULL AND p.since >= %(day)s - interval '3 days' AND p.stage = 'lab' GROUP BY 1
"""

ON_THE_WAY = """
SELECT count(*), coalesce(sum(t.filled), 0) FROM specimens_boxentry e
JOIN specimens_box b ON b.county = e.county AND b.id = e.box
JOIN specimens_tube t ON t.county = e.county AND t.id = e.tube
WHERE b.county = %(county)s AND b.code = %(box)s AND b.emptied_at IS NULL AND e.removed_at IS NULL
"""

LATE = f"""
SELECT coalesce(p.stage, CASE WHEN t.sealed_at IS NULL THEN 'open' ELSE 'site' END), coalesce(p.holder, ''), p.lab,
       count(*), sum(t.filled), min(t.opened_at + clock.wait)
FROM specimens_tube t
JOIN unnest(%(modes)s::text[], %(waits)s::interval[]) AS clock (mode, wait) ON clock.mode = t.mode
LEFT JOIN specimens_tubeplace p ON p.county = t.county AND p.tube = t.id
WHERE t.county = %(county)s AND t.resulted_at IS NULL AND t.filled > 0 AND t.division_code BETWEEN %(lo)s AND %(hi)s
  AND t.opened_at + clock.wait < %(now)s AND {EXPECTED}
GROUP BY 1, 2, 3 ORDER BY 6, 2
"""  # noqa: S608 - made of constants

FILES = """
SELECT name, rows, taken, bad, recorded_at FROM specimens_resultfile
WHERE county = %(county)s AND lab = %(name)s ORDER BY recorded_at DESC LIMIT 100
"""

NOTICES = """
SELECT n.id, n.tube, n.number, r.value, n.role, n.division_code, n.required, n.opens_at, n.due_at, n.told_at, n.told_to,
       n.channel, n.number < (SELECT max(later.number) FROM specimens_result later
                              WHERE later.county = n.county AND later.tube = n.tube)
FROM specimens_resultnotice n
JOIN specimens_result r ON r.county = n.county AND r.tube = n.tube AND r.number = n.number
JOIN specimens_tube t ON t.county = n.county AND t.id = n.tube
WHERE n.county = %(county)s AND n.tube = %(tube)s AND (t.division_code BETWEEN %(lo)s AND %(hi)s
      OR n.division_code BETWEEN %(lo)s AND %(hi)s)
ORDER BY n.number DESC, n.role, n.division_code
"""


class LabNotFound(NotFound):
    """No such laboratory works for the county."""


@dataclass(frozen=True)
class LabRow:
    """A laboratory that works for the county, and what it can do."""

    id: uuid.UUID
    name: str
    division_code: int
    tubes_per_hour: int
    tubes_per_day: int
    opens_at: time | None
    closes_at: time | None

    @property
    def capacity(self) -> Capacity:
        """Return what it can do, as the projections take it."""
        return Capacity(self.tubes_per_hour, self.tubes_per_day, self.opens_at, self.closes_at)


@dataclass(frozen=True)
class LabLoad:
    """How a laboratory stands: tubes received and reported since midnight, what it still has, and what comes of that.

    ``finish_at`` is when the backlog will be done at its capacity (None: not within two weeks), ``projected_late`` how
    many of these will then be past their clock, ``left`` how many more it can take within its working day.
    """

    lab: LabRow
    received: int
    reported: int
    backlog: int
    people: int
    oldest_at: datetime | None
    late: int
    finish_at: datetime | None
    projected_late: int
    left: int


@dataclass(frozen=True)
class LateGroup:
    """Tubes past their clock that one holder has."""

    stage: str
    holder: str
    lab: uuid.UUID | None
    tubes: int
    people: int
    oldest_due_at: datetime


@dataclass(frozen=True)
class FileRow:
    """A file of results that was taken in."""

    name: str
    rows: int
    taken: int
    bad: int
    recorded_at: datetime


@dataclass(frozen=True)
class NoticeRow:
    """Who had to be told which finding of a tube, and was when; ``corrected`` says that this finding stands no more."""

    id: uuid.UUID
    tube: uuid.UUID
    number: int
    value: str
    role: str
    division_code: int
    required: bool
    opens_at: datetime
    due_at: datetime
    told_at: datetime | None
    told_to: str
    channel: str
    corrected: bool


def clocks_in_force(*, by: Actor) -> dict[str, timedelta]:
    """Return how long each mode of tube may wait for its result, by the pack of the county's running incident."""
    pack = running_pack(by)
    return result_clocks(pack) if pack and "pooled_result" in pack.clocks else OTHERWISE


def labs(*, by: Actor) -> list[LabRow]:
    """List the laboratories that work for the county, by name."""
    by.require(READ_CUSTODY)
    return [LabRow(*row) for row in read_rows(by, LABS, _area(by))]


def lab_row(lab: uuid.UUID, *, by: Actor) -> LabRow:
    """Return one laboratory or raise `LabNotFound`."""
    for row in labs(by=by):
        if row.id == lab:
            return row
    raise LabNotFound("There is no such laboratory here. Choose one of the list, or have it registered.")


def lab_loads(*, by: Actor, clocks: Mapping[str, timedelta]) -> list[LabLoad]:
    """Say how each laboratory stands now, the one with the most tubes that will be late first."""
    rows, now = labs(by=by), response_now()
    params = _area(by) | {"modes": list(clocks), "waits": list(clocks.values()), "day": at_local(local_date(now))}
    backlog: dict[uuid.UUID, list[tuple[datetime, int, int, datetime]]] = {}
    for lab, *rest in wide_rows(by, BACKLOG, params):
        backlog.setdefault(lab, []).append(tuple(rest))
    today = {lab: (received, reported) for lab, received, reported in wide_rows(by, TODAY, params)}
    loads = [_load(row, backlog.get(row.id, []), *today.get(row.id, (0, 0)), now) for row in rows]
    return sorted(loads, key=lambda load: (-load.projected_late, load.lab.name))


def _load(
    row: LabRow, backlog: Sequence[tuple[datetime, int, int, datetime]], received: int, reported: int, now: datetime
) -> LabLoad:
    tubes = sum(number for _, number, _, _ in backlog)
    return LabLoad(
        row, received, reported, tubes, sum(people for _, _, people, _ in backlog),
        min((since for *_, since in backlog), default=None),
        sum(number for due, number, _, _ in backlog if due < now),
        finish(row.capacity, now, tubes, reported),
        projected_late(row.capacity, now, [(due, number) for due, number, _, _ in backlog], reported),
        left_today(row.capacity, now, reported, tubes),
    )  # fmt: skip


def propose_lab(tubes: int, *, by: Actor, clocks: Mapping[str, timedelta]) -> list[tuple[LabLoad, datetime | None]]:
    """Rank the laboratories for so many more tubes: (load, when they would be done), the best first. A human decides.

    Those that can take them within their working day come first, then by when they would be through.
    """
    now = response_now()
    offers = [
        (load, finish(load.lab.capacity, now, load.backlog + tubes, load.reported))
        for load in lab_loads(by=by, clocks=clocks)
    ]
    far = now + timedelta(days=365)
    return sorted(offers, key=lambda offer: (offer[0].left < tubes, offer[1] or far, offer[0].lab.name))


def box_load(code: str, *, by: Actor) -> tuple[int, int]:
    """Return how many tubes, and people in them, the box of a printed code holds now."""
    by.require(READ_CUSTODY)
    tubes, people = read_rows(by, ON_THE_WAY, _area(by) | {"box": code})[0]
    return int(tubes), int(people)


def late_by_holder(*, by: Actor, clocks: Mapping[str, timedelta]) -> list[LateGroup]:
    """Count the tubes of the actor's area past their clock by who has them, the longest overdue first."""
    by.require(READ_CUSTODY)
    params = _area(by) | {"modes": list(clocks), "waits": list(clocks.values()), "now": response_now()}
    return [LateGroup(*row) for row in wide_rows(by, LATE, params)]


def result_files(name: str, *, by: Actor) -> list[FileRow]:
    """List the last files of results of a laboratory, by its name."""
    by.require(READ_CUSTODY)
    return [FileRow(*row) for row in read_rows(by, FILES, _area(by) | {"name": name})]


def notices(tube: uuid.UUID, *, by: Actor) -> list[NoticeRow]:
    """List who had to be told what was found in a tube, and was when, the latest finding first."""
    by.require(READ_CUSTODY)
    return [NoticeRow(*row) for row in read_rows(by, NOTICES, _area(by) | {"tube": tube})]


def code_of_notice(notice: uuid.UUID, *, by: Actor) -> str | None:
    """Return the printed code of the tube whose finding a notice is about, or None when there is none here."""
    by.require(READ_CUSTODY)
    statement = """
    SELECT t.code FROM specimens_resultnotice n JOIN specimens_tube t ON t.county = n.county AND t.id = n.tube
    WHERE n.county = %(county)s AND n.id = %(notice)s
      AND (t.division_code BETWEEN %(lo)s AND %(hi)s OR n.division_code BETWEEN %(lo)s AND %(hi)s)
    """
    rows = read_rows(by, statement, _area(by) | {"notice": notice})
    return str(rows[0][0]) if rows else None
