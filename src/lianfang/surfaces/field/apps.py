"""The field interface as Django knows it: for its page and style sheet."""

from django.apps import AppConfig


class FieldConfig(AppConfig):
    name = "lianfang.surfaces.field"
    label = "field"
