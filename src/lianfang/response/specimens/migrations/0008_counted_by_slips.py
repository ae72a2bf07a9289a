"""Samples of a round are counted by slips: they need neither their transaction nor where the roster places the person."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("specimens", "0007_roster_code"), ("screening", "0005_roster_slips")]
    operations = [
        migrations.RemoveIndex("sample", "sample_to_count"),
        migrations.RemoveField("sample", "xid"),
        migrations.RemoveField("sample", "roster_code"),
    ]
