"""The payload of the command that brings a photo, and what it does."""

import uuid
from typing import Literal

from pydantic import Field

from lianfang.core.access.commands import Commands, Payload, calls
from lianfang.core.intake import actions
from lianfang.core.intake.rules import PHOTO_BYTES


class AttachPhoto(Payload):
    """A photo of a place, a notice or a hazard, never of a face: a JPEG of at most 300 kB in base64."""

    jpeg: str = Field(min_length=4, max_length=PHOTO_BYTES * 4 // 3 + 4)
    caption: Literal["place", "door_notice", "goods", "hazard", "before", "after", "vehicle", "document", "other"]
    duty: int | None = Field(default=None, ge=1, lt=2**63)
    subject: uuid.UUID | None = None


COMMANDS: Commands = {"attach_photo": (AttachPhoto, calls(actions.attach_photo, "photo"))}
