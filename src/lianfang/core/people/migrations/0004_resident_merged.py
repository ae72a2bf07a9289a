from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("people", "0003_resident_code")]

    operations = [
        migrations.AddIndex(
            model_name="resident",
            index=models.Index(
                fields=["merged_into"], condition=models.Q(("merged_into__isnull", False)), name="resident_merged"
            ),
        ),
    ]
