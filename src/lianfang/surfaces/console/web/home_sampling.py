"""Sampling at home in a round: who may not be able to come, for whom it is ordered, and how it stands."""

import uuid

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from lianfang.kit.ids import derived_id
from lianfang.kit.refusals import Refusal
from lianfang.response.sampling.permissions import ORDER_HOME_SAMPLING, READ_CANDIDATES, READ_SITES
from lianfang.response.sampling.queries import Candidate, HomeSamplingRow, home_sampling_candidates, home_sampling_list
from lianfang.response.screening.queries import round_row
from lianfang.surfaces.console import words
from lianfang.surfaces.console.addresses import address
from lianfang.surfaces.console.asking import confirmed
from lianfang.surfaces.console.lists import Column, Listing, Section, answer_record, as_text, whole
from lianfang.surfaces.console.queries import place_names
from lianfang.surfaces.session import ActingRequest


def show_home_sampling(request: ActingRequest, round: uuid.UUID) -> HttpResponse:
    """Show for whom sampling at home is ordered and, to those permitted, who else may not be able to come."""
    request.actor.require(READ_SITES)
    row = round_row(round, by=request.actor, at=request.at)
    ordered = home_sampling_list(round, by=request.actor)
    acts = request.at is None and row.closed_at is None
    sections = [Section(_("Ordered"), _order_listing(request, ordered))]
    candidates: list[Candidate] = []
    if acts and request.actor.may(READ_CANDIDATES):
        candidates = home_sampling_candidates(round, by=request.actor)
        sections.insert(0, Section(_("May not be able to come"), _candidate_listing(request, candidates)))
    open_ = sum(one.state in ("ordered", "appointment") for one in ordered)
    return answer_record(
        request, sections, template="console/home_sampling.html",
        heading=_("Sampling at home, %(area)s, round %(number)s") % {"area": row.area or row.area_code, "number": row.number},
        lead=_("%(open)s people wait to be sampled at home; %(more)s more may not be able to come.")
        % {"open": open_, "more": len(candidates)},
        facts=[
            (_("Round"), row.title, address(request, "round", round)),
            (_("To be done by"), as_text(row.target_at), ""),
        ],
        round=round, candidates=len(candidates) if request.actor.may(ORDER_HOME_SAMPLING) else 0,
    )  # fmt: skip


def _candidate_listing(request: ActingRequest, candidates: list[Candidate]) -> Listing:
    places = place_names([one.division_code for one in candidates])
    columns = [
        Column(_("Name"), lambda c: c.name, lambda c: address(request, "resident", c.resident)),
        Column(_("Place"), lambda c: places[c.division_code]),
        Column(_("Address"), lambda c: c.address),
        Column(_("Reason"), lambda c: words.word(c.reason)),
    ]
    empty = _("Nobody else is known who cannot come. A grid worker orders it for whoever says so.")
    return Listing("home_sampling_candidates", columns, *whole(candidates), empty)


def _order_listing(request: ActingRequest, ordered: list[HomeSamplingRow]) -> Listing:
    places = place_names([one.division_code for one in ordered])
    tones = {"sampled": "good", "could_not": "warn"}
    columns = [
        Column(_("Name"), lambda o: o.name, lambda o: address(request, "resident", o.resident)),
        Column(_("State"), lambda o: words.word(o.state), look="mark", tone=lambda o: tones.get(o.state, "")),
        Column(_("Place"), lambda o: places[o.division_code]),
        Column(_("Address"), lambda o: o.address),
        Column(_("Reason"), lambda o: words.word(o.reason)),
        Column(_("Ordered at"), lambda o: o.ordered_at, look="time"),
        Column(_("Appointment"), lambda o: o.appointment_at, look="time"),
        Column(_("Why not"), lambda o: o.note),
    ]
    empty = _("Sampling at home is ordered for nobody here. Order it for whoever cannot come to a site.")
    return Listing("home_samplings", columns, *whole(ordered), empty)


@require_POST
def order_for_candidates(request: ActingRequest, round: uuid.UUID) -> HttpResponse:
    """Order sampling at home for everybody who is listed as perhaps not able to come, after asking."""
    candidates = home_sampling_candidates(round, by=request.actor)[:1000]
    if not candidates:
        raise Refusal(_("Nobody is listed any more. Open the page again to see how it stands."))
    people = [
        {"id": str(derived_id("home_sampling", round, one.resident, "proposed")), "resident": str(one.resident), "reason": one.reason}
        for one in candidates
    ]  # fmt: skip
    return confirmed(
        request, "order_home_sampling", {"round": str(round), "people": people, "accept_good": True},
        heading=_("Order sampling at home"),
        question=_("Samplers go to these people by the round's target. Whoever comes to a site is sampled there. Is it so?"),
        yes=_("Yes, order it"),
        facts=[(_("Number of people"), str(len(candidates)))],
        back=address(request, "home_sampling", round), done=_("Sampling at home is ordered."),
    )  # fmt: skip
