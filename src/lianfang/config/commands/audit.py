"""``lianfang audit``: seal and verify."""

import json

import click


@click.group()
def audit() -> None:
    """The audit: who did or looked at what."""


@audit.command()
@click.option("--database", default=None, help="name of the database")
@click.option("--json", "as_json", is_flag=True, help="print one JSON object")
def verify(database: str | None, as_json: bool) -> None:
    """Recompute every sealed batch; exit 1 when one does not match."""
    from lianfang.config.home import current_home
    from lianfang.config.postgres import server_of
    from lianfang.config.prepare import set_up_django

    server_of(current_home()).ensure_running()
    set_up_django("worker", database)
    from lianfang.core.access.sealer import verify_audit

    found = verify_audit()
    if as_json:
        click.echo(json.dumps(vars(found)))
    else:
        click.echo(f"{found.sealed} rows in {found.batches} batches are sealed, {found.unsealed} are not yet.")
        for number in found.restored:
            click.echo(f"Batch {number} is the first after the database was restored into another server.")
        click.echo("The chain is whole." if found.broken is None else f"Batch {found.broken} does not match its seal.")
    raise SystemExit(found.broken is not None)
