"""Numbers, scope and the append-only log of the ledger."""

from django.db import migrations

from lianfang.core.access.migration import SERVING, AppendOnly, UnderScope

NUMBERS = f"""
ALTER TABLE duties_duty ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY;
ALTER TABLE duties_transition ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY;
REVOKE DELETE, TRUNCATE ON duties_duty FROM {SERVING};
"""


class Migration(migrations.Migration):
    dependencies = [("duties", "0001_initial"), ("access", "0002_scope")]
    operations = [
        migrations.RunSQL(NUMBERS, migrations.RunSQL.noop),
        UnderScope("duties_duty"),
        UnderScope("duties_transition"),
        AppendOnly("duties_transition"),
        AppendOnly("duties_dutykind"),
    ]
