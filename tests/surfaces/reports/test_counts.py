"""Every count is the length (or the measure) of its list, asks only what its rooms allow, and moves with its records."""

import uuid
from datetime import timedelta

import pytest

from conftest import JIANGNAN, XINZHU, make_actor
from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.core.duties.queries import balance
from lianfang.core.people.models import Resident
from lianfang.kit.clock import clock_at, local
from lianfang.kit.codes import CodeRange
from lianfang.kit.ids import new_id
from lianfang.response.cases import actions as cases
from lianfang.response.cases.rules import NewContact
from lianfang.response.checkpoints import actions as checkpoints
from lianfang.response.checkpoints.rules import NewPassage
from lianfang.response.quarantine import actions as quarantine
from lianfang.response.quarantine.rules import NewOrder
from lianfang.response.screening import actions as screening
from lianfang.response.screening.rules import ExclusionEntry, FoundEntry
from lianfang.response.workforce import actions as workforce
from lianfang.response.workforce.rules import (
    CheckIn,
    CheckOut,
    Crew,
    NewAttendance,
    NewDeployment,
    NewShift,
    NewTeam,
)
from lianfang.surfaces.reports.counts import COUNTS, counted
from lianfang.surfaces.reports.figures import FIGURES
from lianfang.surfaces.reports.permissions import READ_REPORTS
from lianfang.surfaces.reports.queries import situation
from lianfang.surfaces.reports.rules import CountRefused, CountUnknown
from making import appointed, make_resident
from surfaces.reports.report_making import (
    COUNTY,
    ED9,
    EVERYTHING,
    GRID,
    INCIDENT,
    MORNING,
    OTHER_VILLAGE,
    VILLAGE,
    make_case,
    make_county,
    open_round,
    people_of,
    sample,
)

pytestmark = pytest.mark.django_db

NOON = local("2022-07-14 12:00")
CORRECTED = local("2022-07-14 12:59")
NIGHT = local("2022-07-14 22:00")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def county():
    return make_county()


@pytest.fixture(autouse=True)
def night():
    with clock_at(NIGHT):
        yield


def ask(by, code, at=None, **asked):
    """The value of a count, after checking that its list is as long as it says, read whole and page by page."""
    found = counted(code, by=by, at=at, **asked)
    rows = found.rows()
    assert len(rows) == found.total
    assert [row for start in range(0, found.total, 2) for row in found.read(2, start)] == rows
    assert all(len(row) == len(found.columns) for row in rows)
    return found.value


def texts(by, code, column, **asked):
    found = counted(code, by=by, **asked)
    return [row[column].value for row in found.rows()]


# ------------------------------------------------------------------------------------------------------- cases


def correct(by, case, at=CORRECTED):
    with clock_at(at + HOUR):
        cases.classify_case(by=by, case=case.id, class_code="confirmed_case", severity="mild", reason="CT", valid_at=at)


def test_a_class_is_counted_when_it_began_and_a_correction_to_the_minute(county):
    correct(county, make_case(county))
    make_case(county, at=local("2022-07-14 20:00"))
    thirteenth = {"since": "2022-07-13", "until": "2022-07-14"}
    assert ask(county, "cases_classified", class_code="asymptomatic_case", **thirteenth) == 1
    assert ask(county, "cases_classified", class_code="confirmed_case", **thirteenth) == 0
    fourteenth = {"since": "2022-07-14", "until": "2022-07-15"}
    assert ask(county, "cases_classified", class_code="confirmed_case", severity="mild", **fourteenth) == 1
    assert ask(county, "cases_classified", class_code="confirmed_case", severity="severe", **fourteenth) == 0
    assert ask(county, "case_reclassified", to="confirmed_case", severity="mild") == CORRECTED
    assert ask(county, "case_reclassified", to="suspected_case") is None
    # before it was entered nobody knew
    assert ask(county, "case_reclassified", at=CORRECTED) is None


def test_new_cases_are_those_known_in_the_period(county):
    make_case(county)
    make_case(county, at=NOON, detected_by="quarantine")
    assert ask(county, "new_cases") == 2
    assert ask(county, "new_cases", since="2022-07-14", until="2022-07-15") == 1
    assert ask(county, "community_new_cases") == 1
    assert ask(county, "community_new_cases", since="2022-07-14", until="2022-07-26") == 0
    assert ask(county, "new_cases", at=NOON - HOUR) == 1


# --------------------------------------------------------------------------------------------------- screening


def close(by, round, at):
    with clock_at(at):
        screening.close_round(round.id, by=by, valid_at=at, accepted_by=appointed(by), accepted_title="village head")


