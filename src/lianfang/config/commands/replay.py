"""``lianfang replay``: a report played through public commands, then counted."""

import io
import json
import time
from datetime import datetime
from typing import Any

import click


@click.command()
@click.argument("scenario", type=click.Choice(["dingan-2022"]))
@click.option(
    "--until", default=None, help="stop at this local date or time, for instance 2022-07-17 or 2022-07-17T20:00"
)
@click.option("--json", "as_json", is_flag=True, help="print one JSON object instead of the table")
@click.option("--list", "figure", default=None, help="print the records behind one figure (its id), or shown_missing")
@click.option("--fresh", is_flag=True, help="begin anew instead of going on where a former run stood")
def replay(scenario: str, until: str | None, as_json: bool, figure: str | None, fresh: bool) -> None:
    """Replay a scenario in a database of its own and count the newspaper's figures from its records.

    A run that was cut off goes on where it stood; what was applied is not applied again.
    """
    from lianfang.config import replaying

    started = time.monotonic()

    def say(line: str) -> None:
        click.echo(f"{time.monotonic() - started:7.1f} s  {line}", err=True)

    end = replaying.run(scenario, until=until, fresh=fresh, say=say)
    if figure:
        for line in replaying.listed(scenario, figure, end):
            click.echo(line)
        return
    outcome = replaying.outcome(scenario, end)
    click.echo(json.dumps(outcome, ensure_ascii=False) if as_json else table(outcome))


def table(outcome: dict[str, Any]) -> str:
    """Return the figures beside the report's words, the ledger's books and the missing, as text for a terminal."""
    from rich.console import Console
    from rich.table import Table

    shown = Table(title=f"{outcome['scenario']}  {outcome['as_of']}", show_lines=False)
    for heading in ("报道原文 / the report's words", "", "报道 / value", "计数 / counted", ""):
        shown.add_column(heading)
    for row in outcome["figures"]:
        shown.add_row(
            row["quote"], row["comparator"], str(row["value"]), str(row["counted"]), "✓" if row["agrees"] else "✗"
        )
    books = outcome["ledger"]
    console = Console(width=130, record=True, file=io.StringIO())
    console.print(shown)
    lines = [
        console.export_text(),
        f"任务台账 / ledger: opened {books['opened']} = done {books['done']} + waived {books['waived']}"
        f" + cancelled {books['cancelled']} + outstanding {books['outstanding']}",
        f"漏检公示 / shown missing: {outcome['shown_missing']}    去向不明 / unaccounted: {outcome['unaccounted']}",
    ]
    return "\n".join(lines)


def parse_until(text: str) -> datetime:
    """Read a local date (its midnight at the end) or a local time."""
    from datetime import timedelta

    from lianfang.kit.clock import local

    try:
        moment = local(text)
    except ValueError:
        raise click.BadParameter(f"“{text}” is no date or time: write 2022-07-17 or 2022-07-17T20:00") from None
    return moment + timedelta(days=1) if len(text) == 10 else moment
