"""``lianfang keys``: the key pairs that phones seal their parcels to."""

import click


@click.group()
def keys() -> None:
    """The key pairs that phones seal their parcels to."""


@keys.command()
def show() -> None:
    """List the key pairs by id, the newest first; nothing secret is shown."""
    from lianfang.config.home import current_home
    from lianfang.config.parcel_keys import ParcelKeys
    from lianfang.kit.clock import LOCAL

    for number, key in enumerate(ParcelKeys(current_home()).all()):
        use = "seals and opens" if number == 0 else "opens"
        click.echo(f"{key.id}  made {key.made_at.astimezone(LOCAL):%Y-%m-%d %H:%M}  {use}")


@keys.command()
def rotate() -> None:
    """Make a new key pair: phones seal to it from their next contact on; the old ones go on opening."""
    from lianfang.config.home import current_home
    from lianfang.config.parcel_keys import ParcelKeys

    held = ParcelKeys(current_home())
    fresh = held.rotate()
    click.echo(
        f"Phones seal to {fresh.id} from their next contact on. Copy {held.file} to where your copy of the keys is."
    )
