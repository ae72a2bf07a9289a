"""An unannounced inspection belongs to the unit that gave it until it has taken place."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("tasks", "0002_scope")]
    operations = [
        migrations.AddField(model_name="task", name="inspects_code", field=models.BigIntegerField(null=True)),
    ]
