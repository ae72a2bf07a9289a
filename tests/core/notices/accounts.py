"""Accounts to be told something."""

from lianfang.core.access.actions import ADMINISTRATION, create_account, give_grant
from lianfang.core.access.queries import actors_of
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import machine_now
from lianfang.kit.codes import code_range
from lianfang.kit.ids import new_id


def worker(scope: str = "469021101201") -> Actor:
    """A grid worker of a village, who truly holds that post."""
    account = create_account(by=ADMINISTRATION, username=f"worker-{new_id()}", title="grid worker")
    with acting(ADMINISTRATION):
        give_grant(
            by=ADMINISTRATION, account=account.id, role="grid_worker", line="community", scope=code_range(scope),
            valid_from=machine_now(), reason="test",
        )  # fmt: skip
    (actor,) = actors_of(account.id, machine_now())
    return actor
