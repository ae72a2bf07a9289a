"""Ding'an, July 2022: every figure of the newspaper is counted from records, and falls when a record is taken away."""

import json
from datetime import timedelta

import pytest
from django.db import ProgrammingError, connection, connections, transaction

from lianfang.config import replaying
from lianfang.core.access.actions import ADMINISTRATION, enrol_device
from lianfang.core.access.privacy import DECLARATIONS
from lianfang.core.access.queries import actor_named
from lianfang.core.access.scope import acting
from lianfang.core.access.sign_in import sign_in
from lianfang.core.duties.queries import balance, ledger_disagreements
from lianfang.kit.clock import clock_at, local, machine_now
from lianfang.kit.codes import code_range
from lianfang.surfaces.reports.counts import counted
from lianfang.surfaces.reports.queries import figures

pytestmark = pytest.mark.slow
pytest_plugins = ["replays.replayed"]
END = local("2022-07-25 21:00")

EXPECTED = {
    "first_asymptomatic": "1", "reclassified_at": "2022-07-14T12:59:00+08:00", "second_case": "1", "rounds_xinzhu": "2",
    "rounds_jiangnan": "4", "rounds_zhongnan": "4", "rounds_xiangou": "4", "checkpoints": "4", "party_branches": "35",
    "supporting_committees": "6", "community_new": "0",
}  # fmt: skip


def test_the_figures_are_the_newspapers(replayed):
    found = {row["id"]: row for row in replayed.outcome["figures"]}
    assert {name: str(found[name]["counted"]) for name in EXPECTED} == EXPECTED
    assert found["staff"]["counted"] >= 2000
    assert 350 < found["volunteers"]["counted"] <= 400
    assert all(row["agrees"] for row in found.values())


def test_the_output_has_the_promised_shape(replayed):
    outcome = replayed.outcome
    assert outcome["scenario"] == "dingan-2022"
    assert outcome["as_of"] == "2022-07-25T21:00:00+08:00"
    assert {"id", "quote", "value", "comparator", "counted", "list"} <= set(outcome["figures"][0])
    assert {row["comparator"] for row in outcome["figures"]} <= {"=", ">=", "<=", "~"}
    books = outcome["ledger"]
    assert books["opened"] == books["done"] + books["waived"] + books["cancelled"] + books["outstanding"] > 5000


def test_nobody_is_unaccounted_for_and_the_missing_are_listed(replayed):
    outcome = replayed.outcome
    assert outcome["unaccounted"] == 0
    listed = replayed.lianfang("replay", "dingan-2022", "--list", "shown_missing").stdout.splitlines()
    assert len(listed) - 1 == outcome["shown_missing"] > 0


def test_every_figure_opens_its_list(replayed):
    row = next(row for row in replayed.outcome["figures"] if row["id"] == "party_branches")
    lines = replayed.lianfang(*row["list"].split()[1:]).stdout.splitlines()
    assert len(lines) - 1 == row["counted"]


def test_an_unknown_figure_is_answered_with_those_there_are(replayed):
    answer = replayed.lianfang("replay", "dingan-2022", "--list", "weather", check=False)
    assert answer.returncode == 1 and "first_asymptomatic" in answer.stderr and "Traceback" not in answer.stderr


def test_played_again_it_changes_nothing(replayed):
    again = replayed.lianfang("replay", "dingan-2022", "--json")
    assert json.loads(again.stdout) == replayed.outcome
    assert "played before" in again.stderr


def test_state_and_log_agree_and_every_place_keeps_its_books(in_replay):
    by = actor_named("commander", machine_now())
    assert ledger_disagreements(by=by) == []
    for place in ("469021", "469021100", "469021101201", "469021100004"):
        for at in ("2022-07-14 09:00", "2022-07-17 20:00", "2022-07-25 21:00"):
            books = balance(by=by, at=local(at), within=code_range(place))
            assert books.holds


#: for each figure, the rows that its count rests on, of which one is taken away
UNDERLYING = {
    "first_asymptomatic": "cases_classification WHERE class_code = 'asymptomatic_case'",
    "reclassified_at": "cases_classification WHERE class_code = 'confirmed_case' AND reason LIKE '出现%%'",
    "second_case": "cases_classification WHERE class_code = 'confirmed_case' AND reason LIKE '复核%%'",
    "rounds_xinzhu": "screening_round WHERE area_code = 469021101201000",
    "rounds_jiangnan": "screening_round WHERE area_code = 469021100004000",
    "rounds_zhongnan": "screening_round WHERE area_code = 469021100003000",
    "rounds_xiangou": "screening_round WHERE area_code = 469021100013000",
    "checkpoints": "workforce_attendance WHERE assignment_id IN (SELECT a.id FROM workforce_shiftassignment a JOIN"
    " workforce_shift s ON s.id = a.shift_id WHERE s.staffs = 'checkpoint' AND s.starts_at = '2022-07-18 14:00+08')",
    "party_branches": "workforce_team WHERE kind = 'party_branch'",
    "supporting_committees": "workforce_organisation WHERE name = '卜效村委会'",
    "staff": "workforce_deployment WHERE kind = 'sent_down'",
    "volunteers": "workforce_attendance WHERE voluntary",
}


