"""Every field of every table is declared; every table that reveals people is under scope."""

import pytest
from django.apps import apps
from django.db import connection

from lianfang.core.access.privacy import DECLARATIONS

OURS = [model for model in apps.get_models() if model.__module__.startswith("lianfang.")]
#: tables of the framework, and why none of them reveals a person
FRAMEWORK = {
    "auth_permission": "names of Django's own permissions, unused",
    "auth_group": "Django's groups, unused",
    "django_content_type": "names of tables",
    "django_session": "a random key and the ids of account and grant",
    "django_migrations": "names of migrations",
    "auth_group_permissions": "Django's groups, unused",
    "scope_key": "the owner's alone",
}


@pytest.mark.parametrize("model", OURS, ids=lambda model: model._meta.label)
def test_every_field_is_declared_once(model):
    assert model in DECLARATIONS, f"{model._meta.label} has no privacy declaration: add @declare(...)"
    declaration = DECLARATIONS[model]
    fields = {field.name for field in model._meta.get_fields() if field.concrete} - {"pk"}
    by_attname = {getattr(field, "attname", field.name): field.name for field in model._meta.get_fields()}
    declared = {by_attname.get(name, name) for name in declaration.declared}
    assert declared == fields
    groups = (declaration.personal, declaration.identifier, declaration.health, declaration.plain)
    assert sum(map(len, groups)) == len(declaration.declared), "a field is declared twice"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "model", [m for m, d in DECLARATIONS.items() if d.reveals_people], ids=lambda model: model._meta.label
)
def test_a_table_that_reveals_people_is_under_forced_row_level_security(model):
    declaration = DECLARATIONS[model]
    assert declaration.governed_by, "say which column governs who may see a row, and why"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relrowsecurity AND relforcerowsecurity, "
            "(SELECT string_agg(qual, ' ') FROM pg_policies WHERE tablename = relname) FROM pg_class WHERE relname = %s",
            [model._meta.db_table],
        )
        forced, policy = cursor.fetchone()
    assert forced
    assert all(column in policy for column in declaration.governed_by.split())


@pytest.mark.django_db
def test_there_is_no_table_that_nobody_answers_for():
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = {name for (name,) in cursor.fetchall()}
    known = {model._meta.db_table for model in OURS} | set(FRAMEWORK)
    assert tables - known == set()
