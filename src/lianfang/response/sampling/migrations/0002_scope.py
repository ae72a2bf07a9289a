"""Crews and people sampled at home are seen where they are; counted lines and home sampling are added to, never changed."""

from django.db import migrations

from lianfang.core.access.migration import SERVING, AppendOnly, UnderScope

#: a plan changes when it is confirmed or superseded, a slot when it is called, lanes and crews when they end
KEPT = f"""
REVOKE DELETE, TRUNCATE ON sampling_slotplan, sampling_slot, sampling_samplinglane, sampling_crewassignment FROM {SERVING};
"""


class Migration(migrations.Migration):
    dependencies = [("sampling", "0001_initial"), ("access", "0002_scope")]
    operations = [
        migrations.RunSQL(KEPT, migrations.RunSQL.noop),
        UnderScope("sampling_crewassignment"),
        UnderScope("sampling_homesampling"),
        UnderScope("sampling_homesamplingattempt"),
        AppendOnly("sampling_queuecount"),
        AppendOnly("sampling_homesampling"),
        AppendOnly("sampling_homesamplingattempt"),
    ]
