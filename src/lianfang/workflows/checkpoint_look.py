"""A look at a checkpoint: must somebody not pass without a word of the duty desk? Yes or no, never why."""

from dataclasses import dataclass

from django.conf import settings

from lianfang.core.access.audit import record_audit
from lianfang.core.access.limits import take_checkpoint_look
from lianfang.core.access.queries import desk_phone
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.people.identity import resident_id_fault
from lianfang.core.people.queries import recognised, records_of
from lianfang.core.people.rules import ResidentRefused
from lianfang.kit.clock import local_date, response_now
from lianfang.kit.codes import county_of
from lianfang.response.cases.queries import is_held
from lianfang.response.checkpoints.permissions import RECORD_PASSAGE
from lianfang.response.quarantine.queries import must_stay
from lianfang.response.specimens.rules import county_hand

ON_LIST = (
    "请对方到一旁等候，打电话问值班室，按值班室说的办。看病、急救照样放行。",
    "Ask them to wait aside, call the duty desk and do as it says. Medical emergencies pass in any case.",
)
NOT_ON_LIST = ("不在名单上。", "Not on a list.")


@dataclass(frozen=True)
class CheckpointLook:
    """What a crew is told about a number: a sentence that says what to do, and the duty desk's telephone."""

    on_list: bool
    zh: str
    en: str
    desk: str


def look_at_checkpoint(kind: str, number: str, *, by: Actor) -> CheckpointLook:
    """Say whether whoever has this document must stay where they are by an order or a hold, and log that it was asked.

    People travel, so that they are looked for in the whole county. Neither who it is nor what is known of them is told,
    the audit keeps who looked, not whom they looked at. A number that nobody has is answered like one of somebody on no list.
    """
    by.require(RECORD_PASSAGE)
    take_checkpoint_look(by)
    if kind == "resident_id" and (fault := resident_id_fault(number, today=local_date(response_now()))):
        raise ResidentRefused(fault)
    county = county_of(by.scope.lo)
    hand = county_hand(by, county)
    with acting(hand):
        people = records_of(recognised(county=county, document=number, kind=kind), by=hand)
        on_list = must_stay(people, by=hand) or is_held(people, by=hand)
        record_audit(by, "checkpoints.look", subject=("county", None), division_code=by.scope.lo)
    return CheckpointLook(on_list, *(ON_LIST if on_list else NOT_ON_LIST), desk_phone(by.scope) or settings.DESK_PHONE)
