"""``lianfang account``: the first accounts, before anybody can sign in and give others."""

import click


@click.group()
def account() -> None:
    """Accounts and the grants they act under."""


@account.command()
@click.argument("username")
@click.option("--role", required=True, help="a role of roles.yaml, for instance commander")
@click.option("--line", required=True, help="a line of work of roles.yaml, for instance command")
@click.option("--area", required=True, help="division code of 2 to 15 digits: everything inside it")
@click.option("--title", default="", help="the post, in words; never a person's name")
@click.option("--reason", default="first account of the installation", show_default=True)
@click.option("--database", default="lianfang", show_default=True, envvar="LIANFANG_DATABASE")
@click.password_option()
def add(username: str, role: str, line: str, area: str, title: str, reason: str, database: str, password: str) -> None:
    """Create an account with one grant."""
    from lianfang.config.home import current_home
    from lianfang.config.prepare import prepare

    prepare(current_home(), database)
    from lianfang.core.access.actions import ADMINISTRATION, create_account, give_grant
    from lianfang.core.access.scope import acting
    from lianfang.kit.clock import machine_now
    from lianfang.kit.codes import code_range
    from lianfang.kit.refusals import Refusal

    try:
        with acting(ADMINISTRATION):
            made = create_account(by=ADMINISTRATION, username=username, title=title or username, password=password)
            give_grant(
                by=ADMINISTRATION, account=made.id, role=role, line=line, scope=code_range(area),
                valid_from=machine_now(), reason=reason,
            )  # fmt: skip
    except Refusal as refusal:
        raise click.ClickException(str(refusal)) from None
    click.echo(f"{username} may sign in as {role} ({line}) for {area}.")
