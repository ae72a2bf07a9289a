"""Samples know the transaction that wrote them."""

from django.db import migrations, models

OWN_TRANSACTION = "ALTER TABLE specimens_sample ALTER COLUMN xid SET DEFAULT pg_current_xact_id()::text::bigint"


class Migration(migrations.Migration):
    dependencies = [("specimens", "0002_scope"), ("people", "0002_scope"), ("access", "0004_devices")]
    operations = [
        migrations.AddField("sample", "xid", models.BigIntegerField(default=0, help_text="written by the database")),
        migrations.RunSQL(OWN_TRANSACTION, migrations.RunSQL.noop),
        migrations.AddIndex(
            "sample",
            models.Index(condition=models.Q(("round__isnull", False)), fields=["xid"], name="sample_to_count"),
        ),
    ]
