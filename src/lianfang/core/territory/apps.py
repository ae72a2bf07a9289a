from django.apps import AppConfig


class TerritoryConfig(AppConfig):
    """Divisions, hamlets and grids, buildings, places, headquarters and chains of responsibility."""

    name = "lianfang.core.territory"
    label = "territory"
