"""Reading what came in: receipts, parcels that wait for a human, photos. Each look inside is logged."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import Count, F, QuerySet
from pydantic_core import from_json

from lianfang.core.access.audit import record_audit
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.intake.models import Parcel, Photo
from lianfang.core.intake.permissions import DECIDE_PARCELS, VIEW_PHOTOS
from lianfang.core.intake.rules import HeldParcel, ParcelReceipt, ParcelUnknown, PhotoUnknown, receipt_of
from lianfang.core.intake.sealing import open_note, open_photo
from lianfang.kit.codes import county_of
from lianfang.kit.parcels import open_parcel

ROW = tuple(field.name for field in fields(HeldParcel))


@dataclass(frozen=True)
class ServerKey:
    """The key that phones seal to from now on: its id and its public part (65 bytes)."""

    id: str
    public: bytes


def server_key() -> ServerKey:
    """Return the key that phones seal to from now on."""
    newest = settings.PARCEL_KEYS.newest()
    return ServerKey(newest.id, newest.public)


def opened(id: uuid.UUID, sealed: bytes) -> bytes:
    """Return what a sealed parcel holds; raises `ParcelDamaged` or `KeyUnknown`."""
    return open_parcel(sealed, id, settings.PARCEL_KEYS.opening())


def former_receipt(id: uuid.UUID, fingerprint: bytes) -> tuple[uuid.UUID, ParcelReceipt | None]:
    """Return the id under which a parcel is kept, and its receipt when it came before, in the open transaction.

    Whoever asks for the same id at the same time waits until this transaction ends. Other content under a known id is
    kept under an id of its own.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 4))", [str(id)])
    kept = id
    for name in (id, other_content(id, fingerprint)):
        kept = name
        row = Parcel.objects.filter(id=name).values_list("state", "code", "result", "fingerprint").first()
        if row is None:
            return kept, None
        state, code, result, former = row
        if bytes(former) == fingerprint:
            return kept, receipt_of(id, state, code, result)
    return kept, None


def work_of(ids: Iterable[uuid.UUID], *, by: Actor) -> dict[uuid.UUID, tuple[str, datetime | None]]:
    """Return the command and the time of parcels that are kept, by their ids; what is not here is left out."""
    with acting(by):
        rows = Parcel.objects.filter(id__in=list(ids)).values_list("id", "kind", "valid_at")
        return {id: (kind, valid_at) for id, kind, valid_at in rows}


def came_before(row: HeldParcel, *, by: Actor) -> HeldParcel | None:
    """Return the parcel of the actor's area that had taken another one's id, whatever became of it."""
    by.require(DECIDE_PARCELS)
    with acting(by):
        found = Parcel.objects.filter(id=row.sent_as).values_list(*ROW).first() if row.sent_as else None
    return HeldParcel(*found) if found else None


def other_content(id: uuid.UUID, fingerprint: bytes) -> uuid.UUID:
    """Return the id under which a parcel is kept whose own id is taken by other content."""
    return uuid.uuid5(id, fingerprint.hex())


def receipts_of(*, by: Actor, after: datetime | None = None, limit: int = 200) -> list[tuple[datetime, ParcelReceipt]]:
    """List what humans decided about the actor's own parcels after an instant, oldest first: (decided at, receipt)."""
    with acting(by):
        rows = Parcel.objects.filter(account_id=by.account_id, decided_at__isnull=False)
        if after:
            rows = rows.filter(decided_at__gt=after)
        found = rows.order_by("decided_at", "id").values_list("decided_at", "id", "sent_as", "state", "code", "result")[
            :limit
        ]
        return [
            (decided_at, receipt_of(sent_as or id, state, code, result))
            for decided_at, id, sent_as, state, code, result in found
            if decided_at is not None
        ]


def parcels(*, by: Actor, state: str = "held", code: str = "", limit: int = 100, offset: int = 0) -> list[HeldParcel]:
    """List the parcels of the actor's area that are kept: alarming ones first, then as they came."""
    with acting(by):
        found = _kept(by, state, code).order_by("-urgent", "received_at", "id")
        return [HeldParcel(*row) for row in found.values_list(*ROW)[offset : offset + limit]]


