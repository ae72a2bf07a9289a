"""A checkpoint asks about one document: is there anything for which its holder must wait for the duty desk's word?"""

from typing import Annotated, Any, Literal

from django.conf import settings
from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import StringConstraints

from lianfang.core.access.rules import need_device
from lianfang.surfaces.field.gate import actor_of
from lianfang.workflows.checkpoint_look import CheckpointLook, look_at_checkpoint

router = Router(tags=["field"])


class DocumentIn(Schema):
    """An identity document before a checkpoint."""

    kind: Literal["resident_id", "passport", "travel_permit", "other"] = "resident_id"
    number: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]


@router.post("checkpoint-look", response=CheckpointLook, summary="Look somebody up at a checkpoint")
def post_look(request: HttpRequest, body: DocumentIn) -> Any:
    """Say whether somebody must not pass without the duty desk's word, and what to do; never why, nor who it is.

    Each look is logged, without the number. A device, and an account on all its devices, may ask about as
    many people as a road brings; a resident ID must be whole and true to its last character.
    """
    by = actor_of(request)
    if settings.DEVICES_REQUIRED:
        need_device(by, "look_up")
    return look_at_checkpoint(body.kind, body.number, by=by)
