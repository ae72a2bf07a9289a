"""The addresses of the house."""

from django.urls import URLPattern, URLResolver, include, path

from lianfang.surfaces.field.api import api

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/", api.urls),
    path("", include("lianfang.surfaces.console.urls")),
    path("", include("lianfang.surfaces.reports.urls")),
]

handler404 = "lianfang.surfaces.console.web.entry.not_found"
handler500 = "lianfang.surfaces.console.web.entry.failed"
