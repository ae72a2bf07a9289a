"""What custody and findings oblige: a tube that is missing or extra is cleared up, a finding that asks for action is told."""

import uuid
from collections.abc import Sequence

from lianfang.core.duties.rules import Desired, Kind
from lianfang.response.specimens.reconciling import EXTRA_ENDS, MISSING_ENDS

KINDS: tuple[Kind, ...] = (
    Kind("tell_result", "检测结果告知", "tell a finding", "specimens", ("told",), 4, "record_told"),
    Kind("missing_tube", "查找缺失采样管", "find a missing tube", "specimens", MISSING_ENDS, 11, "record_tube_found"),
    Kind("extra_tube", "核实多出采样管", "explain an extra tube", "specimens", EXTRA_ENDS, 16, "record_tube_found"),
)  # fmt: skip

# A difference stays desired when it is settled, because the fact that settled it is in the tables.
DIFFERENCES = """
SELECT 'custody_difference', d.id, d.kind || '_tube', 'once', d.division_code, d.role, NULL::uuid, 'clocks.tube_missing',
       d.step, d.noticed_at, d.due_at
FROM specimens_custodydifference d WHERE d.county = %(county)s AND d.id = ANY(%(differences)s)
"""

# Nobody is told a finding that was corrected before they heard of it; whoever heard it keeps the duty done.
NOTICES = """
SELECT 'result_notice', n.id, 'tell_result', 'once', t.division_code, 'lab', NULL::uuid, 'clocks.result_told', n.tube,
       n.opens_at, n.due_at
FROM specimens_resultnotice n JOIN specimens_tube t ON t.county = n.county AND t.id = n.tube
WHERE n.county = %(county)s AND n.id = ANY(%(notices)s) AND n.required AND (n.told_at IS NOT NULL OR n.number = (
    SELECT max(r.number) FROM specimens_result r WHERE r.county = n.county AND r.tube = n.tube))
"""


def desired_search(differences: Sequence[uuid.UUID]) -> Desired:
    """Return the duties to find, explain or give up what hand-overs lacked or had too much."""
    kinds = ("missing_tube", "extra_tube")
    return Desired(kinds, DIFFERENCES, {"differences": list(differences)}, list(differences))


def desired_telling(notices: Sequence[uuid.UUID]) -> Desired:
    """Return the duties to tell findings to those who must know."""
    return Desired(
        ("tell_result",), NOTICES, {"notices": list(notices)}, list(notices), reason="the result was corrected meanwhile"
    )  # fmt: skip
