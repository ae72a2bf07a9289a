"""What may go into a tube: rules alone, without a database."""

import uuid
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianfang.core.people.identity import check_character
from lianfang.engines.protocol import load_pack
from lianfang.kit.clock import local
from lianfang.response.specimens.rules import (
    ItemsRefused,
    Known,
    KnownSample,
    KnownTube,
    Person,
    ResultEntry,
    SampleEntry,
    SecondLookMissing,
    StandingSample,
    TubeEntry,
    TubeHasResult,
    TubeStanding,
    TubeToVoid,
    VoidEntry,
    VoidRefused,
    check_void,
    chosen,
    judge,
    judge_result,
    judge_void,
    result_clocks,
    tube_code_fault,
    void_doubt,
)

NOON = local("2022-07-14 12:00")
GRID = 469021101201001
ROUND, OTHER_ROUND = uuid.UUID(int=1), uuid.UUID(int=2)
ANNA, BERT, CARL = (uuid.UUID(int=n) for n in (11, 12, 13))
DOOR, NEXT_DOOR = uuid.UUID(int=21), uuid.UUID(int=22)
PEOPLE = {ANNA: Person(GRID, DOOR), BERT: Person(GRID, DOOR), CARL: Person(GRID, NEXT_DOOR)}


def swab(resident, number=None, **fields):
    return SampleEntry(uuid.UUID(int=number or resident.int + 100), resident, **fields)


def tube(*samples, **fields):
    given = {"mode": "pooled", "capacity": 10, "purpose": "area_screening", "round": ROUND} | fields
    return TubeEntry(
        id=given.pop("id", uuid.UUID(int=31)), code=given.pop("code", "DA0001"), division_code=GRID, opened_at=NOON,
        samples=samples, **given,
    )  # fmt: skip


def standing(entry, filled=0, sealed_at=None, household=None):
    return KnownTube(
        entry.id, entry.code, entry.mode, entry.capacity, entry.purpose, entry.round, filled, sealed_at, household
    )


def known(*tubes, **fields):
    return Known(
        people=PEOPLE, tubes={t.id: t for t in tubes}, codes={t.code: t.id for t in tubes}, **fields
    )  # fmt: skip


def reasons(*batch, records=None):
    verdict = judge(batch, records or known(), NOON)
    return [(item.why, item.sample) for item in verdict.refused]


def test_good_people_go_in():
    entry = tube(swab(ANNA), swab(BERT))
    verdict = judge([entry], known(), NOON)
    assert verdict.refused == () and verdict.repeated == 0
    assert verdict.fresh == {entry.id: entry.samples}


FULL = tube(swab(ANNA), capacity=2)
REFUSED = [
    ("unknown_person", tube(swab(uuid.UUID(int=99))), known()),
    ("tube_full", FULL, known(standing(FULL, filled=2))),
    ("tube_sealed", tube(swab(ANNA, taken_at=NOON + timedelta(minutes=1)), sealed_at=NOON), known()),
    ("tube_sealed", tube(swab(ANNA)), known(standing(tube(), sealed_at=NOON - timedelta(minutes=1)))),
    ("already_sampled", tube(swab(ANNA)), known(in_round={(ROUND, ANNA): KnownSample("DA0009", NOON, 1, True)})),
    ("another_household", tube(swab(CARL), mode="household"), known(standing(tube(mode="household"), 1, None, DOOR))),
    ("id_taken", tube(swab(ANNA, 5)), known(samples={(tube().id, uuid.UUID(int=5)): BERT})),
]


@pytest.mark.parametrize(("why", "entry", "records"), REFUSED, ids=[why for why, *_ in REFUSED])
def test_a_sample_is_refused_with_a_way_out(why, entry, records):
    verdict = judge([entry], records, NOON)
    assert [(item.why, item.sample) for item in verdict.refused] == [(why, entry.samples[0].id)]
    assert verdict.refused[0].sentence.endswith(".") and ":" in verdict.refused[0].sentence


