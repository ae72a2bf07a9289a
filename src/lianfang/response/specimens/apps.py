from django.apps import AppConfig


class SpecimensConfig(AppConfig):
    """Tubes, samples, custody and results."""

    name = "lianfang.response.specimens"
    label = "specimens"
