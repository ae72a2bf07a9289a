"""How much one device may send, and how often a wrong password may be tried: one store for all processes of a machine.

A busy site has many devices behind one address, so that nothing but failed sign-ins is ever counted by address.
"""

import math
import uuid
from functools import cache

from django.conf import settings

from lianfang.core.access.rules import Actor, TooMuch
from lianfang.kit.rates import Rate, RateStore

WAIT = 5 * 60
#: wrong passwords or codes before a name, or an address, has to wait
TRIES = {"name": Rate(8 / WAIT, 8), "address": Rate(40 / WAIT, 40)}


def limited_as(device: uuid.UUID | None, grant: uuid.UUID) -> bytes:
    """Return whose bucket a request is taken from: its device's, and for a program its grant's."""
    return (device or grant).bytes


def take_request(device: uuid.UUID | None, grant: uuid.UUID, cost: int = 1) -> None:
    """Count a request of a device, as so many, or raise `TooMuch`. Needs no database, so that it may come before any."""
    wait = store().take(b"requests" + limited_as(device, grant), settings.RATE_REQUESTS, cost)
    if wait:
        raise TooMuch(f"This device sends too many requests. Send again in {math.ceil(wait)} s.", wait)


def take_people(device: uuid.UUID | None, grant: uuid.UUID, people: int) -> None:
    """Count the people that a device records, or raise `TooMuch`; nothing has been written then."""
    wait = store().take(b"people" + limited_as(device, grant), settings.RATE_PEOPLE, people) if people else 0.0
    if wait:
        raise TooMuch(
            f"This device records more people than one table can sample. Keep them and send again in {math.ceil(wait)} s.",
            wait,
        )


#: what a look-up costs that finds nobody: one made at a real table seldom does
MISS = 10


def take_look_up(by: Actor) -> None:
    """Count one look-up of a person by a device, or raise `TooMuch`; counted as a miss until `found_somebody` says otherwise."""
    wait = store().take(b"look-ups" + limited_as(by.device_id, by.grant_id), settings.RATE_LOOK_UPS, MISS)
    if wait:
        raise TooMuch(
            f"This device looks up more people than one table can sample. Go on by printed code or list, and look up again in"
            f" {math.ceil(wait)} s.",
            wait,
        )


def found_somebody(by: Actor) -> None:
    """Give back what a look-up was charged beyond one, because it found somebody."""
    store().give_back(b"look-ups" + limited_as(by.device_id, by.grant_id), settings.RATE_LOOK_UPS, MISS - 1)


def take_checkpoint_look(by: Actor) -> None:
    """Count one look at a checkpoint against its device and against its account, or raise `TooMuch`.

    A road is full of strangers, so that whoever nobody knows costs no more than anybody else; the answer does not tell the
    two apart. A second phone does not double what one account may ask, nor a second account what one phone may.
    """
    rate, keys = settings.RATE_CHECKPOINT_LOOKS, [b"road-account" + by.account_id.bytes]
    keys.append(b"road-device" + limited_as(by.device_id, by.grant_id))
    wait = max(store().wait(key, rate) for key in keys)
    if wait:
        raise TooMuch(
            f"This checkpoint asks about more people than one road brings. Nobody is held for that reason: ask the duty desk in"
            f" doubt, and look up again in {math.ceil(wait)} s.",
            wait,
        )
    for key in keys:
        store().take(key, rate)


def has_room(device: uuid.UUID | None, grant: uuid.UUID, people: int) -> bool:
    """Say whether one more request with so many people would pass, and count nothing."""
    key = limited_as(device, grant)
    full = store().wait(b"requests" + key, settings.RATE_REQUESTS) or (
        people and store().wait(b"people" + key, settings.RATE_PEOPLE, people)
    )
    return not full


def count(device: uuid.UUID | None, grant: uuid.UUID, people: int) -> None:
    """Count a request that was answered already, because `has_room` had said so; never refuses."""
    key = limited_as(device, grant)
    store().take(b"requests" + key, settings.RATE_REQUESTS)
    if people:
        store().take(b"people" + key, settings.RATE_PEOPLE, people)


def take_people_of(by: Actor, people: int) -> None:
    """Do as `take_people` for an actor."""
    take_people(by.device_id, by.grant_id, people)


def check_tries(username: str | None, address: str) -> None:
    """Raise `TooMuch` when a name (None: of nobody) or an address has tried too many wrong passwords or codes."""
    wait = max(store().wait(key, TRIES[kind]) for kind, key in _try_keys(username, address).items())
    if wait:
        raise TooMuch(
            f"Too many wrong tries. Wait {math.ceil(wait)} s, or ask your duty desk for a new password.", wait
        )


def count_wrong_try(username: str | None, address: str) -> None:
    """Count a wrong password or code against its name and its address."""
    for kind, key in _try_keys(username, address).items():
        store().take(key, TRIES[kind])


def forget_wrong_tries(username: str) -> None:
    """Begin to count anew for a name that has signed in."""
    store().refill(_try_keys(username, "")["name"])


def _try_keys(username: str | None, address: str) -> dict[str, bytes]:
    # text from outside may hold anything, also half a character
    keys = {"address": b"address" + address.encode("utf-8", "surrogatepass")}
    if username is not None:
        keys["name"] = b"name" + username[:80].encode("utf-8", "surrogatepass")
    return keys


@cache
def store() -> RateStore:
    """Return this process's view of the machine's buckets."""
    return RateStore(settings.RATES_FILE)