TUBES_REFUSED = [
    ("another_round", tube(), known(standing(tube(round=OTHER_ROUND)))),
    ("another_round", tube(), known(standing(tube(round=None, purpose="quarantine")))),
    ("code_taken", tube(), known(standing(tube(id=uuid.UUID(int=77))))),
    ("id_taken", tube(), known(standing(tube(code="DA0002")))),
    ("capacity", tube(mode="single"), known()),
    ("capacity", tube(capacity=31), known()),
    ("round_missing", tube(round=None), known()),
    ("round_missing", tube(purpose="quarantine"), known()),
    ("sealed_before_opened", tube(sealed_at=NOON - timedelta(hours=1)), known()),
]


@pytest.mark.parametrize(("why", "entry", "records"), TUBES_REFUSED, ids=[why for why, *_ in TUBES_REFUSED])
def test_a_tube_is_refused_with_a_way_out(why, entry, records):
    verdict = judge([replace(entry, samples=(swab(ANNA),))], records, NOON)
    assert [(item.why, item.sample) for item in verdict.refused] == [(why, None)]
    assert entry.code in verdict.refused[0].sentence
    assert verdict.fresh == {}


def test_a_sample_taken_before_sealing_may_come_late():
    early = tube(swab(ANNA, taken_at=NOON - timedelta(minutes=5)))
    assert reasons(early, records=known(standing(early, sealed_at=NOON))) == []


def test_too_little_material_lets_a_person_be_sampled_again():
    before = known(in_round={(ROUND, ANNA): KnownSample("DA0009", NOON, 1, False)})
    assert reasons(tube(swab(ANNA)), records=before) == []


def test_a_person_twice_in_a_batch_is_kept_once():
    first, second = tube(swab(ANNA, 1)), tube(swab(ANNA, 2), id=uuid.UUID(int=32), code="DA0002")
    assert reasons(first, second) == [("twice", uuid.UUID(int=2))]


def test_a_tube_twice_in_a_batch_is_refused_whole():
    assert reasons(tube(swab(ANNA)), tube(swab(BERT))) == [("twice", None), ("twice", None)]


def test_the_same_ids_again_are_repeats():
    entry = tube(swab(ANNA), sealed_at=NOON)
    records = known(
        standing(entry, filled=1, sealed_at=NOON),
        samples={(entry.id, entry.samples[0].id): ANNA},
        in_round={(ROUND, ANNA): KnownSample(entry.code, NOON, 1, True)},
    )
    verdict = judge([entry], records, NOON)
    assert (verdict.repeated, verdict.refused, verdict.fresh[entry.id]) == (1, (), ())


def test_what_goes_in_beside_something_refused():
    good, bad = tube(swab(ANNA)), tube(swab(BERT), swab(uuid.UUID(int=99)), id=uuid.UUID(int=32), code="DA0002")
    verdict = judge([good, bad], known(), NOON)
    assert chosen(verdict, "tubes") == {good.id: good.samples}
    assert chosen(verdict, "samples") == {good.id: good.samples, bad.id: bad.samples[:1]}
    with pytest.raises(ItemsRefused, match=r"Nobody is registered under this id.*Nothing of this batch was written"):
        chosen(verdict, "nothing")


@given(
    filled=st.integers(0, 10), capacity=st.integers(2, 10), number=st.integers(1, 12),
    mode=st.sampled_from(["pooled", "household"]),
)  # fmt: skip
def test_no_tube_is_ever_overfull_and_everybody_is_answered(filled, capacity, number, mode):
    people = {uuid.UUID(int=1000 + n): Person(GRID, DOOR) for n in range(number)}
    entry = tube(*(swab(person) for person in people), capacity=capacity, mode=mode)
    records = Known(people, {entry.id: standing(entry, min(filled, capacity), None, DOOR)}, {entry.code: entry.id})
    verdict = judge([entry], records, NOON)
    assert min(filled, capacity) + len(verdict.fresh[entry.id]) <= capacity
    answered = {sample.id for sample in verdict.fresh[entry.id]} | {item.sample for item in verdict.refused}
    assert answered == {sample.id for sample in entry.samples}


FOUND = TubeStanding(uuid.UUID(int=31), "DA0001", GRID, 10, None)
NEGATIVE = ResultEntry("negative", NOON, code="DA0001")


