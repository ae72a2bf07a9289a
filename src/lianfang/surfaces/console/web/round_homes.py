"""Coverage of a round below the grid: building by building, and door by door."""

import uuid
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from lianfang.response.screening import queries
from lianfang.response.screening.permissions import READ_ROUNDS
from lianfang.response.screening.queries import BuildingCoverage, HouseholdCoverage
from lianfang.surfaces.console.addresses import address
from lianfang.surfaces.console.asking import area_asked
from lianfang.surfaces.console.lists import Column, Filter, Listing, answer_list, whole
from lianfang.surfaces.console.queries import place_names
from lianfang.surfaces.console.web.rounds import code_text, id_asked, percent, round_title
from lianfang.surfaces.session import ActingRequest


def show_buildings(request: ActingRequest, round: uuid.UUID) -> HttpResponse:
    """List the buildings of a round with the doors behind which nobody is missing any more, and the account of each."""
    request.actor.require(READ_ROUNDS)
    area = area_asked(request)
    row = queries.round_row(round, by=request.actor, at=request.at)
    rows = queries.coverage_by_building(round, by=request.actor, at=request.at, within=area)
    if request.GET.get("unfinished") == "yes":
        rows = [one for one in rows if one.account.missing]
    names = place_names({one.division_code for one in rows})

    def homes(one: BuildingCoverage, **asked: str) -> str:
        return address(
            request, "round_households", round, within=code_text(one.division_code), building=one.building, **asked
        )

    def people(one: BuildingCoverage, standing: str) -> str:
        if one.building is None:
            return ""
        return address(
            request,
            "round_people",
            round,
            within=code_text(one.division_code),
            building=one.building,
            standing=standing,
        )

    columns = [
        Column(_("Building"), lambda b: " ".join(filter(None, (b.compound, b.name))) or _("in no building"), homes),
        Column(_("Grid"), lambda b: names[b.division_code], lambda b: address(request, "missing", round, within=code_text(b.division_code))),
        Column(_("Households"), lambda b: b.households, homes, look="number"),
        Column(_("Households with nobody missing"), lambda b: b.whole, homes, look="number"),
        Column(_("People"), lambda b: b.account.everybody, lambda b: people(b, ""), look="number"),
        Column(_("Sampled"), lambda b: b.account.found, lambda b: people(b, "sampled"), look="number"),
        Column(_("Excluded with reason"), lambda b: b.account.reasoned, lambda b: people(b, "excluded"), look="number"),
        Column(
            _("Missing"), lambda b: b.account.missing, lambda b: homes(b, unfinished="yes"), look="number",
            tone=lambda b: "overdue" if b.account.missing else "",
        ),
        Column(_("Coverage"), lambda b: percent(b.account), look="number"),
    ]  # fmt: skip
    listing = Listing(
        "round_buildings", columns, *whole(rows), _("No building here has anybody missing, or nobody of this place is on the roster."),
        (_unfinished(),),
    )  # fmt: skip
    heading = _("Buildings of %(round)s") % {"round": round_title(row)}
    return answer_list(request, listing, heading=heading, kept=_kept(request, "within"))


def show_households(request: ActingRequest, round: uuid.UUID) -> HttpResponse:
    """List the households of a round by grid, building and door, each with its account."""
    request.actor.require(READ_ROUNDS)
    area, building = area_asked(request), id_asked(request, "building")
    unfinished = request.GET.get("unfinished") == "yes"
    row = queries.round_row(round, by=request.actor, at=request.at)
    asked: dict[str, Any] = {
        "by": request.actor,
        "at": request.at,
        "within": area,
        "building": building,
        "unfinished": unfinished,
    }
    names: dict[int, str] = {}

    def read(limit: int, offset: int) -> list[HouseholdCoverage]:
        rows = queries.coverage_by_household(round, limit=limit, offset=offset, **asked)
        names.update(place_names({one.division_code for one in rows}))
        return rows

    def people(one: HouseholdCoverage, standing: str) -> str:
        if one.household is None:
            return ""
        return address(
            request,
            "round_people",
            round,
            within=code_text(one.division_code),
            household=one.household,
            standing=standing,
        )

    columns = [
        Column(_("Household"), _door, lambda h: people(h, "")),
        Column(_("Grid"), lambda h: names.get(h.division_code, h.division_code)),
        Column(_("People"), lambda h: h.account.everybody, lambda h: people(h, ""), look="number"),
        Column(_("Sampled"), lambda h: h.account.found, lambda h: people(h, "sampled"), look="number"),
        Column(_("Excluded with reason"), lambda h: h.account.reasoned, lambda h: people(h, "excluded"), look="number"),
        Column(
            _("Missing"), lambda h: h.account.missing, lambda h: people(h, "missing"), look="number",
            tone=lambda h: "overdue" if h.account.missing else "",
        ),
    ]  # fmt: skip
    listing = Listing(
        "round_households", columns, queries.count_households(round, **asked), read,
        _("No household here has anybody missing, or nobody of this place is on the roster."), (_unfinished(),),
    )  # fmt: skip
    heading = _("Households of %(round)s") % {"round": round_title(row)}
    return answer_list(request, listing, heading=heading, kept=_kept(request, "within", "building"))


def _door(home: HouseholdCoverage) -> str:
    if home.household is None:
        return _("without a household")
    door = " ".join(part for part in (home.building_name, home.unit, home.room) if part)
    return door or home.address or _("door not recorded")


def _unfinished() -> Filter:
    return Filter("unfinished", _("Only with somebody missing"), [("", _("no")), ("yes", _("yes"))])


def _kept(request: ActingRequest, *names: str) -> list[tuple[str, str]]:
    return [(name, request.GET[name]) for name in names if request.GET.get(name)]
