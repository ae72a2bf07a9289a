"""Every command, over the one function that phone, console, API and replay share: gates, misspelt fields, bad values."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from django.db import transaction

from config.payloads import nested, payload_of, records, send
from conftest import make_actor
from lianfang.config.kinds import KINDS
from lianfang.core.access.rules import NotPermitted
from lianfang.core.duties.actions import declare_kinds
from lianfang.kit.refusals import Refusal
from lianfang.workflows.commands import COMMANDS, PayloadRefused
from surfaces.console.scene import county_hand

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def known(django_db_setup, django_db_blocker):
    """One record of everything a command may name, made once and undone after the last test of this file."""
    with django_db_blocker.unblock():
        declare_kinds(KINDS)
        with transaction.atomic():
            yield records()
            transaction.set_rollback(True)


@pytest.mark.parametrize("kind", sorted(COMMANDS))
def test_whoever_holds_no_permission_is_refused(known, kind):
    with pytest.raises(NotPermitted, match="may not do this"):
        send(kind, payload_of(kind, known), make_actor(role="volunteer"))


@pytest.mark.parametrize("kind", sorted(COMMANDS))
def test_a_misspelt_field_is_named_wherever_it_stands(known, kind):
    places = len(list(nested(payload_of(kind, known))))
    for place in range(places):
        payload = payload_of(kind, known)
        free = list(nested(payload))[place]
        free["colour"] = 1
        with pytest.raises(PayloadRefused, match="colour"):
            send(kind, payload, county_hand())


#: commands whose payloads still take a time without its zone, and why
ZONELESS = {"quote": "a newspaper's day of printing; nothing is due by it"}


@pytest.mark.parametrize("kind", sorted(COMMANDS))
def test_a_time_without_its_zone_is_refused_not_guessed(known, kind):
    for place, one in enumerate(nested(payload_of(kind, known))):
        for field in [name for name, value in one.items() if "T11:00:00+08:00" in str(value)]:
            payload = payload_of(kind, known)
            list(nested(payload))[place][field] = "2022-07-14T11:00:00"
            if kind not in ZONELESS and not isinstance(one[field], list | dict):
                with pytest.raises(PayloadRefused, match="timezone"):
                    send(kind, payload, county_hand())


#: what people and programs send by mistake, for any field
BAD = {
    "nothing": None,
    "no text": "",
    "a NUL": "a\x00b",
    "much text": "长" * 5000,
    "below nought": -1,
    "a huge number": 10**30,
    "an unknown id": "00000000-0000-7000-8000-000000000000",
    "a time without zone": "2022-07-14T12:00:00",
    "the year 1": "0001-01-01T00:00:00Z",
    "an empty list": [],
    "an empty object": {},
    "a protocol of no day": "covid19-cn-ed9@tomorrow",
}


@pytest.mark.parametrize("kind", sorted(COMMANDS))
def test_bad_values_are_refused_with_a_sentence_or_taken(known, kind):
    """Whatever stands in a field, whoever may do everything meets a sentence or success, never a bare exception."""
    by, bare = county_hand(), []
    for field, value, payload in spoilt(payload_of(kind, known)):
        try:
            with transaction.atomic():
                send(kind, payload, by)
                transaction.set_rollback(True)
        except Refusal as refusal:
            assert len(str(refusal)) > 15
        except Exception as error:
            bare.append(f"{field} = {value}: {type(error).__name__}: {str(error)[:100]}")
    assert not bare, "\n".join(bare)


def spoilt(payload: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield the payload with each bad value in each field of each of its objects."""
    for place, one in enumerate(nested(payload)):
        for field in one:
            for name, value in BAD.items():
                copy = deepcopy(payload)
                list(nested(copy))[place][field] = value
                yield field, name, copy
