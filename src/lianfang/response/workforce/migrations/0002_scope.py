"""People on duty are seen where they belong and where they are deployed."""

from django.db import migrations

from lianfang.core.access.migration import UnderScope


class Migration(migrations.Migration):
    dependencies = [("workforce", "0001_initial"), ("access", "0002_scope")]
    operations = [
        UnderScope("workforce_responder", "division_code", "present_code"),
        UnderScope("workforce_teammember"),
        UnderScope("workforce_volunteerapplication"),
        UnderScope("workforce_deployment", "division_code", "from_code"),
        UnderScope("workforce_shiftassignment"),
        UnderScope("workforce_attendance"),
    ]
