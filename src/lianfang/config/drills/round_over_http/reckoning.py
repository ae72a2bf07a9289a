"""What the drill comes to: every figure counted from the answers of the interface and from the records, none written here."""

from dataclasses import dataclass
from typing import Any

from django.db import connections

from lianfang.config.drills.round_over_http.http import Payload
from lianfang.config.drills.round_over_http.play import Play
from lianfang.core.access.actions import ADMINISTRATION
from lianfang.core.access.scope import acting
from lianfang.replays.dingan_2022.places import COUNTY

#: what is on record, counted without the interface
RECORDS = """
WITH standing AS (
    SELECT DISTINCT ON (tube) tube, value FROM specimens_result WHERE county = %(county)s ORDER BY tube, number DESC
), tube AS (
    SELECT t.id, t.code, t.filled, s.value,
           EXISTS (SELECT FROM specimens_tubeloss l WHERE l.county = t.county AND l.tube = t.id AND l.found_at IS NULL) AS lost
    FROM specimens_tube t LEFT JOIN standing s ON s.tube = t.id WHERE t.county = %(county)s
)
SELECT (SELECT count(*) FROM specimens_sample WHERE county = %(county)s) AS samples,
       (SELECT count(*) - count(DISTINCT id) FROM specimens_sample WHERE county = %(county)s) AS ids_twice,
       (SELECT count(*) FROM (
            SELECT 1 FROM specimens_sample s WHERE s.county = %(county)s AND s.round IS NOT NULL
              AND NOT EXISTS (SELECT FROM specimens_samplevoid v
                              WHERE v.county = s.county AND v.tube = s.tube AND v.sample = s.id)
              AND s.tube NOT IN (SELECT id FROM tube WHERE lost)
            GROUP BY s.round, s.resident HAVING count(*) > 1) AS twice) AS people_twice,
       (SELECT count(*) FROM tube WHERE filled > 0) AS tubes,
       (SELECT count(*) FROM tube WHERE value IS NOT NULL) AS resulted,
       (SELECT count(*) FROM tube WHERE lost AND value IS NULL) AS lost,
       (SELECT count(*) FROM tube WHERE filled > 0 AND value IS NULL AND NOT lost) AS waiting
"""
STORED = "SELECT id::text, tube::text FROM specimens_sample WHERE county = %(county)s"


@dataclass(frozen=True)
class Equation:
    """Two sums that must be equal: what they are called, their parts by name, where the list behind each stands."""

    name: str
    left: dict[str, int]
    right: dict[str, int]
    lists: str

    @property
    def holds(self) -> bool:
        """Whether both sides come to the same."""
        return sum(self.left.values()) == sum(self.right.values())

    def told(self) -> dict[str, Any]:
        """Return it as plain values."""
        return {"name": self.name, "left": self.left, "right": self.right, "lists": self.lists, "holds": self.holds}


def reckon(play: Play) -> dict[str, Any]:
    """Count everything and return equations, who remains, what is owed, and what was shown on the way."""
    records, stored = read_records()
    people, lists = people_of_round(play)
    duties = all_duties(play)
    equations = [
        *people_equations(play, people, lists), *sample_equations(play, records, stored),
        *tube_equations(play, records), pool_equation(play), *duty_equations(play, lists, duties),
    ]  # fmt: skip
    return {
        "drill": "round over http", "round": play.round, "requests": sum(one.requests for one in play.callers.values()),
        "holds": all(one.holds for one in equations), "equations": [one.told() for one in equations],
        "missing": [one["resident"] for one in lists["missing"]],
        "undelivered": [one.resident for one in play.undelivered],
        "outstanding": named(play, duties["outstanding"]),
        "shown": play.book.shown | {f"tubes: {mode}": number for mode, number in sorted(play.book.modes.items())}, "refusals": sorted(set(play.book.refused)),
    }  # fmt: skip


def read_records() -> tuple[Payload, dict[str, str]]:
    """Read the records themselves: counts, and every sample with its tube."""
    params = {"county": COUNTY}
    with acting(ADMINISTRATION, "owner"), connections["owner"].cursor() as cursor:
        cursor.execute(RECORDS, params)
        names = [column.name for column in cursor.description or ()]
        counted = dict(zip(names, cursor.fetchone(), strict=True))
        cursor.execute(STORED, params)
        return counted, dict(cursor.fetchall())


def people_of_round(play: Play) -> tuple[Payload, dict[str, list[Payload]]]:
    """Read the account of the round and the list behind each of its figures."""
    testing = play.callers["testing"]
    account = testing.get(f"rounds/{play.round}")["account"]
    asked = {"roster": {"origin": "frozen"}, "found": {"origin": "found"}} | {
        standing: {"standing": standing} for standing in ("sampled", "excluded", "missing")
    }
    return account, {name: testing.pages(f"rounds/{play.round}/people", **query) for name, query in asked.items()}


