"""The command line as it explains itself."""

from collections.abc import Iterator

import click

INTRODUCTION = """# Command line

`make setup` puts `lianfang` into `.venv/bin`. Where the installation lives, which database it uses and how it is reached
comes from the environment: see [External PostgreSQL](../how-to/external-postgresql.md) and
[Back up keys and data](../how-to/back-up.md).
"""


def page() -> str:
    """Return the page."""
    from lianfang.config.cli import main

    return "\n".join([INTRODUCTION, *_help(main, "lianfang", None)])


def _help(command: click.Command, name: str, above: click.Context | None) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=above, terminal_width=100, max_content_width=100)
    yield f"## `{context.command_path}`\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            # the framework's own commands explain themselves
            if found is not None and found.name != "django":
                yield from _help(found, inner, context)
