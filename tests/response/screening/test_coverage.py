"""Coverage, the account, the missing by grid, rounds compared: every count with its list, at any instant, in any area."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import JIANGNAN, make_actor
from lianfang.core.access.actions import ADMINISTRATION
from lianfang.core.access.scope import acting
from lianfang.core.people.actions import county_cipher
from lianfang.engines.protocol import load_pack
from lianfang.kit.clock import clock_at
from lianfang.kit.codes import CodeRange
from lianfang.kit.ids import new_id
from lianfang.response.screening import actions, queries
from lianfang.response.screening.rules import AreaEntry, ExclusionEntry, FoundEntry, RoundUnknown, VisitEntry
from making import appointed, make_household, make_resident
from response.screening.round_making import (
    ALL,
    GRID,
    INCIDENT,
    NEXT_GRID,
    NOON,
    VILLAGE,
    county_actor,
    opened,
    report,
    sample,
    village_actor,
)

pytestmark = pytest.mark.django_db

ELSEWHERE = JIANGNAN * 1000 + 1
LATER = NOON + timedelta(hours=2)


@pytest.fixture(autouse=True)
def noon():
    with clock_at(NOON):
        yield


@pytest.fixture
def county():
    return county_actor()


@pytest.fixture
def people(county):
    return [make_resident(by=county, grid=grid).id for grid in (GRID, GRID, GRID, NEXT_GRID, NEXT_GRID)]


def exclude(by, round, resident, reason="away", where="Haikou", at=NOON):
    with clock_at(at):
        actions.exclude_people(round, [ExclusionEntry(new_id(), resident, reason, where)], by=by, valid_at=at)


def test_coverage_by_grid_village_and_township(county, people):
    round = opened(county)
    sample(county, round.id, people[0], people[3])
    exclude(county, round.id, people[1])
    grids = {row.code: row.account for row in queries.coverage(round.id, by=county)}
    assert {code: (a.found, a.reasoned, a.missing) for code, a in grids.items()} == {
        GRID: (1, 1, 1), NEXT_GRID: (1, 0, 1)
    }  # fmt: skip
    assert grids[GRID].denominator == 2 and grids[GRID].share == 0.5
    for digits, unit in ((12, VILLAGE), (9, VILLAGE // 10**6 * 10**6)):
        (whole,) = queries.coverage(round.id, by=county, digits=digits)
        assert (whole.code, whole.account) == (unit, queries.accounted(round.id, by=county))


def test_a_unit_bears_the_name_it_had_on_the_day(county, people):
    with connection.cursor() as cursor:
        rows = [("Old grid", "2020-01-01", "2022-07-14"), ("New grid", "2022-07-14", None)]
        for name, begins, ends in rows:
            cursor.execute(
                "INSERT INTO territory_division (code, code_hi, level, name, pinyin, urban_rural, valid_from, valid_until,"
                " origin, source) VALUES (%s, %s, 'grid', %s, 'x', '', %s, %s, 'local', 'test')",
                [GRID, GRID, name, begins, ends],
            )
    round = opened(county)
    names = {row.code: row.name for row in queries.coverage(round.id, by=county)}
    assert names == {GRID: "New grid", NEXT_GRID: None}


def test_the_situation_can_be_looked_at_as_it_was_known(county, people):
    round = opened(county)
    sample(county, round.id, people[0], at=LATER)
    exclude(county, round.id, people[1], at=LATER + timedelta(hours=1))
    end = LATER + timedelta(hours=4)
    with clock_at(LATER + timedelta(hours=3)):
        found = [FoundEntry(make_resident(by=county, grid=ELSEWHERE).id, "visitor", GRID)]
        actions.record_found(round.id, found, by=county, valid_at=NOON)
    instants = [NOON, LATER, LATER + timedelta(hours=1), end]
    accounts = [queries.accounted(round.id, by=county, at=instant) for instant in instants]
    assert [(a.added, a.found, a.reasoned, a.missing) for a in accounts] == [
        (0, 0, 0, 5), (0, 1, 0, 4), (0, 1, 1, 3), (1, 1, 1, 4)
    ]  # fmt: skip
    assert queries.rounds(by=county, at=NOON - timedelta(minutes=1)) == []
    with clock_at(end):
        actions.close_round(round.id, by=county, valid_at=end, accepted_by=appointed(), accepted_title="township")
        assert queries.round_row(round.id, by=county).remaining == 4
        assert queries.round_row(round.id, by=county, at=LATER).closed_at is None


def test_every_count_has_its_list(county, people):
    round = opened(county)
    sample(county, round.id, *people[:2])
    exclude(county, round.id, people[2])
    account = queries.accounted(round.id, by=county)
    lists = {
        standing: [person.resident for person in queries.round_people(round.id, by=county, standing=standing)]
        for standing in ("", "sampled", "excluded", "missing")
    }
    assert [len(lists[key]) for key in lists] == [account.everybody, account.found, account.reasoned, account.missing]
    assert (set(lists["sampled"]), lists["excluded"]) == (set(people[:2]), [people[2]])
    (excluded,) = queries.round_people(round.id, by=county, standing="excluded")
    assert (excluded.reason, excluded.where) == ("away", "Haikou")
    assert [row.resident for row in queries.missing(round.id, by=county)] == lists["missing"]
    assert sum(row.missing for row in queries.missing_by_grid(round.id, by=county)) == account.missing


def test_the_missing_are_named_with_masked_phone_visits_and_who_is_responsible(county, people):
    door = make_household(by=county, grid=GRID)
    cipher = county_cipher(469021)
    phone = {"phone_cipher": cipher.seal("13800001234"), "phone_lookup": cipher.lookup("13800001234")}
    anna = make_resident(by=county, grid=GRID, household=door.id, **phone)
    seat("village", "village_committee", VILLAGE, VILLAGE + 999)
    post = seat("grid_worker", "grid worker 001", GRID, GRID)
    round = opened(county)
    actions.record_visits(
        round.id, [VisitEntry(new_id(), anna.id, "could_not", note="nobody home")], by=county, valid_at=NOON
    )
    rows = {row.resident: row for row in queries.missing(round.id, by=village_actor())}
    assert set(rows) == {*people, anna.id}
    row = rows[anna.id]
    assert (row.name, row.phone, row.household, row.visits, row.last_outcome) == (
        anna.name, "138****1234", door.id, 1, "could_not"
    )  # fmt: skip
    assert (row.post, row.post_title, row.holder) == (post, "grid worker 001", "holder of grid worker 001")
    assert {rows[person].post_title for person in people[3:]} == {"village_committee"}
    grids = queries.missing_by_grid(round.id, by=county)
    assert [(g.code, g.missing, g.everybody, g.post_title) for g in grids] == [
        (GRID, 4, 4, "grid worker 001"), (NEXT_GRID, 2, 2, "village_committee")
    ]  # fmt: skip


def seat(role, title, lo, hi):
    """A post of the community line with an account seated on it."""
    post, account = uuid.uuid4(), uuid.uuid4()
    with acting(ADMINISTRATION), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM access_role WHERE code = %s", [role])
        role = role if cursor.fetchone()[0] else "commander"
        cursor.execute(
            "INSERT INTO access_post (id, role_id, line_id, title, division_code, code_hi) VALUES (%s, %s, 'community', %s, %s, %s)",
            [post, role, title, lo, hi],
        )
        cursor.execute(
            "INSERT INTO access_account (id, username, password, title, is_active, created_at) VALUES (%s, %s, '!', %s, true, %s)",
            [account, title, f"holder of {title}", NOON],
        )
        cursor.execute(
            "INSERT INTO access_grant (id, account_id, role_id, line_id, code_lo, code_hi, valid_from, post_id, reason)"
            " VALUES (%s, %s, %s, 'community', %s, %s, %s, %s, 'test')",
            [uuid.uuid4(), account, role, lo, hi, NOON - timedelta(days=1), post],
        )
    return post


def test_a_village_sees_its_own_people_and_counts_their_samples_taken_elsewhere(county, people):
    neighbour = make_resident(by=county, grid=ELSEWHERE).id
    round = opened(county, areas=[AreaEntry(VILLAGE, VILLAGE + 999), AreaEntry(ELSEWHERE, ELSEWHERE)])
    sample(county, round.id, people[0], neighbour, code=ELSEWHERE)
    village = village_actor()
    account = queries.accounted(round.id, by=village)
    assert (account.frozen, account.found, account.missing) == (5, 1, 4)
    assert neighbour not in {person.resident for person in queries.round_people(round.id, by=village)}
    everywhere = CodeRange(0, 10**15 - 1)
    assert {p.resident for p in queries.missing(round.id, by=village, within=everywhere)} == set(people[1:])
    stranger = make_actor(*ALL, scope="469021102")
    assert queries.rounds(by=stranger) == []
    assert queries.missing(round.id, by=stranger) == []
    with pytest.raises(RoundUnknown):
        queries.round_row(round.id, by=stranger)


def test_somebody_who_moved_since_the_freeze_still_counts_where_they_were(county, people):
    round = opened(county)
    with acting(county), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE people_resident SET division_code = %(code)s, present_code = %(code)s WHERE id = %(person)s",
            {"code": ELSEWHERE, "person": people[0]},
        )
    sample(county, round.id, people[0], code=ELSEWHERE)
    assert queries.accounted(round.id, by=village_actor()).found == 1


def test_the_books_of_a_round(county, people):
    round = opened(county)
    sample(county, round.id, people[0])
    exclude(county, round.id, people[1])
    exclude(county, round.id, people[2], "deceased", "")
    books = queries.round_balance(round.id, by=county)
    assert (books.opened, books.done, books.waived, books.cancelled, books.outstanding) == (5, 1, 1, 1, 2)
    assert books.holds


def test_a_round_beside_the_next(county, people):
    first = opened(county)
    sample(county, first.id, people[0], people[3])
    second = opened(county, at=LATER)
    sample(county, second.id, people[0], people[1], at=LATER)
    with clock_at(LATER):
        rows = queries.compare_rounds(first.id, second.id, by=county)
        assert [(r.code, r.first.missing, r.second.missing, r.missing_in_both) for r in rows] == [
            (GRID, 2, 1, 1), (NEXT_GRID, 1, 2, 1)
        ]  # fmt: skip
        assert queries.missing_in_both(first.id, second.id, by=county) == [people[2], people[4]]


def test_the_next_round_is_proposed_from_the_records(county, people):
    pack = load_pack("covid19-cn-ed9")

    def propose(days):
        at = NOON + timedelta(days=days)
        with clock_at(at):
            made = queries.propose_next_round(
                by=county, incident=INCIDENT, area_code=VILLAGE, pack=pack, situation="chain_unclear"
            )
        return made.proposal.value

    assert propose(0) == "another_round"
    for day in range(4):
        at = NOON + timedelta(days=day)
        round = opened(county, at=at)
        tube = sample(county, round.id, *people, at=at)
        report(county, tube, "positive" if day == 0 else "negative", at)
        with clock_at(at):
            actions.close_round(round.id, by=county, valid_at=at)
    assert [propose(day) for day in (1, 2, 3, 6)] == ["another_round", "another_round", "wait", "final_round"]


WHAT = st.lists(st.tuples(st.sampled_from(["sample", "exclude", "find", "nothing"]), st.integers(0, 5)), max_size=10)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(what=WHAT)
def test_everybody_is_found_reasoned_or_missing_whatever_happens(what):
    county = county_actor()
    with transaction.atomic():
        people = [make_resident(by=county, grid=GRID).id for _ in range(4)]
        visitors = [make_resident(by=county, grid=ELSEWHERE).id for _ in range(2)]
        round = opened(county)
        counted, sampled, excluded = set(people), set(), set()
        for act, number in what:
            person = (people + visitors)[number]
            if act == "sample" and person not in sampled:
                sample(county, round.id, person)
                sampled.add(person)
            if act == "exclude" and person in counted - excluded:
                exclude(county, round.id, person)
                excluded.add(person)
            if act == "find" and person in visitors and person not in counted:
                actions.record_found(round.id, [FoundEntry(person, "visitor", GRID)], by=county, valid_at=NOON)
                counted.add(person)
        counted |= sampled
        actions.record_sampled_off_roster(round.id, by=county, valid_at=NOON)
        account = queries.accounted(round.id, by=county)
        assert account.holds and queries.round_balance(round.id, by=county).holds
        assert (account.frozen, account.added) == (4, len(counted) - 4)
        assert (account.found, account.reasoned) == (len(sampled), len(excluded - sampled))
        assert account.missing == len(counted - sampled - excluded)
        transaction.set_rollback(True)
