"""The addresses of the house."""

from django.urls import URLPattern, URLResolver, path

from lianfang.surfaces.field.api import api

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/", api.urls),
]
