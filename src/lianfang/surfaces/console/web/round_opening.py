"""Opening a round: choose zones and units, see what it would be, then open it."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from lianfang.core.territory.queries import standing
from lianfang.kit.clock import local_date, response_now
from lianfang.kit.refusals import Refusal
from lianfang.response.command.queries import IncidentRow, incidents
from lianfang.response.screening.permissions import OPEN_ROUND
from lianfang.response.zones.permissions import READ_ZONES
from lianfang.response.zones.queries import zones as zones_in_force
from lianfang.surfaces.console import words
from lianfang.surfaces.console.addresses import address
from lianfang.surfaces.console.asking import send, words_given
from lianfang.surfaces.console.figures import Figure
from lianfang.surfaces.console.lists import Column, Listing, as_text, shown, whole
from lianfang.surfaces.console.queries import place_names
from lianfang.surfaces.console.web.rounds import mode_word
from lianfang.surfaces.session import ActingRequest
from lianfang.workflows.open_zone_round import PlannedArea, ZoneRoundPlan, plan_zone_round


def show_opening(request: ActingRequest) -> HttpResponse:
    """Show the form of a new round, and below it what the places chosen so far would make of it."""
    request.actor.require(OPEN_ROUND)
    running = incidents(by=request.actor)
    chosen = _incident(request.GET.get("incident", ""), running)
    zones, units = _asked(request.GET.getlist("zone"), request.GET.getlist("unit"))
    plan, fault = None, ""
    if chosen and (zones or units):
        try:
            plan = _plan(request, chosen, zones, units)
        except Refusal as refusal:
            fault = str(refusal)
    context: dict[str, Any] = {
        "incidents": [(one.id, words.in_language(one.title_zh, one.title_en)) for one in running],
        "incident": chosen and chosen.id, "title": request.GET.get("title", "") or _("Area testing"),
        "zones": _zones(request, chosen, zones), "townships": _townships(request, units), "fault": fault,
        "plan": plan, "chosen_zones": zones, "chosen_units": units,
    }  # fmt: skip
    if plan:
        # a plan is no record: what is exported is the round, once it is open
        context |= {
            "figures": _figures(plan),
            "table": shown(request, _areas(plan)) | {"exports": []},
            "facts": _facts(plan),
        }
    return render(request, "console/round_opening.html", context)


@require_POST
def open_round(request: ActingRequest) -> HttpResponse:
    """Open the round that the form describes: its roster is frozen now."""
    request.actor.require(OPEN_ROUND)
    chosen = _incident(request.POST.get("incident", ""), incidents(by=request.actor))
    if chosen is None:
        raise Refusal(_("No incident is running in your area: a round is opened under one that runs."))
    zones, units = _asked(request.POST.getlist("zone"), request.POST.getlist("unit"))
    payload = {
        "incident": str(chosen.id), "zones": [str(zone) for zone in zones], "units": units,
        "title": words_given(request, "title", _("Title"))[:120], "pack": chosen.pack, "overlays": list(chosen.overlays),
    }  # fmt: skip
    receipt = send(request, "open_zone_round", payload, response_now())
    messages.success(
        request,
        ngettext(
            "The round is open: %(n)s person is on its roster, to be done by %(at)s.",
            "The round is open: %(n)s people are on its roster, to be done by %(at)s.",
            receipt.result["frozen"],
        )
        % {"n": receipt.result["frozen"], "at": str(receipt.result["target_at"])[:16]},
    )
    return redirect(address(request, "round", uuid.UUID(receipt.result["id"])))


def _incident(text: str, running: list[IncidentRow]) -> IncidentRow | None:
    found = [one for one in running if str(one.id) == text]
    return found[0] if found else next(iter(running), None)


def _asked(zones: list[str], units: list[str]) -> tuple[list[uuid.UUID], list[int]]:
    try:
        return [uuid.UUID(zone) for zone in zones], [int(unit) for unit in units]
    except ValueError:
        raise Refusal(_("This form is not complete. Open the page again and send it again.")) from None


def _plan(request: ActingRequest, incident: IncidentRow, zones: list[uuid.UUID], units: list[int]) -> ZoneRoundPlan:
    return plan_zone_round(
        by=request.actor, incident=incident.id, zones=zones, units=units, pack=incident.pack, overlays=incident.overlays
    )


def _zones(request: ActingRequest, incident: IncidentRow | None, chosen: list[uuid.UUID]) -> list[dict[str, Any]]:
    if incident is None or not request.actor.may(READ_ZONES):
        return []
    return [
        {"id": zone.id, "name": zone.name, "level": words.word(zone.level), "people": zone.residents,
         "chosen": zone.id in chosen}
        for zone in zones_in_force(by=request.actor, incident=incident.id)
    ]  # fmt: skip


def _townships(request: ActingRequest, chosen: list[int]) -> list[dict[str, Any]]:
    """Return the townships of the actor's area, each with its villages, for whoever chooses units."""
    units = standing(request.actor.scope, local_date(response_now())).filter(level__in=("township", "village"))
    found: dict[int, dict[str, Any]] = {}
    for unit in units.order_by("code"):
        own = {"code": unit.code, "name": unit.name, "chosen": unit.code in chosen}
        township = found.setdefault(
            unit.code // 10**6, {"code": None, "name": unit.name, "villages": [], "chosen": False}
        )
        if unit.level == "township":
            township |= own
        else:
            township["villages"].append(own)
    for township in found.values():
        township["open"] = township["chosen"] or any(village["chosen"] for village in township["villages"])
    return list(found.values())


def _figures(plan: ZoneRoundPlan) -> list[Figure]:
    figures = [Figure(_("People on the roster"), plan.population, "#plan")]
    if plan.sites:
        figures += [
            Figure(_("Sampling sites needed"), plan.sites.sites, "#plan", _("at least %(n)s") % {"n": plan.sites.least_sites}),
            Figure(_("Tables needed"), plan.sites.tables, "#plan", _("at least %(n)s") % {"n": plan.sites.least_tables}),
            Figure(_("Samplers needed"), plan.sites.samplers, "#plan"),
        ]  # fmt: skip
    return figures


def _facts(plan: ZoneRoundPlan) -> list[tuple[str, str]]:
    return [
        (_("Numbered within"), place_names([plan.area_code])[plan.area_code]),
        (_("To be done by"), as_text(plan.target_at)),
        (_("Visits to the missing from"), as_text(plan.visits_from)),
        (_("Sites sized by"), plan.sites.source if plan.sites else _("the pack says nothing about sites")),
    ]


def _areas(plan: ZoneRoundPlan) -> Listing:
    names = place_names([area.code_lo for area in plan.areas])
    columns = [
        Column(_("From"), lambda a: names[a.code_lo]),
        Column(_("Codes"), lambda a: f"{a.code_lo}–{a.code_hi}"),
        Column(_("Zone"), _level),
        Column(_("Sampled as"), lambda a: mode_word(a.mode, a.pool)),
        Column(_("People"), lambda a: a.people, look="number"),
    ]
    return Listing("planned_areas", columns, *whole(plan.areas), "")


def _level(area: PlannedArea) -> str:
    return words.word(area.zone_level) if area.zone_level else _("outside every zone")
