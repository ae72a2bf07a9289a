"""Opening, freezing, finding, excluding, calling back, signing off: one test for each way an action can end."""

import uuid
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from conftest import JIANGNAN, XINZHU, make_actor
from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.core.duties.queries import duties
from lianfang.core.people.rules import VisitorEntry
from lianfang.engines.protocol import PackNotInForce, load_pack
from lianfang.kit.clock import clock_at
from lianfang.kit.codes import CodeRange
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Refusal
from lianfang.response.screening import actions, queries
from lianfang.response.screening.models import Exclusion, MissingEntry, RosterEntry, Round
from lianfang.response.screening.permissions import PERMISSIONS
from lianfang.response.screening.rules import (
    AccepterUnfit,
    AreaEntry,
    ExclusionEntry,
    ExclusionUnknown,
    FoundEntry,
    PeopleRefused,
    RemainderNotAccepted,
    RosterEmpty,
    RoundAlreadyClosed,
    RoundNumberTaken,
    RoundUnknown,
    SecondPersonNeeded,
    SiteEntry,
    VisitEntry,
)
from lianfang.response.specimens.actions import correct_result
from making import appointed, make_resident
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


@pytest.fixture(autouse=True)
def noon():
    with clock_at(NOON):
        yield


@pytest.fixture
def county():
    return county_actor()


@pytest.fixture
def people(county):
    """Three in one grid, two in the next, nobody of them in a household."""
    return [make_resident(by=county, grid=grid).id for grid in (GRID, GRID, GRID, NEXT_GRID, NEXT_GRID)]


def roster(by, round):
    with acting(by):
        return dict(RosterEntry.objects.filter(county=469021, round=round).values_list("resident", "division_code"))


def exclude(by, round, *residents, reason="away", where="Haikou", at=NOON, **options):
    entries = [ExclusionEntry(new_id(), resident, reason, where) for resident in residents]
    with clock_at(at):
        actions.exclude_people(round, entries, by=by, valid_at=at, **options)
    return entries


def test_the_roster_is_who_lives_there_and_who_stays_there(county, people):
    make_resident(by=county, grid=ELSEWHERE)
    guest = make_resident(by=county, grid=ELSEWHERE, present_code=NEXT_GRID, present_since=NOON)
    away = make_resident(by=county, grid=GRID, present_code=ELSEWHERE, present_since=NOON)
    make_resident(by=county, grid=GRID, merged_into=away.id)
    round = opened(county)
    places = roster(county, round.id)
    assert set(places) == {*people, guest.id, away.id}
    assert (places[guest.id], places[away.id], round.frozen) == (NEXT_GRID, GRID, 7)


def test_target_visits_and_pools_come_from_the_pack(county, people):
    round = opened(county)
    assert round.target_at == NOON + timedelta(hours=24)
    assert round.visits_from == NOON + timedelta(hours=18)
    assert round.areas.values_list("mode", "pool").get() == ("household", 1)


def test_rounds_are_numbered_in_their_area_and_opened_once_per_id(county, people):
    first = opened(county)
    assert opened(county, id=first.id, title="again").title == "Xinzhu"
    assert [first.number, opened(county).number, opened(county, area_code=GRID).number] == [1, 2, 1]
    with pytest.raises(RoundNumberTaken, match="Round 2"):
        opened(county, number=2)
    assert Round.objects.count() == 3


def test_a_round_of_nobody_or_out_of_area_or_before_its_pack_is_refused(county, people):
    with pytest.raises(RosterEmpty, match="import the residents"):
        opened(county, areas=[AreaEntry(ELSEWHERE, ELSEWHERE)])
    with pytest.raises(NotPermitted):
        opened(village_actor(), areas=[AreaEntry(ELSEWHERE, ELSEWHERE)])
    with pytest.raises(PackNotInForce):
        opened(county, at=NOON - timedelta(days=30))
    assert Round.objects.count() == 0


def test_later_arrivals_do_not_move_a_frozen_roster(county, people):
    round = opened(county)
    make_resident(by=county, grid=GRID)
    assert set(roster(county, round.id)) == set(people)
    with acting(county), pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        RosterEntry.objects.filter(round=round.id).delete()


def test_opening_and_closing_leave_audit_rows(county, people):
    round = opened(county)
    sample(county, round.id, *people)
    actions.close_round(round.id, by=county, valid_at=NOON)
    with acting(make_actor(line="audit")), connection.cursor() as cursor:
        cursor.execute("SELECT verb, count FROM access_auditentry WHERE subject_id = %s ORDER BY seq", [round.id])
        assert cursor.fetchall() == [("screening.open_round", 5), ("screening.close_round", 5)]


