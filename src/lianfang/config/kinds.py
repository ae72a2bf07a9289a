"""Every kind of duty that the rooms declare, in one list."""

from lianfang.core.duties.rules import Kind

KINDS: tuple[Kind, ...] = ()
