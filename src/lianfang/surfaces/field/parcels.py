"""The phone's own way in: sealed parcels, the key to seal to, orders to wipe. Known by device and secret, nobody signed in."""

import uuid
from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import Field

from lianfang.core.access.limits import check_tries, count_wrong_try, take_request
from lianfang.core.access.queries import wipe_ordered
from lianfang.core.access.rules import SignInRefused
from lianfang.core.access.sign_in import KnownDevice, known_device
from lianfang.core.intake.queries import server_key
from lianfang.core.intake.rules import Status
from lianfang.kit.clock import response_now
from lianfang.kit.parcels import as_text
from lianfang.surfaces.field.gate import address_of
from lianfang.workflows.take_parcels import SentParcel, take_parcels
from lianfang.workflows.telling import confirm_wiped

router = Router(tags=["field"])
#: parcels of one request
MOST = 100
#: letters of one parcel: a photo of 300 kB, twice in base64
LONGEST = 800_000
#: letters that count as one more request: what is taken in is kept, so that a phone gone wild must not fill the disk
LETTERS = 20_000


class DeviceIn(Schema):
    """The device and the secret that enrolling gave it."""

    device: uuid.UUID
    secret: str = Field(max_length=200)


class ParcelIn(Schema):
    """One sealed command: its id (the command's), and its bytes in base64url."""

    id: uuid.UUID
    sealed: str = Field(max_length=LONGEST)


class ParcelsIn(DeviceIn):
    """Parcels in the order in which they were made."""

    parcels: list[ParcelIn] = Field(max_length=MOST)


class ParcelReceiptOut(Schema):
    """What the server says about a parcel; with ``refused`` and ``later`` the phone keeps it, otherwise it may go."""

    id: uuid.UUID
    status: Status
    code: str = Field(description="the rule of docs/states/parcel.md that says so, or empty")
    zh: str
    en: str
    result: dict[str, Any] = Field(description="what the command answers")
    retry_after: float | None = Field(default=None, description="seconds, with “later”")


class ParcelsOut(Schema):
    at: datetime
    wipe: bool = Field(description="the phone is to empty its readable store, after sending what was done")
    receipts: list[ParcelReceiptOut] = Field(description="one for each parcel, in order")


class KeyOut(Schema):
    """The key to seal to from now on."""

    id: str = Field(examples=["9f86d081884c7d65"])
    public: str = Field(description="ECDH P-256, 65 bytes uncompressed, in base64url without padding")


class HelloOut(Schema):
    at: datetime
    wipe: bool
    key: KeyOut


class WipedOut(Schema):
    at: datetime
    wipe: bool


@router.post("parcels", auth=None, response=ParcelsOut, summary="Send sealed parcels")
def post_parcels(request: HttpRequest, body: ParcelsIn) -> Any:
    """Take parcels in order, each in a transaction of its own; the same parcel again gets the same receipt.

    Also a device that was revoked, and a sign-in that has run out, may hand in what was done before.
    """
    device = _device(request, body, cost=sum(1 + len(one.sealed) // LETTERS for one in body.parcels))
    receipts = take_parcels(device, [SentParcel(one.id, one.sealed) for one in body.parcels])
    return {"at": response_now(), "wipe": wipe_ordered(device.id), "receipts": receipts}


@router.post("hello", auth=None, response=HelloOut, summary="Ask for the key and for orders")
def post_hello(request: HttpRequest, body: DeviceIn) -> Any:
    """Tell a phone on which nobody is signed in the time, whether it is to wipe itself, and the key to seal to."""
    device = _device(request, body)
    key = server_key()
    return {"at": response_now(), "wipe": device.wipe, "key": {"id": key.id, "public": as_text(key.public)}}


@router.post("wiped", auth=None, response=WipedOut, summary="Say that the phone has wiped itself")
def post_wiped(request: HttpRequest, body: DeviceIn) -> Any:
    """Record that a phone has emptied its readable store, so that the desk that ordered it knows."""
    device = _device(request, body)
    confirm_wiped(device.id)
    return {"at": response_now(), "wipe": wipe_ordered(device.id)}


def _device(request: HttpRequest, body: DeviceIn, cost: int = 1) -> KnownDevice:
    """Return the device that proved its secret, its request counted.

    Wrong secrets are counted by address, apart from wrong passwords, and hold up nobody who knows theirs: many phones share
    one address of their operator.
    """
    try:
        device = known_device(body.device, body.secret)
    except SignInRefused:
        guesses = f"secrets {address_of(request)}"
        check_tries(None, guesses)
        count_wrong_try(None, guesses)
        raise
    take_request(device.id, device.id, max(cost, 1))
    return device
