"""Every kind of duty that the rooms declare, in one list."""

from lianfang.core.duties.rules import Kind
from lianfang.response.cases import duties as cases
from lianfang.response.command import duties as command
from lianfang.response.quarantine import duties as quarantine
from lianfang.response.workforce import duties as workforce

KINDS: tuple[Kind, ...] = (
    *cases.KINDS,
    *command.KINDS,
    *quarantine.KINDS,
    *workforce.KINDS,
)  # fmt: skip
