from django.apps import AppConfig


class WorkforceConfig(AppConfig):
    """Everybody on duty."""

    name = "lianfang.response.workforce"
    label = "workforce"
