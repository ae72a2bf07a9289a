"""Positive pools with everybody in them, and how a hold and a positive came to an end."""

import django.db.models.deletion
import lianfang.kit.ids
from django.db import migrations, models

from lianfang.core.access.migration import AppendOnly, UnderScope


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0002_scope"),
    ]

    operations = [
        migrations.CreateModel(
            name="Pool",
            fields=[
                ("id", models.UUIDField(default=lianfang.kit.ids.new_id, primary_key=True, serialize=False)),
                ("county", models.IntegerField()),
                ("incident", models.UUIDField()),
                ("protocol", models.CharField(max_length=120)),
                ("authority", models.CharField(help_text="on whose authority its people are held", max_length=120)),
                ("tube", models.UUIDField()),
                ("number", models.SmallIntegerField()),
                ("value", models.CharField(max_length=14)),
                ("code", models.CharField(max_length=40)),
                ("mode", models.CharField(max_length=10)),
                ("purpose", models.CharField(max_length=24)),
                ("round", models.UUIDField(null=True)),
                ("division_code", models.BigIntegerField(help_text="where the tube was filled")),
                ("reported_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("resample_within", models.DurationField()),
                ("withdrawn_at", models.DateTimeField(null=True)),
                ("withdrawn_why", models.CharField(blank=True, max_length=200)),
                ("recorded_at", models.DateTimeField()),
                ("recorded_by", models.UUIDField()),
            ],
        ),
        migrations.CreateModel(
            name="PoolMember",
            fields=[
                ("id", models.UUIDField(default=lianfang.kit.ids.new_id, primary_key=True, serialize=False)),
                ("county", models.IntegerField()),
                ("sample", models.UUIDField()),
                ("resident", models.UUIDField()),
                ("division_code", models.BigIntegerField()),
                ("wave", models.SmallIntegerField(default=1)),
                ("joined_at", models.DateTimeField()),
                ("told_at", models.DateTimeField(help_text="of the hold, by the community", null=True)),
                ("police_told_at", models.DateTimeField(help_text="when the police knew of the hold", null=True)),
                ("notified_at", models.DateTimeField(help_text="that nothing remains, by the community", null=True)),
                (
                    "unreached",
                    models.CharField(blank=True, help_text="why nobody could tell them the last time", max_length=200),
                ),
                ("recorded_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="ResampleAttempt",
            fields=[
                ("id", models.UUIDField(default=lianfang.kit.ids.new_id, primary_key=True, serialize=False)),
                ("county", models.IntegerField()),
                ("division_code", models.BigIntegerField()),
                ("reason", models.CharField(max_length=200)),
                ("next_at", models.DateTimeField()),
                ("tried_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                ("recorded_by", models.UUIDField()),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="screenpositive",
            name="positive_status",
        ),
        migrations.AddField(
            model_name="hold",
            name="lift_reason",
            field=models.CharField(blank=True, max_length=200),
        ),
        migrations.AddField(
            model_name="hold",
            name="lifted_by",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="screenpositive",
            name="handed_to",
            field=models.CharField(blank=True, help_text="county and post that took the person over", max_length=120),
        ),
        migrations.AddField(
            model_name="screenpositive",
            name="pooled",
            field=models.BooleanField(default=False),
        ),
        migrations.AlterField(
            model_name="screenpositive",
            name="status",
            field=models.CharField(default="open", max_length=12),
        ),
        migrations.AddConstraint(
            model_name="screenpositive",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ("open", "negative", "confirmed", "withdrawn", "handed_over"))),
                name="positive_status",
            ),
        ),
        migrations.AddConstraint(
            model_name="screenpositive",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "handed_over"), models.Q(("handed_to", ""), _negated=True)),
                    models.Q(models.Q(("status", "handed_over"), _negated=True), ("handed_to", "")),
                    _connector="OR",
                ),
                name="positive_handed_to_somebody",
            ),
        ),
        migrations.AddIndex(
            model_name="pool",
            index=models.Index(fields=["county", "reported_at"], name="pool_reported"),
        ),
        migrations.AddConstraint(
            model_name="pool",
            constraint=models.UniqueConstraint(fields=("county", "tube", "number"), name="pool_of_finding"),
        ),
        migrations.AddConstraint(
            model_name="pool",
            constraint=models.CheckConstraint(
                condition=models.Q(("value__in", ("positive", "indeterminate"))), name="pool_value"
            ),
        ),
        migrations.AddConstraint(
            model_name="pool",
            constraint=models.CheckConstraint(
                condition=models.Q(("due_at__gt", models.F("reported_at"))), name="pool_due"
            ),
        ),
        migrations.AddConstraint(
            model_name="pool",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("withdrawn_at__isnull", True), ("withdrawn_why", "")),
                    models.Q(("withdrawn_at__isnull", False), models.Q(("withdrawn_why", ""), _negated=True)),
                    _connector="OR",
                ),
                name="pool_withdrawn_for_a_reason",
            ),
        ),
        migrations.AddField(
            model_name="poolmember",
            name="pool",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="members", to="cases.pool"
            ),
        ),
        migrations.AddField(
            model_name="poolmember",
            name="positive",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="memberships",
                to="cases.screenpositive",
            ),
        ),
        migrations.AddField(
            model_name="resampleattempt",
            name="member",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="attempts", to="cases.poolmember"
            ),
        ),
        migrations.AddIndex(
            model_name="poolmember",
            index=models.Index(fields=["county", "resident"], name="pool_member_person"),
        ),
        migrations.AddConstraint(
            model_name="poolmember",
            constraint=models.UniqueConstraint(fields=("pool", "sample"), name="pool_member_once"),
        ),
        migrations.AddConstraint(
            model_name="poolmember",
            constraint=models.CheckConstraint(condition=models.Q(("wave__gte", 1)), name="pool_member_wave"),
        ),
        migrations.AddConstraint(
            model_name="resampleattempt",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="resample_attempt_reason"
            ),
        ),
        migrations.AddConstraint(
            model_name="resampleattempt",
            constraint=models.CheckConstraint(
                condition=models.Q(("next_at__gte", models.F("tried_at"))), name="resample_attempt_again"
            ),
        ),
        UnderScope("cases_poolmember"),
        UnderScope("cases_resampleattempt"),
        AppendOnly("cases_resampleattempt"),
    ]
