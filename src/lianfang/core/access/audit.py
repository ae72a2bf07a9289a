"""The audit: one row for each thing done or looked at, written in the transaction that did it."""

import json
import uuid
from datetime import date, datetime

from django.db import connection

from lianfang.core.access.rules import Actor
from lianfang.kit.clock import machine_now, response_now
from lianfang.kit.ids import new_id

Plain = int | float | bool | uuid.UUID | date | datetime | str | None

INSERT = """
INSERT INTO access_auditentry (id, verb, account_id, grant_id, role, division_code, subject_kind, subject_id, count,
                               detail, response_at, machine_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


class PersonalDataInAudit(ValueError):
    """A detail of an audit row looks like free text: the audit must outlive the purge of personal data."""


def record_audit(
    by: Actor,
    verb: str,
    *,
    subject: tuple[str, uuid.UUID | None],
    division_code: int,
    count: int = 1,
    **detail: Plain,
) -> None:
    """Write one audit row. ``detail`` takes numbers, dates, ids and codes (ASCII without blanks), never free text.

    The device that the actor uses stands in the detail of every row.
    """
    kind, subject_id = subject
    if by.device_id:
        detail = {"device": by.device_id, **detail}
    with connection.cursor() as cursor:
        cursor.execute(
            INSERT,
            [
                new_id(), verb, by.account_id, by.grant_id, by.role, division_code, kind, subject_id, count,
                json.dumps({key: _plain(key, value) for key, value in detail.items()}), response_now(), machine_now(),
            ],
        )  # fmt: skip


def _plain(key: str, value: Plain) -> object:
    if value is None or isinstance(value, int | float | bool):
        return value
    if isinstance(value, uuid.UUID | date):
        return str(value)
    if not value.isascii() or " " in value or len(value) > 80:
        raise PersonalDataInAudit(f"{key} is free text; put a code there and keep words in the record itself")
    return value
