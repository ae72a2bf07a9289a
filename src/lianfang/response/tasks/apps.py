from django.apps import AppConfig


class TasksConfig(AppConfig):
    """Field work given by desks and by reports."""

    name = "lianfang.response.tasks"
    label = "tasks"
