"""What the tests of the interface share: everything that may be done, an enrolled device, a round with a tube."""

import importlib
import pkgutil
import uuid
from datetime import timedelta

import lianfang.core
import lianfang.response
import lianfang.surfaces
from conftest import make_actor
from lianfang.core.access.actions import (
    ADMINISTRATION,
    create_account,
    enrol_device,
    give_grant,
    open_enrolment_codes,
    register_devices,
)
from lianfang.core.access.permissions import MANAGE_DEVICES, REVOKE_DEVICE
from lianfang.core.access.rules import DeviceEntry
from lianfang.core.access.scope import acting
from lianfang.core.access.sign_in import sign_in, token_of
from lianfang.kit.clock import machine_now
from lianfang.kit.codes import code_range, full_code
from lianfang.kit.ids import new_id
from lianfang.response.cases.actions import determine_contacts, register_case
from lianfang.response.cases.rules import NewContact
from lianfang.response.command.actions import declare_incident
from lianfang.response.quarantine.actions import issue_orders
from lianfang.response.quarantine.rules import NewOrder
from lianfang.response.screening.actions import open_round
from lianfang.response.screening.rules import AreaEntry
from lianfang.response.specimens.actions import record_results, register_tubes
from lianfang.response.specimens.rules import ResultEntry, SampleEntry, TubeEntry
from lianfang.response.zones.actions import draw_zone
from lianfang.response.zones.rules import NewArea
from making import make_household, make_resident

PASSWORD = "open sesame"
PACK = "covid19-cn-ed9"


def everything() -> frozenset[str]:
    """Return every permission that any room declares."""
    found: set[str] = set()
    for floor in (lianfang.core, lianfang.response, lianfang.surfaces):
        for room in pkgutil.iter_modules(floor.__path__, f"{floor.__name__}."):
            try:
                found |= set(importlib.import_module(f"{room.name}.permissions").PERMISSIONS)
            except ModuleNotFoundError:
                continue
    return frozenset(found)


def desk(scope="469021"):
    """The desk that registers and revokes devices of an area."""
    return make_actor(MANAGE_DEVICES, REVOKE_DEVICE, scope=scope, role="township", line="community")


def account(role: str, scope: str, line: str = "testing") -> str:
    """A new account with one grant; returns its name."""
    name = f"{role}-{new_id()}"
    made = create_account(by=ADMINISTRATION, username=name, title=role, password=PASSWORD)
    with acting(ADMINISTRATION):
        give_grant(
            by=ADMINISTRATION, account=made.id, role=role, line=line, scope=code_range(scope),
            valid_from=machine_now() - timedelta(days=1), reason="test",
        )  # fmt: skip
    return name


def enrolled_device(scope="469021") -> tuple[uuid.UUID, str]:
    """An enrolled device of a unit and its secret."""
    by = desk(scope)
    entry = DeviceEntry("1号台手机", full_code(scope), new_id())
    (device,) = register_devices(by=by, valid_at=machine_now(), cause=new_id(), devices=[entry])
    return device, enrol_device(open_enrolment_codes([device], by=by)[0][2])[2]


def device_and_token(scope: str, role: str = "sampler") -> str:
    """The token of a new account signed in on a new device."""
    return token_of(sign_in(account(role, scope), PASSWORD, *enrolled_device(scope))[0])


def open_round_with_tube(by, ids, grid, now) -> None:
    """An incident with a round in a grid of two people; one is in a positive tube.

    ``ids``: incident, round, two people, tube, sample.
    """
    incident, round, first, second, tube, sample = ids
    home = make_household(by=by, grid=grid)
    for resident in (first, second):
        make_resident(by=by, grid=grid, household=home.id, id=resident)
    declare_incident(
        by=by, id=incident, division_code=full_code("469021"), title_zh="测试疫情", title_en="a test outbreak",
        disease="covid19-cn", pack=PACK, authority="county HQ", areas=(code_range("469021"),), valid_at=now,
    )  # fmt: skip
    open_round(
        by=by, valid_at=now, id=round, incident=incident, area_code=grid // 1000 * 1000, title="Xinzhu", pack=PACK,
        areas=[AreaEntry(grid // 1000 * 1000, grid // 1000 * 1000 + 999, "high_risk")],
    )  # fmt: skip
    swab = SampleEntry(sample, first)
    entry = TubeEntry(tube, "T000000000001", "pooled", 10, "area_screening", grid, now, (swab,), round=round)
    register_tubes([entry], by=by, valid_at=now)
    record_results([ResultEntry("positive", now, tube)], by=by, lab="county hospital", valid_at=now)


def add_case(by, id, ids, grid, now) -> None:
    """A case, its contact under an order, and a zone around both, all under the same id."""
    incident, _, first, second, *_ = ids
    register_case(
        by=by, id=id, incident=incident, resident=first, protocol=PACK, detected_by="fever_clinic",
        class_code="confirmed_case", severity="mild", reason="ill and positive", sampled_at=now, valid_at=now,
    )  # fmt: skip
    contact = NewContact(second, "close_contact", now, case=id, category="co_living")
    found = determine_contacts(
        by=by, incident=incident, protocol=PACK, division_code=grid, valid_at=now, contacts=[contact]
    )
    words = {"reason": "met a case", "authority": "county HQ", "appeal_to": "the duty desk"}
    order = NewOrder(
        second, "close_contact", now, place="hotel", site_code=grid, dependants=False, contact=found.contacts[second],
        **words,
    )  # fmt: skip
    issue_orders(by=by, incident=incident, protocol=PACK, orders=[order], valid_at=now)
    draw_zone(
        by=by, id=id, incident=incident, name="zone", level="medium_risk", protocol=PACK, valid_at=now,
        areas=[NewArea(grid // 1000 * 1000, grid // 1000 * 1000 + 999)], emergency="just found", **words,
    )  # fmt: skip
