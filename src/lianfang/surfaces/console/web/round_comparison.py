"""One round beside another: coverage of each unit in both, and whom both of them missed."""

import uuid

from django.http import HttpResponse
from django.utils.translation import gettext as _

from lianfang.core.people.permissions import READ_PEOPLE
from lianfang.kit.codes import LEVELS, unit_range
from lianfang.response.screening import queries
from lianfang.response.screening.permissions import READ_ROUNDS
from lianfang.response.screening.queries import MissingPerson, UnitComparison
from lianfang.surfaces.console.addresses import address
from lianfang.surfaces.console.asking import area_asked
from lianfang.surfaces.console.figures import Figure
from lianfang.surfaces.console.lists import Column, Listing, Section, answer_record, whole
from lianfang.surfaces.console.queries import place_names
from lianfang.surfaces.console.web.round_missing import missing_columns
from lianfang.surfaces.console.web.rounds import percent, round_title
from lianfang.surfaces.session import ActingRequest


def compare_rounds(request: ActingRequest, round: uuid.UUID, earlier: uuid.UUID) -> HttpResponse:
    """Set two rounds beside each other by village, or by grid inside of one, and list whom both missed."""
    request.actor.require(READ_ROUNDS)
    area = area_asked(request)
    first, second = sorted(
        (queries.round_row(one, by=request.actor, at=request.at) for one in (earlier, round)), key=lambda r: r.opened_at
    )
    inside = request.GET.get("within", "")
    digits = LEVELS["grid"] if inside else LEVELS["village"]
    rows = queries.compare_rounds(first.id, second.id, by=request.actor, digits=digits, at=request.at)
    rows = [one for one in rows if area.lo <= one.code <= area.hi]
    both = queries.missing_in_both(first.id, second.id, by=request.actor, at=request.at)
    names = place_names([one.code for one in rows])
    titles = {"first": round_title(first), "second": round_title(second)}

    def missing(one: UnitComparison, round: uuid.UUID) -> str:
        return address(request, "missing", round, within=one.code)

    def deeper(one: UnitComparison) -> str:
        inner = unit_range(one.code)
        return address(request, "compare_rounds", second.id, first.id, within=one.code) if inner.lo != inner.hi else ""

    columns = [
        Column(_("Place"), lambda u: names[u.code], deeper),
        Column(_("Coverage, %(round)s") % {"round": titles["first"]}, lambda u: percent(u.first), lambda u: address(request, "round", first.id, within=u.code), look="number"),
        Column(_("Coverage, %(round)s") % {"round": titles["second"]}, lambda u: percent(u.second), lambda u: address(request, "round", second.id, within=u.code), look="number"),
        Column(_("Missing, %(round)s") % {"round": titles["first"]}, lambda u: u.first.missing, lambda u: missing(u, first.id), look="number"),
        Column(_("Missing, %(round)s") % {"round": titles["second"]}, lambda u: u.second.missing, lambda u: missing(u, second.id), look="number"),
        Column(
            _("Missing in both"), lambda u: u.missing_in_both, look="number",
            tone=lambda u: "overdue" if u.missing_in_both else "",
        ),
    ]  # fmt: skip

    def read(limit: int, offset: int) -> list[MissingPerson]:
        return queries.missing(
            second.id, by=request.actor, at=request.at, within=area, residents=both, limit=limit, offset=offset
        )

    total = sum(one.missing_in_both for one in rows)
    twice = Listing(
        "missing_in_both", missing_columns(request), total, read, _("Nobody here was missed by both rounds.")
    )
    side_by_side = Listing(
        "comparison", columns, *whole(rows), _("The two rounds have no place of your area in common.")
    )
    figures = [
        Figure(_("Missing, %(round)s") % {"round": titles["first"]}, sum(u.first.missing for u in rows), address(request, "missing", first.id, within=inside)),
        Figure(_("Missing, %(round)s") % {"round": titles["second"]}, sum(u.second.missing for u in rows), address(request, "missing", second.id, within=inside)),
        Figure(_("Missing in both"), total, "#missing_in_both", tone="overdue" if total else "good"),
    ]  # fmt: skip
    if request.actor.may(READ_PEOPLE):
        sections = [
            Section(_("Missing in both: go there first"), twice, figures), Section(_("Place by place"), side_by_side),
        ]  # fmt: skip
    else:
        sections = [Section(_("Place by place"), side_by_side, figures[:2])]
    heading = _("%(first)s beside %(second)s") % titles
    back = [(titles[which], address(request, "round", one.id)) for which, one in (("first", first), ("second", second))]
    return answer_record(request, sections, heading=heading, above=back)
