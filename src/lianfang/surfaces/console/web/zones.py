"""Zones in force, the strictest first: why, until when, how to appeal, who lives under them, and when they may end."""

import uuid
from collections.abc import Iterator

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lianfang.kit.refusals import NotFound
from lianfang.response.zones import queries
from lianfang.response.zones.queries import ResidentUnderZone, ZoneRow
from lianfang.surfaces.console import words
from lianfang.surfaces.console.addresses import address
from lianfang.surfaces.console.figures import Figure
from lianfang.surfaces.console.lists import Column, Filter, Listing, Section, answer_list, answer_record, as_text, whole
from lianfang.surfaces.console.queries import place_names
from lianfang.surfaces.session import ActingRequest


def _in_force(request: ActingRequest) -> list[ZoneRow]:
    return queries.zones(by=request.actor, at=request.instant, known_at=request.instant)


def zone_figures(request: ActingRequest) -> Iterator[Figure]:
    """Count zones of each level and the people of the area under them."""
    levels: dict[str, list[ZoneRow]] = {}
    rows = _in_force(request)
    for row in rows:
        levels.setdefault(row.level, []).append(row)
    yield Figure(_("Zones in force"), len(rows), address(request, "zones"))
    for level, zones in levels.items():
        people = sum(zone.residents for zone in zones)
        note = ngettext("%(n)s resident of this area", "%(n)s residents of this area", people) % {"n": people}
        yield Figure(words.word(level), len(zones), address(request, "zones", level=level), note)


def show_zones(request: ActingRequest) -> HttpResponse:
    """List the zones in force at the instant."""
    rows, level = _in_force(request), request.GET.get("level", "")
    levels = sorted({row.level for row in rows})
    columns = [
        Column(_("Zone"), lambda z: z.name, lambda z: address(request, "zone", z.id)),
        Column(_("Level"), lambda z: words.word(z.level), look="mark", tone=lambda z: "warn"),
        Column(_("Since"), lambda z: z.since, look="time"),
        Column(_("Ends"), lambda z: z.ends_at, look="time"),
        Column(_("Residents"), lambda z: z.residents, lambda z: address(request, "zone_residents", z.id), look="number"),
        Column(_("Conditions for ending"), _conditions, look="mark", tone=lambda z: "good" if z.may_change else ""),
        Column(_("Needs checked before sealing"), lambda z: _("owed") if z.check_owed else _("done"), look="mark",
               tone=lambda z: "overdue" if z.check_owed else "good"),
        Column(_("On whose authority"), lambda z: z.authority),
        Column(_("Appeal to"), lambda z: z.appeal_to),
    ]  # fmt: skip
    listing = Listing(
        "zones", columns, *whole([row for row in rows if level in ("", row.level)]),
        _("No zone is in force at this instant."),
        (Filter("level", _("Level"), [("", _("all")), *((one, words.word(one)) for one in levels)]),),
    )  # fmt: skip
    return answer_list(request, listing, heading=_("Zones"))


def _conditions(zone: ZoneRow) -> str:
    if zone.may_change is None:
        return _("not evaluated yet")
    if not zone.may_change:
        return _("not met")
    return _("met: may become %(level)s") % {"level": words.word(zone.next_level)}


def show_zone(request: ActingRequest, zone: uuid.UUID) -> HttpResponse:
    """Show one zone with the decisions about it."""
    row = _zone(request, zone)
    codes = [lo for lo, _hi in row.areas]
    names = place_names(codes)
    facts = [
        (_("Level"), words.word(row.level), ""),
        (_("Reason"), row.reason, ""),
        (_("On whose authority"), row.authority, ""),
        (_("Since"), as_text(row.since), ""),
        (_("Ends"), as_text(row.ends_at), ""),
        (_("Appeal to"), row.appeal_to, ""),
        (_("Residents"), row.residents, address(request, "zone_residents", zone)),
        (_("Conditions for ending"), _conditions(row), ""),
        (_("Places"), "、".join(names[code] for code in codes), ""),
    ]
    return answer_record(request, [Section(_("History"), _history(request, zone))], heading=row.name, facts=facts)


def _zone(request: ActingRequest, zone: uuid.UUID) -> ZoneRow:
    row = next((one for one in _in_force(request) if one.id == zone), None)
    if row is None:
        raise NotFound(_("There is no such zone in force at this instant. Open the list of zones."))
    return row


def _history(request: ActingRequest, zone: uuid.UUID) -> Listing:
    entries = queries.zone_history(by=request.actor, zone=zone)
    columns = [
        Column(_("Held at"), lambda e: e.valid_at, look="time"),
        Column(_("Decision"), lambda e: words.word(e.decision), look="mark"),
        Column(_("Level"), lambda e: words.word(e.to_level)),
        Column(_("Ends"), lambda e: e.ends_at, look="time"),
        Column(_("Reason"), lambda e: e.reason),
        Column(_("On whose authority"), lambda e: e.authority),
        Column(_("Learned at"), lambda e: e.recorded_at, look="time"),
    ]
    known = [entry for entry in entries if entry.recorded_at <= request.instant]
    return Listing("zone_history", columns, *whole(known), _("Nothing is recorded yet."))


def show_residents(request: ActingRequest, zone: uuid.UUID) -> HttpResponse:
    """List the people of the area who are under a zone."""
    row = _zone(request, zone)
    places: dict[int, str] = {}

    def read(limit: int, offset: int) -> list[ResidentUnderZone]:
        people = queries.zone_residents(by=request.actor, zone=zone, at=request.instant, limit=limit, offset=offset)
        places.update(place_names({one.present_code for one in people}))
        return people

    columns = [
        Column(_("Name"), lambda r: r.name, lambda r: address(request, "resident", r.id)),
        Column(_("Is now in"), lambda r: places[r.present_code]),
    ]
    empty = _("Nobody of your area is under this zone.")
    listing = Listing("zone_residents", columns, row.residents, read, empty)
    return answer_list(request, listing, heading=_("Residents under %(zone)s") % {"zone": row.name})
