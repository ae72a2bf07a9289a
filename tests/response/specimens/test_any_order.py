"""A phone sends its batches in any order, some of them twice: the records end the same."""

import uuid

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import XINZHU, make_actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import clock_at, local
from lianfang.kit.ids import derived_id
from lianfang.kit.refusals import Refusal
from lianfang.response.specimens import queries
from lianfang.response.specimens.actions import move_sample, record_results, register_tubes, seal_tubes, void_samples
from lianfang.response.specimens.permissions import PERMISSIONS
from lianfang.response.specimens.rules import ResultEntry, SampleEntry, TubeEntry, VoidEntry
from making import appointed, make_resident

pytestmark = pytest.mark.django_db

GRID = XINZHU * 1000 + 1
OPENED, SEALED, NOW = local("2022-07-14 12:00"), local("2022-07-14 12:10"), local("2022-07-14 15:00")
ROUND = uuid.UUID(int=7)
TABLE = make_actor(*PERMISSIONS)
SECOND = make_actor(role="township", line="community")

ROWS = """
SELECT t.code, t.filled, t.opened_at, t.sealed_at, t.resulted_at, s.id, s.resident, s.attempt, s.taken_at, v.reason, v.instead
FROM specimens_tube t LEFT JOIN specimens_sample s ON s.county = t.county AND s.tube = t.id
LEFT JOIN specimens_samplevoid v ON v.county = s.county AND v.tube = s.tube AND v.sample = s.id
ORDER BY t.code, s.id
"""


def entry(number, people, opened_at=OPENED, sealed_at=None):
    """A part of the tube of this number with these people; a person has the same sample id in every order."""
    samples = tuple(SampleEntry(derived_id("s", number, person.id), person.id, OPENED) for person in people)
    return TubeEntry(
        derived_id("t", number), f"ANY{number}", "pooled", 10, "area_screening", GRID, opened_at, samples, ROUND,
        sealed_at=sealed_at,
    )  # fmt: skip


def sendings(people):
    """What one phone did in an afternoon, in the order in which it did it; each is sent until it is taken."""
    one, two = entry(1, people[:3]), entry(1, people[3:5], SEALED, SEALED)
    other = entry(2, people[5:7])
    mistaken, right = one.samples[0], entry(1, people[7:8])
    return [
        lambda: register_tubes([one], by=TABLE, valid_at=OPENED),
        lambda: register_tubes([two, other], by=TABLE, valid_at=OPENED),
        lambda: seal_tubes([one.id, other.id], by=TABLE, valid_at=SEALED),
        lambda: move_sample(
            one.id, mistaken.id, mistaken.resident, by=TABLE, code=one.code, reason="wrong_person", to=right,
            valid_at=SEALED, witness=appointed(SECOND),
        ),
        lambda: void_samples(
            other.id, [VoidEntry(other.samples[0].id, other.samples[0].resident)], by=TABLE, code=other.code,
            reason="not_taken", valid_at=SEALED, witness=appointed(SECOND),
        ),
        lambda: record_results([ResultEntry("negative", SEALED, code="ANY3")], by=TABLE, lab="lab", valid_at=SEALED),
        lambda: register_tubes([entry(3, people[8:9])], by=TABLE, valid_at=OPENED),
    ]  # fmt: skip


def sent(deeds, order):
    """Send deeds in an order (numbers may come again), then whatever was refused until nothing is."""
    waiting, rounds = list(order) + list(range(len(deeds))), 0
    while waiting:
        refused = []
        for number in waiting:
            try:
                with transaction.atomic():
                    deeds[number]()
            except Refusal:
                refused.append(number)
        waiting, rounds = refused, rounds + 1
        assert rounds <= len(deeds) + 1, "a sending is refused for ever"
    with acting(TABLE), connection.cursor() as cursor:
        cursor.execute(ROWS)
        return cursor.fetchall()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.integers(0, 6), max_size=12))
def test_any_order_and_repetition_ends_in_the_same_rows(order):
    with clock_at(NOW), transaction.atomic():
        people = [make_resident(by=TABLE, grid=GRID) for _ in range(9)]
        deeds = sendings(people)
        with transaction.atomic():
            expected = sent(deeds, range(7))
            transaction.set_rollback(True)
        found = sent(deeds, order)
        assert queries.tube_disagreements(by=TABLE) == []
        transaction.set_rollback(True)
    assert found == expected
    assert sum(row[9] is None for row in found) == 7
