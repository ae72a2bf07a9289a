"""Devices: everybody may check one, only the administration line may write them, and nobody deletes one."""

import lianfang.kit.ids
from django.db import migrations, models

from lianfang.core.access.migration import SERVING

DEVICES = f"""
ALTER TABLE access_device ENABLE ROW LEVEL SECURITY;
ALTER TABLE access_device FORCE ROW LEVEL SECURITY;
CREATE POLICY read_all ON access_device FOR SELECT USING (true);
CREATE POLICY administration ON access_device FOR ALL
    USING ((SELECT scope_line()) = 'administration' AND division_code BETWEEN (SELECT scope_lo()) AND (SELECT scope_hi()))
    WITH CHECK ((SELECT scope_line()) = 'administration' AND division_code BETWEEN (SELECT scope_lo()) AND (SELECT scope_hi()));
REVOKE DELETE, TRUNCATE ON access_device FROM {SERVING};
"""


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0003_no_shadow"),
    ]

    operations = [
        migrations.CreateModel(
            name="Device",
            fields=[
                ("id", models.UUIDField(default=lianfang.kit.ids.new_id, primary_key=True, serialize=False)),
                ("account_id", models.UUIDField(null=True)),
                ("title", models.CharField(max_length=80)),
                ("division_code", models.BigIntegerField()),
                ("registered_at", models.DateTimeField()),
                ("registered_by", models.UUIDField()),
                ("enrolment_lookup", models.BinaryField(max_length=32)),
                ("enrolled_at", models.DateTimeField(null=True)),
                ("secret_hash", models.BinaryField(max_length=32, null=True)),
                ("revoked_at", models.DateTimeField(null=True)),
                ("revoked_by", models.UUIDField(null=True)),
                ("revoked_reason", models.CharField(default="", max_length=200)),
            ],
            options={
                "indexes": [models.Index(fields=["division_code"], name="device_place")],
                "constraints": [
                    models.UniqueConstraint(fields=("enrolment_lookup",), name="device_enrolment_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("enrolled_at__isnull", True), ("secret_hash__isnull", True)),
                            models.Q(("enrolled_at__isnull", False), ("secret_hash__isnull", False)),
                            _connector="OR",
                        ),
                        name="device_enrolled",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("revoked_at__isnull", True), ("revoked_by__isnull", True)),
                            models.Q(("revoked_at__isnull", False), ("revoked_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="device_revoked",
                    ),
                ],
            },
        ),
        migrations.RunSQL(DEVICES, migrations.RunSQL.noop),
    ]
