"""Residents are seen where they live and where they are."""

from django.db import migrations

from lianfang.core.access.migration import UnderScope


class Migration(migrations.Migration):
    dependencies = [("people", "0001_initial"), ("access", "0002_scope")]
    operations = [
        UnderScope("people_household"),
        UnderScope("people_resident", "division_code", "present_code"),
        UnderScope("people_vulnerability"),
    ]
