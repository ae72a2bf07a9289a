"""``lianfang database …``: the PostgreSQL server and the databases in it."""

import os

import click

from lianfang.config.home import NotReady, current_home
from lianfang.config.postgres import (
    LOGINS,
    EmbeddedCluster,
    connection,
    drop_database,
    server_of,
)
from lianfang.config.postgres.cluster import remove_folder
from lianfang.config.postgres.installation import abandoned_folders

database_option = click.option("--database", "name", default="lianfang", show_default=True, envvar="LIANFANG_DATABASE")
yes_option = click.option("--yes", is_flag=True, help="Do not ask.")


@click.group()
def database() -> None:
    """Start, stop, prepare and open the database."""


@database.command()
def start() -> None:
    """Start the embedded server, or check that the external one answers."""
    server_of(current_home()).ensure_running()
    status.callback()  # type: ignore[misc]


@database.command()
def stop() -> None:
    """Stop the embedded server."""
    _embedded().stop()
    click.echo("PostgreSQL does not run.")


@database.command()
def status() -> None:
    """Say whether the server answers, and where; exit code 1 when it does not."""
    server = server_of(current_home())
    place = "{host}, port {port}".format(**server.endpoint.parameters)
    if not server.is_running():
        raise click.ClickException(f"No PostgreSQL answers at {place}.")
    click.echo(f"PostgreSQL answers at {place}.")


@database.command()
@database_option
@click.option("--recreate", is_flag=True, help="Drop it first, with all it holds.")
@yes_option
def prepare(name: str, recreate: bool, yes: bool) -> None:
    """Create the database when there is none, and bring its tables up to this version."""
    from lianfang.config.prepare import prepare as prepare_all

    if recreate and not yes:
        click.confirm(f"Delete everything in the database {name}?", abort=True)
    prepare_all(current_home(), name, recreate=recreate)
    click.echo(f"The database {name} is ready.")


@database.command()
@click.argument("name")
@yes_option
def drop(name: str, yes: bool) -> None:
    """Delete a database with all it holds."""
    if not yes:
        click.confirm(f"Delete the database {name} with all it holds?", abort=True)
    drop_database(current_home(), name)
    click.echo(f"The database {name} is gone.")


@database.command()
@yes_option
def destroy(yes: bool) -> None:
    """Delete the embedded server with every database in it; the keys in the home folder stay."""
    cluster = _embedded()
    if not yes:
        click.confirm(f"Delete {cluster.placement.folder} with every database in it?", abort=True)
    cluster.destroy()
    click.echo("The embedded server and its databases are gone.")


@database.command()
@yes_option
def sweep(yes: bool) -> None:
    """Delete the servers that root left behind when it deleted their home folders."""
    for folder in abandoned_folders():
        if yes or click.confirm(f"Delete {folder}, whose home {(folder / 'home').read_text().strip()} is gone?"):
            remove_folder(folder)
            click.echo(f"{folder} is gone.")


@database.command()
@database_option
@click.option("--login", type=click.Choice(LOGINS), default="app", show_default=True)
def shell(name: str, login: str) -> None:
    """Open psql as one of the logins (as app, rows show only within a scope that has been set)."""
    home = current_home()
    where = connection(home, login, name)
    programs = EmbeddedCluster(home).placement.programs
    names = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE"}
    os.execve(programs / "psql", ["psql"], {**os.environ, **{names[key]: str(where[key]) for key in names}})


def _embedded() -> EmbeddedCluster:
    server = server_of(current_home())
    if not isinstance(server, EmbeddedCluster):
        raise NotReady("LIANFANG_DATABASE_URL names a server of yours; Lianfang neither stops nor deletes it.")
    return server
