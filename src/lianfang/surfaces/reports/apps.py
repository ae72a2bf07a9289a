from django.apps import AppConfig


class ReportsConfig(AppConfig):
    name = "lianfang.surfaces.reports"
    label = "reports"
