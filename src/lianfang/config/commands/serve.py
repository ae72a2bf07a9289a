"""``lianfang serve`` and ``lianfang work``: the running house."""

import click


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8100, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1), help="Web processes.")
@click.option("--tls/--no-tls", envvar="LIANFANG_TLS", help="HTTPS with the certificate of `lianfang certificate`.")
@click.option(
    "--plain-port",
    default=8180,
    show_default=True,
    type=click.IntRange(1, 65535),
    help="With --tls: the HTTP port that offers the authority's certificate to phones and leads to HTTPS.",
)
@click.option("--database", default="lianfang", show_default=True, envvar="LIANFANG_DATABASE")
def serve(host: str, port: int, workers: int, tls: bool, plain_port: int, database: str) -> None:
    """Serve the console and the interfaces, with the worker, until Ctrl-C."""
    from lianfang.config import server
    from lianfang.config.home import current_home

    server.serve(
        current_home(), database, (host, port), workers, plain_port=plain_port if tls else None, say=click.echo
    )


@click.command()
@click.option("--database", default="lianfang", show_default=True, envvar="LIANFANG_DATABASE")
def work(database: str) -> None:
    """Do the work behind the scenes (the audit's seals, the roll of the day, visits falling due); `serve` starts it by itself."""
    from lianfang.config import server

    server.work(database)
