"""People on duty: who was sent where, teams that stand, person-times of volunteers."""

from collections.abc import Iterator

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lianfang.kit.clock import local
from lianfang.response.workforce.queries import (
    Sent,
    attendances,
    deployed_counts,
    deployments,
    on_duty,
    person_times,
    teams,
)
from lianfang.surfaces.console import words
from lianfang.surfaces.console.addresses import address
from lianfang.surfaces.console.figures import Figure
from lianfang.surfaces.console.lists import Column, Filter, Listing, answer_list, whole
from lianfang.surfaces.session import ActingRequest

#: before any record of this system
BEGINNING = local("2000-01-01")


def workforce_figures(request: ActingRequest) -> Iterator[Figure]:
    """Count persons sent, teams standing, people at work now, and volunteers' person-times."""
    by, instant = request.actor, request.instant
    sent = deployed_counts(by=by, sent=Sent(until=instant))
    times, persons = person_times(by=by, since=BEGINNING, until=instant, voluntary=True)
    yield Figure(_("Persons sent to places"), sent.persons, address(request, "deployments"))
    yield Figure(_("Teams standing"), len(teams(by=by, at=instant)), address(request, "teams"))
    yield Figure(
        _("At work now"),
        sum(row.people for row in on_duty(by=by, at=instant)),
        address(request, "attendances", now="yes"),
    )
    yield Figure(
        _("Volunteers' person-times"), times, address(request, "attendances", voluntary="yes"),
        ngettext("%(n)s person", "%(n)s people", persons) % {"n": persons},
    )  # fmt: skip


def show_deployments(request: ActingRequest) -> HttpResponse:
    """List the people sent to places in the area."""
    sent = Sent(until=request.instant)
    columns = [
        Column(_("Name"), lambda d: d.name or _("out of your area")),
        Column(_("Unit"), lambda d: d.organisation_name),
        Column(_("Level"), lambda d: words.word(d.level)),
        Column(_("Sent to"), lambda d: d.place or d.division_code),
        Column(_("Line of work"), lambda d: words.line_word(d.line)),
        Column(_("Kind"), lambda d: words.word(d.deployment_kind)),
        Column(_("From"), lambda d: d.valid_from, look="time"),
        Column(_("Until"), lambda d: d.valid_until, look="time"),
    ]
    listing = Listing(
        "deployments", columns, deployed_counts(by=request.actor, sent=sent).deployments,
        lambda limit, offset: deployments(by=request.actor, sent=sent, limit=limit, offset=offset),
        _("Nobody is sent to your area at this instant."),
    )  # fmt: skip
    return answer_list(request, listing, heading=_("People sent to places"))


def show_teams(request: ActingRequest) -> HttpResponse:
    """List the teams that stand at the instant."""
    rows = teams(by=request.actor, at=request.instant)
    kinds, kind = sorted({row.kind for row in rows}), request.GET.get("kind", "")
    columns = [
        Column(_("Team"), lambda t: t.name),
        Column(_("Kind"), lambda t: words.word(t.kind)),
        Column(_("Unit"), lambda t: t.organisation),
        Column(_("Place"), lambda t: t.place or t.division_code),
        Column(_("Led by"), lambda t: t.leader),
        Column(_("Members"), lambda t: t.members, look="number"),
        Column(_("Formed"), lambda t: t.formed_at, look="time"),
    ]
    listing = Listing(
        "teams", columns, *whole([row for row in rows if kind in ("", row.kind)]), _("No team stands in your area."),
        (Filter("kind", _("Kind"), [("", _("all")), *((one, words.word(one)) for one in kinds)]),),
    )  # fmt: skip
    return answer_list(request, listing, heading=_("Teams"))


def show_attendances(request: ActingRequest) -> HttpResponse:
    """List stretches at work: all of them, those of volunteers, or those going on."""
    voluntary = {"yes": True, "no": False}.get(request.GET.get("voluntary", ""))
    rows = (
        on_duty(by=request.actor, at=request.instant)
        if request.GET.get("now") == "yes"
        else attendances(by=request.actor, since=BEGINNING, until=request.instant, voluntary=voluntary, limit=100_000)
    )
    columns = [
        Column(_("Name"), lambda a: a.name or _("out of your area")),
        Column(_("Unit"), lambda a: a.organisation),
        Column(_("People"), lambda a: a.people, look="number"),
        Column(_("Place"), lambda a: a.place or a.division_code),
        Column(_("Line of work"), lambda a: words.line_word(a.line)),
        Column(_("Volunteer"), lambda a: _("yes") if a.voluntary else ""),
        Column(_("Shift"), lambda a: a.shift_name),
        Column(_("From"), lambda a: a.checked_in_at, look="time"),
        Column(_("Until"), lambda a: a.checked_out_at, look="time"),
    ]
    answers = [("", _("all")), ("yes", _("yes")), ("no", _("no"))]
    listing = Listing(
        "attendances", columns, *whole(rows), _("Nobody has checked in here."),
        (
            Filter("voluntary", _("Volunteer"), answers),
            Filter("now", _("At work now"), [("", _("all")), ("yes", _("yes"))]),
        ),
    )  # fmt: skip
    return answer_list(request, listing, heading=_("People at work"))
