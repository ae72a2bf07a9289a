"""A tube whose people are named by what was scanned: one test for each way it can end."""

from datetime import timedelta

import pytest

from conftest import DINGAN, XINZHU, make_actor
from lianfang.core.access.commands import Envelope
from lianfang.core.access.models import AuditEntry
from lianfang.core.access.rules import FROM_A_DEVICE, NotPermitted
from lianfang.core.access.scope import acting
from lianfang.core.duties.models import Duty
from lianfang.core.people import permissions as people
from lianfang.core.people.actions import county_cipher, issue_codes, revoke_code
from lianfang.core.people.identity import check_character
from lianfang.core.people.models import Resident
from lianfang.core.people.queries import code_cards
from lianfang.kit.clock import clock_at
from lianfang.kit.ids import new_id
from lianfang.response.sampling import permissions as sampling
from lianfang.response.sampling.actions import order_home_sampling
from lianfang.response.sampling.rules import HomeEntry
from lianfang.response.screening import queries
from lianfang.response.screening.actions import close_round
from lianfang.response.specimens.models import Sample
from lianfang.surfaces.field.commands import people_in
from lianfang.workflows.commands import PayloadRefused, submit
from lianfang.workflows.register_scanned import NAME_TO_COME
from making import appointed, make_household, make_resident
from response.screening.round_making import ALL, GRID, NOON, opened

pytestmark = pytest.mark.django_db

MAY = (*ALL, *people.PERMISSIONS)


@pytest.fixture(autouse=True)
def noon():
    with clock_at(NOON):
        yield


@pytest.fixture
def county():
    return make_actor(*MAY)


@pytest.fixture
def table():
    return make_actor(*MAY, scope=str(XINZHU), role="sampler", line="testing")


def id_number(serial):
    body = f"46902119900307{serial:03}"
    return body + check_character(body)


@pytest.fixture
def anna(county):
    door = make_household(by=county, grid=GRID).id
    known = county_cipher(DINGAN).lookup(id_number(1))
    return make_resident(by=county, grid=GRID, household=door, name="王小明", id_lookup=known).id


@pytest.fixture
def round(county, anna):
    return opened(county).id


def card_of(county, resident):
    issue_codes(by=county, valid_at=NOON, residents=[resident])
    return code_cards(by=county, residents=[resident])[0].code


def tube_of(round, **fields):
    return {
        "id": str(new_id()), "code": f"T{new_id().hex[-8:]}", "mode": "pooled", "capacity": 10, "purpose": "area_screening",
        "division_code": GRID, "round": str(round), "opened_at": NOON.isoformat(), "sealed_at": NOON.isoformat(), **fields,
    }  # fmt: skip


def swab(**who):
    return {"id": str(new_id()), "taken_at": NOON.isoformat(), **who}


def stranger(number, name=""):
    return {"id": str(new_id()), "name": name, "document": "resident_id", "number": number}


def sent(by, tube, *samples, id=None):
    payload = {"tube": tube, "samples": list(samples)}
    return submit(Envelope(id or new_id(), "register_scanned", NOON, payload), by=by).result


def in_tube(by, tube):
    with acting(by):
        return set(Sample.objects.filter(tube=tube["id"]).values_list("resident", flat=True))


def test_a_card_and_an_id_number_are_recognised_and_the_look_ups_logged_without_them(round, table, county, anna):
    bert = make_resident(by=county, grid=GRID).id
    tube, card = tube_of(round), card_of(county, bert)
    result = sent(table, tube, swab(visitor=stranger(id_number(1))), swab(code=card))
    assert (result["samples"], result["refused"]) == (2, [])
    assert in_tube(county, tube) == {anna, bert}
    with acting(make_actor(line="audit")):
        rows = AuditEntry.objects.filter(verb="screening.look_up", subject_kind="tube").order_by("seq")
        assert [(row.count, row.detail["way"], card in str(row.detail)) for row in rows] == [
            (1, "document", False), (1, "code", False)
        ]  # fmt: skip


