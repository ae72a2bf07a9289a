"""Reading rounds: coverage, the account of everybody, the missing by grid and responsible person, rounds compared."""

from lianfang.response.screening.queries.comparison import UnitComparison, compare_rounds, missing_in_both
from lianfang.response.screening.queries.coverage import UnitCoverage, accounted, coverage, round_balance, unit_names
from lianfang.response.screening.queries.people import (
    MissingGrid,
    MissingPerson,
    RoundPerson,
    missing,
    missing_by_grid,
    round_people,
    sampled_off_roster,
)
from lianfang.response.screening.queries.recalls import RecallToMake, count_recalls_to_make, recalls_to_make
from lianfang.response.screening.queries.rounds import RoundRow, propose_next_round, round_row, rounds
from lianfang.response.screening.queries.sites import SitePlan, SiteRow, sampling_sites, site_plan
from lianfang.response.screening.queries.standing import STANDING

__all__ = [
    "STANDING",
    "MissingGrid",
    "MissingPerson",
    "RecallToMake",
    "RoundPerson",
    "RoundRow",
    "SitePlan",
    "SiteRow",
    "UnitComparison",
    "UnitCoverage",
    "accounted",
    "compare_rounds",
    "count_recalls_to_make",
    "coverage",
    "missing",
    "missing_by_grid",
    "missing_in_both",
    "propose_next_round",
    "recalls_to_make",
    "round_balance",
    "round_people",
    "round_row",
    "rounds",
    "sampled_off_roster",
    "sampling_sites",
    "site_plan",
    "unit_names",
]
