"""A small county on the day before its first report, and whoever acts in it."""

import uuid

from django.db import connection

from conftest import DINGAN, JIANGNAN, XINZHU, make_actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.permissions import PERMISSIONS as DUTIES
from lianfang.core.territory.models import Division
from lianfang.kit.clock import clock_at, local
from lianfang.kit.codes import unit_range
from lianfang.kit.ids import derived_id, new_id
from lianfang.response.cases import actions as cases
from lianfang.response.cases.permissions import PERMISSIONS as CASES
from lianfang.response.checkpoints.permissions import PERMISSIONS as CHECKPOINTS
from lianfang.response.command import actions as command
from lianfang.response.command.permissions import PERMISSIONS as COMMAND
from lianfang.response.quarantine.permissions import PERMISSIONS as QUARANTINE
from lianfang.response.screening import actions as screening
from lianfang.response.screening.permissions import PERMISSIONS as SCREENING
from lianfang.response.screening.rules import AreaEntry
from lianfang.response.specimens.actions import register_tubes
from lianfang.response.specimens.permissions import PERMISSIONS as SPECIMENS
from lianfang.response.specimens.rules import SampleEntry, TubeEntry
from lianfang.response.workforce import actions as workforce
from lianfang.response.workforce.permissions import PERMISSIONS as WORKFORCE
from lianfang.response.workforce.rules import NewAttendance, NewOrganisation, NewResponder
from lianfang.surfaces.reports.permissions import PERMISSIONS, READ_REPORTS, SUBMIT_REPORT
from making import make_resident

COUNTY = DINGAN * 10**9
TOWN = 469021101 * 10**6
OTHER_TOWN = 469021100 * 10**6
VILLAGE, OTHER_VILLAGE = XINZHU * 1000, JIANGNAN * 1000
GRID = VILLAGE + 1
UNITS = (COUNTY, TOWN, OTHER_TOWN, VILLAGE, OTHER_VILLAGE)
INCIDENT = uuid.UUID(int=7)
ED9 = "covid19-cn-ed9"
MORNING = local("2022-07-13 08:00")
NOON = local("2022-07-14 12:00")
FOUR = local("2022-07-13 16:00")
DAY = FOUR.date()
EVERYTHING = (
    *PERMISSIONS, *DUTIES, *CASES, *CHECKPOINTS, *COMMAND, *QUARANTINE, *SCREENING, *SPECIMENS, *WORKFORCE,
)  # fmt: skip


def make_county():
    """Somebody who may do everything in Ding'an, where an incident runs since the morning of 13 July."""
    by = make_actor(*EVERYTHING)
    for level, code in (("county", COUNTY), ("township", TOWN), ("township", OTHER_TOWN), ("village", VILLAGE), ("village", OTHER_VILLAGE), ("grid", GRID)):  # fmt: skip
        Division.objects.create(
            code=code, code_hi=unit_range(code).hi, level=level, name=f"{level} {code}", pinyin="x", origin="local",
            source="test",
        )  # fmt: skip
    with clock_at(MORNING):
        command.declare_incident(
            by=by, division_code=COUNTY, title_zh="定安疫情", title_en="Ding'an outbreak", disease="covid19", pack=ED9,
            authority="county HQ", valid_at=MORNING, id=INCIDENT,
        )  # fmt: skip
    return by


def make_village():
    return make_actor(READ_REPORTS, SUBMIT_REPORT, *CASES, scope=str(XINZHU), role="community", line="community")


def make_case(by, at=MORNING, grid=GRID, class_code="asymptomatic_case", recorded_at=None, **fields):
    resident = make_resident(by=by, grid=grid)
    with clock_at(recorded_at or at):
        return cases.register_case(
            by=by, incident=INCIDENT, resident=resident.id, protocol=ED9, class_code=class_code, reason="two positives",
            sampled_at=at, valid_at=at, cause=uuid.uuid4(), **{"detected_by": "community_screening"} | fields,
        )  # fmt: skip


def open_round(by, at=NOON, village=VILLAGE):
    with clock_at(at):
        return screening.open_round(
            by=by, incident=INCIDENT, area_code=village, title="round", pack=ED9, valid_at=at,
            areas=[AreaEntry(village, village + 999, "high_risk")],
        )  # fmt: skip


def sample(by, round, *residents, at=NOON, recorded_at=None):
    id = new_id()
    samples = tuple(SampleEntry(new_id(), resident) for resident in residents)
    tube = TubeEntry(id, f"T{id.hex[-12:]}", "pooled", 10, "area_screening", GRID, at, samples, round=round)
    with clock_at(recorded_at or at):
        register_tubes([tube], by=by, valid_at=at)


def people_of(by, name, number, kind="village_cadre", organisation_kind="village_committee", code=OTHER_VILLAGE):
    organisation = NewOrganisation(name, organisation_kind, "village", code, id=derived_id("organisation", name))
    workforce.register_organisations(by=by, organisations=[organisation], valid_at=MORNING)
    new = [NewResponder(f"测试{n}", kind, organisation.id) for n in range(number)]
    workforce.register_responders(by=by, responders=new, valid_at=MORNING)
    return [one.id for one in new]


def at_work(by, code, at=MORNING):
    """One police officer at work at a place since an instant."""
    [officer] = people_of(by, "县公安局", 1, "police", "police_station", COUNTY)
    with clock_at(at):
        workforce.record_attendance(by=by, attendances=[NewAttendance(officer, code, "security", at)], valid_at=at)


def audited(verb):
    """How often something was audited."""
    with acting(make_actor(line="audit", role="auditor")), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM access_auditentry WHERE verb = %s", [verb])
        return cursor.fetchone()[0]
