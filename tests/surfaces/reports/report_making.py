"""A small county on the day before its first report, and whoever acts in it."""

import uuid

from django.db import connection

from conftest import DINGAN, JIANGNAN, XINZHU, make_actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.permissions import PERMISSIONS as DUTIES
from lianfang.core.territory.models import Division
from lianfang.kit.clock import clock_at, local
from lianfang.kit.codes import unit_range
from lianfang.response.cases import actions as cases
from lianfang.response.cases.permissions import PERMISSIONS as CASES
from lianfang.response.checkpoints.permissions import PERMISSIONS as CHECKPOINTS
from lianfang.response.command import actions as command
from lianfang.response.command.permissions import PERMISSIONS as COMMAND
from lianfang.response.quarantine.permissions import PERMISSIONS as QUARANTINE
from lianfang.response.screening.permissions import PERMISSIONS as SCREENING
from lianfang.response.specimens.permissions import PERMISSIONS as SPECIMENS
from lianfang.response.workforce.permissions import PERMISSIONS as WORKFORCE
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


def audited(verb):
    """How often something was audited."""
    with acting(make_actor(line="audit", role="auditor")), connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM access_auditentry WHERE verb = %s", [verb])
        return cursor.fetchone()[0]
