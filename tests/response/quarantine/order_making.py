"""People under orders of Ding'an, July 2022, by edition 9."""

import uuid
from datetime import timedelta

from conftest import DINGAN, JIANGNAN, XINZHU, make_actor
from lianfang.core.duties.queries import duties
from lianfang.kit.clock import clock_at, local
from lianfang.response.command.actions import declare_incident
from lianfang.response.command.permissions import PERMISSIONS as COMMAND
from lianfang.response.quarantine import actions
from lianfang.response.quarantine.permissions import PERMISSIONS
from lianfang.response.quarantine.rules import NewOrder
from making import make_resident

HOME = XINZHU * 1000 + 1
SITE = JIANGNAN * 1000 + 2
INCIDENT = uuid.UUID(int=9)
ED9 = "covid19-cn-ed9"
#: last exposure 12 July: a close contact is central from 13 to 19 July and at home until 22 July
MET = local("2022-07-12 19:00")
ISSUED = local("2022-07-13 05:00")


def make_officer():
    return make_actor(*PERMISSIONS, "duties.read_duties", role="township", line="quarantine")


def new_order(by, tier="close_contact", **fields):
    central = {"place": "hotel, room 12", "site_code": SITE, "dependants": False} if tier == "close_contact" else {}
    words = {"reason": "met case 1", "authority": "county HQ", "appeal_to": "the county duty desk"}
    resident = {} if "resident" in fields else {"resident": make_resident(by=by, grid=HOME).id}
    return NewOrder(**{"tier": tier, "last_exposure_at": MET} | central | words | resident | fields)


def declare():
    """Have the county run the incident that these orders are issued under; again it changes nothing."""
    declare_incident(
        by=make_actor(*COMMAND), id=INCIDENT, division_code=DINGAN * 10**9, title_zh="定安", title_en="Ding'an",
        disease="covid19-cn", pack=ED9, authority="county HQ", valid_at=MET,
    )  # fmt: skip


def issue(by, *orders, at=ISSUED):
    with clock_at(at):
        return actions.issue_orders(by=by, incident=INCIDENT, protocol=ED9, orders=orders, valid_at=at)


def issued(by, tier="close_contact", at=ISSUED, **fields):
    order = new_order(by, tier, **fields)
    issue(by, order, at=at)
    return order


def roll(by, at):
    with clock_at(at):
        return actions.roll_day(by=by, county=DINGAN, valid_at=at)


def due(by, kind, state="outstanding"):
    return sorted(
        (duty.period, duty.due_at, duty.division_code) for duty in duties(by=by, kind=kind, state=state, limit=1000)
    )


def noon(day):
    return local(f"2022-07-{day:02d} 12:00")


def hours(number):
    return timedelta(hours=number)
