"""``lianfang certificate``: trusted HTTPS on a county's own server."""

from pathlib import Path

import click


@click.group()
def certificate() -> None:
    """A local authority and the server's certificate, for `lianfang serve --tls`."""


@certificate.command()
@click.option("--name", "names", multiple=True, help="A host name phones use; may be repeated.")
@click.option("--address", "addresses", multiple=True, help="An IP address phones use; may be repeated.")
@click.option("--replace", is_flag=True, help="Make a new authority: every phone must install it again.")
def make(names: tuple[str, ...], addresses: tuple[str, ...], replace: bool) -> None:
    """Make the authority and the server's certificate for its names and addresses."""
    from lianfang.config.home import current_home
    from lianfang.config.trust import certificates

    certificates.make(current_home(), names, addresses, replace=replace)
    _say_both()


@certificate.command()
def show() -> None:
    """Show what the certificate is for, how long it is valid, and the fingerprint to compare on phones."""
    _say_both()


@certificate.command()
def renew() -> None:
    """Renew the server's certificate under the same authority; phones notice nothing. `serve` does it by itself."""
    from lianfang.config.home import current_home
    from lianfang.config.trust import certificates

    certificates.renew(current_home())
    _say_both()


@certificate.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--plain-port", default=8180, show_default=True, help="The port of `serve --tls` that offers the download."
)
def export(folder: Path, plain_port: int) -> None:
    """Write the authority's certificate (.crt, .pem) and a page to print: a code to scan, and the steps on phones."""
    from lianfang.config.home import current_home
    from lianfang.config.trust.certificates import Trust, hosts
    from lianfang.config.trust.download import FILES, page

    trust = Trust.of(current_home())
    served = hosts(trust.server)
    host = f"[{served[0]}]" if ":" in served[0] else served[0]
    address = f"http://{host}/" if plain_port == 80 else f"http://{host}:{plain_port}/"
    folder.mkdir(parents=True, exist_ok=True)
    for path, encoding in FILES.items():
        (folder / path[1:]).write_bytes(trust.authority.public_bytes(encoding))
    (folder / "lianfang.html").write_text(page(trust.authority, served, address), encoding="utf-8")
    click.echo(f"{folder}: lianfang.crt, lianfang.pem, lianfang.html (leads to {address})")


def _say_both() -> None:
    from lianfang.config.home import current_home
    from lianfang.config.trust.certificates import Trust, days_left, fingerprint, hosts
    from lianfang.kit.clock import LOCAL

    trust = Trust.of(current_home())
    server = trust.server
    end = server.not_valid_after_utc.astimezone(LOCAL)
    click.echo(f"for          {', '.join(hosts(server))}")
    click.echo(f"valid until  {end:%Y-%m-%d %H:%M} ({days_left(server)} days)")
    click.echo(f"authority    {trust.authority_file}, until {trust.authority.not_valid_after_utc:%Y-%m-%d}")
    click.echo(f"SHA-256      {fingerprint(trust.authority)}")
