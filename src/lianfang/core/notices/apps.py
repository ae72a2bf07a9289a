from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """Notices to accounts."""

    name = "lianfang.core.notices"
    label = "notices"
