"""``lianfang django …``: the framework's own commands, for those who keep the house."""

import click


@click.command(context_settings={"ignore_unknown_options": True, "help_option_names": []})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def django(arguments: tuple[str, ...]) -> None:
    """Run one of Django's own commands, such as makemigrations."""
    from lianfang.config.prepare import set_up_django

    set_up_django()
    from django.core.management import execute_from_command_line

    execute_from_command_line(["lianfang django", *arguments])
