from django.apps import AppConfig


class ScreeningConfig(AppConfig):
    """Rounds of area testing."""

    name = "lianfang.response.screening"
    label = "screening"
