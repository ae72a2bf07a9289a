"""The register: people of an area, one resident with everybody behind the door, identifiers opened for a reason."""

import uuid
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from lianfang.core.people.actions import open_identifier
from lianfang.core.people.permissions import ISSUE_CODES, OPEN_IDENTIFIER
from lianfang.core.people.queries import ResidentLine, residents, view_resident
from lianfang.kit.clock import local_date
from lianfang.kit.refusals import Refusal
from lianfang.surfaces.console import words
from lianfang.surfaces.console.addresses import address
from lianfang.surfaces.console.asking import area_asked
from lianfang.surfaces.console.lists import Column, Filter, Listing, Section, answer_list, answer_record, whole
from lianfang.surfaces.console.queries import count_people, place_names, village_names
from lianfang.surfaces.console.web.resident_codes import code_context
from lianfang.surfaces.session import ActingRequest

FIELDS = ("phone", "national_id")


def show_people(request: ActingRequest) -> HttpResponse:
    """List the people who live or stay in an area, by grid and household."""
    area, name = area_asked(request), request.GET.get("name", "").strip()
    total = count_people(by=request.actor, within=area, name=name)
    villages = [(str(code), title) for code, title in village_names(within=request.actor.scope, at=request.instant)]
    places: dict[int, str] = {}

    def read(limit: int, offset: int) -> list[ResidentLine]:
        rows = residents(by=request.actor, within=area, name=name, limit=limit, offset=offset)
        places.update(place_names({row.division_code for row in rows}))
        return rows

    listing = Listing(
        "people", people_columns(request, places), total, read,
        _("Nobody of that name lives or stays here. Search by the beginning of a name or its pinyin."),
        (Filter("name", _("Name begins with")), Filter("within", _("Village"), [("", _("all")), *villages])),
    )  # fmt: skip
    codes = [(_("Sampling codes"), address(request, "codes", within=request.GET.get("within", "")))]
    return answer_list(request, listing, heading=_("People"), above=codes if request.actor.may(ISSUE_CODES) else [])


def people_columns(request: ActingRequest, places: dict[int, str]) -> list[Column]:
    """Return the columns of a list of residents; ``places`` names grids and is filled when rows are read."""
    return [
        Column(_("Name"), lambda r: r.name, lambda r: address(request, "resident", r.id)),
        Column(_("Sex"), lambda r: words.word(r.sex)),
        Column(_("Age"), lambda r: age(request, r), look="number"),
        Column(_("Relation"), lambda r: words.word(r.relation)),
        Column(_("Household"), lambda r: r.household_number, look="number"),
        Column(_("Place"), lambda r: places.get(r.division_code, str(r.division_code))),
        Column(_("Address"), lambda r: r.address),
        Column(
            _("Needs help first"), lambda r: "、".join(words.word(kind) for kind in r.vulnerable), look="mark",
            tone=lambda r: "warn" if r.vulnerable else "",
        ),
        Column(_("Now"), lambda r: _("elsewhere") if r.present_code != r.division_code else ""),
    ]  # fmt: skip


def age(request: ActingRequest, line: ResidentLine) -> int:
    """Return how old somebody is on the day that the page shows, in years."""
    day, born = local_date(request.instant), line.birth_date
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def show_resident(request: ActingRequest, resident: uuid.UUID, opened: dict[str, str] | None = None) -> HttpResponse:
    """Show one resident, identifiers masked; the look is logged by the query that reads it."""
    page = view_resident(resident, by=request.actor)
    line = page.line
    places = place_names({row.division_code for row in page.household} | {line.registered_code, line.present_code})
    total, read = whole(page.household)
    household = Listing("household", people_columns(request, places), total, read, _("Nobody is behind this door."))
    facts: list[tuple[str, Any, str]] = [
        (_("Sex"), words.word(line.sex), ""),
        (_("Age"), age(request, line), ""),
        (_("National ID"), page.national_id, ""),
        (_("Phone"), page.phone, ""),
        (_("Lives in"), places.get(line.division_code, line.division_code), ""),
        (_("Address"), line.address, ""),
        (_("Registered in"), places.get(line.registered_code, line.registered_code), ""),
        (_("Is now in"), places.get(line.present_code, line.present_code), ""),
        (_("Needs help first"), "、".join(words.word(kind) for kind in line.vulnerable), ""),
    ]
    return answer_record(
        request, [Section(_("Household"), household)], template="console/resident.html",
        heading=line.name, resident=line, facts=facts, opened=opened, may_open=request.actor.may(OPEN_IDENTIFIER),
        reasons=[(code, words.reason_word(code)) for code in words.REASONS],
        **code_context(request, resident),
    )  # fmt: skip


@require_POST
def open_one(request: ActingRequest, resident: uuid.UUID) -> HttpResponse:
    """Show an identifier in the clear once, for a reason that is logged."""
    field, reason = request.POST.get("field", ""), request.POST.get("reason", "")
    if field not in FIELDS or reason not in words.REASONS:
        raise Refusal(_("Choose which identifier and why you need it: the reason is kept with your name."))
    value = open_identifier(resident, by=request.actor, field=field, reason=reason)
    return show_resident(request, resident, {"label": words.word(field), "value": value})
