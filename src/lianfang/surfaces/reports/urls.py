"""The addresses of reports and of the lists behind figures."""

from django.urls import URLPattern, path, register_converter

from lianfang.surfaces.reports import web

register_converter(web.DayConverter, "day")

urlpatterns: list[URLPattern] = [
    path("report/<str:scenario>", web.show_press_report, name="report"),
    path("counts/<slug:code>", web.show_count, name="count"),
    path("reports/", web.show_day, name="daily_reports"),
    path("reports/<day:day>/", web.show_day, name="daily_reports"),
    path("reports/<day:day>/<int:unit>", web.show_report, name="daily_report"),
    path("reports/<day:day>/<int:unit>/confirm", web.confirm_report, name="confirm_daily_report"),
]
