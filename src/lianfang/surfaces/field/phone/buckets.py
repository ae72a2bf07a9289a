"""Buckets: rows that a phone keeps together, and the digest by which phone and server find out whether they agree.

Nothing is remembered about a phone. It says which digests it has; one statement makes the rows of a family under the
caller's own scope, takes their digests and returns the rows of those buckets only that differ. There is no running number
that a late commit could slip under, and nothing that could be out of step: what is read is what is true now.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting, planned_wide, read_rows

#: rows of one family in one answer; a phone with more to come asks again, with what it has by then
MOST_ROWS = 20_000

# The first two columns of every family are its bucket and the order of its rows; the rest are what the phone gets. A digest
# is a sum over the rows (64 bits each), so that thousands of them need no sorting to be compared.
CHANGED = """
WITH line AS MATERIALIZED ({statement}),
digest AS (
    SELECT bucket, count(*) AS rows,
           left(md5(%(edition)s || count(*) || ' ' || sum(hashtextextended(line::text, 0))), 16) AS digest
    FROM line GROUP BY bucket
),
compared AS (
    SELECT d.*, k.digest IS NOT DISTINCT FROM d.digest AS same
    FROM digest d LEFT JOIN unnest(%(buckets)s::text[], %(digests)s::text[]) AS k (bucket, digest) USING (bucket)
),
budget AS (
    SELECT *, NOT same AND sum(CASE WHEN same THEN 0 ELSE rows END) OVER (ORDER BY bucket) - rows < %(most)s AS sent
    FROM compared
)
SELECT b.bucket, b.digest, b.same, b.sent, line.*
FROM budget b LEFT JOIN line ON b.sent AND line.bucket = b.bucket
ORDER BY b.bucket, line.place, CASE WHEN b.sent THEN line::text END
"""

#: makes what a phone gets of the rows as they were read
Finish = Callable[[list[tuple[Any, ...]]], Sequence[Sequence[Any]]]


@dataclass(frozen=True)
class Family:
    """One kind of bucket: a statement whose columns are ``bucket``, ``place`` (the order of rows) and then ``columns``.

    ``finish`` turns rows as read into rows as sent (a number opened, a rule put into words), column for column;
    ``edition`` changes whenever it would say something else of the same rows.
    """

    columns: tuple[str, ...]
    statement: str
    params: Mapping[str, Any] = field(default_factory=dict)
    finish: Finish | None = None
    edition: str = ""
    #: thousands of rows are joined where the planner expects a handful
    wide: bool = False


@dataclass
class Answer:
    """What came of the families asked so far: buckets that differ, the names of all that exist, whether more is to come."""

    changed: dict[str, dict[str, Any]] = field(default_factory=dict)
    names: set[str] = field(default_factory=set)
    more: bool = False
    #: rows sent, by the first word of their bucket
    sent: dict[str, int] = field(default_factory=dict)


def edition_of(family: Family) -> str:
    """Return what a digest begins with, so that rows made in another way never pass for the same."""
    text = "\n".join((family.statement, *family.columns, family.edition))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def collect(family: Family, answer: Answer, *, by: Actor, have: Mapping[str, str], most: int = MOST_ROWS) -> None:
    """Read one family under the actor's scope and put the buckets of it that differ from ``have`` into the answer."""
    params = {
        **family.params, "edition": edition_of(family), "buckets": list(have), "digests": list(have.values()), "most": most,
    }  # fmt: skip
    read: dict[str, list[tuple[Any, ...]]] = {}
    digests: dict[str, str] = {}
    with acting(by), planned_wide(family.wide):
        lines = read_rows(by, CHANGED.format(statement=family.statement), params)
    for bucket, digest, same, sent, *line in lines:
        answer.names.add(bucket)
        answer.more |= not same and not sent
        if sent:
            digests[bucket] = digest
            read.setdefault(bucket, []).append(tuple(line[2:]))
    together = [row for rows in read.values() for row in rows]
    finished = iter(family.finish(together) if family.finish else together)
    for bucket, rows in read.items():
        made = [next(finished) for _ in rows]
        answer.changed[bucket] = {"digest": digests[bucket], "columns": family.columns, "rows": made}
        head = bucket.partition(":")[0]
        answer.sent[head] = answer.sent.get(head, 0) + len(rows)
