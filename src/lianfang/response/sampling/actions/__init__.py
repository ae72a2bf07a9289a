"""Writing how sampling sites run: slots planned and called, lines counted, lanes, crews, sampling at home."""

from lianfang.response.sampling.actions.crews import assign_crew, relieve_crew
from lianfang.response.sampling.actions.homes import (
    end_sampled_at_home,
    order_home_sampling,
    record_home_sampling,
    update_home_sampling,
)
from lianfang.response.sampling.actions.plans import PlansReceipt, confirm_slots, plan_slots, replan_slots
from lianfang.response.sampling.actions.running import call_slot, open_lanes, record_queue

__all__ = [
    "PlansReceipt",
    "assign_crew",
    "call_slot",
    "confirm_slots",
    "end_sampled_at_home",
    "open_lanes",
    "order_home_sampling",
    "plan_slots",
    "record_home_sampling",
    "record_queue",
    "relieve_crew",
    "replan_slots",
    "update_home_sampling",
]
