"""Sampling sites: what a round needs, one site with its slots, lanes, crew and line, and what is done there."""

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from lianfang.engines.protocol import PackSilent
from lianfang.kit.clock import LOCAL, response_now
from lianfang.kit.ids import derived_id, new_id
from lianfang.kit.refusals import Refusal
from lianfang.response.sampling import permissions as may
from lianfang.response.sampling import queries
from lianfang.response.sampling.queries import CrewLine, PlaceNeed, PlanRow, Site, SiteFlowNow, SiteLine, SlotRow
from lianfang.response.screening.permissions import OPEN_SITES
from lianfang.response.screening.queries import round_row
from lianfang.surfaces.console import words
from lianfang.surfaces.console.addresses import MINUTE, address
from lianfang.surfaces.console.asking import confirmed, instant_given, send, words_given
from lianfang.surfaces.console.figures import Figure
from lianfang.surfaces.console.lists import Column, Listing, Section, answer_record, as_text, whole
from lianfang.surfaces.console.queries import place_names
from lianfang.surfaces.console.web.crews import crew_forms, may_assign
from lianfang.surfaces.session import ActingRequest

#: how much of a crew's table fits without turning pages
CREW = 50


def minutes(span: timedelta | None) -> str:
    """Return a span of time in whole minutes, as one says it at a site."""
    return "" if span is None else _("%(n)s min") % {"n": round(span.total_seconds() / 60)}


def show_round_sites(request: ActingRequest, round: uuid.UUID) -> HttpResponse:
    """Show what each place of a round needs, its open sites, and the plans that wait for a person to confirm them."""
    request.actor.require(may.READ_SITES)
    row = round_row(round, by=request.actor, at=request.at)
    needs = _needs(request, round)
    lines = queries.site_lines(round, by=request.actor)
    plans = [plan for plan in queries.plans_of(by=request.actor, round=round) if plan.state == "proposed"]
    in_force = any(line.slots for line in lines)
    acts = request.at is None and row.closed_at is None
    newest = [plan for plan in plans if plan.batch == plans[0].batch]
    return answer_record(
        request,
        [
            Section(_("Open sites"), _site_listing(request, lines), _line_figures(request, round, lines, needs)),
            Section(_("What each village or community needs"), _need_listing(needs)),
        ],
        template="console/sites.html",
        heading=_("Sampling sites of %(area)s, round %(number)s") % {"area": row.area or row.area_code, "number": row.number},
        lead=_next_step(needs, lines, newest, in_force),
        facts=[
            (_("Round"), row.title, address(request, "round", round)),
            (_("To be done by"), as_text(row.target_at), ""),
            (_("By the rules of"), row.pack, ""),
            *_homes(request, round),
        ],
        round=round,
        short=[need for need in needs if need.missing_sites and acts and request.actor.may(OPEN_SITES, need.code)],
        may_plan=acts and bool(lines) and request.actor.may(may.PLAN_SLOTS),
        proposed=_proposed(request, newest, lines) if acts and request.actor.may(may.PLAN_SLOTS) else None,
        now=response_now().astimezone(LOCAL).strftime(MINUTE), commands=_commands("plan"),
    )  # fmt: skip


def _homes(request: ActingRequest, round: uuid.UUID) -> list[tuple[str, Any, str]]:
    """Return the way to sampling at home, for who orders or does it."""
    if not any(request.actor.may(one) for one in (may.ORDER_HOME_SAMPLING, may.RECORD_HOME_SAMPLING)):
        return []
    return [(_("Sampling at home"), _("open the list"), address(request, "home_sampling", round))]


def _commands(*forms: str) -> dict[str, str]:
    """Return an id for the command of each form, so that a button pressed twice sends it once."""
    return {form: str(new_id()) for form in forms}


def _needs(request: ActingRequest, round: uuid.UUID) -> list[PlaceNeed]:
    try:
        return queries.site_needs(round, by=request.actor)
    except PackSilent:
        return []


