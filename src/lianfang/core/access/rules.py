"""Who an actor is, what a grant allows and what a device proves: pure."""

import hmac
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from lianfang.core.access.permissions import ACT_WITHOUT_DEVICE
from lianfang.kit.codes import CodeRange
from lianfang.kit.ids import derived_id
from lianfang.kit.refusals import Conflict, NotFound, Refusal


class NotPermitted(Refusal):
    """The actor's grant does not allow this, here."""


class SignInRefused(Refusal):
    """Wrong name or password, an account that is closed, or no valid grant."""


class DeviceRefused(Refusal):
    """A device cannot be registered, enrolled or revoked as asked."""


#: a number as it is dialled: 120, 0898-63822110, +86 898 6382 2110
DESK_PHONE = "^[0-9+][0-9 +-]{2,19}$"


class DeskPhoneRefused(Refusal):
    """What is given as a desk's telephone is no number."""


class DeviceUnknown(NotFound):
    """There is no such device in the actor's area."""


class DeviceNeeded(NotPermitted):
    """What is recorded at a sampling site or a door comes from a registered device."""


class TooMuch(Refusal):
    """A device sends more than it may, or too many wrong passwords were tried: ``wait`` seconds help."""

    def __init__(self, sentence: str, wait: float) -> None:
        super().__init__(sentence)
        self.wait = wait


class AccountRefused(Refusal):
    """An account or grant cannot be made as asked."""


class ScopeNotSet(Exception):
    """Something was read or written outside of any grant."""


class NotYetSo(Refusal):
    """A command says that something held at a time still to come, or long before anything was recorded."""


class CommandIdTaken(Conflict):
    """The id of a command was used before for something else."""


@dataclass(frozen=True)
class Actor:
    """One account acting under one grant: role × line of work × one range of division codes, from a device or none."""

    account_id: uuid.UUID
    grant_id: uuid.UUID
    role: str
    line: str
    scope: CodeRange
    permissions: frozenset[str]
    title: str = ""
    device_id: uuid.UUID | None = None

    def may(self, permission: str, code: int | None = None) -> bool:
        """Say whether the grant holds a permission, and for the place that a division code names."""
        return permission in self.permissions and (code is None or code in self.scope)

    def require(self, permission: str, code: int | None = None) -> None:
        """Raise `NotPermitted`, with a sentence for the user, unless the grant allows this here."""
        if permission not in self.permissions:
            raise NotPermitted(f"The role “{self.role}” may not do this ({permission}). Ask the duty desk who can.")
        if code is not None and code not in self.scope:
            raise NotPermitted(
                f"Place {code} lies outside this post's area ({self.scope.lo}–{self.scope.hi}). "
                "Hand it over to the unit it belongs to."
            )


@dataclass(frozen=True)
class NewPost:
    """A seat of the response to create: a role on a line of work for one range of codes."""

    role: str
    line: str
    title: str
    scope: CodeRange
    reports_to: uuid.UUID | None = None

    @property
    def id(self) -> uuid.UUID:
        """Return the id that the same seat always gets, so that creating it again is recognised."""
        return derived_id("post", self.role, self.line, self.scope.lo, self.scope.hi, self.title)


@dataclass(frozen=True)
class NewSeat:
    """An account to create on a post; without a password nobody can sign in with it yet."""

    username: str
    post: NewPost
    password: str | None = None

    @property
    def account(self) -> uuid.UUID:
        """Return the id that the account of this name always gets."""
        return derived_id("account", self.username)


@dataclass(frozen=True)
class DeviceEntry:
    """A device to register: what it is called, whose it is (anybody's of the unit when empty), the unit it belongs to.

    ``division_code`` is the unit's code at 15 digits; without an id it takes one from the command.
    """

    title: str
    division_code: int
    id: uuid.UUID | None = None
    account: uuid.UUID | None = None


#: what is recorded with people or tubes in front of one, and so from a registered device; what only laboratories and
#: desks send (receive_tubes, results, paper sheets) is not among them
FROM_A_DEVICE = frozenset(
    {
        "register_tubes", "seal_tubes", "void_samples", "move_sample", "pack_box", "hand_over_tubes", "record_tube_found",
        "record_found", "record_visits", "register_walk_in", "register_scanned", "call_slot", "record_queue",
        "record_home_sampling",
    }
)  # fmt: skip

#: questions, not commands: who stands before a table is asked at the table, what a phone carries is carried by a phone
ASKED_FROM_A_DEVICE = frozenset({"look_up", "sync"})


def need_device(by: Actor, kind: str) -> None:
    """Raise `DeviceNeeded` when a command of the field comes from no device and the role may not do without one."""
    if kind in FROM_A_DEVICE | ASKED_FROM_A_DEVICE and by.device_id is None and not by.may(ACT_WITHOUT_DEVICE):
        raise DeviceNeeded(
            f"“{kind}” is sent from a registered device: enrol this one with a code of your duty desk and sign in on it."
        )


DEVICE_STATES = ("waiting", "enrolled", "expired", "revoked")


def device_state(
    registered_at: datetime, enrolled_at: datetime | None, revoked_at: datetime | None, now: datetime
) -> str:
    """Say how a device stands: waiting for its code, enrolled, its code grown too old unused, or revoked."""
    if revoked_at is not None:
        return "revoked"
    if enrolled_at is not None:
        return "enrolled"
    return "waiting" if now < registered_at + ENROL_WITHIN else "expired"


#: for how long a code of enrolment may be typed in
ENROL_WITHIN = timedelta(hours=24)
#: for how long the same code answers again, because the first answer may have been lost on its way
ENROL_AGAIN = timedelta(minutes=10)
#: without I, L, O and U, which are misread (Crockford's base 32)
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LETTERS = 10


def enrolment_code(key: bytes, device: uuid.UUID) -> str:
    """Return the code that enrols a device (``7K2QF-9XW0D``, 50 bits): made of the installation's key, kept nowhere."""
    number = int.from_bytes(hmac.digest(key, b"enrolment" + device.bytes, "sha256")[:8], "big")
    letters = "".join(ALPHABET[number >> 5 * place & 31] for place in range(CODE_LETTERS))
    return f"{letters[:5]}-{letters[5:]}"


def code_lookup(key: bytes, code: str) -> bytes:
    """Return what the table knows of an enrolment code (32 bytes), however it is typed."""
    typed = "".join(letter for letter in code.upper().translate(MISREAD) if letter in ALPHABET)
    return hmac.digest(key, b"lookup" + typed.encode(), "sha256")


MISREAD = str.maketrans("ILO", "110")
