"""The command line: one group a file in ``commands/``, loaded when it is called for."""

import importlib
import importlib.util
from typing import Any

import click

from lianfang.kit.refusals import Refusal

COMMANDS = {
    "protocol": "protocol:protocol",
    "serve": "serve:serve",
    "work": "serve:work",
    "doctor": "doctor:doctor",
    "database": "database:database",
    "import": "imports:import_",
    "replay": "replay:replay",
    "demo": "demo:demo",
    "bench": "bench:bench",
    "drill": "drill:drill",
    "audit": "audit:audit",
    "account": "account:account",
    "certificate": "certificate:certificate",
    "keys": "keys:keys",
    "django": "django:django",
}


class House(click.Group):
    """Loads a command's module only when that command is used, so that the command line starts at once."""

    def invoke(self, ctx: click.Context) -> Any:
        """Answer a refusal with its sentence, never with a stack trace."""
        try:
            return super().invoke(ctx)
        except Refusal as refusal:
            raise click.ClickException(str(refusal)) from None

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted(name for name in COMMANDS if _exists(name))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS or not _exists(cmd_name):
            return None
        module, name = COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(importlib.import_module(f"lianfang.config.commands.{module}"), name)
        return command


def _exists(name: str) -> bool:
    module = COMMANDS[name].split(":")[0]
    return importlib.util.find_spec(f"lianfang.config.commands.{module}") is not None


@click.group(cls=House)
@click.version_option(package_name="lianfang", message="%(version)s")
def main() -> None:
    """Lianfang 联防: the outbreak-response command system of a county."""