def test_somebody_found_is_counted_where_they_were_found(county, people):
    round = opened(county)
    visitor = make_resident(by=county, grid=ELSEWHERE).id
    found = [FoundEntry(visitor, "visitor", NEXT_GRID)]
    receipt = actions.record_found(round.id, found, by=county, valid_at=NOON)
    assert receipt == actions.record_found(round.id, found, by=county, valid_at=NOON)
    assert receipt.people == 1
    account = queries.accounted(round.id, by=village_actor())
    assert (account.frozen, account.added, account.missing) == (5, 1, 6)
    assert {row.code: row.account.added for row in queries.coverage(round.id, by=county)} == {GRID: 0, NEXT_GRID: 1}


def test_who_is_on_the_roster_or_unknown_cannot_be_found(county, people):
    round = opened(county)
    entries = [FoundEntry(people[0], "visitor"), FoundEntry(uuid.uuid4(), "visitor")]
    with pytest.raises(PeopleRefused) as refusal:
        actions.record_found(round.id, entries, by=county, valid_at=NOON)
    assert {person.why for person in refusal.value.refused} == {"on_roster", "unknown_person"}
    assert queries.accounted(round.id, by=county).added == 0


def test_whoever_was_sampled_off_the_roster_is_added_as_found(county, people):
    round = opened(county)
    passer_by = make_resident(by=county, grid=ELSEWHERE).id
    sample(county, round.id, people[0], passer_by, code=NEXT_GRID)
    assert queries.sampled_off_roster(round.id, by=county) == [passer_by]
    assert actions.record_sampled_off_roster(round.id, by=village_actor(), valid_at=NOON) == 1
    assert actions.record_sampled_off_roster(round.id, by=village_actor(), valid_at=NOON) == 0
    assert queries.sampled_off_roster(round.id, by=county) == []
    account = queries.accounted(round.id, by=village_actor())
    assert (account.added, account.found, account.missing) == (1, 2, 4) and account.holds


def test_an_exclusion_is_kept_with_reason_and_writer(county, people):
    round, worker = opened(county), village_actor()
    (entry,) = exclude(worker, round.id, people[0])
    with acting(county):
        row = Exclusion.objects.get()
    assert (row.id, row.resident, row.division_code, row.reason, row.where) == (
        entry.id,
        people[0],
        GRID,
        "away",
        "Haikou",
    )
    assert (row.recorded_by, row.valid_at) == (worker.account_id, NOON)
    receipt = actions.exclude_people(round.id, [entry], by=worker, valid_at=NOON)
    assert (receipt.people, receipt.refused) == (1, ())


def test_exclusions_are_refused_with_a_sentence_and_good_ones_taken_if_told_so(county, people):
    round = opened(county)
    with pytest.raises(PeopleRefused, match="needs to say where"):
        exclude(county, round.id, people[0], people[1], where="")
    good, bad = ExclusionEntry(new_id(), people[0], "infant"), ExclusionEntry(new_id(), uuid.uuid4(), "infant")
    receipt = actions.exclude_people(round.id, [good, bad], by=county, valid_at=NOON, accept_good=True)
    assert (receipt.people, [person.why for person in receipt.refused]) == (1, ["not_on_roster"])
    with pytest.raises(PeopleRefused, match="stands already"):
        exclude(county, round.id, people[0], reason="medical")
    assert queries.accounted(round.id, by=county).reasoned == 1


def test_a_neighbours_people_cannot_be_excluded(county, people):
    round = opened(county, areas=[AreaEntry(VILLAGE, VILLAGE + 999), AreaEntry(ELSEWHERE, ELSEWHERE)])
    neighbour = make_actor(*ALL, scope=str(JIANGNAN))
    with pytest.raises(PeopleRefused, match="not on the round's roster in your area"):
        exclude(neighbour, round.id, people[0])
    with pytest.raises(RoundUnknown):
        exclude(make_actor(*ALL, scope="469021102"), round.id, people[0])


def test_a_second_person_confirms_or_withdraws(county, people):
    round, worker, second = opened(county), village_actor(), village_actor("village_lead")
    entries = exclude(worker, round.id, *people[:2])
    with pytest.raises(SecondPersonNeeded, match="somebody else must call back"):
        actions.record_recall(round.id, entries[0].id, by=worker, confirmed=True, valid_at=NOON)
    actions.record_recall(round.id, entries[0].id, by=second, confirmed=True, valid_at=NOON)
    assert queries.accounted(round.id, by=county).reasoned == 2
    actions.record_recall(round.id, entries[1].id, by=second, confirmed=False, valid_at=NOON, note="was at home")
    account = queries.accounted(round.id, by=county)
    assert (account.reasoned, account.missing) == (1, 4)
    with pytest.raises(ExclusionUnknown):
        actions.record_recall(round.id, entries[1].id, by=second, confirmed=True, valid_at=NOON)
    exclude(worker, round.id, people[1], reason="medical", where="")
    assert queries.accounted(round.id, by=county).reasoned == 2


