"""The addresses of the house."""

from django.urls import URLPattern, URLResolver, include, path

from lianfang.surfaces.field.api import api
from lianfang.surfaces.field.phone_page import show_phone
from lianfang.surfaces.field.web import show_reference

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/docs", show_reference),
    path("api/", api.urls),
    path("field/", show_phone, name="phone"),
    path("field/<path:page>", show_phone),
    path("", include("lianfang.surfaces.console.urls")),
    path("", include("lianfang.surfaces.reports.urls")),
]

handler404 = "lianfang.surfaces.console.web.entry.not_found"
handler500 = "lianfang.surfaces.console.web.entry.failed"
