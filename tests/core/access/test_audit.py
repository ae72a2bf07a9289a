"""The audit is chained, verified, free of personal data and read by auditors only."""

import threading
import time

import pytest
from django.db import connections, transaction

from conftest import DINGAN, make_actor
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
