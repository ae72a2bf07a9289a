"""The addresses of the house with those of reports, wherever the house puts them."""

from django.urls import include, path

from lianfang.config import urls

urlpatterns = [*urls.urlpatterns, path("", include("lianfang.surfaces.reports.urls"))]
handler404, handler500 = urls.handler404, urls.handler500
