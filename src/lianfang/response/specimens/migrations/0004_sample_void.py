"""Samples registered by mistake are voided, never changed or removed."""

from django.db import migrations, models
from django.db.models import F, Q

from lianfang.core.access.migration import AppendOnly

SAMPLE_OF_VOID = """
ALTER TABLE specimens_samplevoid ADD CONSTRAINT void_of_sample
    FOREIGN KEY (county, tube, sample) REFERENCES specimens_sample (county, tube, id);
"""


class Migration(migrations.Migration):
    dependencies = [("specimens", "0003_express")]
    operations = [
        migrations.CreateModel(
            name="SampleVoid",
            fields=[
                ("pk", models.CompositePrimaryKey("county", "tube", "sample", blank=True, editable=False, primary_key=True, serialize=False)),
                ("county", models.IntegerField()),
                ("tube", models.UUIDField()),
                ("sample", models.UUIDField()),
                ("round", models.UUIDField(null=True)),
                ("reason", models.CharField(max_length=14)),
                ("instead_tube", models.UUIDField(null=True)),
                ("instead", models.UUIDField(null=True)),
                ("witness", models.UUIDField(null=True)),
                ("voided_at", models.DateTimeField()),
                ("recorded_at", models.DateTimeField()),
                ("recorded_by", models.UUIDField()),
            ],
            options={
                "indexes": [models.Index(fields=["county", "round"], name="void_round")],
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(reason__in=("wrong_person", "wrong_tube", "not_taken", "duplicate")),
                        name="void_reason",
                    ),
                    models.CheckConstraint(
                        condition=Q(instead_tube__isnull=True, instead__isnull=True)
                        | Q(
                            instead_tube__isnull=False, instead__isnull=False,
                            reason__in=["wrong_person", "wrong_tube"],
                        ),
                        name="void_replaced_whole",
                    ),
                    models.CheckConstraint(
                        condition=Q(witness__isnull=True) | ~Q(witness=F("recorded_by")), name="void_second_look"
                    ),
                ],
            },
        ),
        migrations.RunSQL(SAMPLE_OF_VOID, migrations.RunSQL.noop),
        AppendOnly("specimens_samplevoid"),
    ]  # fmt: skip
