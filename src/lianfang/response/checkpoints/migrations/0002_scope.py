"""Passages are seen at their checkpoint; orders and passages are never changed."""

from django.db import migrations

from lianfang.core.access.migration import AppendOnly, UnderScope


class Migration(migrations.Migration):
    dependencies = [("checkpoints", "0001_initial"), ("access", "0002_scope")]
    operations = [
        UnderScope("checkpoints_passage"),
        AppendOnly("checkpoints_passage"),
        AppendOnly("checkpoints_checkpointorder"),
    ]
