from django.apps import AppConfig


class CommandConfig(AppConfig):
    """Incidents, response levels, task forces and directives."""

    name = "lianfang.response.command"
    label = "command"
