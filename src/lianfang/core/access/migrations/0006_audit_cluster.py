"""Audit rows and seals know the database server whose transactions they number: restored into another, numbers begin anew."""

from django.db import migrations, models

CLUSTER = """
CREATE FUNCTION this_cluster() RETURNS bigint LANGUAGE sql STABLE AS $$ SELECT system_identifier FROM pg_control_system() $$;
ALTER TABLE access_auditentry ADD COLUMN cluster bigint NOT NULL DEFAULT this_cluster();
ALTER TABLE access_auditseal ADD COLUMN cluster bigint NOT NULL DEFAULT this_cluster();
"""


class Migration(migrations.Migration):
    dependencies = [("access", "0005_wipe")]
    operations = [
        migrations.RunSQL(
            CLUSTER,
            "ALTER TABLE access_auditseal DROP COLUMN cluster; ALTER TABLE access_auditentry DROP COLUMN cluster;"
            " DROP FUNCTION this_cluster()",
            state_operations=[
                migrations.AddField(
                    "auditentry",
                    "cluster",
                    models.BigIntegerField(help_text="the server whose transactions xid counts"),
                ),
                migrations.AddField("auditseal", "cluster", models.BigIntegerField()),
            ],
        )
    ]
