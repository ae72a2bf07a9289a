"""The database is the last line: no scope, no rows; another's scope cannot be made up."""

import hashlib

import pytest
from django.db import DatabaseError, connection, transaction

from conftest import DINGAN, XINZHU
from lianfang.core.access.rules import ScopeNotSet
from lianfang.core.access.scope import acting, current_actor, scope_token
from lianfang.core.people.models import Vulnerability
from lianfang.kit.ids import new_id

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def one_row(commander):
    """PostgreSQL evaluates the scope when it meets a row: only a table that hides nothing answers without one."""
    with acting(commander):
        Vulnerability.objects.create(
            county=DINGAN, resident=new_id(), division_code=XINZHU * 1000, kind="infant", since="2022-07-13"
        )


def count(table: str = "people_vulnerability") -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return cursor.fetchone()[0]


def test_reading_without_a_scope_raises_instead_of_answering_nothing():
    with pytest.raises(DatabaseError, match="no scope is set"), transaction.atomic():
        count()


def test_nobody_acts_outside_of_a_grant():
    with pytest.raises(ScopeNotSet):
        current_actor()


def test_a_forged_scope_is_refused(commander):
    with (
        acting(commander),
        pytest.raises(DatabaseError, match="not one that this server sealed"),
        transaction.atomic(),
    ):
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lianfang.scope', '0|999999999999999|command|x|1#00', true)")
        count()


def test_a_token_of_another_connection_is_refused(commander):
    with (
        acting(commander),
        pytest.raises(DatabaseError, match="not one that this server sealed"),
        transaction.atomic(),
    ):
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('lianfang.scope', %s, true)", [scope_token(commander, 1)])
        count()


def test_a_scope_sealed_with_a_key_of_ones_own_is_refused():
    """A temporary table hides the real one from every unqualified name, also inside of the owner's functions."""
    with pytest.raises(DatabaseError, match="not one that this server sealed"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE scope_key (inner_pad bytea, outer_pad bytea) ON COMMIT DROP")
            cursor.execute("INSERT INTO scope_key VALUES ('a', 'b')")
            cursor.execute("GRANT SELECT ON scope_key TO PUBLIC")
            cursor.execute("SELECT pg_backend_pid()")
            body = f"0|999999999999999|command|x|{cursor.fetchone()[0]}"
            seal = hashlib.sha256(b"b" + hashlib.sha256(b"a" + body.encode()).digest()).hexdigest()
            cursor.execute("SELECT set_config('lianfang.scope', %s, true)", [f"{body}#{seal}"])
        count()


def test_the_former_scope_comes_back_after_a_nested_one(commander, grid_worker):
    def lo() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT scope_lo()")
            return cursor.fetchone()[0]

    with acting(commander):
        with acting(grid_worker):
            assert lo() == grid_worker.scope.lo
        assert lo() == commander.scope.lo
        assert current_actor() is commander
    with pytest.raises(DatabaseError), transaction.atomic():
        count()


def test_the_app_login_could_not_bypass_row_level_security():
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT rolsuper OR rolbypassrls, pg_has_role(current_user, (SELECT tableowner FROM pg_tables"
            " WHERE tablename = 'people_resident'), 'member') FROM pg_roles WHERE rolname = current_user"
        )
        assert cursor.fetchone() == (False, False)


def test_no_session_of_the_app_shows_its_statements_to_another(commander):
    """A statement holds names, and the scope that it was sealed for."""
    with acting(commander), connection.cursor() as cursor:
        cursor.execute("SELECT query FROM pg_stat_activity WHERE pid = pg_backend_pid()")
        assert not cursor.fetchone()[0]


def test_the_app_login_cannot_read_the_scope_key():
    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        count("scope_key")


@pytest.mark.parametrize("statement", ["UPDATE {} SET count = 0", "DELETE FROM {}", "TRUNCATE {}"])
def test_the_audit_cannot_be_rewritten(commander, statement):
    with acting(commander), pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(statement.format("access_auditentry"))
