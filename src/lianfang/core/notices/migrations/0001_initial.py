"""Notices, the numbers of text messages and the messages; who may see which."""

import lianfang.kit.ids
from django.db import migrations, models

from lianfang.core.access.migration import SERVING

SCOPE = f"""
ALTER TABLE notices_notice ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY;
ALTER TABLE notices_notice ENABLE ROW LEVEL SECURITY;
ALTER TABLE notices_notice FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON notices_notice USING (account = (SELECT scope_account()) OR (SELECT scope_line()) = 'notices');
REVOKE DELETE, TRUNCATE ON notices_notice FROM {SERVING};
ALTER TABLE notices_noticephone ENABLE ROW LEVEL SECURITY;
ALTER TABLE notices_noticephone FORCE ROW LEVEL SECURITY;
CREATE POLICY own ON notices_noticephone FOR SELECT USING (account = (SELECT scope_account()));
CREATE POLICY keeper ON notices_noticephone
    USING ((SELECT scope_line()) = 'notices' AND division_code BETWEEN (SELECT scope_lo()) AND (SELECT scope_hi()));
ALTER TABLE notices_textmessage ENABLE ROW LEVEL SECURITY;
ALTER TABLE notices_textmessage FORCE ROW LEVEL SECURITY;
CREATE POLICY keeper ON notices_textmessage USING ((SELECT scope_line()) = 'notices');
REVOKE DELETE, TRUNCATE ON notices_textmessage FROM {SERVING};
"""


class Migration(migrations.Migration):
    initial = True

    dependencies = [("access", "0004_devices")]

    operations = [
        migrations.CreateModel(
            name="NoticePhone",
            fields=[
                ("account", models.UUIDField(primary_key=True, serialize=False)),
                ("county", models.IntegerField()),
                ("division_code", models.BigIntegerField()),
                ("number", models.BinaryField(max_length=80)),
                ("set_by", models.UUIDField()),
                ("set_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.BigIntegerField(primary_key=True, serialize=False)),
                ("account", models.UUIDField()),
                ("kind", models.CharField(max_length=40)),
                ("key", models.CharField(max_length=80)),
                ("duty", models.BigIntegerField(null=True)),
                ("params", models.JSONField(default=dict)),
                ("at", models.DateTimeField(help_text="by the response clock")),
                ("created_at", models.DateTimeField(help_text="by the machine's")),
                ("read_at", models.DateTimeField(null=True)),
                ("text", models.UUIDField(help_text="the text message that told of it", null=True)),
            ],
            options={
                "indexes": [
                    models.Index(fields=["account", "id"], name="notice_list"),
                    models.Index(
                        condition=models.Q(("read_at__isnull", True), ("text__isnull", True)),
                        fields=["created_at"],
                        name="notice_untold",
                    ),
                ],
                "constraints": [models.UniqueConstraint(fields=("account", "kind", "key"), name="notice_once")],
            },
        ),
        migrations.CreateModel(
            name="TextMessage",
            fields=[
                ("id", models.UUIDField(default=lianfang.kit.ids.new_id, primary_key=True, serialize=False)),
                ("account", models.UUIDField()),
                ("counts", models.JSONField(default=dict)),
                ("alarm", models.BooleanField(default=False)),
                ("state", models.CharField(default="waiting", max_length=12)),
                ("tries", models.SmallIntegerField(default=0)),
                ("next_at", models.DateTimeField()),
                ("created_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [
                    models.Index(condition=models.Q(("state", "waiting")), fields=["next_at"], name="text_waiting")
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ("waiting", "sent", "given_up"))), name="text_state"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at__isnull", True), ("state", "waiting")),
                            models.Q(models.Q(("state", "waiting"), _negated=True), ("finished_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="text_finished",
                    ),
                ],
            },
        ),
        migrations.RunSQL(SCOPE, migrations.RunSQL.noop),
    ]
