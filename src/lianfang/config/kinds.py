"""Every kind of duty that the rooms declare, in one list."""

from lianfang.core.duties.rules import Kind
from lianfang.response.command import duties as command

KINDS: tuple[Kind, ...] = (
    *command.KINDS,
)  # fmt: skip
