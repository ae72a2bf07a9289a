"""Telephones of duty desks: everybody may read one, only the administration line may write them."""

from django.db import migrations, models

PHONES = """
ALTER TABLE access_deskphone ENABLE ROW LEVEL SECURITY;
ALTER TABLE access_deskphone FORCE ROW LEVEL SECURITY;
CREATE POLICY read_all ON access_deskphone FOR SELECT USING (true);
CREATE POLICY administration ON access_deskphone FOR ALL
    USING ((SELECT scope_line()) = 'administration' AND division_code BETWEEN (SELECT scope_lo()) AND (SELECT scope_hi()))
    WITH CHECK ((SELECT scope_line()) = 'administration' AND division_code BETWEEN (SELECT scope_lo()) AND (SELECT scope_hi()));
"""


class Migration(migrations.Migration):
    dependencies = [
        ("access", "0006_audit_cluster"),
    ]

    operations = [
        migrations.CreateModel(
            name="DeskPhone",
            fields=[
                ("division_code", models.BigIntegerField(primary_key=True, serialize=False)),
                ("phone", models.CharField(max_length=20)),
                ("set_by", models.UUIDField()),
                ("set_at", models.DateTimeField()),
            ],
            options={
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("phone__regex", "^[0-9+][0-9 +-]{2,19}$")), name="desk_phone_number"
                    ),
                ],
            },
        ),
        migrations.RunSQL(PHONES, migrations.RunSQL.noop),
    ]
