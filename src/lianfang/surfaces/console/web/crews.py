"""The crew of a site where it stands on the site's page: put somebody to a function, and relieve them."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from lianfang.kit.clock import response_now
from lianfang.kit.ids import derived_id
from lianfang.kit.refusals import Refusal
from lianfang.response.sampling import queries
from lianfang.response.sampling.permissions import ASSIGN_CREW
from lianfang.response.sampling.queries import CrewLine, Site
from lianfang.surfaces.console import words
from lianfang.surfaces.console.addresses import address
from lianfang.surfaces.console.asking import confirmed, send, words_given
from lianfang.surfaces.session import ActingRequest


def may_assign(request: ActingRequest, code: int) -> bool:
    """Say whether the crew of a site at a place may be changed here and now; a look at the past changes nothing."""
    return request.at is None and request.actor.may(ASSIGN_CREW, code)


def crew_forms(request: ActingRequest, here: Site, crew: Sequence[CrewLine]) -> dict[str, Any]:
    """Return what the forms of a site's crew show: who could be put to one function, and who may be relieved."""
    if not (crew and here.running and may_assign(request, here.division_code)):
        return {}
    line = _line(request.GET.get("function", ""), crew)
    find = request.GET.get("find", "").strip().replace("\x00", "")[:40]
    posts, people = queries.crew_candidates(here.id, line.function, by=request.actor, name=find)
    return {
        "assigning": {
            "functions": [(one.function, _with_missing(one)) for one in crew], "function": line.function,
            "title": words.in_language(line.zh, line.en), "missing": line.missing, "find": find,
            "posts": posts, "people": people, "open": "function" in request.GET or "find" in request.GET,
        },
        "relieving": [
            (member.id, member.name, words.in_language(one.zh, one.en)) for one in crew for member in one.members
        ],
    }  # fmt: skip


def _line(function: str, crew: Sequence[CrewLine]) -> CrewLine:
    """Return the function asked for, else the first that still needs somebody."""
    asked = [one for one in crew if one.function == function]
    return next(iter([*asked, *(one for one in crew if one.missing), *crew]))


def _with_missing(line: CrewLine) -> str:
    name = words.in_language(line.zh, line.en)
    return _("%(function)s, %(n)s still to be found") % {"function": name, "n": line.missing} if line.missing else name


@require_POST
def assign(request: ActingRequest, site: uuid.UUID) -> HttpResponse:
    """Put everybody who is ticked to one function of the site's crew."""
    function = words_given(request, "function", _("Function"))
    command = request.POST.get("command", "")
    chosen = [(kind, one) for kind in ("post", "responder") for one in _ticked(request, kind)]
    if not chosen:
        raise Refusal(_("Nobody is ticked. Go back and tick who does this."))
    crew = [{"id": str(derived_id(command, kind, one)), "function": function, kind: one} for kind, one in chosen]
    send(request, "assign_crew", {"site": str(site), "crew": crew}, response_now())
    said = ngettext("%(n)s is put to this function.", "%(n)s are put to this function.", len(crew))
    messages.success(request, said % {"n": len(crew)})
    return redirect(f"{address(request, 'site', site)}#crew")


@require_POST
def relieve(request: ActingRequest, site: uuid.UUID) -> HttpResponse:
    """Relieve everybody of a site's crew who is ticked, after asking."""
    here, ticked = queries.site_of(site, by=request.actor), _ticked(request, "member")
    if not ticked:
        raise Refusal(_("Nobody is ticked. Go back and tick whom you relieve."))
    named = [f"{member.name} ({words.in_language(line.zh, line.en)})"
             for line in queries.crew_of(site, by=request.actor) for member in line.members if str(member.id) in ticked]  # fmt: skip
    return confirmed(
        request, "relieve_crew", {"site": str(site), "crew": ticked},
        heading=_("Relieve crew: %(site)s") % {"site": here.name},
        question=_("They leave this site's crew now and may be put to another site. Their places become free. Is it so?"),
        yes=_("Yes, relieve them"), facts=[(_("Who is relieved"), "、".join(named))],
        back=f"{address(request, 'site', site)}#crew", done=_("They are relieved."),
    )  # fmt: skip


def _ticked(request: ActingRequest, kind: str) -> list[str]:
    """Return the ids ticked in a form, each under a name of its own so that the page that asks carries them on."""
    start = f"{kind}-"
    return [
        name.removeprefix(start) for name, value in request.POST.items() if name.startswith(start) and value == "yes"
    ]
