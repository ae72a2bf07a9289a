"""A laboratory may name the accounts that speak for it: no other reports or corrects what it found."""

import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("specimens", "0005_custody")]
    operations = [
        migrations.AddField(
            "lab", "accounts",
            django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), default=list, size=None),
        ),
    ]  # fmt: skip
