"""The payloads of the commands that reach devices from outside, and what each of them does."""

import uuid

from pydantic import Field

from lianfang.core.access import actions
from lianfang.core.access.commands import Commands, Payload, calls
from lianfang.core.access.rules import DeviceEntry


class RegisterDevices(Payload):
    """Phones and tablets to register; each is then enrolled with its code."""

    devices: list[DeviceEntry] = Field(min_length=1, max_length=5000)


class RevokeDevice(Payload):
    """A device that was lost, stolen or given back."""

    device: uuid.UUID
    reason: str = Field(min_length=1, max_length=200)


class OrderWipe(Payload):
    """A device whose readable store is to be emptied at its next contact; what was done on it is sent first."""

    device: uuid.UUID
    reason: str = Field(min_length=1, max_length=200)


class SetDeskPhone(Payload):
    """The telephone of a unit's duty desk, as it is dialled; empty: none of its own."""

    division_code: int = Field(ge=10**14, lt=10**15)
    phone: str = Field(max_length=20)


COMMANDS: Commands = {
    "register_devices": (RegisterDevices, calls(actions.register_devices, "devices")),
    "revoke_device": (RevokeDevice, calls(actions.revoke_device, "revoked")),
    "set_desk_phone": (SetDeskPhone, calls(actions.set_desk_phone, "set")),
    "order_wipe": (OrderWipe, calls(actions.order_wipe, "ordered")),
}
