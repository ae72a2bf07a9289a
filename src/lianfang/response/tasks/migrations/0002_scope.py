"""Field work is seen where it is done; what was done is never changed."""

from django.db import migrations

from lianfang.core.access.migration import AppendOnly, UnderScope


class Migration(migrations.Migration):
    dependencies = [("tasks", "0001_initial"), ("access", "0002_scope")]
    operations = [
        UnderScope("tasks_task"),
        UnderScope("tasks_taskrecord"),
        UnderScope("tasks_finding"),
        UnderScope("tasks_hazard"),
        AppendOnly("tasks_taskrecord"),
    ]
