"""The payloads of the commands that reach notices from outside, and what each of them does."""

import uuid

from pydantic import Field

from lianfang.core.access.commands import Commands, Envelope, Payload
from lianfang.core.access.permissions import MANAGE_ACCOUNTS
from lianfang.core.access.rules import Actor
from lianfang.core.notices import actions


class SetNoticePhone(Payload):
    """The number on which an account of the area wants text messages; "" for none."""

    account: uuid.UUID
    phone: str = Field(max_length=20)


def _set_phone(by: Actor, envelope: Envelope, payload: SetNoticePhone) -> dict[str, object]:
    """Set the number for text messages of an account of the area, or take it away; whoever holds it may do so too."""
    by.require(MANAGE_ACCOUNTS)
    return {"set": actions.set_phone(by=by, account=payload.account, phone=payload.phone, cause=envelope.id)}


COMMANDS: Commands = {"set_notice_phone": (SetNoticePhone, _set_phone)}
