from django.apps import AppConfig


class ZonesConfig(AppConfig):
    """Zones under graded measures."""

    name = "lianfang.response.zones"
    label = "zones"
