from django.apps import AppConfig


class SamplingConfig(AppConfig):
    """The running of sampling sites."""

    name = "lianfang.response.sampling"
    label = "sampling"
