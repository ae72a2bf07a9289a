"""The phone brought up to date in one request: whatever differs from what it has, and nothing else."""

import gzip
import json
import uuid
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from lianfang.core.access.rules import Actor, need_device
from lianfang.surfaces.field.gate import actor_of
from lianfang.surfaces.field.phone.carrying import Synchronised, synchronise

router = Router(tags=["phone"])
#: small enough to be quick on one core, and as small on the line as more effort makes it, within a few per cent
EFFORT = 6
MOST_BUCKETS = 5000


class SyncIn(Schema):
    """What the phone has: the digest of each bucket, and the last notice it has seen."""

    have: dict[str, str] = Field(default={}, max_length=MOST_BUCKETS)
    notices_after: uuid.UUID | None = None


class MeOut(Schema):
    """Who carries the phone, and what it may do; ``register``: it carries everybody of its village."""

    account: uuid.UUID
    title: str
    role: str
    role_zh: str
    role_en: str
    lo: int
    hi: int
    area: str
    carries_register: bool = Field(alias="register")
    may: list[str]


class BucketOut(Schema):
    """Rows that belong together; they take the place of all rows that the phone has of this bucket."""

    digest: str
    columns: list[str]
    rows: list[list[Any]]


class DeskOut(Schema):
    """Whom to turn to: the post that answers for the area, and a telephone if the county has set one."""

    title: str
    phone: str


class SyncOut(Schema):
    """What the phone lacks. With ``more`` it asks again, with what it has by then."""

    at: datetime
    me: MeOut
    changed: dict[str, BucketOut]
    gone: list[str] = Field(description="buckets to drop: nothing in them is the phone's any more")
    more: bool
    notices: list[dict[str, Any]]
    wipe: bool
    desk: DeskOut


@router.post("sync", response=SyncOut, summary="Bring a phone up to date")
def post_sync(request: HttpRequest, body: SyncIn) -> Any:
    """Compare what the phone has with what it may carry now, and send the buckets that differ.

    Each role carries the least that its work needs: officers of a village its register, everybody else only whom today's
    duties name. Numbers of IDs never leave; telephones leave with today's duties, for roles that may call. What leaves is
    logged by number of people.
    """
    by = actor_of(request)
    if settings.DEVICES_REQUIRED:
        need_device(by, "sync")
    found = synchronise(body.have, by=by)
    return _compressed(request, _answer(found, by))


def _answer(found: Synchronised, by: Actor) -> dict[str, Any]:
    me = {
        "account": by.account_id, "title": by.title, "role": by.role, "role_zh": found.asker.role_zh,
        "role_en": found.asker.role_en, "lo": by.scope.lo, "hi": by.scope.hi, "area": found.asker.area,
        "register": found.asker.what.register, "may": sorted(by.permissions),
    }  # fmt: skip
    return {
        "at": found.at, "me": me, "changed": found.changed, "gone": found.gone, "more": found.more, "notices": [],
        "wipe": False, "desk": {"title": found.asker.headquarters, "phone": settings.DESK_PHONE},
    }  # fmt: skip


def _compressed(request: HttpRequest, answer: dict[str, Any]) -> HttpResponse:
    body = json.dumps(answer, cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":")).encode()
    response = HttpResponse(body, content_type="application/json; charset=utf-8")
    response.headers["Vary"] = "Accept-Encoding"
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        response.content = gzip.compress(body, EFFORT, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
    return response
