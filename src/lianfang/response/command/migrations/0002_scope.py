"""Feedback is seen where it comes from; levels, meetings, receipts and feedback are never changed."""

from django.db import migrations

from lianfang.core.access.migration import AppendOnly, UnderScope


class Migration(migrations.Migration):
    dependencies = [("command", "0001_initial"), ("access", "0002_scope")]
    operations = [
        UnderScope("command_directivefeedback"),
        AppendOnly("command_responselevel"),
        AppendOnly("command_meeting"),
        AppendOnly("command_directivereceipt"),
        AppendOnly("command_directivefeedback"),
    ]