def test_drawn_exclusions_are_called_back_until_none_is_left(county, people):
    round, worker = opened(county), village_actor()
    exclude(worker, round.id, *people)
    drawn = queries.recalls_to_make(round.id, by=county)
    assert 1 <= len(drawn) == queries.count_recalls_to_make(round.id, by=county)
    for recall in drawn:
        assert recall.recorded_by == worker.account_id
        actions.record_recall(round.id, recall.exclusion, by=county, confirmed=True, valid_at=NOON)
    assert queries.recalls_to_make(round.id, by=county) == []


def test_a_round_is_signed_off_with_who_remains_and_who_accepts_it(county, people):
    round, township = opened(county), appointed(scope=str(XINZHU))
    sample(county, round.id, *people[:2])
    exclude(county, round.id, people[2])
    with pytest.raises(RemainderNotAccepted, match="2 people are neither"):
        actions.close_round(round.id, by=county, valid_at=NOON)
    signed = actions.close_round(
        round.id, by=county, valid_at=NOON, accepted_by=township, accepted_title="Xinzhu township head"
    )
    assert (signed.remaining, signed.account.found, signed.account.reasoned, signed.recalls_outstanding) == (2, 2, 1, 1)
    with acting(county):
        assert set(MissingEntry.objects.values_list("resident", flat=True)) == set(people[3:])
    row = queries.round_row(round.id, by=county)
    assert (row.closed_at, row.remaining, row.accepted_title) == (NOON, 2, "Xinzhu township head")
    visits = duties(by=county, kind="round_visit")
    assert {duty.subject for duty in visits} == set(people[3:])
    assert {(duty.opens_at, duty.due_at) for duty in visits} == {(NOON, NOON + timedelta(hours=12))}


def test_whoever_accepts_the_remainder_holds_a_post_that_reaches_it(county, people):
    round = opened(county)
    sampler = appointed(role="sampler", line="testing")
    for accepter in (uuid.uuid4(), sampler, appointed(scope=str(JIANGNAN))):
        with pytest.raises(AccepterUnfit, match="name somebody who may sign this round off"):
            actions.close_round(round.id, by=county, valid_at=NOON, accepted_by=accepter, accepted_title="township")
    assert queries.round_row(round.id, by=county).closed_at is None
    village = appointed(scope=str(XINZHU), role="community")
    assert (
        actions.close_round(round.id, by=county, valid_at=NOON, accepted_by=village, accepted_title="village").remaining
        == 5
    )


def test_a_round_is_signed_off_once(county, people):
    round = opened(county)
    sample(county, round.id, *people)
    signed = actions.close_round(
        round.id, by=county, valid_at=NOON, accepted_by=uuid.uuid4(), accepted_title="nobody asked"
    )
    assert signed.remaining == 0
    assert queries.round_row(round.id, by=county).accepted_title == ""
    with pytest.raises(RoundAlreadyClosed, match="signed off with 0 people remaining"):
        actions.close_round(round.id, by=county, valid_at=NOON)
    with pytest.raises(RoundAlreadyClosed, match="next round"):
        actions.open_sites(round.id, [SiteEntry(new_id(), "hall", GRID, 2, 3)], by=county, valid_at=NOON)


def test_sign_off_counts_whoever_was_sampled_off_the_roster(county, people):
    round = opened(county)
    sample(county, round.id, *people, make_resident(by=county, grid=ELSEWHERE).id)
    account = actions.close_round(round.id, by=county, valid_at=NOON).account
    assert (account.frozen, account.added, account.found, account.holds) == (5, 1, 6, True)


def test_only_who_answers_for_the_whole_round_signs_it_off(county, people):
    make_resident(by=county, grid=ELSEWHERE)
    round = opened(county, areas=[AreaEntry(VILLAGE, VILLAGE + 999), AreaEntry(ELSEWHERE, ELSEWHERE)])
    with pytest.raises(NotPermitted, match="outside this post's area"):
        actions.close_round(round.id, by=village_actor(), valid_at=NOON)


def test_the_database_refuses_a_remainder_nobody_accepts(county, people):
    round = opened(county)
    with acting(county), pytest.raises(DatabaseError, match="round_remainder_accepted"), transaction.atomic():
        Round.objects.filter(id=round.id).update(
            closed_at=NOON, closed_recorded_at=NOON, closed_by=county.account_id, remaining=1
        )


