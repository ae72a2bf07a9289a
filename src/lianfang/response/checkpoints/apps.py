from django.apps import AppConfig


class CheckpointsConfig(AppConfig):
    """Checkpoints on roads and at gates."""

    name = "lianfang.response.checkpoints"
    label = "checkpoints"
