"""A parcel whose id was taken remembers under which id its phone and its worker know it."""

from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("intake", "0002_scope")]
    operations = [
        migrations.AddField("parcel", "sent_as", models.UUIDField(null=True)),
        migrations.AddIndex(
            "parcel",
            models.Index(fields=["sent_as"], condition=Q(sent_as__isnull=False), name="parcel_sent_as"),
        ),
    ]
