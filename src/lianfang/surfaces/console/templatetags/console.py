"""What the console's templates say: words for codes, addresses that keep the instant, the masthead."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django import template
from django.urls import reverse
from django.utils.translation import gettext as _

from lianfang.core.access.permissions import MANAGE_DEVICES, READ_AUDIT, REVOKE_DEVICE
from lianfang.core.access.rules import Actor
from lianfang.core.duties.permissions import READ_DUTIES
from lianfang.core.intake.permissions import DECIDE_PARCELS
from lianfang.core.people.permissions import READ_PEOPLE
from lianfang.core.territory.queries import standing
from lianfang.kit.clock import LOCAL, local_date, response_now
from lianfang.kit.codes import CodeRange
from lianfang.kit.ids import new_id
from lianfang.response.cases.permissions import READ_CASES, READ_POOLS
from lianfang.response.checkpoints.permissions import READ_CHECKPOINTS
from lianfang.response.command.permissions import READ_COMMAND
from lianfang.response.command.queries import incidents
from lianfang.response.quarantine.permissions import READ_ORDERS
from lianfang.response.screening.permissions import READ_ROUNDS
from lianfang.response.specimens.permissions import READ_CUSTODY
from lianfang.response.tasks.permissions import READ_TASKS
from lianfang.response.workforce.permissions import READ_WORKFORCE
from lianfang.response.zones.permissions import READ_ZONES
from lianfang.surfaces.console import words
from lianfang.surfaces.console.addresses import address, at_text
from lianfang.surfaces.console.queries import press_reports
from lianfang.surfaces.session import ActingRequest

register = template.Library()
register.filter("word", words.word)
register.filter("role", words.role_word)
register.filter("line_of_work", words.line_word)
register.filter("said", words.said)

#: declared by the reports surface, which stands beside this one
READ_REPORTS = "reports.read_reports"
#: the menu: groups of pages, each page with its icon and what it takes to see it (any one of them); a group of which
#: somebody sees one page only shows that page
MENU = (
    ("", "", (("situation", "chart-bar", ""),)),
    ("", "", (("duties", "list-check", READ_DUTIES),)),
    ("patients", "virus", (
        ("cases", "virus", READ_CASES), ("contacts", "users-group", READ_CASES), ("quarantine", "home-check", READ_ORDERS),
    )),
    ("testing", "test-pipe", (
        ("rounds", "test-pipe", READ_ROUNDS), ("custody", "truck", READ_CUSTODY),
        ("labs", "building-hospital", READ_CUSTODY), ("pools", "alert-triangle", READ_POOLS),
    )),
    ("places", "map-pin", (("zones", "map-pin", READ_ZONES), ("checkpoints", "barrier-block", READ_CHECKPOINTS))),
    ("field", "users", (
        ("field_work", "checklist", READ_TASKS), ("parcels", "clipboard-check", DECIDE_PARCELS),
        ("deployments", "users", READ_WORKFORCE), ("people", "home", READ_PEOPLE),
    )),
    ("command", "clipboard-list", (
        ("directives", "clipboard-list", READ_COMMAND), ("daily_reports", "file-text", READ_REPORTS),
        ("report", "file-text", READ_REPORTS),
    )),
    ("keeping", "shield-check", (
        ("devices", "phone", f"{MANAGE_DEVICES} {REVOKE_DEVICE}"), ("audit", "eye", READ_AUDIT),
    )),
)  # fmt: skip


def menu_title(name: str) -> str:
    """Return the title of a page or of a group of the menu."""
    return {
        "situation": _("Situation"),
        "duties": _("Duties"),
        "cases": _("Cases"),
        "contacts": _("Contacts"),
        "people": _("People"),
        "directives": _("Directives"),
        "rounds": _("Rounds"),
        "custody": _("Custody"),
        "labs": _("Laboratories"),
        "pools": _("Positive pools"),
        "zones": _("Zones"),
        "quarantine": _("Quarantine"),
        "checkpoints": _("Checkpoints"),
        "field_work": _("Field work"),
        "deployments": _("Workforce"),
        "daily_reports": _("Daily reports"),
        "parcels": _("From the field"),
        "devices": _("Devices"),
        "audit": _("Audit"),
        "report": _("Press report"),
        "patients": _("Cases and quarantine"),
        "testing": _("Testing"),
        "places": _("Zones and checkpoints"),
        "field": _("Field and people"),
        "command": _("Command"),
        "keeping": _("Devices and audit"),
        "": "",
    }[name]


@register.simple_tag(takes_context=True)
def go(context: dict[str, Any], name: str, *parts: Any, **query: Any) -> str:
    """Return a page's address, keeping the instant that is being looked at."""
    return address(context["request"], name, *parts, **query)


