"""Decisions, checks and evaluations of zones are never rewritten."""

from django.db import migrations

from lianfang.core.access.migration import AppendOnly


class Migration(migrations.Migration):
    dependencies = [("zones", "0001_initial"), ("access", "0002_scope")]
    operations = [
        AppendOnly("zones_zonehistory"),
        AppendOnly("zones_zonearea"),
        AppendOnly("zones_zonecheck"),
        AppendOnly("zones_buildingcheck"),
        AppendOnly("zones_zonecondition"),
    ]
