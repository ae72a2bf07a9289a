"""Boxes, where tubes are, what hand-overs lacked, lost tubes, laboratories, files of results, and who was told."""

import django.db.models.expressions
from django.db import migrations, models

from lianfang.core.access.migration import SERVING, AppendOnly

OF_TUBES = """
ALTER TABLE specimens_boxentry ADD CONSTRAINT box_entry_of_tube
    FOREIGN KEY (county, tube) REFERENCES specimens_tube (county, id);
ALTER TABLE specimens_boxentry ADD CONSTRAINT box_entry_of_box
    FOREIGN KEY (county, box) REFERENCES specimens_box (county, id);
ALTER TABLE specimens_tubeloss ADD CONSTRAINT loss_of_tube
    FOREIGN KEY (county, tube) REFERENCES specimens_tube (county, id);
ALTER TABLE specimens_resultnotice ADD CONSTRAINT notice_of_result
    FOREIGN KEY (county, tube, number) REFERENCES specimens_result (county, tube, number);
ALTER TABLE specimens_custodydifference ADD CONSTRAINT difference_of_step
    FOREIGN KEY (county, step) REFERENCES specimens_custodystep (county, id);
"""
KEPT = ("box", "boxentry", "tubeplace", "custodydifference", "tubeloss", "lab", "resultnotice")


