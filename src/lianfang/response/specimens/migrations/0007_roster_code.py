"""A sample may keep where its round's roster places the person, for whoever counts."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("specimens", "0006_lab_accounts")]
    operations = [
        migrations.AddField(
            "sample",
            "roster_code",
            models.BigIntegerField(help_text="where the round's roster places the person; 0 on none", null=True),
        ),
    ]
