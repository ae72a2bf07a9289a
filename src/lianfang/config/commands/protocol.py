"""``lianfang protocol``: read, compare and check protocol packs. Needs no database and no Django."""

import sys
from datetime import date, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lianfang.engines import protocol as packs


class PackRefused(click.ClickException):
    """A pack could not be used; the message is the pack engine's own sentence."""

    exit_code = 1


def _console() -> Console:
    # A pipe has no width of its own; rows must not be cut there.
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else 200)


def _loaded(name: str, overlays: tuple[str, ...], on: date | None) -> packs.Pack:
    chosen = [Path(overlay) if overlay.endswith((".yaml", ".yml")) else overlay for overlay in overlays]
    try:
        return packs.load_pack(name, overlays=chosen, on=on)
    except packs.PackError as error:
        raise PackRefused(str(error)) from error


@click.group()
def protocol() -> None:
    """Read, compare and check protocol packs."""


@protocol.command()
@click.argument("name")
@click.option("--on", type=click.DateTime(["%Y-%m-%d"]), help="Only what is in force on this day.")
@click.option("--overlay", "overlays", multiple=True, help="Local overlay, by name or file; may be repeated.")
def show(name: str, on: datetime | None, overlays: tuple[str, ...]) -> None:
    """Show every value of a pack with its source and how far that was checked."""
    pack = _loaded(name, overlays, on.date() if on else None)
    until = pack.effective.until or "now"
    table = Table(title=f"{pack.title} · {pack.effective.start} to {until}", title_justify="left")
    table.add_column("value of", no_wrap=True)
    for heading in ("value", "confidence", "source"):
        table.add_column(heading, overflow="fold")
    for statement in packs.describe(pack):
        table.add_row(*map(escape, (statement.path, statement.value, statement.confidence, statement.source)))
    _console().print(table)


@protocol.command()
@click.argument("a")
@click.argument("b")
def diff(a: str, b: str) -> None:
    """Show what two packs say differently, with both sources."""
    table = Table(title=f"{a} → {b}", title_justify="left")
    table.add_column("value of", no_wrap=True)
    for heading in (a, b, f"source in {a}", f"source in {b}"):
        table.add_column(heading, overflow="fold")
    for found in packs.diff_packs(_loaded(a, (), None), _loaded(b, (), None)):
        cells = (found.old, found.new, found.old_source, found.new_source)
        table.add_row(found.path, *(escape(cell or "–") for cell in cells))
    _console().print(table)


@protocol.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
def check(files: tuple[Path, ...]) -> None:
    """Check packs and overlays (default: all that come with the project); exit 1 when anything is wrong."""
    checked = files or packs.all_files()
    problems = [problem for path in checked for problem in packs.check_file(path)]
    for problem in problems:
        click.echo(str(problem), err=True)
    if problems:
        raise PackRefused(f"{len(problems)} problem(s) in {len(checked)} file(s).")
    click.echo(f"{len(checked)} file(s), nothing wrong.")
