"""Writing rounds: open and freeze, found and excluded people, call-backs, visits, sign-off, the decision after it."""

from lianfang.response.screening.actions.people import (
    add_sampled_late,
    add_sampled_meanwhile,
    exclude_people,
    record_found,
    record_recall,
    record_sampled_off_roster,
    withdraw_exclusion,
)
from lianfang.response.screening.actions.records import PeopleReceipt
from lianfang.response.screening.actions.rounds import SignOff, close_round, decide_next_round, open_round, open_sites
from lianfang.response.screening.actions.settling import SettledReceipt, settle_sheet
from lianfang.response.screening.actions.sheets import PrintReceipt, TypedReceipt, print_sheets, type_in_sheet
from lianfang.response.screening.actions.tally import tally_samples
from lianfang.response.screening.actions.visits import order_visits, record_visits, update_visits
from lianfang.response.screening.actions.walk_ins import WalkInReceipt, register_walk_in

__all__ = [
    "PeopleReceipt",
    "PrintReceipt",
    "SettledReceipt",
    "SignOff",
    "TypedReceipt",
    "WalkInReceipt",
    "add_sampled_late",
    "add_sampled_meanwhile",
    "close_round",
    "decide_next_round",
    "exclude_people",
    "open_round",
    "open_sites",
    "order_visits",
    "print_sheets",
    "record_found",
    "record_recall",
    "record_sampled_off_roster",
    "record_visits",
    "register_walk_in",
    "settle_sheet",
    "tally_samples",
    "type_in_sheet",
    "update_visits",
    "withdraw_exclusion",
]