def _next_step(
    needs: Sequence[PlaceNeed], lines: Sequence[SiteLine], proposed: Sequence[PlanRow], in_force: bool
) -> str:
    """Say in one sentence what is to be done next."""
    missing = sum(need.missing_sites for need in needs)
    if missing:
        return ngettext(
            "%(n)s site is still to be opened: open it below.",
            "%(n)s sites are still to be opened: open them below.",
            missing,
        ) % {"n": missing}
    if not lines:
        return _("No site is open: the rules of this round size none, so open them as the place needs.")
    if proposed:
        return _("A plan of slots waits for somebody to confirm it.")
    if not in_force:
        return _("All sites are open. Next: plan which building is called when.")
    late = [line for line in lines if line.next_at and line.next_at < response_now()]
    if late:
        return _("At %(site)s the next building should have been called by now.") % {"site": late[0].name}
    return _("All sites are open and buildings are called by plan.")


def _proposed(request: ActingRequest, plans: Sequence[PlanRow], lines: Sequence[SiteLine]) -> dict[str, Any] | None:
    if not plans:
        return None
    names = {line.id: line.name for line in lines}
    return {
        "batch": plans[0].batch,
        "sites": [(names.get(plan.site, ""), plan.slots, plan.people, as_text(plan.ends_at)) for plan in plans],
        "people": sum(plan.people for plan in plans),
        "slots": sum(plan.slots for plan in plans),
        "starts_at": as_text(plans[0].starts_at),
        "planned_at": as_text(plans[0].planned_at),
    }


def _uncounted(n: int) -> str:
    return ngettext("%(n)s site has not counted yet", "%(n)s sites have not counted yet", n) % {"n": n} if n else ""


def _line_figures(
    request: ActingRequest, round: uuid.UUID, lines: Sequence[SiteLine], needs: Sequence[PlaceNeed]
) -> list[Figure]:
    here = address(request, "round_sites", round)
    needed = sum(need.sites for need in needs)
    waiting = [line.waiting for line in lines if line.waiting is not None]
    return [
        Figure(_("Open sites"), len(lines), f"{here}#sites", _("%(n)s needed") % {"n": needed} if needs else "",
               "warn" if len(lines) < needed else "good"),
        Figure(_("Tables"), sum(line.tables for line in lines), f"{here}#sites",
               _("%(n)s needed") % {"n": sum(need.tables for need in needs)} if needs else ""),
        Figure(_("Samplers"), sum(line.samplers for line in lines), f"{here}#sites",
               _("%(n)s needed") % {"n": sum(need.samplers for need in needs)} if needs else ""),
        Figure(_("Waiting, as counted last"), sum(waiting), f"{here}#sites",
               _uncounted(len(lines) - len(waiting))),
        Figure(_("Sampled at these sites"), sum(line.sampled for line in lines), f"{here}#sites"),
    ]  # fmt: skip


def _site_listing(request: ActingRequest, lines: list[SiteLine]) -> Listing:
    names = place_names([line.division_code for line in lines])
    columns = [
        Column(_("Site"), lambda s: s.name, lambda s: address(request, "site", s.id)),
        Column(_("Place"), lambda s: names[s.division_code]),
        Column(
            _("Leader"), lambda s: s.leader_title or _("nobody: name one"),
            lambda s: _place_of(request, s, "leader") if not s.leader_title else "", tone=lambda s: "" if s.leader_title else "warn",
        ),
        Column(_("Tables"), lambda s: s.tables, look="number"),
        Column(_("Samplers"), lambda s: s.samplers, look="number"),
        Column(_("Called"), lambda s: f"{s.called} / {s.slots}" if s.slots else _("no plan yet"), look="number"),
        Column(
            _("Next call"), lambda s: s.next_at, look="time",
            tone=lambda s: "overdue" if s.next_at and s.next_at < response_now() else "",
        ),
        Column(_("Waiting"), lambda s: s.waiting, look="number"),
        Column(_("Counted at"), lambda s: s.counted_at, look="time"),
        Column(_("Sampled"), lambda s: s.sampled, look="number"),
    ]  # fmt: skip
    empty = _("No site is open in your area. Open the sites that the places below need.")
    return Listing("sites", columns, *whole(lines), empty)