def test_whoever_is_in_no_register_is_registered_and_counted_as_found_even_without_a_name(round, table, county):
    tube = tube_of(round)
    result = sent(table, tube, swab(visitor=stranger(id_number(7))), swab(visitor=stranger(id_number(8), "李四")))
    assert (result["samples"], result["refused"]) == (2, [])
    with acting(county):
        assert set(Resident.objects.filter(id__in=in_tube(county, tube)).values_list("name", flat=True)) == {
            NAME_TO_COME, "李四"
        }  # fmt: skip
    assert queries.accounted(round, by=county).added == 2


def test_a_card_that_nobody_has_is_listed_and_the_others_go_in(round, table, county, anna):
    tube, card = tube_of(round), card_of(county, anna)
    revoke_code(anna, by=county, reason="lost", valid_at=NOON)
    result = sent(table, tube, swab(code=card), swab(resident=str(make_resident(by=county, grid=GRID).id)))
    assert result["samples"] == 1
    assert [item["why"] for item in result["refused"]] == ["unknown_person"]
    assert "whose swab" in result["refused"][0]["sentence"]


def test_whoever_was_to_be_sampled_at_home_is_done_with_the_sample(round, table, county, anna):
    homes = make_actor(*MAY, *sampling.PERMISSIONS)
    order_home_sampling(round, [HomeEntry(new_id(), anna, "bedridden")], by=homes, valid_at=NOON)
    sent(table, tube_of(round, mode="household"), swab(resident=str(anna)))
    with acting(county):
        (duty,) = Duty.objects.filter(kind="home_sampling")
    assert (duty.state, duty.outcome) == ("done", "sampled")


def test_the_same_tube_again_changes_nothing(round, table, county, anna):
    tube, swabs = tube_of(round), [swab(visitor=stranger(id_number(1))), swab(visitor=stranger(id_number(7)))]
    sent(table, tube, *swabs)
    again = sent(table, tube, *swabs)
    assert (again["samples"], again["refused"]) == (2, [])
    assert len(in_tube(county, tube)) == 2
    assert queries.accounted(round, by=county).added == 1


def test_the_same_person_by_card_and_by_number_goes_in_once(round, table, county, anna):
    tube, card = tube_of(round), card_of(county, anna)
    result = sent(table, tube, swab(code=card), swab(visitor=stranger(id_number(1))))
    assert (result["samples"], [item["why"] for item in result["refused"]]) == (1, ["twice"])


def test_whoever_arrives_after_the_sign_off_is_counted_as_found(round, table, county, anna):
    tube = tube_of(round)
    close_round(round, by=county, accepted_by=appointed(), accepted_title="主任", valid_at=NOON)
    with clock_at(NOON + timedelta(hours=1)):
        result = sent(table, tube, swab(visitor=stranger(id_number(7))))
        assert (result["samples"], result["refused"]) == (1, [])
        assert queries.accounted(round, by=county).added == 1


@pytest.mark.parametrize("who", [{}, {"code": "LF1:X", "resident": str(new_id())}])
def test_a_sample_names_its_person_in_one_way(round, table, who):
    with pytest.raises(PayloadRefused, match="one way"):
        sent(table, tube_of(round), swab(**who))


def test_a_tube_comes_without_samples_of_its_own(round, table, anna):
    filled = tube_of(round, samples=[{"id": str(new_id()), "resident": str(anna)}])
    with pytest.raises(PayloadRefused, match="without samples"):
        sent(table, filled, swab(resident=str(anna)))


def test_it_is_taken_from_tables_only(round, county):
    with pytest.raises(NotPermitted, match="register_tubes"):
        sent(make_actor(*set(MAY) - {"specimens.register_tubes"}), tube_of(round), swab(code="LF1:X"))
    with pytest.raises(NotPermitted, match="look_up"):
        sent(make_actor(*set(MAY) - {"screening.look_up"}), tube_of(round), swab(code="LF1:X"))
    assert "register_scanned" in FROM_A_DEVICE


def test_its_people_count_against_the_allowance(round):
    assert people_in({"tube": tube_of(round), "samples": [swab(code="a"), swab(code="b")]}) == 2
