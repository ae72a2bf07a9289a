from django.apps import AppConfig


class ReportsConfig(AppConfig):
    """Daily and zero reports, counted lists, and press reports beside them."""

    name = "lianfang.surfaces.reports"
    label = "reports"

    def ready(self) -> None:
        """Add the commands of this surface, which stands above the table of commands."""
        from lianfang.surfaces.reports.schemas import COMMANDS
        from lianfang.workflows import commands

        commands.COMMANDS.update(COMMANDS)
