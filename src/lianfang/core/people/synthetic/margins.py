"""Census margins: what a county's synthetic population has to add up to."""

from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any

import yaml

CENSUS = Path(__file__).with_name("census_2020.yaml")
#: first age of each of the census's 19 groups
AGE_STARTS = (0, 1, *range(5, 90, 5))
AGE_LABELS = ("0", "1-4", *(f"{age}-{age + 4}" for age in range(5, 85, 5)), "85+")
#: length of every margin that is a list
LENGTHS = {"ages": 19, "generations": 4, "elderly_households": 3, "marital_men": 4, "marital_women": 4}
#: list margins that must add up to one; four-digit rounding of 19 shares leaves less than this
ROUNDING = 0.005


class UnknownCounty(LookupError):
    """No census margins are written down for this county."""


class ImpossibleMargins(ValueError):
    """The margins contradict themselves."""


@dataclass(frozen=True)
class Margins:
    """The census margins of one county; the head of ``census_2020.yaml`` says what each is a share of."""

    code: int
    name: str
    population: int
    sex_ratio: float
    urban: float
    minority: float
    registered_county: float
    registered_province: float
    registered_elsewhere: float
    household_share: float
    household_size: float
    one_person: float
    generations: tuple[float, ...]
    elderly_households: tuple[float, ...]
    women_15_49: float
    ages: tuple[float, ...]
    marital_men: tuple[float, ...]
    marital_women: tuple[float, ...]

    def __post_init__(self) -> None:
        self._refuse(self.population < 1, "population", "a county needs at least one resident")
        self._refuse(self.sex_ratio <= 0, "sex_ratio", "it counts males per 100 females and must be above 0")
        self._refuse(self.household_size < 1, "household_size", "no household has fewer than one person")
        for name in ("urban", "minority", "household_share", "one_person", "women_15_49"):
            self._refuse(not 0 <= getattr(self, name) <= 1, name, "a share lies between 0 and 1")
        self._refuse(not 0 <= sum(self.registered_away) <= 1, "registered_*", "together they exceed everybody")
        for name, length in LENGTHS.items():
            values = getattr(self, name)
            self._refuse(len(values) != length, name, f"{length} shares are needed, {len(values)} are given")
            self._refuse(min(values) < 0, name, "a share cannot be negative")
            whole = name == "elderly_households" or abs(sum(values) - 1) <= ROUNDING
            self._refuse(not whole, name, f"the shares add up to {sum(values):.4f}, not to 1")

    def _refuse(self, wrong: bool, field: str, why: str) -> None:
        if wrong:
            raise ImpossibleMargins(f"Census margins of {self.name} ({self.code}): {field}: {why}.")

    @property
    def registered_away(self) -> tuple[float, float, float]:
        """Return the shares registered elsewhere in the county, in the province, in another province."""
        return self.registered_county, self.registered_province, self.registered_elsewhere


@cache
def _written_down() -> dict[int, Margins]:
    counties = {}
    for code, row in yaml.safe_load(CENSUS.read_text("utf-8")).items():
        margins = margins_from(int(code), row)
        counties[int(code)] = margins
        counties[int(row.get("later_code", code))] = margins
    return counties


def margins_from(code: int, row: dict[str, Any]) -> Margins:
    """Return the margins that a mapping of plain values describes (keys as in ``census_2020.yaml``)."""
    wanted = [field.name for field in fields(Margins) if field.name != "code"]
    missing = [name for name in wanted if name not in row]
    if missing:
        raise ImpossibleMargins(f"Census margins of county {code}: missing {', '.join(missing)}.")
    values: dict[str, Any] = {name: tuple(row[name]) if name in LENGTHS else row[name] for name in wanted}
    return Margins(code=code, **values)


def known_counties() -> dict[int, str]:
    """Return the names of the counties whose margins are written down, by six-digit code."""
    return {code: margins.name for code, margins in _written_down().items()}


def census_margins(code: int) -> Margins:
    """Return the 2020 census margins of a county, by its six-digit code of 2020 or by a later one."""
    if code not in _written_down():
        known = ", ".join(f"{name} {known}" for known, name in known_counties().items())
        raise UnknownCounty(f"No census margins for county {code} in {CENSUS.name}; it holds: {known}.")
    return _written_down()[code]