@pytest.mark.parametrize(
    ("why", "tube", "inside"),
    [
        ("unknown_tube", None, True),
        ("outside_area", FOUND, False),
        ("empty_tube", replace(FOUND, filled=0), True),
        ("has_result", replace(FOUND, value="positive"), True),
        (None, replace(FOUND, value="negative"), True),
        (None, FOUND, True),
    ],
)
def test_a_result_is_taken_once(why, tube, inside):
    fault = judge_result(NEGATIVE, tube, lambda code: inside)
    assert (fault and fault[0]) == why
    assert fault is None or "DA0001" in fault[1]


def test_waiting_times_come_from_the_pack():
    clocks = result_clocks(load_pack("covid19-cn-ed9"))
    assert clocks == {"single": timedelta(hours=6), "pooled": timedelta(hours=24), "household": timedelta(hours=24)}


TODAY = date(2022, 7, 14)


@pytest.mark.parametrize("code", ["DA0001", "20220701000123", "469021202207010018", "a-B_9/7", "x" * 40])
def test_any_printed_code_is_a_tubes(code):
    assert tube_code_fault(code, TODAY) is None


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("LF1:ABCDEFGH", "code of a person or a sheet"),
        ("lfs1:7K2QF9XW", "code of a person or a sheet"),
        ("46902119800101001X", "number of an ID card"),
        ("46902119800101001x", "number of an ID card"),
        ("", "1 to 40 letters"),
        ("A B", "1 to 40 letters"),
        ("管1", "1 to 40 letters"),
        ("A\n", "1 to 40 letters"),
        ("x" * 41, "1 to 40 letters"),
    ],
)
def test_what_a_scanner_reads_beside_tubes_is_no_tube(code, sentence):
    number = "46902119800101001"
    code = code if "46902119800101" not in code else number + check_character(number)
    fault = tube_code_fault(code, TODAY)
    assert sentence in fault
    assert not code or code not in fault


def test_a_code_made_of_a_day_of_production_is_a_tubes():
    number = "46902120220630001"
    assert tube_code_fault(number + check_character(number), TODAY) is None


def test_a_persons_code_in_the_place_of_a_tubes_is_refused_as_an_item():
    verdict = judge([tube(swab(ANNA), code="LF1:ABC")], known(), NOON)
    assert [item.why for item in verdict.refused] == ["no_tube_code"]


OPEN_TUBE = TubeToVoid(uuid.UUID(int=31), "DA1", GRID, ROUND, None, False)


@given(sealed=st.booleans(), resulted=st.booleans(), witness=st.sampled_from([None, 1, 2]), right=st.booleans())
def test_a_mistake_is_put_right_before_the_result_and_by_two_once_sealed(sealed, resulted, witness, right):
    tube = replace(OPEN_TUBE, sealed_at=NOON if sealed else None, resulted=resulted)
    by, second = uuid.UUID(int=1), witness and uuid.UUID(int=witness)
    expected = (
        VoidRefused if not right else TubeHasResult if resulted
        else SecondLookMissing if second == by or (sealed and not second) else None
    )  # fmt: skip
    try:
        check_void(tube, "DA1 " if right else "DA2", by, second)
    except (VoidRefused, TubeHasResult, SecondLookMissing) as refusal:
        assert type(refusal) is expected
    else:
        assert expected is None


def test_a_void_names_a_sample_of_the_tube_and_its_person():
    entry, there = VoidEntry(uuid.UUID(int=111), ANNA), StandingSample(ANNA, NOON, False, None)
    assert judge_void(entry, OPEN_TUBE, there) is None
    assert judge_void(entry, OPEN_TUBE, replace(there, voided=True)) is None
    assert judge_void(entry, OPEN_TUBE, None)[0] == "unknown_sample"
    assert judge_void(entry, OPEN_TUBE, replace(there, resident=BERT))[0] == "another_person"


def test_only_a_wrong_person_whom_nobody_replaces_leaves_a_doubt():
    assert void_doubt("wrong_person", None)
    assert not void_doubt("wrong_person", uuid.UUID(int=1))
    assert not any(void_doubt(reason, None) for reason in ("wrong_tube", "not_taken", "duplicate"))
