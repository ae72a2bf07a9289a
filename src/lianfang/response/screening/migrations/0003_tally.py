"""Samples are counted by grid as they come in, so that a city's coverage is a sum of grids."""

from django.db import migrations, models
from django.db.models import F, Q

from lianfang.core.access.migration import SERVING, UnderScope

KEPT = f"REVOKE DELETE, TRUNCATE ON screening_rostertally, screening_tallymark FROM {SERVING}"


class Migration(migrations.Migration):
    dependencies = [("screening", "0002_scope"), ("specimens", "0003_express")]
    operations = [
        migrations.CreateModel(
            name="RosterTally",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "county",
                        "round",
                        "division_code",
                        blank=True,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("county", models.IntegerField()),
                ("round", models.UUIDField()),
                ("division_code", models.BigIntegerField()),
                ("frozen", models.IntegerField(default=0)),
                ("sampled", models.IntegerField(default=0)),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(sampled__gte=0, sampled__lte=F("frozen")), name="roster_tally_counts"
                    )
                ]
            },
        ),
        migrations.CreateModel(
            name="TallyMark",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("xid_until", models.BigIntegerField(default=0)),
            ],
            options={"constraints": [models.CheckConstraint(condition=Q(id=1), name="one_tally_mark")]},
        ),
        UnderScope("screening_rostertally"),
        migrations.RunSQL(KEPT, migrations.RunSQL.noop),
    ]
