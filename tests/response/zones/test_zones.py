"""Zones of Ding'an: needs before sealing, daily conditions, a person's decisions, levels and people at any instant."""

import uuid
from datetime import date, timedelta

import pytest
from django.db import DatabaseError, connection, connections, transaction

from conftest import DINGAN, JIANGNAN, XINZHU, make_actor
from lianfang.core.access.commands import Envelope, apply_command
from lianfang.core.access.rules import NotPermitted
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import declare_kinds
from lianfang.core.duties.queries import balance, duties, ledger_disagreements
from lianfang.core.people.models import VULNERABILITIES, Vulnerability
from lianfang.core.territory.models import Building
from lianfang.engines.protocol import ZoneScreen
from lianfang.kit.clock import clock_at, local
from lianfang.response.zones import actions, queries
from lianfang.response.zones.duties import KINDS
from lianfang.response.zones.permissions import PERMISSIONS
from lianfang.response.zones.rules import (
    MEDICAL,
    AnotherAuthority,
    ConditionsMet,
    EgressBlocked,
    NewArea,
    SealingWithoutCheck,
    ZoneNotFound,
    ZoneRefused,
)
from lianfang.response.zones.schemas import COMMANDS
from making import make_household, make_resident

pytestmark = pytest.mark.django_db

VILLAGE = NewArea(XINZHU * 1000, XINZHU * 1000 + 999)
COUNTY = NewArea(DINGAN * 10**9, DINGAN * 10**9 + 10**9 - 1)
GRID = XINZHU * 1000 + 1
DRAWN = local("2022-07-13 10:00")
END = local("2022-07-21")
INCIDENT = uuid.UUID(int=9)
WORDS = {"reason": "home of case 1", "authority": "county HQ", "appeal_to": "county duty desk"}
CLEAN = (ZoneScreen(date(2022, 7, 20)),)


