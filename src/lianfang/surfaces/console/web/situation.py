"""The situation at an instant: figures, each of which opens its list."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from lianfang.core.duties.permissions import READ_DUTIES
from lianfang.core.duties.queries import balance
from lianfang.core.intake.permissions import DECIDE_PARCELS
from lianfang.core.people.permissions import READ_PEOPLE
from lianfang.core.people.queries import count_residents
from lianfang.response.cases.permissions import READ_CASES
from lianfang.response.cases.queries import case_counts, community_count, contact_counts
from lianfang.response.checkpoints.permissions import READ_CHECKPOINTS
from lianfang.response.command.permissions import READ_COMMAND
from lianfang.response.command.queries import incidents, level_history
from lianfang.response.command.queries import situation as command_situation
from lianfang.response.quarantine.permissions import READ_ORDERS
from lianfang.response.screening.permissions import READ_ROUNDS
from lianfang.response.specimens.permissions import READ_CUSTODY
from lianfang.response.workforce.permissions import READ_WORKFORCE
from lianfang.response.zones.permissions import READ_ZONES
from lianfang.surfaces.console import words
from lianfang.surfaces.console.addresses import address
from lianfang.surfaces.console.figures import Figure
from lianfang.surfaces.console.queries import duties_by_kind
from lianfang.surfaces.console.templatetags.console import place_of
from lianfang.surfaces.console.web.checkpoints import checkpoint_figures
from lianfang.surfaces.console.web.climbed import climbed_total
from lianfang.surfaces.console.web.custody import custody_figures
from lianfang.surfaces.console.web.parcels import parcel_figures
from lianfang.surfaces.console.web.quarantine import quarantine_figures
from lianfang.surfaces.console.web.rounds import round_figures
from lianfang.surfaces.console.web.workforce import workforce_figures
from lianfang.surfaces.console.web.zones import zone_figures
from lianfang.surfaces.session import ActingRequest

DAY = timedelta(days=1)


def show_situation(request: ActingRequest) -> HttpResponse:
    """Show every figure that the grant may see."""
    context: dict[str, Any] = {"place": place_of(request.actor.scope)}
    context["groups"] = [
        {"title": title, "figures": figures}
        for title, permission, read in groups()
        if request.actor.may(permission) and (figures := list(read(request)))
    ]
    context |= _overdue(request) if request.actor.may(READ_DUTIES) else {}
    context |= _level(request) if request.actor.may(READ_COMMAND) else {}
    return render(request, "console/situation.html", context)


def groups() -> list[tuple[str, str, Any]]:
    """Return the groups of figures in their order: title, what it takes to see them, how to count them."""
    return [
        (_("Cases and contacts"), READ_CASES, case_figures),
        (_("Rounds of testing"), READ_ROUNDS, round_figures),
        (_("Tubes without a result"), READ_CUSTODY, custody_figures),
        (_("Zones"), READ_ZONES, zone_figures),
        (_("Quarantine"), READ_ORDERS, quarantine_figures),
        (_("Checkpoints"), READ_CHECKPOINTS, checkpoint_figures),
        (_("Duties"), READ_DUTIES, duty_figures),
        (_("From the field"), DECIDE_PARCELS, parcel_figures),
        (_("Directives"), READ_COMMAND, directive_figures),
        (_("People on duty"), READ_WORKFORCE, workforce_figures),
        (_("People"), READ_PEOPLE, people_figures),
    ]


def _overdue(request: ActingRequest) -> dict[str, Any]:
    kinds = duties_by_kind(by=request.actor, at=request.at)
    number = sum(kind.overdue for kind in kinds)
    if not number:
        return {}
    gravest = {"title": words.in_language(kinds[0].name_zh, kinds[0].name_en), "overdue": kinds[0].overdue}
    found = {"overdue": {"value": number, "href": address(request, "duties", overdue="yes")}, "gravest": gravest}
    # who answered at an instant gone by is not read yet: no number there, rather than a wrong one
    if request.at is None and (climbed := climbed_total(request)):
        found["climbed"] = {"value": climbed, "href": address(request, "climbed")}
    return found


def _level(request: ActingRequest) -> dict[str, Any]:
    running = incidents(by=request.actor, at=request.at)
    if not running:
        return {}
    history = level_history(running[0].id, by=request.actor, at=request.instant, known_at=request.instant)
    if not history or history[0].level is None:
        return {"incident": running[0], "level": _("no response level in force")}
    level = "ⅠⅡⅢⅣ"[history[0].level - 1]
    return {"incident": running[0], "level": _("Level %(level)s response") % {"level": level}}


def case_figures(request: ActingRequest) -> Iterator[Figure]:
    """Count cases by class and contacts by tier as they were known at the instant."""
    by, instant = request.actor, request.instant
    known = {"at": instant, "known_at": instant}
    classes: dict[str, int] = {}
    for (code, _severity), number in case_counts(by=by, **known).items():
        classes[code] = classes.get(code, 0) + number
    since = (instant - DAY).isoformat()
    fresh = community_count(by=by, since=instant - DAY, until=instant, known_at=instant)
    yield Figure(
        _("Community-detected, last 24 h"), fresh, address(request, "cases", community="yes", since=since),
        tone="overdue" if fresh else "",
    )  # fmt: skip
    yield Figure(_("Cases"), sum(classes.values()), address(request, "cases"))
    for code, number in sorted(classes.items()):
        yield Figure(words.word(code), number, address(request, "cases", class_code=code))
    tiers: dict[str, int] = {}
    for (tier, status), number in contact_counts(by=by, **known).items():
        if status == "active":
            tiers[tier] = tiers.get(tier, 0) + number
    for tier, number in sorted(tiers.items()):
        yield Figure(words.word(tier), number, address(request, "contacts", tier=tier, status="active"))
    unplaced = sum(contact_counts(by=by, status="active", unplaced=True, **known).values())
    yield Figure(
        _("Contacts not yet in quarantine"), unplaced, address(request, "contacts", status="active", unplaced="yes"),
        tone="warn" if unplaced else "",
    )  # fmt: skip


def duty_figures(request: ActingRequest) -> Iterator[Figure]:
    """Show the ledger's books: what was opened is done, waived, cancelled or outstanding."""
    books = balance(by=request.actor, at=request.instant)
    holds = _("the books agree") if books.holds else _("the books do not agree: tell the duty desk")
    yield Figure(
        _("opened"), books.opened, address(request, "duties", state="all"), holds, "" if books.holds else "overdue"
    )
    for state in ("done", "waived", "cancelled", "outstanding"):
        yield Figure(words.word(state), getattr(books, state), address(request, "duties", state=state))


def directive_figures(request: ActingRequest) -> Iterator[Figure]:
    """Count directives and what is owed on them, for each running incident."""
    for incident in incidents(by=request.actor, at=request.at):
        now = command_situation(incident.id, by=request.actor, at=request.instant, known_at=request.instant)
        yield Figure(_("Directives in force"), now.directives, address(request, "directives"))
        yield Figure(
            _("Receipts outstanding"), now.receipts_outstanding, address(request, "directives", owed="yes"),
            _("%(n)s overdue") % {"n": now.receipts_overdue}, "overdue" if now.receipts_overdue else "",
        )  # fmt: skip
        yield Figure(
            _("Feedback outstanding"), now.feedback_outstanding, address(request, "directives", owed="yes"),
            _("%(n)s overdue") % {"n": now.feedback_overdue}, "overdue" if now.feedback_overdue else "",
        )  # fmt: skip


def people_figures(request: ActingRequest) -> Iterator[Figure]:
    """Count the register of the area."""
    households, residents = count_residents(by=request.actor)
    yield Figure(_("Households"), households, address(request, "people"))
    yield Figure(_("Residents"), residents, address(request, "people"))