def test_everybody_is_found_reasoned_missing_or_shown_as_unaccounted(county):
    people = [make_resident(by=county, grid=GRID).id for _ in range(5)]
    round = open_round(county)
    sample(county, round.id, *people[:2])
    with clock_at(NOON):
        away = ExclusionEntry(new_id(), people[2], "away", "Haikou")
        screening.exclude_people(round.id, [away], by=county, valid_at=NOON)

    def standing(name, **asked):
        return ask(county, "people_accounted", standing=name, **asked)

    assert [standing(name) for name in ("found", "reasoned", "missing", "unaccounted")] == [2, 1, 2, 0]
    assert ask(county, "missing", since=NOON - HOUR, until=NIGHT) == 2
    assert standing("missing", round=str(round.id), place=VILLAGE) == 2
    assert standing("missing", place=OTHER_VILLAGE) == 0
    # somebody of the register whom the roster does not know is seen, whatever the roster's own groups add up to
    stranger = make_resident(by=county, grid=GRID).id
    assert standing("unaccounted") == 1
    with acting(county):
        Resident.objects.filter(id=stranger).delete()
    assert standing("unaccounted") == 0


def test_whoever_was_found_is_accounted_for_from_then_on(county):
    make_resident(by=county, grid=GRID)
    round = open_round(county)
    guest = make_resident(by=county, grid=GRID).id
    with clock_at(NIGHT - HOUR):
        screening.record_found(round.id, [FoundEntry(guest, "visitor", GRID)], by=county, valid_at=NIGHT - HOUR)
    assert ask(county, "people_accounted", standing="unaccounted", at=NIGHT - 2 * HOUR) == 1
    assert ask(county, "people_accounted", standing="unaccounted") == 0
    assert ask(county, "people_accounted", standing="missing") == 2


def test_people_of_several_rounds_are_listed_across_pages(county):
    for _ in range(3):
        make_resident(by=county, grid=GRID)
    open_round(county)
    open_round(county)
    assert ask(county, "people_accounted", standing="missing") == 6


def test_only_rounds_signed_off_by_then_count(county):
    make_resident(by=county, grid=GRID)
    make_resident(by=county, grid=OTHER_VILLAGE + 1)
    first, _ = open_round(county), open_round(county, village=OTHER_VILLAGE)
    assert ask(county, "screening_rounds_closed", place=VILLAGE) == 0
    close(county, first, NOON + 2 * HOUR)
    assert ask(county, "screening_rounds_closed", place=VILLAGE) == 1
    assert ask(county, "screening_rounds_closed") == 1
    assert ask(county, "screening_rounds_closed", place=OTHER_VILLAGE) == 0
    assert ask(county, "screening_rounds_closed", place=VILLAGE, until=(NOON + HOUR).isoformat()) == 0
    assert ask(county, "screening_rounds_closed", at=NOON + HOUR) == 0


# --------------------------------------------------------------------------------------------------- workforce


def deploy(by, people, at=NOON, until=None):
    sent = [NewDeployment(one, VILLAGE, "support", "community", until) for one in people]
    workforce.deploy(by=by, deployments=sent, reason="outbreak", authority="county HQ", valid_at=at)


def test_supporting_organisations_and_staff_are_counted_once_each(county):
    helpers = [person for name in ("一村", "二村") for person in people_of(county, name, 2)]
    deploy(county, helpers, until=NOON + HOUR)
    deploy(county, helpers[:1], at=NOON + 2 * HOUR)
    deploy(county, people_of(county, "县教育局", 3, "cadre", "department", COUNTY))
    assert ask(county, "supporting_organisations", place=VILLAGE) == 2
    assert ask(county, "supporting_organisations", place=VILLAGE, organisation_kinds=["department"]) == 1
    assert ask(county, "supporting_organisations", place=OTHER_VILLAGE) == 0
    assert ask(county, "deployed_staff") == 7
    assert ask(county, "deployed_staff", responder_kinds=["village_cadre"]) == 4
    assert ask(county, "deployed_staff", since=(NOON + 2 * HOUR).isoformat()) == 4
    assert sorted(texts(county, "supporting_organisations", 0, place=VILLAGE)) == ["一村", "二村"]


def test_party_branches_of_a_place(county):
    for number, code in enumerate((VILLAGE, VILLAGE, OTHER_VILLAGE)):
        [leader] = people_of(county, f"{number}村", 1, code=code)
        team = NewTeam("party_branch", f"第{number}党支部", code, leader)
        workforce.form_teams(by=county, teams=[team], valid_at=NOON)
    assert ask(county, "party_branches") == 3
    assert ask(county, "party_branches", place=VILLAGE) == 2
    assert ask(county, "party_branches", at=NOON - HOUR) == 0