def _need_listing(needs: list[PlaceNeed]) -> Listing:
    columns = [
        Column(_("Village or community"), lambda n: n.name or n.code),
        Column(_("Number of people"), lambda n: n.population, look="number"),
        Column(_("Sites needed"), lambda n: n.sites, look="number"),
        Column(_("Open sites"), lambda n: n.open_sites, look="number", tone=lambda n: "overdue" if n.missing_sites else ""),
        Column(_("Tables needed"), lambda n: n.tables, look="number"),
        Column(_("Open tables"), lambda n: n.open_tables, look="number"),
        Column(_("Samplers needed"), lambda n: n.samplers, look="number"),
        Column(_("Samplers there"), lambda n: n.open_samplers, look="number"),
        Column(_("Whole crew needed"), lambda n: sum(n.crew.values()), look="number"),
    ]  # fmt: skip
    empty = _("The rules of this round size no sites, or nobody of your area is on its roster.")
    return Listing("site_needs", columns, *whole(needs), empty)


@require_POST
def open_needed(request: ActingRequest, round: uuid.UUID) -> HttpResponse:
    """Open the sites that a place still needs, after asking."""
    code = request.POST.get("code", "")
    need = next((one for one in queries.site_needs(round, by=request.actor) if str(one.code) == code), None)
    if need is None or not need.missing_sites:
        raise Refusal(_("This place needs no further site. Open the page again to see what is there."))
    name = place_names([need.code])[need.code]
    shapes = need.shapes[need.open_sites :]
    entries = [
        {
            "id": str(derived_id("site", round, need.code, number)), "name": _("%(place)s site %(n)s") % {"place": name, "n": number},
            "division_code": need.code, "tables": shape.tables, "samplers": shape.samplers,
        }
        for number, shape in enumerate(shapes, need.open_sites + 1)
    ]  # fmt: skip
    return confirmed(
        request, "open_sites", {"round": str(round), "sites": entries},
        heading=_("Open sites in %(place)s") % {"place": name},
        question=_("These sites are opened now. Their leaders and crews are named on each site's page. Is it so?"),
        yes=_("Yes, open them"),
        facts=[
            (_("Sites"), str(len(shapes))), (_("Tables"), str(sum(shape.tables for shape in shapes))),
            (_("Samplers"), str(sum(shape.samplers for shape in shapes))), (_("Number of people"), str(need.population)),
        ],
        back=address(request, "round_sites", round), done=_("The sites are open."),
    )  # fmt: skip


@require_POST
def plan(request: ActingRequest, round: uuid.UUID) -> HttpResponse:
    """Make a plan of slots for all open sites of a round, which somebody then confirms."""
    starts_at = instant_given(request, "starts_at")
    send(request, "plan_slots", {"round": str(round), "starts_at": starts_at.isoformat()}, response_now())
    messages.success(request, _("The plan is made. Look at it below and confirm it."))
    return redirect(address(request, "round_sites", round))


@require_POST
def confirm(request: ActingRequest, round: uuid.UUID) -> HttpResponse:
    """Confirm a plan of slots for all of its sites, after asking."""
    batch = words_given(request, "plan", _("Plan"))
    plans = [one for one in queries.plans_of(by=request.actor, round=round) if str(one.batch) == batch]
    return confirmed(
        request, "confirm_slots", {"plan": batch},
        heading=_("Confirm the plan of slots"),
        question=_("Buildings are called by this plan from now on. Whoever comes at another time is sampled all the same. Is it so?"),
        yes=_("Yes, confirm it"),
        facts=[
            (_("Sites"), str(len(plans))), (_("Slots"), str(sum(one.slots for one in plans))),
            (_("Number of people"), str(sum(one.people for one in plans))),
        ],
        back=address(request, "round_sites", round), done=_("The plan holds."),
    )  # fmt: skip