class Migration(migrations.Migration):
    dependencies = [
        ("specimens", "0004_sample_void"),
    ]

    operations = [
        migrations.CreateModel(
            name="Box",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "county", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("county", models.IntegerField()),
                ("id", models.UUIDField()),
                ("code", models.CharField(max_length=40)),
                ("division_code", models.BigIntegerField()),
                ("site", models.UUIDField(null=True)),
                ("packed_at", models.DateTimeField()),
                ("emptied_at", models.DateTimeField(null=True)),
                ("recorded_at", models.DateTimeField()),
                ("recorded_by", models.UUIDField()),
            ],
        ),
        migrations.CreateModel(
            name="BoxEntry",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "county", "box", "tube", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("county", models.IntegerField()),
                ("box", models.UUIDField()),
                ("tube", models.UUIDField()),
                ("packed_at", models.DateTimeField()),
                ("removed_at", models.DateTimeField(null=True)),
            ],
        ),
        migrations.CreateModel(
            name="CustodyDifference",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "county", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("county", models.IntegerField()),
                ("id", models.UUIDField()),
                ("step", models.UUIDField()),
                ("kind", models.CharField(max_length=8)),
                ("tube", models.UUIDField(null=True)),
                ("code", models.CharField(default="", max_length=40)),
                ("number", models.IntegerField(default=1)),
                ("division_code", models.BigIntegerField()),
                ("role", models.CharField(max_length=40)),
                ("noticed_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("outcome", models.CharField(max_length=12, null=True)),
                (
                    "place",
                    models.CharField(
                        default="", help_text="post, site or laboratory, never a person's name", max_length=80
                    ),
                ),
                ("reason", models.CharField(default="", max_length=200)),
                ("settled_at", models.DateTimeField(null=True)),
                ("settled_by", models.UUIDField(null=True)),
                ("recorded_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="Lab",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "county", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("county", models.IntegerField()),
                ("id", models.UUIDField()),
                ("name", models.CharField(max_length=80)),
                ("division_code", models.BigIntegerField()),
                ("tubes_per_hour", models.IntegerField()),
                ("tubes_per_day", models.IntegerField()),
                ("opens_at", models.TimeField(null=True)),
                ("closes_at", models.TimeField(null=True)),
                ("registered_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
                ("recorded_at", models.DateTimeField()),
                ("recorded_by", models.UUIDField()),
            ],
        ),
        migrations.CreateModel(
            name="ResultFile",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "county", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("county", models.IntegerField()),
                ("id", models.UUIDField()),
                ("digest", models.BinaryField()),
                ("name", models.CharField(max_length=120)),
                ("lab", models.CharField(max_length=80)),
                ("rows", models.IntegerField()),
                ("taken", models.IntegerField()),
                ("bad", models.IntegerField()),
                ("recorded_at", models.DateTimeField()),
                ("recorded_by", models.UUIDField()),
            ],
        ),
        migrations.CreateModel(
            name="ResultNotice",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "county", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("county", models.IntegerField()),
                ("id", models.UUIDField()),
                ("tube", models.UUIDField()),
                ("number", models.SmallIntegerField()),
                ("role", models.CharField(max_length=40)),
                ("division_code", models.BigIntegerField()),
                ("required", models.BooleanField()),
                ("opens_at", models.DateTimeField()),
                ("due_at", models.DateTimeField()),
                ("told_at", models.DateTimeField(null=True)),
                (
                    "told_to",
                    models.CharField(default="", help_text="post or unit, never a person's name", max_length=80),
                ),
                ("channel", models.CharField(default="", max_length=12)),
                ("told_by", models.UUIDField(null=True)),
                ("recorded_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="TubeLoss",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "county", "id", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("county", models.IntegerField()),
                ("id", models.UUIDField()),
                ("tube", models.UUIDField()),
                ("difference", models.UUIDField(null=True)),
                ("reason", models.CharField(max_length=200)),
                ("lost_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                ("recorded_by", models.UUIDField()),
                ("found_at", models.DateTimeField(null=True)),
                ("found_recorded_at", models.DateTimeField(null=True)),
                ("place", models.CharField(default="", max_length=80)),
            ],
        ),
        migrations.CreateModel(
            name="TubePlace",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "county", "tube", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("county", models.IntegerField()),
                ("tube", models.UUIDField()),
                ("stage", models.CharField(max_length=8)),
                ("holder", models.CharField(max_length=80)),
                ("lab", models.UUIDField(null=True)),
                ("since", models.DateTimeField()),
            ],
        ),
        migrations.AddField(
            model_name="custodyentry",
            name="standing",
            field=models.CharField(default="taken", max_length=8),
        ),
        migrations.AddField(
            model_name="custodystep",
            name="giver_kind",
            field=models.CharField(default="site", max_length=10),
        ),
        migrations.AddField(
            model_name="custodystep",
            name="lab",
            field=models.UUIDField(null=True),
        ),
        migrations.AddField(
            model_name="custodystep",
            name="scanned",
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name="custodystep",
            name="taker_kind",
            field=models.CharField(default="courier", max_length=10),
        ),
        migrations.AddField(
            model_name="custodystep",
            name="tubes_given",
            field=models.IntegerField(null=True),
        ),
        migrations.AddIndex(
            model_name="custodyentry",
            index=models.Index(fields=["county", "step"], name="custody_entry_of_step"),
        ),
        migrations.AddIndex(
            model_name="custodystep",
            index=models.Index(fields=["county", "handed_at"], name="custody_by_time"),
        ),
        migrations.AddConstraint(
            model_name="custodyentry",
            constraint=models.CheckConstraint(
                condition=models.Q(("standing__in", ["taken", "missing", "extra"])), name="custody_standing"
            ),
        ),
        migrations.AddConstraint(
            model_name="custodystep",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("giver_kind__in", ("site", "courier", "lab")),
                    ("taker_kind__in", ("site", "courier", "lab")),
                    models.Q(("lab__isnull", True), ("taker_kind", "lab"), _connector="OR"),
                ),
                name="custody_holders",
            ),
        ),
        migrations.AddConstraint(
            model_name="box",
            constraint=models.UniqueConstraint(
                condition=models.Q(("emptied_at__isnull", True)), fields=("county", "code"), name="box_loaded_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="box",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("emptied_at__isnull", True), ("emptied_at__gte", models.F("packed_at")), _connector="OR"
                ),
                name="box_emptied_after_packing",
            ),
        ),
        migrations.AddConstraint(
            model_name="boxentry",
            constraint=models.UniqueConstraint(
                condition=models.Q(("removed_at__isnull", True)), fields=("county", "tube"), name="tube_in_one_box"
            ),
        ),
        migrations.AddIndex(
            model_name="custodydifference",
            index=models.Index(
                condition=models.Q(("settled_at__isnull", True)),
                fields=["county", "tube"],
                name="custody_difference_open",
            ),
        ),
        migrations.AddConstraint(
            model_name="custodydifference",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ["missing", "extra"]),
                    ("number__gte", 1),
                    models.Q(("tube__isnull", True), ("number", 1), _connector="OR"),
                ),
                name="custody_difference_counted",
            ),
        ),
        migrations.AddConstraint(
            model_name="custodydifference",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("outcome__isnull", True), ("settled_at__isnull", True), ("settled_by__isnull", True)),
                    models.Q(
                        ("outcome__in", ("found", "lost", "miscounted", "explained", "returned")),
                        ("settled_at__isnull", False),
                        ("settled_by__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="custody_difference_settled",
            ),
        ),
        migrations.AddConstraint(
            model_name="lab",
            constraint=models.UniqueConstraint(fields=("county", "name"), name="lab_name_once"),
        ),
        migrations.AddConstraint(
            model_name="lab",
            constraint=models.CheckConstraint(
                condition=models.Q(("tubes_per_day__gte", models.F("tubes_per_hour")), ("tubes_per_hour__gte", 1)),
                name="lab_capacity",
            ),
        ),
        migrations.AddConstraint(
            model_name="lab",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closes_at__isnull", True), ("opens_at__isnull", True)),
                    models.Q(
                        ("closes_at__isnull", False),
                        ("opens_at__isnull", False),
                        models.Q(("opens_at", models.F("closes_at")), _negated=True),
                    ),
                    _connector="OR",
                ),
                name="lab_hours",
            ),
        ),
        migrations.AddConstraint(
            model_name="resultfile",
            constraint=models.UniqueConstraint(fields=("county", "lab", "digest"), name="result_file_once"),
        ),
        migrations.AddConstraint(
            model_name="resultfile",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("bad__gte", 0),
                    ("rows", django.db.models.expressions.CombinedExpression(models.F("taken"), "+", models.F("bad"))),
                    ("taken__gte", 0),
                ),
                name="result_file_rows",
            ),
        ),
        migrations.AddConstraint(
            model_name="resultnotice",
            constraint=models.UniqueConstraint(
                fields=("county", "tube", "number", "role", "division_code"), name="result_notice_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="resultnotice",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("required", True), ("told_at__isnull", True), ("told_by__isnull", True)),
                    models.Q(
                        ("channel__in", ("phone", "in_person", "message", "system", "document")),
                        ("told_at__isnull", False),
                        ("told_by__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="result_notice_told",
            ),
        ),
        migrations.AddConstraint(
            model_name="tubeloss",
            constraint=models.UniqueConstraint(
                condition=models.Q(("found_at__isnull", True)), fields=("county", "tube"), name="tube_lost_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="tubeloss",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("found_at__isnull", True), ("found_recorded_at__isnull", True)),
                    models.Q(("found_at__isnull", False), ("found_recorded_at__isnull", False)),
                    _connector="OR",
                ),
                name="tube_loss_found",
            ),
        ),
        migrations.AddConstraint(
            model_name="tubeloss",
            constraint=models.CheckConstraint(
                condition=models.Q(("reason", ""), _negated=True), name="tube_loss_reason"
            ),
        ),
        migrations.AddIndex(
            model_name="tubeplace",
            index=models.Index(
                condition=models.Q(("lab__isnull", False)), fields=["county", "lab", "since"], name="tube_at_lab"
            ),
        ),
        migrations.AddConstraint(
            model_name="tubeplace",
            constraint=models.CheckConstraint(
                condition=models.Q(("stage__in", ("site", "box", "courier", "lab", "missing", "lost"))),
                name="tube_place_stage",
            ),
        ),
        migrations.RunSQL(OF_TUBES, migrations.RunSQL.noop),
        AppendOnly("specimens_resultfile"),
        *(
            migrations.RunSQL(f"REVOKE DELETE, TRUNCATE ON specimens_{table} FROM {SERVING}", migrations.RunSQL.noop)
            for table in KEPT
        ),
    ]
