from django.apps import AppConfig


class QuarantineConfig(AppConfig):
    """Quarantine orders and what is done under them."""

    name = "lianfang.response.quarantine"
    label = "quarantine"
