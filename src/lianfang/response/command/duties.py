"""A directive obliges every recipient to acknowledge it, and to report back where it asks for that."""

import uuid
from collections.abc import Sequence

from lianfang.core.duties.rules import Desired, Kind
from lianfang.response.command.rules import COMPLETED, NOT_POSSIBLE

RECEIPT = Kind("directive_receipt", "签收调度令", "acknowledge a directive", "command", ("received",), rank=20,
               command="acknowledge_directive")  # fmt: skip
FEEDBACK = Kind(
    "directive_feedback", "反馈调度令", "report back on a directive", "command", (COMPLETED, NOT_POSSIBLE), rank=25,
    command="report_back",
)  # fmt: skip
KINDS: tuple[Kind, ...] = (RECEIPT, FEEDBACK)

QUERY = """
SELECT 'directive_recipient', r.id, owed.kind, 'once', r.division_code, r.role, r.assignee,
       'directive ' || d.number, d.id, d.issued_at, owed.due_at
FROM command_directive d
JOIN command_directiverecipient r ON r.directive_id = d.id
CROSS JOIN LATERAL (VALUES ('directive_receipt', d.acknowledge_by), ('directive_feedback', d.feedback_by)) AS owed (kind, due_at)
WHERE d.id = ANY(%(directives)s) AND d.withdrawn_at IS NULL AND owed.due_at IS NOT NULL
"""


def desired_answers(directives: Sequence[uuid.UUID], recipients: Sequence[uuid.UUID]) -> Desired:
    """Return what the recipients (ids of their rows) of directives owe: a receipt and, where asked for, feedback."""
    kinds = tuple(kind.code for kind in KINDS)
    return Desired(kinds, QUERY, {"directives": list(directives)}, recipients, "the directive was withdrawn")
