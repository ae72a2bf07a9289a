"""The audit is chained, verified, free of personal data and read by auditors only."""

import threading
import time

import pytest
from django.db import connections, transaction

from conftest import DINGAN, make_actor
from lianfang.core.access import sealer
from lianfang.core.access.audit import PersonalDataInAudit, record_audit
from lianfang.core.access.models import AuditEntry
from lianfang.core.access.scope import acting
from lianfang.core.access.sealer import seal_audit, verify_audit

pytestmark = pytest.mark.usefixtures("committing")


def write(number: int = 3) -> None:
    by = make_actor()
    for _ in range(number):
        with acting(by):
            record_audit(by, "tests.look", subject=("test", None), division_code=DINGAN * 10**9)


def seal(expected: int) -> None:
    """Seal until so many rows are: transactions running in other databases of the server hold the sealer back too."""
    sealed, patience = 0, time.monotonic() + 30
    while sealed < expected and time.monotonic() < patience:
        sealed += seal_audit()
        time.sleep(0.05)
    assert sealed == expected


def test_sealed_rows_verify_and_the_rest_is_reported():
    write(3)
    seal(3)
    write(2)
    found = verify_audit()
    assert (found.sealed, found.unsealed, found.broken) == (3, 2, None)
    seal(2)
    assert seal_audit() == 0


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE access_auditentry SET count = 7",
        "DELETE FROM access_auditentry WHERE seq = (SELECT min(seq) FROM access_auditentry)",
    ],
)
def test_whoever_changes_a_sealed_row_is_found_out(tampering):
    write(3)
    seal(3)
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE access_auditentry DISABLE ROW LEVEL SECURITY")
        cursor.execute(tampering)
        cursor.execute("ALTER TABLE access_auditentry ENABLE ROW LEVEL SECURITY")
    assert verify_audit().broken == 1


def test_a_row_of_a_running_transaction_waits_for_the_next_batch():
    def seal_elsewhere() -> None:
        seal_audit()
        connections["default"].close()

    write(1)
    seal(1)
    with transaction.atomic():
        write(1)
        thread = threading.Thread(target=seal_elsewhere)  # somebody else seals while our transaction is open
        thread.start()
        thread.join()
    assert verify_audit().unsealed == 1
    seal(1)
    assert verify_audit().broken is None


@pytest.fixture
def elsewhere():
    """Let the database wake up in another server, which counts its transactions from low numbers."""
    define = "CREATE OR REPLACE FUNCTION this_cluster() RETURNS bigint LANGUAGE sql STABLE AS $$ {} $$"

    def move(cluster: int) -> None:
        with connections["owner"].cursor() as cursor:
            cursor.execute(define.format(f"SELECT {cluster}::bigint"))

    yield move
    with connections["owner"].cursor() as cursor:
        cursor.execute(define.format("SELECT system_identifier FROM pg_control_system()"))


def test_restored_into_another_server_the_chain_goes_on_and_says_so(elsewhere, monkeypatch):
    finished = sealer._finished
    write(3)
    # the former server had counted far beyond what the new one has
    monkeypatch.setattr(sealer, "_finished", lambda cursor: (finished(cursor)[0], 10**12))
    seal(3)
    monkeypatch.undo()
    with connections["owner"].cursor() as cursor:  # written, not sealed yet when the copy was made
        cursor.execute("ALTER TABLE access_auditentry ALTER COLUMN xid SET DEFAULT 1000000000007")
    write(1)
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE access_auditentry ALTER COLUMN xid SET DEFAULT pg_current_xact_id()::text::bigint")
    elsewhere(7)
    write(2)
    seal(3)
    found = verify_audit()
    assert (found.batches, found.sealed, found.unsealed, found.broken, found.restored) == (3, 6, 0, None, (3,))
    write(1)
    seal(1)
    assert verify_audit().restored == (3,)
    assert seal_audit() == 0


def test_a_row_moved_to_another_server_is_found_out(elsewhere):
    write(3)
    seal(3)
    with connections["owner"].cursor() as cursor:
        cursor.execute("ALTER TABLE access_auditentry DISABLE ROW LEVEL SECURITY")
        cursor.execute("UPDATE access_auditentry SET cluster = 7 WHERE seq = (SELECT min(seq) FROM access_auditentry)")
        cursor.execute("ALTER TABLE access_auditentry ENABLE ROW LEVEL SECURITY")
    assert verify_audit().broken == 1


def test_free_text_is_refused():
    by = make_actor()
    with acting(by), pytest.raises(PersonalDataInAudit):
        record_audit(by, "tests.look", subject=("test", None), division_code=1, note="王小明")


def test_only_the_audit_line_reads_it():
    write(1)
    with acting(make_actor(line="command")):
        assert AuditEntry.objects.count() == 0
    with acting(make_actor(line="audit", role="auditor")):
        assert AuditEntry.objects.count() == 1
