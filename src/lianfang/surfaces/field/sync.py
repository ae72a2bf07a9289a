"""The phone brought up to date in one request: whatever differs from what it has, and nothing else."""

import gzip
import json
import uuid
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema
from pydantic import Field

from lianfang.core.access.queries import desk_phone, wipe_ordered
from lianfang.core.access.rules import Actor, need_device
from lianfang.core.intake.queries import server_key
from lianfang.core.notices.queries import NoticeRow
from lianfang.kit.parcels import as_text
from lianfang.surfaces.field.gate import actor_of
from lianfang.surfaces.field.parcels import KeyOut
from lianfang.surfaces.field.phone.carrying import Synchronised, synchronise
from lianfang.surfaces.field.phone.duties import forms_digest, notices_for

router = Router(tags=["field"])
#: small enough to be quick on one core, and as small on the line as more effort makes it, within a few per cent
EFFORT = 6
MOST_BUCKETS = 5000


class SyncIn(Schema):
    """What the phone has: the digest of each bucket, and the last notice it has seen."""

    have: dict[str, str] = Field(default={}, max_length=MOST_BUCKETS)
    notices_after: int | None = Field(default=None, ge=0, lt=2**63)


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


class FormsDigest(Schema):
    """What `/api/field/forms` answers with; another digest than the phone has means that it asks for them again."""

    digest: str


class DeskOut(Schema):
    """Whom to turn to: the post that answers for the area, and a telephone if the county has set one."""

    title: str
    phone: str


class SyncOut(Schema):
    """What the phone lacks. With ``more`` it asks again, with what it has by then."""

    at: datetime
    me: MeOut
    forms: FormsDigest
    key: KeyOut
    changed: dict[str, BucketOut]
    gone: list[str] = Field(description="buckets to drop: nothing in them is the phone's any more")
    more: bool
    notices: list[NoticeRow]
    wipe: bool = Field(description="the phone is to empty its readable store; nothing else is sent then")
    desk: DeskOut


@router.post("sync", response=SyncOut, by_alias=True, summary="Bring a phone up to date")
def post_sync(request: HttpRequest, body: SyncIn) -> Any:
    """Compare what the phone has with what it may carry now, and send the buckets that differ.

    Each role carries the least that its work needs: officers of a village its register, everybody else only whom today's
    duties name. Numbers of IDs never leave; telephones leave with today's duties, for roles that may call. What leaves is
    logged by number of people.
    """
    by = actor_of(request)
    if settings.DEVICES_REQUIRED:
        need_device(by, "sync")
    wipe = wipe_ordered(by.device_id)
    found = synchronise({} if wipe else body.have, by=by, nothing=wipe)
    notices = [] if wipe else notices_for(by, body.notices_after)
    return _compressed(request, _answer(found, notices, wipe, by))


def _answer(found: Synchronised, notices: list[NoticeRow], wipe: bool, by: Actor) -> dict[str, Any]:
    key = server_key()
    me = {
        "account": by.account_id, "title": by.title, "role": by.role, "role_zh": found.asker.role_zh,
        "role_en": found.asker.role_en, "lo": by.scope.lo, "hi": by.scope.hi, "area": found.asker.area,
        "register": found.asker.what.register, "may": sorted(by.permissions),
    }  # fmt: skip
    return {
        "at": found.at, "me": me, "key": {"id": key.id, "public": as_text(key.public)},
        "forms": {"digest": forms_digest(by.permissions)}, "changed": found.changed, "gone": found.gone,
        "more": found.more, "notices": [asdict(one) for one in notices], "wipe": wipe,
        "desk": {"title": found.asker.headquarters, "phone": desk_phone(by.scope) or settings.DESK_PHONE},
    }  # fmt: skip


def _compressed(request: HttpRequest, answer: dict[str, Any]) -> HttpResponse:
    body = json.dumps(answer, cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":")).encode()
    response = HttpResponse(body, content_type="application/json; charset=utf-8")
    response.headers["Vary"] = "Accept-Encoding"
    if "gzip" in request.headers.get("Accept-Encoding", ""):
        response.content = gzip.compress(body, EFFORT, mtime=0)
        response.headers["Content-Encoding"] = "gzip"
    return response