def count_parcels(*, by: Actor, code: str = "") -> dict[str, int]:
    """Count the parcels of the actor's area that are kept, by state; ``code``: only those of one rule."""
    with acting(by):
        return dict(_kept(by, "", code).values_list("state").annotate(Count("id")).order_by())


def count_by_rule(*, by: Actor) -> dict[str, int]:
    """Count the parcels that wait for a human by the rule that held them."""
    with acting(by):
        return dict(_kept(by, "held", "").values_list("code").annotate(Count("id")).order_by())


def count_urgent(*, by: Actor) -> int:
    """Count the parcels that wait for a human although what they say is alarming."""
    with acting(by):
        return _kept(by, "held", "").filter(urgent=True).count()


def parcel_row(parcel: uuid.UUID, *, by: Actor) -> HeldParcel:
    """Return one kept parcel as lists show it, by its id here or, where that was taken, the one on the phone.

    Raises `ParcelUnknown`.
    """
    with acting(by):
        kept = _kept(by, "", "")
        row = (kept.filter(id=parcel) or kept.filter(sent_as=parcel).order_by("received_at")).values_list(*ROW).first()
    if row is None:
        raise ParcelUnknown("There is no such parcel in your area, or it was applied. Open the list again.")
    return HeldParcel(*row)


def _kept(by: Actor, state: str, code: str) -> QuerySet[Parcel]:
    by.require(DECIDE_PARCELS)
    found = Parcel.objects.exclude(state="applied").filter(division_code__range=(by.scope.lo, by.scope.hi))
    if state:
        found = found.filter(state=state)
    return found.filter(code=code) if code else found


@dataclass(frozen=True)
class ParcelInside:
    """What a kept parcel says: its content as the phone made it, and what the rules said to it.

    ``content`` is empty when it cannot be read any more; ``said`` is the sentence of the refusal, ``outcome`` what the
    duty's outcome would have been.
    """

    content: dict[str, Any]
    said: str
    outcome: str


def look_inside(parcel: uuid.UUID, *, by: Actor) -> ParcelInside:
    """Open a kept parcel for whoever decides, and log the look."""
    row = parcel_row(parcel, by=by)
    with acting(by):
        sealed, note = Parcel.objects.values_list("sealed", "note").get(id=parcel)
        record_audit(by, "intake.view_parcel", subject=("parcel", parcel), division_code=row.division_code)
        said = open_note(parcel, bytes(note)) if note else {}
    return ParcelInside(content_of(bytes(sealed or b"")), str(said.get("said", "")), str(said.get("outcome", "")))


def content_of(sealed: bytes) -> dict[str, Any]:
    """Return what a kept parcel holds without the sign-in inside, or nothing when it cannot be read."""
    kept_for = sealed[:16]
    try:
        found = from_json(opened(uuid.UUID(bytes=kept_for), sealed[16:]), allow_inf_nan=False)
    except ValueError:
        return {}
    return {key: value for key, value in found.items() if key != "token"} if isinstance(found, dict) else {}


@dataclass(frozen=True)
class PhotoRow:
    """A photo as lists show it, without the picture."""

    id: uuid.UUID
    duty: int | None
    subject: uuid.UUID | None
    caption: str
    taken_at: datetime
    account_id: uuid.UUID
    division_code: int


def photos(*, by: Actor, duty: int | None = None, subject: uuid.UUID | None = None) -> list[PhotoRow]:
    """List the photos beside a duty or a record, in the order in which they were taken."""
    by.require(VIEW_PHOTOS)
    if duty is None and subject is None:
        return []
    with acting(by):
        found = Photo.objects.filter(county=county_of(by.scope.lo))
        found = found.filter(duty=duty) if duty is not None else found.filter(subject=subject)
        names = [field.name for field in fields(PhotoRow)]
        return [PhotoRow(*row) for row in found.order_by(F("taken_at"), "id").values_list(*names)[:50]]


def view_photo(photo: uuid.UUID, *, by: Actor) -> bytes:
    """Return a photo's JPEG and log the look. Raises `PhotoUnknown`."""
    by.require(VIEW_PHOTOS)
    with acting(by):
        row = Photo.objects.filter(id=photo).values_list("sealed", "division_code").first()
        if row is None:
            raise PhotoUnknown("There is no such photo in your area, or it has been deleted.")
        record_audit(by, "intake.view_photo", subject=("photo", photo), division_code=row[1])
    return open_photo(photo, bytes(row[0]))
