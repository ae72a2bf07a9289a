"""The app login reads people, tubes and rounds by their indexes."""

import uuid

import pytest
from django.db import connection

from conftest import DINGAN, make_actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import local
from lianfang.response.specimens.actions.registration import IN_ROUND, SAMPLES
from lianfang.response.specimens.queries import OF_PEOPLE, POSITIVE, SAMPLED_IN_ROUNDS

pytestmark = pytest.mark.django_db

SOME = [uuid.UUID(int=1)]


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (OF_PEOPLE, "sample_of_no_round"),
        (OF_PEOPLE, "sample_once_per_round"),
        (IN_ROUND, "sample_once_per_round"),
        (SAMPLES, "specimens_sample_pkey"),
        (SAMPLED_IN_ROUNDS, "sample_once_per_round"),
        (SAMPLED_IN_ROUNDS, "result_insufficient"),
        (IN_ROUND, "specimens_samplevoid_pkey"),
        (OF_PEOPLE, "specimens_samplevoid_pkey"),
        (POSITIVE.format(where=""), "specimens_samplevoid_pkey"),
        (POSITIVE.format(where=""), "specimens_sample_pkey"),
    ],
)
def test_the_index_is_used(statement, index):
    params = {
        "county": DINGAN, "residents": SOME, "rounds": SOME, "known": SOME, "at": local("2022-07-14"), "since": None
    }  # fmt: skip
    with acting(make_actor()), connection.cursor() as cursor:
        cursor.execute("SELECT current_user, (SELECT rolbypassrls FROM pg_roles WHERE rolname = current_user)")
        assert cursor.fetchone()[1] is False
        # a table of a few rows is read whole whatever its indexes: ask for the plan of a large one
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute("EXPLAIN " + statement, params)
        assert index in "\n".join(row[0] for row in cursor.fetchall())
