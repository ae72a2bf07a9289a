"""A county with an incident, its people, and what laboratory, squad and headquarters do about a tube of theirs."""

from datetime import timedelta

from conftest import DINGAN, JIANGNAN, XINZHU, make_actor
from lianfang.core.access.commands import Envelope
from lianfang.core.duties.queries import duties
from lianfang.kit.clock import clock_at, local
from lianfang.kit.codes import code_range, full_code
from lianfang.kit.ids import new_id
from lianfang.response.cases import permissions as cases
from lianfang.response.cases import queries
from lianfang.response.command import permissions as command
from lianfang.response.command.actions import declare_incident
from lianfang.response.specimens import permissions as specimens
from lianfang.workflows.commands import submit
from making import make_resident

HERE, THERE = XINZHU * 1000 + 1, JIANGNAN * 1000 + 1
NOON = local("2022-07-14 12:00")
HOUR = timedelta(hours=1)
ALL = (*cases.PERMISSIONS, *specimens.PERMISSIONS, *command.PERMISSIONS, "duties.read_duties", "people.read_people")


def county_actor(**fields):
    return make_actor(*ALL, **fields)


def declare(by, at=NOON - HOUR):
    with clock_at(at):
        return declare_incident(
            by=by, id=new_id(), division_code=full_code(DINGAN), title_zh="测试疫情", title_en="a test outbreak",
            disease="covid19-cn", pack="covid19-cn-ed9", authority="县指挥部", areas=(code_range(DINGAN),), valid_at=at,
        )  # fmt: skip


def people(by, number, grid=HERE, **fields):
    return [make_resident(by=by, grid=grid, **fields).id for _ in range(number)]


def send(by, kind, at=NOON, **payload):
    """One command at an instant; its receipt's result."""
    with clock_at(at):
        return submit(Envelope(new_id(), kind, at, payload), by=by).result


def tube(by, residents, at=NOON - HOUR, *, mode="", id=None, purpose="mandatory_testing", order=None, samples=None):
    """A sealed tube with the samples of these people, or the same tube topped up."""
    id = id or new_id()
    mode = mode or ("single" if len(residents) == 1 else "pooled")
    ids = samples or [new_id() for _ in residents]
    send(by, "register_tubes", at, tubes=[{
        "id": str(id), "code": f"T{id.hex[-12:]}", "mode": mode, "capacity": 1 if mode == "single" else 10,
        "purpose": purpose, "division_code": HERE, "opened_at": (NOON - HOUR * 2).isoformat(),
        "order_id": str(order) if order else None,
        "samples": [{"id": str(one), "resident": str(resident), "taken_at": (NOON - HOUR * 2).isoformat()}
                    for one, resident in zip(ids, residents, strict=True)],
    }])  # fmt: skip
    return id


def report(by, tube, value, at=NOON):
    return send(by, "record_results", at, lab="county hospital",
                results=[{"tube": str(tube), "value": value, "tested_at": (at - HOUR / 2).isoformat()}])  # fmt: skip


def correct(by, tube, value, at=NOON + HOUR):
    return send(by, "correct_result", at, tube=str(tube), value=value, lab="county hospital", reason="contaminated plate",
                tested_at=(at - HOUR / 2).isoformat())  # fmt: skip


def resample(by, member, at, value=None):
    """A single resample of a member, with its result when there is one."""
    made = tube(by, [member.resident], at, purpose="confirmatory_retest", order=member.positive or member.id)
    if value:
        report(by, made, value, at + HOUR)
    return made


def the_pool(by, tube):
    found = queries.pools(by=by, at=NOON + 25 * HOUR, resamples=True)
    (row,) = [row for row in found if row.tube == tube and row.withdrawn_at is None]
    return row


def members(by, tube, at=NOON + 9 * HOUR):
    """The people of a tube's pool as they stand, seen from the evening unless told otherwise."""
    with clock_at(at):
        return queries.pool_members(the_pool(by, tube).id, by=by)


def states(by, tube, at=NOON + 9 * HOUR):
    return sorted(row.state for row in members(by, tube, at))


def owed(by, kind, state="outstanding", at=NOON):
    with clock_at(at):
        return duties(by=by, kind=kind, state=state)


def nothing_forgotten(by):
    return queries.pool_disagreements(by=by, county=DINGAN) == []