@register.simple_tag
def fresh_id() -> str:
    """Return an id for the command that a form sends, so that pressing its button twice sends it once."""
    return str(new_id())


@register.filter
def moment(value: datetime | None) -> str:
    """Return an instant in local time to the minute."""
    return value.astimezone(LOCAL).strftime("%Y-%m-%d %H:%M") if value else ""


@register.filter
def grouped(value: Any) -> str:
    """Return a number with its thousands set apart; anything else as it is."""
    return f"{value:,}" if isinstance(value, int) else str(value)


@register.filter
def either(record: Any, field: str) -> str:
    """Return ``field_zh`` or ``field_en`` of a record, by the reader's language."""
    return words.in_language(getattr(record, f"{field}_zh"), getattr(record, f"{field}_en"))


@register.inclusion_tag("console/masthead.html", takes_context=True)
def masthead(context: dict[str, Any]) -> dict[str, Any]:
    """Show who acts, on which incident, at which time of the response."""
    request: ActingRequest = context["request"]
    actor = request.actor
    running = incidents(by=actor, at=request.at) if actor.may(READ_COMMAND) else []
    return {
        "request": request,
        "csrf_token": context.get("csrf_token"),
        "incident": words.in_language(running[0].title_zh, running[0].title_en) if running else "",
        "clock": response_now(),
        "at_text": at_text(request),
        "kept": [(key, value) for key, value in request.GET.items() if key not in ("at", "page", "export")],
        "actor": actor,
        "grants": [(grant.grant_id, grant_title(grant)) for grant in request.grants],
        "menu": [group for group in (_group(request, *one) for one in MENU) if group["pages"]],
    }


def _group(request: ActingRequest, name: str, icon: str, pages: Iterable[tuple[str, str, str]]) -> dict[str, Any]:
    seen = [
        {"href": href, "title": menu_title(page), "icon": page_icon, "here": here}
        for page, page_icon, permission in pages
        if not permission or any(request.actor.may(one) for one in permission.split())
        for href, here in _addresses(request, page)
    ]
    return {"title": menu_title(name), "icon": icon, "pages": seen, "here": any(page["here"] for page in seen)}


def _addresses(request: ActingRequest, page: str) -> Iterator[tuple[str, bool]]:
    """Yield where a page of the menu lies and whether somebody is there; press reports are as many as there are."""
    if page != "report":
        yield address(request, page), _is_here(request, page)
        return
    for scenario in press_reports(by=request.actor):
        href = address(request, page, scenario)
        yield href, request.path == href.partition("?")[0]


def _is_here(request: ActingRequest, name: str) -> bool:
    start = reverse(name)
    return request.path == start if start == reverse("situation") else request.path.startswith(start)


def grant_title(grant: Actor) -> str:
    """Return what somebody acts as: role, line of work and place."""
    return f"{words.role_word(grant.role)} · {words.line_word(grant.line)} · {place_of(grant.scope)}"


def place_of(scope: CodeRange) -> str:
    """Return the name of the unit whose codes are a scope, or the codes."""
    if scope.lo == 0:
        return _("everywhere")
    found = standing(scope, local_date(response_now())).filter(code=scope.lo, code_hi=scope.hi).first()
    return str(found.name) if found else f"{scope.lo}–{scope.hi}"
