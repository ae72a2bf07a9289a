from django.apps import AppConfig


class AccessConfig(AppConfig):
    """Accounts, roles, posts, scope, audit and privacy."""

    name = "lianfang.core.access"
    label = "access"
