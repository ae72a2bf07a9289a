"""Parcels as phones make them, of people who truly hold a post, on devices that are truly enrolled."""

import json
import uuid
from dataclasses import dataclass, replace
from datetime import timedelta

from django.conf import settings

from conftest import make_actor
from lianfang.core.access.actions import (
    ADMINISTRATION,
    create_account,
    enrol_device,
    give_grant,
    open_enrolment_codes,
    register_devices,
)
from lianfang.core.access.permissions import MANAGE_DEVICES, REVOKE_DEVICE
from lianfang.core.access.queries import actors_of
from lianfang.core.access.rules import Actor, DeviceEntry
from lianfang.core.access.scope import acting
from lianfang.core.access.sign_in import known_device, token_of
from lianfang.kit.clock import machine_now, response_now
from lianfang.kit.codes import code_range, full_code
from lianfang.kit.ids import new_id
from lianfang.kit.parcels import as_text, seal
from lianfang.workflows.take_parcels import SentParcel, take_parcels


@dataclass
class Phone:
    """A worker with a phone of their unit, signed in."""

    actor: Actor
    device: uuid.UUID
    secret: str
    token: str

    def parcel(self, kind, payload, *, valid_at=None, duty=None, id=None, token=None, public=None, **more):
        """Seal one command as the phone does."""
        id = id or new_id()
        held = valid_at or response_now()
        content = {
            "token": token or self.token,
            "envelope": {"id": str(id), "kind": kind, "valid_at": held.isoformat(), "payload": payload},
            "made_at": held.isoformat(), "offset_ms": 0, "duty": duty, "form": kind, "shadow": False,
        } | more  # fmt: skip
        return sealed(id, content, public)

    def known(self):
        return known_device(self.device, self.secret)

    def send(self, *parcels):
        return take_parcels(self.known(), list(parcels))


def sealed(id, content, public=None):
    data = content if isinstance(content, bytes) else json.dumps(content, default=str).encode()
    return SentParcel(id, as_text(seal(public or settings.PARCEL_KEYS.newest().public, id, data)))


def desk_of(unit):
    return make_actor(MANAGE_DEVICES, REVOKE_DEVICE, scope=str(unit), role="township", line="community")


def phone(unit, role="grid_worker", line="community"):
    """A new worker of a unit (its code's digits) with a new phone of that unit."""
    account = create_account(by=ADMINISTRATION, username=f"{role}-{new_id()}", title=role, password="open sesame")
    with acting(ADMINISTRATION):
        give_grant(
            by=ADMINISTRATION, account=account.id, role=role, line=line, scope=code_range(str(unit)),
            valid_from=machine_now() - timedelta(days=2), reason="test",
        )  # fmt: skip
    entry = DeviceEntry("门岗手机", full_code(str(unit)), new_id())
    desk = desk_of(unit)
    (device,) = register_devices(by=desk, valid_at=machine_now(), cause=new_id(), devices=[entry])
    secret = enrol_device(open_enrolment_codes([device], by=desk)[0][2])[2]
    (actor,) = actors_of(account.id, machine_now(), device)
    return Phone(actor, device, secret, token_of(actor))


def decider(unit, role="community"):
    """Somebody of a unit who decides what the rules do not."""
    return replace(phone(unit, role).actor, device_id=None)