@pytest.mark.parametrize("name", UNDERLYING)
def test_a_figure_moves_when_one_record_is_removed(as_its_owner, name):
    by = actor_named("commander", machine_now())

    def count():
        with clock_at(END + timedelta(seconds=1)):
            return next(row.counted for row in figures(by=by, scenario="dingan-2022", at=END) if row.id == name)

    before = count()
    with transaction.atomic():
        remove_one(UNDERLYING[name])
        after = count()
        transaction.set_rollback(True)
    assert after != before
    assert count() == before


def remove_one(rows: str) -> None:
    """Take away the first of some records with everything that hangs on it, in this transaction only."""
    table, _, condition = rows.partition(" WHERE ")
    with acting(ADMINISTRATION), connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {table} WHERE {condition} ORDER BY id LIMIT 1", [])
        remove(cursor, table, "id", [cursor.fetchone()[0]])


def remove(cursor, table: str, column: str, values: list) -> None:
    cursor.execute(
        "SELECT c.conrelid::regclass::text, a.attname FROM pg_constraint c JOIN pg_attribute a"
        " ON a.attrelid = c.conrelid AND a.attnum = c.conkey[1] WHERE c.contype = 'f' AND c.confrelid = %s::regclass"
        " AND c.conrelid <> c.confrelid",
        [table],
    )
    hanging = cursor.fetchall()
    cursor.execute(f"SELECT id FROM {table} WHERE {column} = ANY(%s)", [values])
    ids = [row[0] for row in cursor.fetchall()]
    for child, reference in hanging if ids else []:
        remove(cursor, child, reference, ids)
    cursor.execute(f"DELETE FROM {table} WHERE id = ANY(%s)", [ids])


def test_a_new_community_case_would_show(in_replay):
    by = actor_named("commander", machine_now())
    with clock_at(END + timedelta(seconds=1)):
        asked = {"since": local("2022-07-13"), "until": END}
        assert counted("community_new_cases", by=by, at=END, **asked).value == 2
        asked = {"since": local("2022-07-18"), "until": END}
        assert counted("community_new_cases", by=by, at=END, **asked).value == 0


def personal_tables():
    for model, declaration in DECLARATIONS.items():
        if declaration.reveals_people and declaration.governed_by:
            yield pytest.param(model._meta.db_table, declaration.governed_by.split(), id=model._meta.label)


@pytest.mark.parametrize(("table", "columns"), list(personal_tables()))
def test_raw_sql_through_the_app_login_shows_a_grid_worker_nobody_outside(in_replay, table, columns):
    worker, everybody = actor_named("grid", machine_now()), actor_named("commander", machine_now())
    outside = " AND ".join(f"{column} NOT BETWEEN %(lo)s AND %(hi)s" for column in columns)
    span = {"lo": worker.scope.lo, "hi": worker.scope.hi}
    with acting(everybody), connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table} WHERE {outside}", span)
        exists = cursor.fetchone()[0]
    with acting(worker), connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table} WHERE {outside}", span)
        assert cursor.fetchone()[0] == 0
        if exists:
            assert rows_changed(f"UPDATE {table} SET {columns[0]} = {columns[0]} WHERE {outside}", span) == 0


def rows_changed(statement: str, params: dict) -> int:
    """Try a change that must not succeed: rows out of sight are none, and histories cannot be changed at all."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, params)
            return cursor.rowcount
    except ProgrammingError as refusal:
        assert "permission denied" in str(refusal)
        return 0


def test_the_sweep_above_means_something(in_replay):
    everybody = actor_named("commander", machine_now())
    filled = 0
    with acting(everybody), connection.cursor() as cursor:
        for param in personal_tables():
            cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {param.values[0]})")
            filled += cursor.fetchone()[0]
    assert filled >= 20


def test_the_app_login_cannot_switch_row_level_security_off(in_replay):
    worker = actor_named("grid", machine_now())
    for attempt in ("ALTER TABLE people_resident DISABLE ROW LEVEL SECURITY", "SET ROLE lianfang_owner",
                    "SET SESSION AUTHORIZATION lianfang_owner", "SET row_security = off; SELECT * FROM people_resident"):  # fmt: skip
        with pytest.raises(Exception, match=r"permission denied|must be owner|would be affected"), acting(worker):
            with connection.cursor() as cursor:
                cursor.execute(attempt)


def test_queries_of_the_owner_are_under_scope_too(in_replay):
    with pytest.raises(Exception, match="no scope is set"), connections["owner"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM people_resident")


def test_the_demonstration_hands_out_phones_that_its_workers_sign_in_on(in_replay, settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.ScryptPasswordHasher"]
    for (_, code), worker in zip(replaying.demo_phones(), ("grid", "volunteer"), strict=True):
        device, _, secret = enrol_device(code)
        assert [actor.device_id for actor in sign_in(worker, replaying.demo_password(), device, secret)] == [device]
