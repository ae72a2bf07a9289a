"""Synthetic people: a county's households and residents, made up, deterministic, and true to its census.

``generate_county(census_margins(469021), villages, seed=…, reference_date=…)`` returns a ``Population`` of columns ready
for COPY; ``measure_margins`` says how near it comes. Pure: no Django, no database.
"""

from lianfang.core.people.synthetic.margins import (
    ImpossibleMargins,
    Margins,
    UnknownCounty,
    census_margins,
    known_counties,
    margins_from,
)
from lianfang.core.people.synthetic.measurement import Fit, ages_on, measure_margins
from lianfang.core.people.synthetic.population import (
    Households,
    Population,
    Residents,
    as_columns,
    generate_county,
    part_of,
)
from lianfang.core.people.synthetic.settlement import UnusableVillages, Village, village_named

__all__ = [
    "Fit",
    "Households",
    "ImpossibleMargins",
    "Margins",
    "Population",
    "Residents",
    "UnknownCounty",
    "UnusableVillages",
    "Village",
    "ages_on",
    "as_columns",
    "census_margins",
    "generate_county",
    "known_counties",
    "margins_from",
    "measure_margins",
    "part_of",
    "village_named",
]
