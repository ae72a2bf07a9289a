from django.apps import AppConfig


class CasesConfig(AppConfig):
    """Cases, investigations and contacts."""

    name = "lianfang.response.cases"
    label = "cases"
