"""Samples are seen where the person lives; results are never more than tubes and never rewritten."""

from django.db import migrations

from lianfang.core.access.migration import SERVING, AppendOnly, UnderScope

TUBE_OF_RESULT = """
ALTER TABLE specimens_result ADD CONSTRAINT result_of_tube
    FOREIGN KEY (county, tube) REFERENCES specimens_tube (county, id);
ALTER TABLE specimens_custodyentry ADD CONSTRAINT custody_of_tube
    FOREIGN KEY (county, tube) REFERENCES specimens_tube (county, id);
ALTER TABLE specimens_custodyentry ADD CONSTRAINT custody_in_step
    FOREIGN KEY (county, step) REFERENCES specimens_custodystep (county, id);
"""
FORWARD_ONLY = f"REVOKE DELETE, TRUNCATE ON specimens_tube FROM {SERVING}"


class Migration(migrations.Migration):
    dependencies = [("specimens", "0001_initial"), ("access", "0002_scope")]
    operations = [
        migrations.RunSQL(TUBE_OF_RESULT, migrations.RunSQL.noop),
        migrations.RunSQL(FORWARD_ONLY, migrations.RunSQL.noop),
        UnderScope("specimens_sample"),
        AppendOnly("specimens_sample"),
        AppendOnly("specimens_custodystep"),
        AppendOnly("specimens_custodyentry"),
        AppendOnly("specimens_result"),
    ]
