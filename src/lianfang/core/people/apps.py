from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Households and residents."""

    name = "lianfang.core.people"
    label = "people"