def decide(by, decision, reason="", **fields):
    return actions.decide_next_round(
        by=by, incident=INCIDENT, area_code=VILLAGE, pack="covid19-cn-ed9", situation="chain_unclear", decision=decision,
        reason=reason, valid_at=NOON, **fields,
    )  # fmt: skip


def test_a_decision_stands_beside_what_was_proposed(county, people):
    made = decide(county, "another_round")
    assert (made.proposal, made.decision, made.reason) == ("another_round", "another_round", "")
    with pytest.raises(Refusal, match="To decide otherwise, say why"):
        decide(county, "stop")
    other = decide(county, "stop", "experts' advice of 14 July", id=new_id())
    assert (other.proposal, other.decision) == ("another_round", "stop")
    assert decide(county, "wait", "x", id=other.id).decision == "stop"


def test_sites_are_opened_once_and_measured_against_the_pack(county, people):
    round = opened(county)
    site = SiteEntry(new_id(), "village hall", GRID, 2, 3)
    for _ in range(2):
        assert actions.open_sites(round.id, [site], by=county, valid_at=NOON) == 1
    plan = queries.site_plan(round.id, by=county, pack=load_pack("covid19-cn-ed9"))
    assert (plan.population, plan.sites, plan.tables, plan.samplers) == (5, 1, 2, 3)
    assert (plan.needed.sites, plan.needed.tables, plan.needed.samplers) == (1, 1, 1)


def test_each_action_asks_for_its_permission(county, people):
    round = opened(county)
    nobody = uuid.uuid4()
    attempts = {
        "open_round": lambda by: opened(by),
        "close_round": lambda by: actions.close_round(round.id, by=by, valid_at=NOON),
        "decide_round": lambda by: decide(by, "another_round"),
        "open_sites": lambda by: actions.open_sites(
            round.id, [SiteEntry(new_id(), "hall", GRID, 1, 1)], by=by, valid_at=NOON
        ),
        "record_found": lambda by: actions.record_found(round.id, [], by=by, valid_at=NOON),
        "exclude_people": lambda by: exclude(by, round.id, people[0]),
        "recall_exclusions": lambda by: actions.record_recall(round.id, nobody, by=by, confirmed=True, valid_at=NOON),
        "order_visits": lambda by: actions.order_visits(round.id, by=by, within=CodeRange(GRID, GRID), valid_at=NOON),
        "record_visits": lambda by: actions.record_visits(
            round.id, [VisitEntry(new_id(), people[0], "could_not", note="x")], by=by, valid_at=NOON
        ),
        "read_rounds": lambda by: queries.missing(round.id, by=by),
        "print_sheets": lambda by: actions.print_sheets(round.id, by=by, within=CodeRange(GRID, GRID), valid_at=NOON),
        "type_in_sheets": lambda by: actions.type_in_sheet(nobody, [], by=by, total=0, valid_at=NOON),
        "look_up": lambda by: queries.find_at_table(round.id, by=by, resident=nobody),
        "register_walk_in": lambda by: actions.register_walk_in(
            round.id, VisitorEntry(nobody, "x", "none"), by=by, division_code=GRID, reason="visitor", valid_at=NOON
        ),
    }
    assert {f"screening.{name}" for name in attempts} == set(PERMISSIONS)
    for name, attempt in attempts.items():
        with pytest.raises(NotPermitted, match=f"screening.{name}"):
            attempt(make_actor(*(set(ALL) - {f"screening.{name}"})))


def test_too_little_material_makes_a_person_missing_until_sampled_again(county, people):
    round = opened(county)
    report(county, sample(county, round.id, *people), "insufficient", NOON + timedelta(hours=1))
    with clock_at(NOON + timedelta(hours=2)):
        assert queries.accounted(round.id, by=county).missing == 5
        assert queries.accounted(round.id, by=county, at=NOON).missing == 0
    sample(county, round.id, people[0], at=NOON + timedelta(hours=2))
    with clock_at(NOON + timedelta(hours=3)):
        assert queries.accounted(round.id, by=county).found == 1


def test_whose_first_sample_proves_usable_after_all_is_counted_once(county, people):
    round = opened(county)
    tube = sample(county, round.id, people[0])
    report(county, tube, "insufficient")
    sample(county, round.id, people[0])
    correct_result(
        tube.id,
        by=county,
        value="negative",
        lab="county hospital",
        reason="tested again",
        tested_at=NOON,
        valid_at=NOON,
    )
    account = queries.accounted(round.id, by=county)
    assert (account.found, account.missing, account.everybody) == (1, 4, 5)
