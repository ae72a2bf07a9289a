"""An order ends: whoever issued it closes the checkpoint by then or orders it anew; nothing extends itself."""

import uuid

from lianfang.core.duties.rules import Desired, Kind

REVIEW = Kind(
    "checkpoint_review", "卡口到期研判", "close or renew a checkpoint", "checkpoints", ("closed", "renewed"), rank=5,
    command="renew_checkpoint",
)  # fmt: skip
KINDS: tuple[Kind, ...] = (REVIEW,)

QUERY = """
SELECT 'checkpoint', o.checkpoint_id, 'checkpoint_review', 'order ' || o.number, o.issuer_code, o.issuer_role, NULL::uuid,
       'an order does not extend itself', o.id, o.since, o.until
FROM checkpoints_checkpointorder o WHERE o.checkpoint_id = %(checkpoint)s
"""


def desired_reviews(checkpoint: uuid.UUID) -> Desired:
    """Return the reviews that the orders of a checkpoint oblige their issuers to, each due when its order ends."""
    return Desired((REVIEW.code,), QUERY, {"checkpoint": checkpoint}, [checkpoint], "the order was corrected")
