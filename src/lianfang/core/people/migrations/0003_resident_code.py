"""Residents get printed codes; a code changes once, when it is revoked."""

from django.db import migrations, models
from django.db.models import Q

from lianfang.core.access.migration import SERVING, UnderScope

KEPT = f"REVOKE DELETE, TRUNCATE ON people_residentcode FROM {SERVING}"


class Migration(migrations.Migration):
    dependencies = [("people", "0002_scope")]
    operations = [
        migrations.CreateModel(
            name="ResidentCode",
            fields=[
                ("pk", models.CompositePrimaryKey("county", "resident", "serial", blank=True, editable=False, primary_key=True, serialize=False)),
                ("county", models.IntegerField()),
                ("resident", models.UUIDField()),
                ("serial", models.SmallIntegerField()),
                ("lookup", models.BinaryField(max_length=32)),
                ("division_code", models.BigIntegerField()),
                ("issued_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                ("recorded_by", models.UUIDField()),
                ("revoked_at", models.DateTimeField(null=True)),
                ("revoked_recorded_at", models.DateTimeField(null=True)),
                ("revoked_by", models.UUIDField(null=True)),
                ("reason", models.CharField(blank=True, max_length=10)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=["county", "lookup"], name="resident_code_once"),
                    models.UniqueConstraint(
                        fields=["county", "resident"], condition=Q(revoked_at__isnull=True), name="resident_code_in_force"
                    ),
                    models.CheckConstraint(condition=Q(serial__gte=1), name="resident_code_serial"),
                    models.CheckConstraint(
                        condition=Q(
                            revoked_at__isnull=True, revoked_recorded_at__isnull=True, revoked_by__isnull=True, reason=""
                        )
                        | Q(
                            revoked_at__isnull=False, revoked_recorded_at__isnull=False, revoked_by__isnull=False,
                            reason__in=("lost", "copied", "damaged", "asked"),
                        ),
                        name="resident_code_revoked_whole",
                    ),
                ],
            },
        ),
        migrations.RunSQL(KEPT, migrations.RunSQL.noop),
        UnderScope("people_residentcode"),
    ]  # fmt: skip
