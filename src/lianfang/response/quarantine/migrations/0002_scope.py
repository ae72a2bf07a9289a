"""Orders and what is done under them are seen where the person lives and where they are held."""

from django.db import migrations

from lianfang.core.access.migration import AppendOnly, UnderScope

TABLES = ("order", "leg", "dailycheck", "quarantinetest", "doorvisit", "transport", "release", "appeal")
NEVER_CHANGED = ("dailycheck", "quarantinetest", "doorvisit", "transport", "release")


class Migration(migrations.Migration):
    dependencies = [("quarantine", "0001_initial"), ("access", "0002_scope")]
    operations = [
        *(UnderScope(f"quarantine_{table}", "division_code", "site_code") for table in TABLES),
        *(AppendOnly(f"quarantine_{table}") for table in NEVER_CHANGED),
    ]
