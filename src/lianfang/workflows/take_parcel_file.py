"""Unsent work from the file that a phone saved before it was handed in: the same way in, the same receipts, exactly once."""

import json
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from lianfang.core.access.rules import Actor
from lianfang.core.access.sign_in import device_handed_in
from lianfang.core.intake.actions import intake_hand, note_file
from lianfang.core.intake.permissions import DECIDE_PARCELS
from lianfang.core.intake.queries import work_of
from lianfang.core.intake.rules import ParcelFileRefused, ParcelReceipt, receipt_of
from lianfang.workflows.take_parcels import SentParcel, take_parcels

#: what the file says of itself, by which it is known
FORMAT = "lianfang parcels 1"
#: some hundred parcels with a photo each
MOST_BYTES = 64_000_000
MOST_PARCELS = 5000
#: parcels between two signs of life
BATCH = 50


@dataclass(frozen=True)
class FiledParcel:
    """One parcel of a file and what became of it; its number counts from 1, its id is the phone's (or as it stands there)."""

    number: int
    id: str
    receipt: ParcelReceipt
    kind: str = ""
    valid_at: datetime | None = None


@dataclass(frozen=True)
class ParcelFile:
    """What a phone saved: which phone, and its parcels in order. One that cannot be read has no bytes."""

    device: uuid.UUID
    parcels: list[tuple[str, SentParcel | None]]


def read_parcel_file(content: bytes) -> ParcelFile:
    """Read a file that a phone saved. Raises `ParcelFileRefused` with what is wrong with it and what to do."""
    if len(content) > MOST_BYTES:
        raise ParcelFileRefused(
            f"This file is larger than {MOST_BYTES // 1_000_000} MB: no phone saves so much. Choose the file that the phone saved."
        )
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        raise ParcelFileRefused(
            "This file cannot be read to its end: it is damaged, or not one that a phone saved. Save it on the phone once more."
        ) from None
    if not isinstance(found, dict) or found.get("format") != FORMAT or not isinstance(found.get("parcels"), list):
        raise ParcelFileRefused(
            "This is not a file of unsent work. On the phone open “Sent” and choose to save what is unsent; take that file."
        )
    device = _id_of(found.get("device"))
    if device is None:
        raise ParcelFileRefused(
            "The file does not say which phone saved it. Save it once more on the phone, while it is still enrolled."
        )
    if not found["parcels"]:
        raise ParcelFileRefused("There is no parcel in this file: everything on that phone had been sent.")
    if len(found["parcels"]) > MOST_PARCELS:
        raise ParcelFileRefused(f"There are more than {MOST_PARCELS} parcels in this file: no phone keeps so many.")
    return ParcelFile(device, [_parcel(one) for one in found["parcels"]])


def _parcel(one: Any) -> tuple[str, SentParcel | None]:
    named = one.get("id") if isinstance(one, dict) else None
    id, sealed = _id_of(named), one.get("sealed") if isinstance(one, dict) else None
    return str(named or "")[:36], SentParcel(id, sealed) if id and isinstance(sealed, str) else None


def _id_of(text: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(text) if isinstance(text, str) else None
    except ValueError:
        return None


def take_parcel_file(
    content: bytes, *, by: Actor, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[FiledParcel]:
    """Take in what a phone saved, in order, as if the phone had sent it; return what became of each parcel.

    What arrived before gets the receipt it had. Raises `ParcelFileRefused`, `DeviceUnknown`, `NotPermitted`.
    """
    by.require(DECIDE_PARCELS)
    file = read_parcel_file(content)
    device = device_handed_in(file.device, by.scope)
    sent = [parcel for _, parcel in file.parcels if parcel]
    receipts: list[ParcelReceipt] = []
    for first in range(0, len(sent), BATCH):
        if receipts and receipts[-1].status == "later":  # what comes first is to be recorded first
            receipts += [receipt_of(one.id, "later", receipts[-1].code) for one in sent[first:]]
            break
        receipts += take_parcels(device, sent[first : first + BATCH])
        progress(len(receipts), len(sent))
    note_file(
        by=by, device=device.id, device_code=device.division_code, counts=dict(Counter(one.status for one in receipts))
    )
    work = work_of((one.id for one in sent), by=intake_hand(device.division_code))
    told = iter(receipts)
    return [
        _filed(number, id, next(told) if parcel else None, work) for number, (id, parcel) in enumerate(file.parcels, 1)
    ]


def _filed(
    number: int, id: str, receipt: ParcelReceipt | None, work: dict[uuid.UUID, tuple[str, datetime | None]]
) -> FiledParcel:
    if receipt is None:
        return FiledParcel(number, id, receipt_of(uuid.UUID(int=0), "refused", "damaged"))
    kind, valid_at = work.get(receipt.id, ("", None))
    return FiledParcel(number, id, receipt, kind, valid_at)
