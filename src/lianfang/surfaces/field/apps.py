"""The field interface as Django knows it: for its page and style sheet."""

from django.apps import AppConfig


class FieldConfig(AppConfig):
    name = "lianfang.surfaces.field"
    label = "field"

    def ready(self) -> None:
        """Add the command that decides parcels: it submits others, and so stands above the table of commands."""
        from lianfang.workflows import commands, decide_parcels

        commands.COMMANDS.update(decide_parcels.COMMANDS)