def people_equations(play: Play, account: Payload, lists: dict[str, list[Payload]]) -> list[Equation]:
    """Everybody stands once; each figure is as long as its list; the roster is the register of the four communities."""
    sizes = {name: len(rows) for name, rows in lists.items()}
    groups = {name: {row["resident"] for row in lists[name]} for name in ("sampled", "excluded", "missing")}
    everybody = {row["resident"] for row in (*lists["roster"], *lists["found"])}
    at = "/api/rounds/{round}/people"
    return [
        Equation("everybody is sampled, reasoned or shown missing",
                 {"roster": account["frozen"], "found": account["added"]},
                 {"sampled": account["found"], "reasoned": account["reasoned"], "missing": account["missing"]},
                 f"{at}?standing=sampled | excluded | missing"),
        Equation("each figure is as long as the list behind it",
                 {name: sizes[name] for name in ("sampled", "excluded", "missing")},
                 {"sampled": account["found"], "reasoned": account["reasoned"], "missing": account["missing"]}, at),
        Equation("nobody stands in two lists, nobody in none",
                 {name: len(one) for name, one in groups.items()},
                 {"in one of them": len(set().union(*groups.values()) & everybody)}, at),
        Equation("the roster is the register", {"registered people": play.registered},
                 {"roster": sizes["roster"]}, f"{at}?origin=frozen"),
    ]  # fmt: skip


def sample_equations(play: Play, records: Payload, stored: dict[str, str]) -> list[Equation]:
    """What was acknowledged is stored, once; nothing else is."""
    book = play.book
    lost = [id for id, tube in book.acknowledged.items() if stored.get(id) != tube]
    return [
        Equation("samples stored are those acknowledged", {"stored": records["samples"]},
                 {"acknowledged": len(book.acknowledged), "typed in from paper": book.typed}, "specimens_sample"),
        Equation("nothing acknowledged is lost", {"lost": len(lost)}, {"": 0}, "specimens_sample"),
        Equation("nothing is there twice", {"ids twice": records["ids_twice"], "people twice": records["people_twice"]},
                 {"": 0}, "specimens_sample"),
    ]  # fmt: skip


def tube_equations(play: Play, records: Payload) -> list[Equation]:
    """Every tube has a result or is lost; whatever else waits would be shown with its holder."""
    waiting = play.callers["testing"].get("custody")
    return [
        Equation("every tube is resulted or lost", {"registered": records["tubes"]},
                 {"resulted": records["resulted"], "lost": records["lost"]}, "/api/custody/tubes"),
        Equation("tubes that wait are shown where they are", {"without result": records["waiting"] + records["lost"]},
                 {row["holder"] or row["stage"]: row["tubes"] for row in waiting}, "/api/custody"),
    ]  # fmt: skip


def pool_equation(play: Play) -> Equation:
    """Everybody of a positive pool was let go or is a case; whoever waits stands as waiting."""
    rows = [row for row in play.callers["epi"].get("pools") if row["purpose"] == "area_screening"]
    names = ("released", "cases", "handed_over", "to_resample", "awaiting_result", "to_release", "to_decide")
    total = {name: sum(row[name] for row in rows) for name in names}
    settled = {name: total[name] for name in ("released", "cases", "handed_over")}
    return Equation("everybody in the pool is released or a case", {"members": sum(row["members"] for row in rows)},
                    settled, "/api/pools/{pool}/members")  # fmt: skip


def all_duties(play: Play) -> dict[str, list[Payload]]:
    """Read every duty of the county by its state."""
    states = ("done", "waived", "cancelled", "outstanding")
    return {state: play.callers["commander"].pages("duties", state=state) for state in states}


def named(play: Play, duties: list[Payload]) -> list[Payload]:
    """Say of each duty what, whose, where and by when."""
    rows = play.callers["testing"].get(f"rounds/{play.round}/coverage", level="village")
    places = {row["code"]: row["name"] for row in rows}
    kept = ("id", "kind", "name_zh", "role", "division_code", "subject", "due_at", "overdue")
    return [
        {name: duty[name] for name in kept}
        | {"place": places.get(duty["division_code"] // 1000 * 1000, str(duty["division_code"]))}
        for duty in duties
    ]


def duty_equations(play: Play, lists: dict[str, list[Payload]], duties: dict[str, list[Payload]]) -> list[Equation]:
    """The books balance, each number is as long as its list, and everybody who remains is somebody's visit."""
    books = play.callers["commander"].get("duties/balance")
    opened = books.pop("opened")
    listed = {state: len(rows) for state, rows in duties.items()}
    remaining = {row["resident"] for row in lists["missing"]}
    visited = {duty["subject"] for duty in duties["outstanding"] if duty["kind"] == "round_visit"}
    return [
        Equation("duties opened are done, waived, cancelled or outstanding", {"opened": opened}, books, "/api/duties"),
        Equation("each number of duties is as long as its list", {"listed": sum(listed.values())}, {"opened": opened},
                 "/api/duties?state=…"),
        Equation("everybody who remains is a visit", {"missing": len(remaining)}, {"visits": len(remaining & visited)},
                 "/api/duties?kind=round_visit"),
    ]  # fmt: skip