def show_site(request: ActingRequest, site: uuid.UUID) -> HttpResponse:
    """Show one site: who is called next, the line, what has left the plan, slots, crew, and the plans so far."""
    here = queries.site_of(site, by=request.actor)
    rows = queries.slots(site, by=request.actor, at=request.at)
    flow = _flow(request, here, rows)
    lanes = queries.lanes_of(site, by=request.actor)
    acts, crew = request.at is None and here.running, _crew(request, site)
    coming = next((row for row in rows if not row.called_at and row.to_call), None)
    sections = [
        Section(_("Slots"), _slot_listing(request, here, rows), _flow_figures(request, here, flow), 100),
        Section(_("Crew"), _crew_listing(request, here, crew), (), CREW),
        Section(_("Plans so far"), _plan_listing(queries.plans_of(by=request.actor, site=site))),
    ]
    return answer_record(
        request, sections, template="console/site.html", heading=here.name, site=here, facts=_site_facts(request, here, lanes),
        lead=_lead(here, rows, flow), lead_tone=_tone(flow), flow=flow, coming=_named(coming) if coming else None,
        drifted=flow is not None and flow.drift.beyond and bool(coming),
        lanes={kind: lanes.get(kind, 0) for kind in ("symptomatic", "yellow_code")},
        may_call=acts and request.actor.may(may.CALL_SLOTS, here.division_code),
        may_count=acts and request.actor.may(may.RECORD_QUEUE, here.division_code),
        may_plan=acts and request.actor.may(may.PLAN_SLOTS, here.division_code),
        commands=_commands("call", "count", "lanes"),
        may_open=acts and here.tables > 1 and request.actor.may(may.OPEN_LANES, here.division_code),
        **crew_forms(request, here, crew),
    )  # fmt: skip


def _flow(request: ActingRequest, here: Site, rows: Sequence[SlotRow]) -> SiteFlowNow | None:
    try:
        return queries.site_flow_now(here.id, by=request.actor, at=request.at, known=rows)
    except PackSilent:
        return None


def _crew(request: ActingRequest, site: uuid.UUID) -> list[CrewLine]:
    try:
        return queries.crew_of(site, by=request.actor)
    except PackSilent:
        return []


def _site_facts(request: ActingRequest, here: Site, lanes: dict[str, int]) -> list[tuple[str, Any, str]]:
    shown = [f"{words.word(kind)} {tables}" for kind, tables in lanes.items()]
    return [
        (_("Place"), place_names([here.division_code])[here.division_code], ""),
        (_("Round"), here.round_title, address(request, "round_sites", here.round)),
        (_("Leader"), here.leader_title or _("nobody: name one"), "" if here.leader_title else _place_of(request, here, "leader")),
        (_("Tables"), here.tables, ""),
        (_("Samplers"), here.samplers, ""),
        (_("Lanes and their tables"), " · ".join(shown) or _("one ordinary lane"), ""),
        (_("To be done by"), as_text(here.target_at), ""),
    ]  # fmt: skip


def _lead(here: Site, rows: Sequence[SlotRow], flow: SiteFlowNow | None) -> str:
    """Say in one sentence how the site stands and what to do."""
    if not here.running:
        return _("This site is closed.")
    if not rows or flow is None:
        return _("No plan holds here yet: plan and confirm the slots on the round's page. People who come are sampled.")
    if flow.drift.behind > flow.drift.tolerance:
        return _("The next building should have been called %(late)s ago. Call it, or plan anew.") % {
            "late": minutes(flow.drift.behind)
        }
    if flow.drift.beyond:
        return _("The wait in line is %(now)s instead of %(planned)s: plan anew for those not called yet.") % {
            "now": minutes(flow.drift.observed_wait), "planned": minutes(flow.drift.planned_wait)
        }  # fmt: skip
    return _("The line keeps to the plan.")


def _tone(flow: SiteFlowNow | None) -> str:
    return "" if flow is None else "overdue" if flow.drift.beyond else "good"


def _named(row: SlotRow) -> dict[str, Any]:
    return {
        "id": row.id, "name": slot_name(row, place_names([row.division_code])), "people": row.to_call,
        "starts_at": as_text(row.starts_at), "wait": minutes(row.expected_wait),
    }  # fmt: skip


