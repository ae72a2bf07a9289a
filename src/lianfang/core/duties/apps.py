from django.apps import AppConfig


class DutiesConfig(AppConfig):
    """The duty ledger."""

    name = "lianfang.core.duties"
    label = "duties"
