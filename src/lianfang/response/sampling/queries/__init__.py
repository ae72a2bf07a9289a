"""Reading how sampling sites run: sizing, slots, lines, lanes, crews, and sampling at home."""

from lianfang.response.sampling.queries.crews import CrewCandidate, CrewLine, CrewMember, crew_candidates, crew_of
from lianfang.response.sampling.queries.flow import SiteFlowNow, SlotRow, propose_slots, site_flow_now, slots
from lianfang.response.sampling.queries.homes import (
    Candidate,
    HomeSamplingRow,
    home_sampling_candidates,
    home_sampling_list,
)
from lianfang.response.sampling.queries.sites import (
    PlaceNeed,
    PlanRow,
    Site,
    SiteLine,
    lane_for,
    lanes_of,
    plans_of,
    round_pack,
    site_lines,
    site_needs,
    site_of,
)

__all__ = [
    "Candidate",
    "CrewCandidate",
    "CrewLine",
    "CrewMember",
    "HomeSamplingRow",
    "PlaceNeed",
    "PlanRow",
    "Site",
    "SiteFlowNow",
    "SiteLine",
    "SlotRow",
    "crew_candidates",
    "crew_of",
    "home_sampling_candidates",
    "home_sampling_list",
    "lane_for",
    "lanes_of",
    "plans_of",
    "propose_slots",
    "round_pack",
    "site_flow_now",
    "site_lines",
    "site_needs",
    "site_of",
    "slots",
]