def test_volunteers_are_counted_by_times_not_by_heads(county):
    people = people_of(county, "志愿服务队", 2, "student", "social_organisation")
    times = [
        NewAttendance(person, VILLAGE, "testing", at, at + HOUR) for person in people for at in (NOON, NOON + 3 * HOUR)
    ]
    staff = people_of(county, "一村", 1)
    workforce.record_attendance(
        by=county, attendances=[*times, NewAttendance(staff[0], VILLAGE, "testing", NOON)], valid_at=NOON
    )
    assert ask(county, "volunteer_person_times") == 4
    assert ask(county, "volunteer_person_times", since="2022-07-14T14:00") == 2
    assert ask(county, "volunteer_person_times", place=OTHER_VILLAGE) == 0


def open_gate(by, name, at):
    with clock_at(at):
        return checkpoints.open_checkpoint(
            by=by, incident=INCIDENT, name=name, division_code=VILLAGE, road="村道", emergency_lane="东侧",
            reason="high-risk zone", authority="县指挥部", appeal_to="县信访局", ends_at=at + 14 * DAY, lon=110.4, lat=19.6,
            valid_at=at,
        )  # fmt: skip


def staff(by, gate, people, since, shifts, absent=()):
    """Eight-hour shifts from an instant on, each manned by the next of these people; ``absent``: numbers of shifts."""
    for number in range(shifts):
        starts = since + number * 8 * HOUR
        crew = Crew(people[number % len(people)])
        shift = NewShift(
            "checkpoint", gate.id, f"班次{number}", VILLAGE, starts, starts + 8 * HOUR, "township", crews=(crew,)
        )
        with clock_at(since):
            workforce.plan_shifts(by=by, shifts=[shift], valid_at=since)
        if number not in absent:
            with clock_at(starts + 8 * HOUR):
                workforce.check_in(by=by, checks=[CheckIn(crew.id, starts)], valid_at=starts)
                workforce.check_out(by=by, checks=[CheckOut(crew.id, starts + 8 * HOUR)], valid_at=starts)


def test_only_checkpoints_without_any_gap_for_a_day_are_staffed_round_the_clock(county):
    opened = local("2022-07-13 09:00")
    people = people_of(county, "县公安局", 12, "police", "police_station", COUNTY)
    whole, gap, late = (open_gate(county, name, at) for name, at in (("1号", opened), ("2号", opened), ("3号", NOON)))
    staff(county, whole, people[:4], opened, 4)
    staff(county, gap, people[4:8], opened, 4, absent={2})
    staff(county, late, people[8:], NOON, 1)
    period = {"since": "2022-07-13", "until": "2022-07-14T16:00"}
    assert texts(county, "checkpoints_staffed_round_the_clock", 0, **period) == ["1号"]
    assert ask(county, "checkpoints_staffed_round_the_clock", **period) == 1
    assert ask(county, "checkpoints_staffed_round_the_clock", place=OTHER_VILLAGE, **period) == 0
    assert ask(county, "checkpoints_staffed_round_the_clock", since="2022-07-13", until="2022-07-15") == 0


# ------------------------------------------------------------------------------------------ ledger and daily figures


def test_the_books_add_up_in_the_list(county):
    make_case(county)
    make_case(county, grid=OTHER_VILLAGE + 1)
    books = balance(by=county)
    assert ask(county, "ledger_balance", part="opened") == books.opened > 0
    assert ask(county, "ledger_balance", part="outstanding") == books.outstanding
    opened = texts(county, "ledger_balance", 2)
    assert sum(opened) == books.opened
    assert 0 < ask(county, "ledger_balance", place=VILLAGE) < books.outstanding
    assert ask(county, "ledger_balance", kind="core_info") == 2
    assert ask(county, "ledger_balance", at=MORNING - HOUR) == 0


