"""Parcels and photos are seen where the work belongs; a parcel that came in is never deleted."""

from django.db import migrations

from lianfang.core.access.migration import SERVING, UnderScope


class Migration(migrations.Migration):
    dependencies = [("intake", "0001_parcels"), ("access", "0002_scope")]
    operations = [
        UnderScope("intake_parcel"),
        UnderScope("intake_photo"),
        migrations.RunSQL(
            f"REVOKE DELETE, TRUNCATE ON intake_parcel FROM {SERVING}",
            f"GRANT DELETE ON intake_parcel TO {SERVING}",
        ),
    ]
