"""Paper sheets: printed, typed in and settled are histories; who stands on them is seen where they live."""

import lianfang.kit.ids
from django.db import migrations, models

from lianfang.core.access.migration import AppendOnly, UnderScope


class Migration(migrations.Migration):
    dependencies = [
        ("screening", "0003_tally"),
    ]

    operations = [
        migrations.CreateModel(
            name="PaperSheet",
            fields=[
                ("id", models.UUIDField(default=lianfang.kit.ids.new_id, primary_key=True, serialize=False)),
                ("county", models.IntegerField()),
                ("code", models.CharField(max_length=9)),
                ("round", models.UUIDField()),
                ("number", models.IntegerField()),
                ("run", models.UUIDField(help_text="the printing that made it")),
                ("division_code", models.BigIntegerField()),
                ("mode", models.CharField(max_length=10)),
                ("pool", models.SmallIntegerField()),
                ("tubes", models.SmallIntegerField()),
                ("lines", models.SmallIntegerField()),
                ("printed_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                ("recorded_by", models.UUIDField()),
            ],
            options={
                "indexes": [models.Index(fields=["county", "run"], name="sheet_run")],
                "constraints": [
                    models.UniqueConstraint(fields=("county", "code"), name="sheet_code_once"),
                    models.UniqueConstraint(fields=("county", "round", "number"), name="sheet_number_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("lines__gte", models.F("tubes")),
                            ("mode__in", ("single", "household", "pooled")),
                            ("number__gte", 1),
                            ("pool__gte", 1),
                            ("tubes__gte", 1),
                        ),
                        name="sheet_counts",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SheetEntry",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "county", "sheet", "kind", "line", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("county", models.IntegerField()),
                ("sheet", models.UUIDField()),
                ("kind", models.CharField(max_length=8)),
                ("line", models.SmallIntegerField()),
                ("resident", models.UUIDField()),
                ("division_code", models.BigIntegerField()),
                ("sampled", models.BooleanField()),
                ("tube_code", models.CharField(blank=True, max_length=40)),
                ("taken_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("sampled", True),
                                ("taken_at__isnull", False),
                                models.Q(("tube_code", ""), _negated=True),
                            ),
                            models.Q(("sampled", False), ("taken_at__isnull", True), ("tube_code", "")),
                            _connector="OR",
                        ),
                        name="sheet_entry_whole",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="SheetLine",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "county", "sheet", "line", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("county", models.IntegerField()),
                ("sheet", models.UUIDField()),
                ("line", models.SmallIntegerField()),
                ("tube", models.SmallIntegerField()),
                ("resident", models.UUIDField()),
                ("division_code", models.BigIntegerField()),
                ("household", models.UUIDField(null=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("county", "sheet", "resident"), name="sheet_person_once"),
                    models.CheckConstraint(
                        condition=models.Q(("line__gte", 1), ("tube__gte", 1)), name="sheet_line_numbers"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SheetTyping",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "county", "sheet", "kind", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("county", models.IntegerField()),
                ("sheet", models.UUIDField()),
                ("kind", models.CharField(max_length=8)),
                ("id", models.UUIDField(default=lianfang.kit.ids.new_id)),
                ("total", models.SmallIntegerField()),
                ("ticked", models.SmallIntegerField()),
                ("typed_at", models.DateTimeField()),
                ("note", models.CharField(blank=True, max_length=200)),
                ("recorded_at", models.DateTimeField()),
                ("recorded_by", models.UUIDField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("county", "id"), name="sheet_typing_id"),
                    models.UniqueConstraint(
                        condition=models.Q(("kind", "settled"), _negated=True),
                        fields=("county", "sheet", "recorded_by"),
                        name="sheet_typed_by_two",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind__in", ("first", "second", "settled")), ("ticked__gte", 0), ("total__gte", 0)
                        ),
                        name="sheet_typing",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "settled"), _negated=True),
                            models.Q(("note", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="sheet_settled_with_note",
                    ),
                ],
            },
        ),
        UnderScope("screening_sheetline"),
        UnderScope("screening_sheetentry"),
        AppendOnly("screening_papersheet"),
        AppendOnly("screening_sheetline"),
        AppendOnly("screening_sheettyping"),
        AppendOnly("screening_sheetentry"),
    ]
