"""Exclusions that the records propose: in quarantine, infants, away. A person looks at each name and confirms the list."""

import uuid
from collections import Counter

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from lianfang.kit.ids import derived_id
from lianfang.kit.refusals import Refusal
from lianfang.response.screening import queries
from lianfang.response.screening.permissions import EXCLUDE_PEOPLE, READ_ROUNDS
from lianfang.response.screening.queries import ProposedExclusion
from lianfang.response.screening.rules import NEEDS_WHERE, REASONS
from lianfang.surfaces.console import words
from lianfang.surfaces.console.addresses import address
from lianfang.surfaces.console.asking import area_asked, confirmed
from lianfang.surfaces.console.lists import Column, Filter, Listing, answer_list
from lianfang.surfaces.console.queries import place_names
from lianfang.surfaces.console.web.rounds import round_title
from lianfang.surfaces.session import ActingRequest
from lianfang.workflows.propose_exclusions import count_proposals, propose_exclusions

#: the field of a form that keeps one person, before their id
KEEP = "keep-"


def show_proposed(request: ActingRequest, round: uuid.UUID) -> HttpResponse:
    """List the missing whom a record gives a reason to exclude, each with a tick that a person leaves or takes away."""
    request.actor.require(READ_ROUNDS)
    area, reason = area_asked(request), request.GET.get("reason", "")
    row = queries.round_row(round, by=request.actor, at=request.at)
    counted = count_proposals(round, by=request.actor, at=request.at, within=area)
    reason = reason if reason in counted else ""
    seen: list[ProposedExclusion] = []
    names: dict[int, str] = {}

    def read(limit: int, offset: int) -> list[ProposedExclusion]:
        seen[:] = propose_exclusions(
            round, by=request.actor, at=request.at, within=area, reason=reason, limit=limit, offset=offset
        )
        names.update(place_names({one.division_code for one in seen}))
        return seen

    columns = [
        Column(_("Name"), lambda p: p.name, lambda p: address(request, "resident", p.resident)),
        Column(_("Born"), lambda p: p.birth_year, look="number"),
        Column(_("Place"), lambda p: names.get(p.division_code, p.division_code)),
        Column(_("Reason"), lambda p: words.word(p.reason)),
        Column(_("Where"), lambda p: p.where),
    ]
    total = counted.get(reason, 0) if reason else sum(counted.values())
    choices = [("", _("all")), *((one, f"{words.word(one)} ({counted[one]})") for one in REASONS if one in counted)]
    listing = Listing(
        "proposed_exclusions", columns, total, read,
        _("The records give no reason to exclude any of the missing here. Visit them: the list of the missing says who goes."),
        (Filter("reason", _("Reason"), choices),),
    )  # fmt: skip
    here = request.GET.get("within", "")
    return answer_list(
        request, listing, template="console/proposed_exclusions.html", people=seen, names=names, round=round,
        heading=_("Proposed exclusions of %(round)s") % {"round": round_title(row)},
        lead=_("What other records say of people still missing. Nobody is excluded by it: look at each name, take the tick away where you are not sure, and fill in where somebody is. A second person calls some of them back."),
        may_exclude=request.at is None and row.closed_at is None and request.actor.may(EXCLUDE_PEOPLE),
        kept=[("within", here)] if here else [], needs_where=NEEDS_WHERE, back=address(request, "round", round),
    )  # fmt: skip


@require_POST
def confirm_exclusions(request: ActingRequest, round: uuid.UUID) -> HttpResponse:
    """Exclude the people whose ticks were left, after asking; what stands in the form counts, not what is proposed now."""
    command = request.POST.get("command", "")
    people = [
        {"id": str(derived_id("exclusion", command, resident)), "resident": resident, "reason": reason,
         "where": request.POST.get(f"where-{resident}", "").strip()[:120]}
        for resident, reason in _kept(request)
    ]  # fmt: skip
    if not people:
        raise Refusal(_("No name is ticked. Go back and tick whom you want to exclude."))
    nowhere = sum(one["reason"] in NEEDS_WHERE and not one["where"] for one in people)
    if nowhere:
        raise Refusal(
            ngettext(
                "%(n)s person has no place yet. Go back and fill in where they are, or take the tick away.",
                "%(n)s people have no place yet. Go back and fill in where they are, or take their ticks away.",
                nowhere,
            )
            % {"n": nowhere}
        )
    reasons = Counter(one["reason"] for one in people)
    return confirmed(
        request, "exclude_people", {"round": str(round), "people": people},
        heading=ngettext("Exclude %(n)s person", "Exclude %(n)s people", len(people)) % {"n": len(people)},
        question=_("Nobody visits them in this round any more. Your name stands beside each, and a second person calls some of them back. Is it so?"),
        yes=_("Yes, exclude them"), facts=[(words.word(reason), str(count)) for reason, count in reasons.items()],
        back=address(request, "proposed_exclusions", round),
        done=ngettext(
            "%(n)s person is excluded with the reason.", "%(n)s people are excluded with their reasons.", len(people)
        ) % {"n": len(people)},
    )  # fmt: skip


def _kept(request: ActingRequest) -> list[tuple[str, str]]:
    try:
        return [
            (str(uuid.UUID(name.removeprefix(KEEP))), str(value))
            for name, value in request.POST.items()
            if name.startswith(KEEP)
        ]
    except ValueError:
        raise Refusal(_("This form is not complete. Open the page again and send it again.")) from None