def slot_name(row: SlotRow, places: dict[int, str]) -> str:
    """Return what is called: a building by its name, else the grid; of a part, which of how many and whose households."""
    name = row.building_name or _("%(place)s, outside of buildings") % {"place": places[row.division_code]}
    if row.parts > 1:
        return _("%(name)s, part %(part)s of %(parts)s") % {"name": name, "part": row.part, "parts": row.parts}
    return name


def _flow_figures(request: ActingRequest, here: Site, flow: SiteFlowNow | None) -> list[Figure]:
    if flow is None:
        return []
    door = f"{address(request, 'site', here.id)}#slots"
    counted = (
        _("counted at %(at)s") % {"at": as_text(flow.counted_at)[-5:]}
        if flow.counted_at
        else _("reckoned from calls and samples")
    )
    finish = as_text(flow.projected_finish)[5:] if flow.projected_finish else "—"
    return [
        Figure(_("Waiting"), flow.waiting, door, counted, "warn" if flow.drift.beyond else ""),
        Figure(_("Who joins the line now waits"), minutes(flow.expected_wait), door,
               _("by plan %(wait)s in line") % {"wait": minutes(flow.drift.planned_wait)}, "warn" if flow.drift.beyond else ""),
        Figure(_("People an hour, last 15 minutes"), flow.rate_15, door, _("last 60 minutes: %(n)s") % {"n": flow.rate_60}),
        Figure(_("Sampled here"), flow.sampled, address(request, "round_people", here.round, standing="sampled")),
        Figure(_("Missing of its slots"), flow.missing, door, _("%(n)s not called yet") % {"n": flow.to_call}),
        Figure(_("Finish to expect"), finish, door, _("target %(at)s") % {"at": as_text(flow.target_at)[5:]},
               "overdue" if flow.too_late else "good"),
    ]  # fmt: skip


def _slot_listing(request: ActingRequest, here: Site, rows: list[SlotRow]) -> Listing:
    places, at = place_names({row.division_code for row in rows}), request.instant
    tones = {"late": "overdue", "finished": "good", "called": "warn"}
    columns = [
        Column(_("Building or place"), lambda s: slot_name(s, places)),
        Column(_("State"), lambda s: slot_states()[s.state(at)], look="mark", tone=lambda s: tones.get(s.state(at), "")),
        Column(_("Number of people"), lambda s: s.people, look="number"),
        Column(_("Planned"), lambda s: s.starts_at, look="time"),
        Column(_("Called"), lambda s: s.called_at, look="time"),
        Column(_("Wait expected"), lambda s: minutes(s.expected_wait), look="number"),
        Column(_("Wait that was"), lambda s: minutes(s.actual_wait), look="number"),
        Column(_("Sampled"), lambda s: s.sampled, look="number"),
        Column(
            _("Missing"), lambda s: s.missing,
            lambda s: address(request, "missing", here.round, within=s.division_code) if s.missing else "", look="number",
        ),
    ]  # fmt: skip
    empty = _("Nobody is called by plan here yet. Plan the slots on the round's page, then confirm them.")
    return Listing("slots", columns, *whole(rows), empty)


def slot_states() -> dict[str, str]:
    """Return the states of a slot in the reader's words."""
    return {
        "planned": _("planned"),
        "late": _("should be called"),
        "called": _("called"),
        "finished": _("everybody came"),
    }


def _place_of(request: ActingRequest, site: Site | SiteLine, function: str) -> str:
    """Return where somebody is put to a function of a site's crew, or nothing for who may not or of a closed site."""
    if (isinstance(site, Site) and not site.running) or not may_assign(request, site.division_code):
        return ""
    return f"{address(request, 'site', site.id, function=function)}#assign"


def _crew_listing(request: ActingRequest, here: Site, crew: list[CrewLine]) -> Listing:
    columns = [
        Column(_("Function"), lambda c: words.in_language(c.zh, c.en)),
        Column(_("Needed"), lambda c: c.needed, look="number"),
        Column(_("There"), lambda c: len(c.members), look="number"),
        Column(
            _("Still to be found"), lambda c: c.missing, lambda c: _place_of(request, here, c.function) if c.missing else "",
            look="number", tone=lambda c: "overdue" if c.missing else "",
        ),
        Column(_("Who works there"), lambda c: "、".join(member.name for member in c.members)),
    ]  # fmt: skip
    empty = _("The rules of this round name no crew for a site.")
    return Listing("crew", columns, *whole(crew), empty)