@pytest.fixture(autouse=True, scope="module")
def kinds(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        declare_kinds(KINDS)


@pytest.fixture
def hq():
    return make_actor(*PERMISSIONS, "duties.read_duties")


def check(by, zone, areas=(VILLAGE,), at=DRAWN, **fields):
    with clock_at(at):
        return actions.check_zone(
            by=by, zone=zone, areas=areas, valid_at=at, **{"egress": {}, "medical_plan": "car on call"} | fields
        )


def draw(by, level="high_risk", areas=(VILLAGE,), at=DRAWN, checked=True, **fields):
    id = fields.pop("id", None) or uuid.uuid4()
    if checked and level != "low_risk":
        check(by, id, areas, at)
    given = {"incident": INCIDENT, "name": f"{level} zone", "protocol": "covid19-cn-ed9", **WORDS} | fields
    with clock_at(at):
        return actions.draw_zone(by=by, id=id, level=level, areas=areas, valid_at=at, **given)


def review(by, zone, at, **facts):
    with clock_at(at):
        return actions.review_zone(by=by, zone=zone.id, valid_at=at, **facts)


def decide(by, zone, level, at, **fields):
    with clock_at(at):
        return actions.decide_zone(
            by=by, zone=zone.id, level=level, valid_at=at, **{"reason": "seen", "authority": "county HQ"} | fields
        )


def due(by, kind, state="outstanding"):
    return [(duty.period, duty.opens_at, duty.due_at) for duty in duties(by=by, kind=kind, state=state)]


def building(by, egress_clear=None):
    checked_on = None if egress_clear is None else date(2022, 7, 1)
    return Building.objects.create(
        division_code=GRID, kind="residential", name="block 3", egress_clear=egress_clear, egress_checked_on=checked_on
    )


def test_nobody_is_shut_in_before_somebody_has_looked(hq):
    with pytest.raises(SealingWithoutCheck, match="or seal as an emergency"):
        draw(hq, checked=False)
    assert queries.zones(by=hq, at=DRAWN, known_at=DRAWN) == []
    assert draw(hq, checked=True).ends_at == END


def test_an_emergency_seals_and_owes_the_check_within_hours(hq):
    zone = draw(hq, checked=False, emergency="spread in the stairwell")
    assert due(hq, "zone_needs_check") == [("once", DRAWN, DRAWN + timedelta(hours=6))]
    assert queries.zones(by=hq, at=DRAWN, known_at=DRAWN)[0].check_owed
    later = DRAWN + timedelta(hours=2)
    check(hq, zone.id, at=later)
    assert due(hq, "zone_needs_check") == []
    assert len(due(hq, "zone_needs_check", "done")) == 1
    assert not queries.zones(by=hq, at=later, known_at=later)[0].check_owed


def test_a_check_counts_vulnerable_people_and_wants_a_plan_for_the_medical_ones(hq):
    resident = make_resident(by=hq, grid=GRID)
    with acting(hq):
        for kind in ("dialysis", "lives_alone_70"):
            Vulnerability.objects.create(
                county=DINGAN, resident=resident.id, division_code=GRID, kind=kind, since="2022-07-01"
            )
    with pytest.raises(ZoneRefused, match="1 residents here have medical needs"):
        check(hq, uuid.uuid4(), medical_plan="")
    made = check(hq, uuid.uuid4())
    assert (made.vulnerable, made.medical) == (1, 1)
    assert set(MEDICAL) <= set(VULNERABILITIES)


def test_every_building_is_looked_at_and_a_blocked_way_out_is_never_sealed(hq):
    block = building(hq)
    zone = uuid.uuid4()
    with pytest.raises(ZoneRefused, match="1 of 1 buildings"):
        check(hq, zone)
    check(hq, zone, egress={block.id: False})
    with pytest.raises(EgressBlocked, match="block 3"):
        draw(hq, id=zone, checked=False, emergency="fast spread")
    check(hq, zone, at=DRAWN + timedelta(minutes=5), egress={block.id: True})
    assert draw(hq, id=zone, checked=False, at=DRAWN + timedelta(minutes=6)).check_due_at is None


def test_a_way_out_known_to_be_blocked_stops_an_emergency_too(hq):
    building(hq, egress_clear=False)
    with pytest.raises(EgressBlocked):
        draw(hq, checked=False, emergency="fast spread")


def test_drawing_is_audited_repeatable_and_refused_outside_the_area(hq):
    zone = draw(hq)
    assert draw(hq, id=zone.id, checked=False) == zone
    with acting(make_actor(line="audit")), connection.cursor() as cursor:
        cursor.execute("SELECT verb FROM access_auditentry WHERE account_id = %s ORDER BY seq", [hq.account_id])
        assert [row[0] for row in cursor.fetchall()] == ["zones.check_zone", "zones.drawn_zone"]
    village = make_actor(*PERMISSIONS, scope=str(JIANGNAN))
    with pytest.raises(NotPermitted, match="outside this post's area"):
        draw(village, checked=False)
    with pytest.raises(ZoneRefused, match="Fill in reason"):
        draw(hq, reason=" ")


def test_each_day_the_conditions_are_looked_at(hq):
    zone = draw(hq)
    day = local("2022-07-15 09:00")
    with clock_at(day):
        actions.roll_zones(by=hq, county=DINGAN, valid_at=day)
    assert [row[0] for row in due(hq, "zone_review")] == ["2022-07-14", "2022-07-15"]
    decision = review(hq, zone, day, last_new_on=date(2022, 7, 13))
    assert not decision.may_change
    assert [row[0] for row in due(hq, "zone_review", "done")] == ["2022-07-15"]
    row = queries.zones(by=hq, at=day, known_at=day)[0]
    assert (row.proposed_on, row.may_change) == (date(2022, 7, 15), False)


def test_a_review_made_before_the_days_roll_counts_all_the_same(hq):
    zone = draw(hq)
    day = local("2022-07-15 09:00")
    review(hq, zone, day)
    with clock_at(day):
        assert actions.roll_zones(by=hq, county=DINGAN, valid_at=day).astuple() == (0, 0, 0, 0, 0)
    assert [row[0] for row in due(hq, "zone_review", "done")] == ["2022-07-15"]


def test_the_protocol_proposes_and_a_person_steps_down_then_lifts(hq):
    zone = draw(hq)
    day8 = local("2022-07-20 12:00")
    decision = review(hq, zone, day8, last_new_on=date(2022, 7, 13), screens=CLEAN)
    assert (decision.may_change, decision.next_level) == (True, "medium_risk")
    assert queries.level_at(by=hq, code=GRID, at=day8, known_at=day8).level == "high_risk"
    stepped = decide(hq, zone, "medium_risk", day8)
    assert (stepped.stepped_down_from, stepped.ends_at) == ("high_risk", local("2022-07-24"))
    assert queries.level_at(by=hq, code=GRID, at=day8, known_at=day8).level == "medium_risk"
    day11 = local("2022-07-23 12:00")
    decision = review(hq, stepped, day11, last_new_on=date(2022, 7, 13))
    assert [condition.satisfied for condition in decision.conditions] == [True, True]
    decide(hq, zone, None, day11)
    assert queries.level_at(by=hq, code=GRID, at=day11, known_at=day11) is None
    history = queries.zone_history(by=hq, zone=zone.id)
    assert [(entry.decision, entry.from_level, entry.to_level) for entry in history] == [
        ("drawn", "", "high_risk"), ("stepped_down", "high_risk", "medium_risk"), ("lifted", "medium_risk", ""),
    ]  # fmt: skip
    assert history[1].conditions[0]["satisfied"] is True
    assert due(hq, "zone_review") == []
    assert len(due(hq, "zone_end_decision", "done")) == 2
    assert balance(by=hq).holds and ledger_disagreements(by=hq) == []


def test_a_zone_ends_unless_renewed_and_somebody_is_told_before(hq):
    zone = draw(hq)
    last_day = local("2022-07-20 09:00")
    with clock_at(last_day):
        actions.roll_zones(by=hq, county=DINGAN, valid_at=last_day)
    assert [row[1:] for row in due(hq, "zone_end_decision")] == [(local("2022-07-20"), END)]
    seen = {"known_at": END}
    assert queries.level_at(by=hq, code=GRID, at=END - timedelta(minutes=1), **seen) is not None
    assert queries.level_at(by=hq, code=GRID, at=END, **seen) is None
    with pytest.raises(ZoneRefused, match="nobody renewed it in time"):
        decide(hq, zone, "high_risk", END)
    renewed = decide(hq, zone, "high_risk", last_day, reason="new case on 19 July")
    assert renewed.ends_at == local("2022-07-28")
    assert queries.level_at(by=hq, code=GRID, at=END, known_at=END).level == "high_risk"
    assert due(hq, "zone_end_decision") == []


def test_a_zone_whose_conditions_are_met_is_not_prolonged(hq):
    zone = draw(hq)
    day8 = local("2022-07-20 12:00")
    review(hq, zone, day8, last_new_on=date(2022, 7, 13), screens=CLEAN)
    with pytest.raises(ConditionsMet, match="2022-07-20"):
        decide(hq, zone, "high_risk", day8)


def test_only_the_authority_that_ordered_a_zone_eases_it_and_says_why(hq):
    zone = draw(hq)
    with pytest.raises(AnotherAuthority, match="county HQ"):
        decide(hq, zone, None, DRAWN, authority="Xinzhu town")
    with pytest.raises(ZoneRefused, match="reason and an authority"):
        decide(hq, zone, None, DRAWN, reason="")
    decide(hq, zone, None, DRAWN)
    with pytest.raises(ZoneRefused, match="was lifted"):
        decide(hq, zone, "high_risk", DRAWN)
    with pytest.raises(ZoneNotFound):
        actions.decide_zone(by=hq, zone=uuid.uuid4(), level=None, reason="x", authority="y", valid_at=DRAWN)


def test_raising_a_level_that_shuts_people_in_needs_the_check_too(hq):
    low = draw(hq, "low_risk", areas=(VILLAGE,))
    with pytest.raises(SealingWithoutCheck):
        decide(hq, low, "high_risk", DRAWN)
    check(hq, low.id)
    assert decide(hq, low, "high_risk", DRAWN).level == "high_risk"


def test_the_rest_of_the_county_waits_for_the_stricter_zones(hq):
    high = draw(hq)
    low = draw(hq, "low_risk", areas=(COUNTY,))
    later = DRAWN + timedelta(hours=1)
    assert not review(hq, low, later).may_change
    decide(hq, high, None, later)
    assert review(hq, low, later + timedelta(hours=1)).may_change


def test_everybody_counts_in_the_strictest_zone_they_are_in(hq):
    house = make_household(by=hq, grid=JIANGNAN * 1000 + 1)
    block = uuid.uuid4()
    with acting(hq):
        type(house).objects.filter(id=house.id).update(building=block)
    inside = [make_resident(by=hq, grid=GRID) for _ in range(3)]
    in_block = make_resident(by=hq, grid=house.division_code, household=house.id)
    next_door = make_resident(by=hq, grid=house.division_code)
    draw(hq, areas=(VILLAGE, NewArea(house.division_code, house.division_code, block)))
    low = draw(hq, "low_risk", areas=(COUNTY,))
    at = {"at": DRAWN, "known_at": DRAWN}
    assert [(row.level, row.residents) for row in queries.zones(by=hq, **at)] == [("high_risk", 4), ("low_risk", 1)]
    high = queries.zones(by=hq, **at)[0]
    with clock_at(DRAWN):
        listed = {row.id for row in queries.zone_residents(by=hq, zone=high.id)}
        assert [row.id for row in queries.zone_residents(by=hq, zone=low.id)] == [next_door.id]
    assert listed == {resident.id for resident in [*inside, in_block]}
    code = house.division_code
    assert queries.level_at(by=hq, code=code, building=block, **at).level == "high_risk"
    assert queries.level_at(by=hq, code=code, **at).level == "low_risk"
    village = make_actor(*PERMISSIONS, scope=str(XINZHU))
    assert [row.residents for row in queries.zones(by=village, **at)] == [3, 0]


def test_a_decision_typed_in_late_is_known_from_then_on(hq):
    zone = draw(hq)
    valid, recorded = local("2022-07-15 08:00"), local("2022-07-16 08:00")
    with clock_at(recorded):
        actions.decide_zone(by=hq, zone=zone.id, level="medium_risk", reason="x", authority="county HQ", valid_at=valid)
    noon = local("2022-07-15 12:00")
    assert queries.level_at(by=hq, code=GRID, at=noon, known_at=noon).level == "high_risk"
    assert queries.level_at(by=hq, code=GRID, at=noon, known_at=recorded).level == "medium_risk"


def test_decisions_of_one_instant_keep_their_order_and_none_goes_before_a_later_one(hq):
    zone = draw(hq)
    decide(hq, zone, "medium_risk", DRAWN)
    assert queries.level_at(by=hq, code=GRID, at=DRAWN, known_at=DRAWN + timedelta(seconds=1)).level == "medium_risk"
    with pytest.raises(ZoneRefused, match="later decision"):
        decide(hq, zone, None, DRAWN - timedelta(minutes=1))


@pytest.mark.parametrize("table", ["zonehistory", "zonecheck", "zonecondition", "zonearea", "buildingcheck"])
def test_the_history_of_zones_cannot_be_rewritten(hq, table):
    with acting(hq), pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        with connections["default"].cursor() as cursor:
            cursor.execute(f"DELETE FROM zones_{table}")


def test_commands_call_the_actions(hq):
    area = {"code_lo": VILLAGE.code_lo, "code_hi": VILLAGE.code_hi}
    zone = str(uuid.uuid4())
    sent = [
        ("check_zone", {"zone": zone, "areas": [area]}),
        ("draw_zone", {"id": zone, "incident": str(INCIDENT), "name": "Xinzhu", "level": "high_risk",
                       "protocol": "covid19-cn-ed9", "areas": [area], **WORDS}),
        ("review_zone", {"zone": zone, "screens": [{"completed_on": "2022-07-13"}]}),
        ("decide_zone", {"zone": zone, "level": None, "reason": "mistaken", "authority": "county HQ"}),
    ]  # fmt: skip
    results = {}
    for kind, payload in sent:
        model, handler = COMMANDS[kind]
        with clock_at(DRAWN):
            receipt = apply_command(
                Envelope(uuid.uuid4(), kind, DRAWN, payload),
                lambda by, got, model=model, handler=handler: handler(by, got, model(**got.payload)),
                by=hq,
            )
        results[kind] = receipt.result
    assert results["review_zone"]["may_change"] is False
    assert results["decide_zone"] == {"id": zone, "level": "high_risk", "lifted": True}
