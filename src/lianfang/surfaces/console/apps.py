from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "lianfang.surfaces.console"
    label = "console"
