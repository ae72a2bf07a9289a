from django.apps import AppConfig


class IntakeConfig(AppConfig):
    """Parcels from the field, and photos."""

    name = "lianfang.core.intake"
    label = "intake"