def _plan_listing(plans: list[PlanRow]) -> Listing:
    states = {"proposed": _("proposed"), "in_force": _("in use"), "superseded": _("replaced")}
    columns = [
        Column(_("Plan"), lambda p: p.number, look="number"),
        Column(
            _("State"), lambda p: states[p.state], look="mark", tone=lambda p: "good" if p.state == "in_force" else ""
        ),
        Column(_("Made"), lambda p: p.planned_at, look="time"),
        Column(_("Confirmed"), lambda p: p.confirmed_at, look="time"),
        Column(_("Slots"), lambda p: p.slots, look="number"),
        Column(_("Number of people"), lambda p: p.people, look="number"),
        Column(_("Waiting when made"), lambda p: p.waiting, look="number"),
        Column(_("Seconds a person and table"), lambda p: round(p.seconds_per_person), look="number"),
        Column(_("Why"), lambda p: p.reason),
    ]
    return Listing("slot_plans", columns, *whole(plans), _("No plan was made for this site yet."))


@require_POST
def call(request: ActingRequest, site: uuid.UUID) -> HttpResponse:
    """Mark a building as called now."""
    slot = words_given(request, "slot", _("Slot"))
    send(request, "call_slot", {"slot": slot}, response_now())
    messages.success(request, _("The building is called. Tell its residents by loudspeaker, phone or door."))
    return redirect(address(request, "site", site))


@require_POST
def count(request: ActingRequest, site: uuid.UUID) -> HttpResponse:
    """Record how many people wait at a site now."""
    text = words_given(request, "waiting", _("People in line"))
    if not (text.isascii() and text.isdigit()):
        raise Refusal(_("“%(text)s” is no number of people. Write it like 25.") % {"text": text[:20]})
    send(request, "record_queue", {"site": str(site), "waiting": int(text)}, response_now())
    messages.success(request, _("The line is recorded."))
    return redirect(address(request, "site", site))


@require_POST
def replan(request: ActingRequest, site: uuid.UUID) -> HttpResponse:
    """Make the plan anew for those not called yet, after showing what it would be."""
    reason = words_given(request, "reason", _("Reason"))
    made, flow = queries.propose_slots(site, by=request.actor)
    return confirmed(
        request, "replan_slots", {"site": str(site), "reason": reason},
        heading=_("Plan anew: %(site)s") % {"site": queries.site_of(site, by=request.actor).name},
        question=_("Those not called yet get these times. The plan before is kept. Is it so?"),
        yes=_("Yes, plan anew"),
        facts=[
            (_("Waiting now"), str(flow.waiting)),
            (_("Slots"), str(len(made))),
            (_("Next call"), as_text(made[0].starts_at) if made else "—"),
            (_("Last call"), as_text(made[-1].starts_at) if made else "—"),
            (_("Longest wait expected"), minutes(max((slot.expected_wait for slot in made), default=None))),
        ],
        back=address(request, "site", site), done=_("The new plan holds."),
    )  # fmt: skip


@require_POST
def lanes(request: ActingRequest, site: uuid.UUID) -> HttpResponse:
    """Open the lanes that a form asks for; all other tables stay with the ordinary lane."""
    here = queries.site_of(site, by=request.actor)
    asked = {kind: _tables(request, kind) for kind in ("symptomatic", "yellow_code")}
    entries = [{"kind": "ordinary", "tables": here.tables - sum(asked.values())}]
    entries += [{"kind": kind, "tables": tables} for kind, tables in asked.items() if tables]
    send(request, "open_lanes", {"site": str(site), "lanes": entries}, response_now())
    messages.success(request, _("The lanes are open."))
    return redirect(address(request, "site", site))


def _tables(request: ActingRequest, kind: str) -> int:
    text = request.POST.get(kind, "0").strip() or "0"
    if not (text.isascii() and text.isdigit()):
        raise Refusal(_("“%(text)s” is no number of tables. Write it like 1.") % {"text": text[:20]})
    return int(text)
