"""Reports are seen by the unit and those above it; what was frozen is never rewritten, only confirmed."""

from django.db import migrations

from lianfang.core.access.migration import SERVING, AppendOnly, UnderScope

CONFIRM = f"GRANT UPDATE (submitted_at, submitted_by, submit_command) ON reports_dailyreport TO {SERVING}"


class Migration(migrations.Migration):
    dependencies = [("reports", "0001_initial"), ("access", "0002_scope")]
    operations = [
        UnderScope("reports_dailyreport"),
        AppendOnly("reports_dailyreport"),
        migrations.RunSQL(CONFIRM, migrations.RunSQL.noop),
        AppendOnly("reports_quotation"),
    ]