def fill(by):
    """One record at least for every figure of a daily report."""
    case = make_case(by, at=NOON)
    correct(by, case)
    make_case(by, at=NOON, class_code="suspected_case")
    make_case(by, at=NOON)
    positive = make_resident(by=by, grid=GRID).id
    met = [make_resident(by=by, grid=GRID).id for _ in range(2)]
    with clock_at(NOON):
        cases.report_positive(by=by, incident=INCIDENT, resident=positive, protocol=ED9, detected_by="fever_clinic", valid_at=NOON)  # fmt: skip
        close_contact = NewContact(met[0], "close_contact", MORNING, case=case.id)
        secondary = NewContact(met[1], "secondary_contact", MORNING, via=close_contact.id)
        for contact in (close_contact, secondary):
            cases.determine_contacts(
                by=by, incident=INCIDENT, protocol=ED9, division_code=VILLAGE, contacts=[contact], valid_at=NOON
            )
        words = {"reason": "met a case", "authority": "county HQ", "appeal_to": "the duty desk"}
        orders = [
            NewOrder(met[0], "close_contact", last_exposure_at=MORNING, place="hotel", site_code=GRID + 1, dependants=False, **words),
            NewOrder(met[1], "secondary_contact", last_exposure_at=MORNING, **words),
        ]  # fmt: skip
        quarantine.issue_orders(by=by, incident=INCIDENT, protocol=ED9, orders=orders, valid_at=NOON)
        quarantine.start_orders(by=by, orders=[order.id for order in orders], valid_at=NOON)
        crew = people_of(by, "县公安局", 1, "police", "police_station", COUNTY)
        workforce.record_attendance(
            by=by, attendances=[NewAttendance(crew[0], VILLAGE, "security", NOON)], valid_at=NOON
        )
    gate = open_gate(by, "1号", NOON)
    with clock_at(NOON + HOUR):
        passage = NewPassage(gate.id, NOON + HOUR, "in", "visit", people=3)
        checkpoints.record_passages(by=by, passages=[passage], valid_at=NOON + HOUR)
    sample(by, open_round(by).id, positive)


def test_every_daily_figure_counts_its_records_and_opens_its_list(county):
    fill(county)
    figures = {one.code: one.value for one in situation(by=county, since=NOON - HOUR)}
    assert [code for code, value in figures.items() if not value] == []
    assert figures == {one.code: ask(county, one.code, since=NOON - HOUR) for one in FIGURES}
    assert (figures["people_screened_at_checkpoints"], figures["in_quarantine"]) == (3, 2)
    # nobody outside sees any of it
    outside = make_actor(*EVERYTHING, scope=str(JIANGNAN))
    assert {one.value for one in situation(by=outside, since=NOON - HOUR)} == {0}
    # nor did anybody the day before
    assert {one.value for one in situation(by=county, at=MORNING - HOUR)} == {0}


# ---------------------------------------------------------------------------------------------- what cannot be asked


def test_a_list_asks_for_its_rooms_own_permission(county):
    make_case(county)
    reader = make_actor(READ_REPORTS)
    needed = {"class_code": "confirmed_case", "place": VILLAGE, "standing": "missing"}
    answered = set()
    for code, count in COUNTS.items():
        asked = {name: value for name, value in needed.items() if name in count.params.model_fields}
        try:
            ask(reader, code, **asked)
        except NotPermitted:
            continue
        answered.add(code)
    # rounds name nobody, and their room shows them to all
    assert answered == {"screening_rounds_closed"}


def test_a_place_outside_ones_area_is_refused(county):
    village = make_actor(*EVERYTHING, scope=str(XINZHU))
    make_case(county)
    assert ask(village, "new_cases", place=VILLAGE) == 1
    for code in (OTHER_VILLAGE, COUNTY):
        with pytest.raises(NotPermitted):
            ask(village, "new_cases", place=code)
        with pytest.raises(NotPermitted):
            ask(village, "supporting_organisations", place=code)
    half = make_actor(*EVERYTHING, scope=CodeRange(VILLAGE, VILLAGE + 1))
    with pytest.raises(NotPermitted):
        ask(half, "new_cases", place=VILLAGE)


@pytest.mark.parametrize(
    ("code", "asked", "says"),
    [
        ("new_cases", {"place": 469021199}, "place: no division 469021199"),
        ("new_cases", {"until": "soon"}, "until: Input should be a valid datetime"),
        ("cases_classified", {}, "class_code: Field required"),
        ("people_accounted", {"standing": "lost"}, "standing: Input should be"),
        ("party_branches", {"colour": "red"}, "colour: Extra inputs are not permitted"),
    ],
)
def test_what_a_count_cannot_be_asked_is_said(county, code, asked, says):
    with pytest.raises(CountRefused, match=says):
        ask(county, code, **asked)


def test_a_count_that_is_not_there(county):
    with pytest.raises(CountUnknown, match=r"Known: .*ledger_balance"):
        ask(county, "rumours")


def test_ids_of_rounds_out_of_sight_count_nobody(county):
    assert ask(county, "people_accounted", standing="missing", round=str(uuid.uuid4())) == 0
