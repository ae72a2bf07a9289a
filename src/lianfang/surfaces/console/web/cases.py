"""Cases with their histories, and contacts."""

import uuid
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from lianfang.kit.refusals import NotFound
from lianfang.response.cases import queries
from lianfang.response.cases.queries import CaseRow
from lianfang.surfaces.console import words
from lianfang.surfaces.console.addresses import address
from lianfang.surfaces.console.lists import Column, Filter, Listing, Section, answer_list, answer_record, as_text, whole
from lianfang.surfaces.session import ActingRequest, read_instant

CONTACT_STATES = ("active", "upgraded", "withdrawn")


def show_cases(request: ActingRequest) -> HttpResponse:
    """List the cases as they were known at the instant."""
    get = request.GET.get
    rows = queries.cases(
        by=request.actor, at=request.instant, known_at=request.instant, class_code=get("class_code") or None,
        community=get("community") == "yes", since=read_instant(get("since", "")),
    )  # fmt: skip
    classes = sorted({row.class_code for row in queries.cases(by=request.actor, at=request.instant)})
    total, read = whole(rows)
    listing = Listing(
        "cases", case_columns(request), total, read,
        _("No case fits these questions in your area at this instant."),
        (
            Filter("class_code", _("Class"), [("", _("all")), *((code, words.word(code)) for code in classes)]),
            Filter("community", _("Community-detected"), [("", _("all")), ("yes", _("yes"))]),
            Filter("since", _("Known after")),
        ),
    )  # fmt: skip
    return answer_list(request, listing, heading=_("Cases"))


def case_columns(request: ActingRequest) -> list[Column]:
    """Return the columns of a list of cases."""
    return [
        Column(_("No."), lambda c: c.number, lambda c: address(request, "case", c.id), look="number"),
        Column(_("Name"), lambda c: c.name, lambda c: address(request, "case", c.id)),
        Column(_("Class"), _class, look="mark", tone=lambda c: "overdue" if c.class_code != "ruled_out" else ""),
        Column(_("Since"), lambda c: c.since, look="time"),
        Column(_("Found by"), lambda c: words.word(c.detected_by)),
        Column(_("Community-detected"), lambda c: _("yes") if c.community_detected else _("no")),
        Column(_("Village"), lambda c: c.village or c.division_code),
        Column(_("Known"), lambda c: c.known_at, look="time"),
        Column(_("Hospital"), lambda c: c.hospital),
    ]


def _class(case: CaseRow) -> str:
    severity = f" ({words.word(case.severity)})" if case.severity else ""
    return f"{words.word(case.class_code)}{severity}"


def show_case(request: ActingRequest, case: uuid.UUID) -> HttpResponse:
    """Show one case: its class now, its history, where it was and whom it met."""
    known = {"at": request.instant, "known_at": request.instant}
    found = next((row for row in queries.cases(by=request.actor, **known) if row.id == case), None)
    if found is None:
        raise NotFound(_("There is no such case in your area at this instant. Open the list of cases."))
    facts: list[tuple[str, Any, str]] = [
        (_("Person"), found.name, address(request, "resident", found.resident)),
        (_("Found by"), words.word(found.detected_by), ""),
        (_("Community-detected"), _("yes") if found.community_detected else _("no"), ""),
        (_("Village"), found.village or found.division_code, ""),
        (_("Sampled"), as_text(found.sampled_at), ""),
        (_("Onset"), as_text(found.onset_at), ""),
        (_("Known"), as_text(found.known_at), ""),
        (_("Hospital"), found.hospital, ""),
    ]
    sections = [
        Section(_("History"), _history(request, case)),
        Section(_("Where the person was"), _stays(request, case)),
        Section(_("Contacts"), _chain(request, case)),
    ]
    heading = _("Case %(number)s · %(name)s") % {"number": found.number, "name": found.name or ""}
    lead = _("%(class)s since %(since)s") % {"class": _class(found), "since": as_text(found.since)}
    return answer_record(request, sections, heading=heading, lead=lead, facts=facts)


def _history(request: ActingRequest, case: uuid.UUID) -> Listing:
    entries = [one for one in queries.case_history(by=request.actor, case=case) if one.recorded_at <= request.instant]
    total, read = whole(entries)
    columns = [
        Column(_("Held at"), lambda e: e.valid_at, look="time"),
        Column(_("Step"), lambda e: words.word(e.kind), look="mark"),
        Column(_("What"), lambda e: " ".join(words.word(x) for x in (e.what, e.severity) if x)),
        Column(_("Words"), lambda e: e.words),
        Column(_("Learned at"), lambda e: e.recorded_at, look="time"),
    ]
    return Listing("case_history", columns, total, read, _("Nothing is recorded yet."))


def _stays(request: ActingRequest, case: uuid.UUID) -> Listing:
    total, read = whole(queries.trajectory(by=request.actor, case=case))
    columns = [
        Column(_("From"), lambda s: s["since"], look="time"),
        Column(_("Until"), lambda s: s["until"], look="time"),
        Column(_("Place"), lambda s: s["place_text"]),
        Column(_("Note"), lambda s: s["note"]),
    ]
    return Listing("trajectory", columns, total, read, _("No stay is entered yet: the investigator enters them."))


def _chain(request: ActingRequest, case: uuid.UUID) -> Listing:
    total, read = whole(queries.chain(by=request.actor, case=case))
    columns = [
        Column(_("Degree"), lambda c: c.degree, look="number"),
        Column(_("Name"), lambda c: c.name, lambda c: address(request, "resident", c.resident) if c.name else ""),
        Column(_("Tier"), lambda c: words.word(c.tier)),
        Column(_("State"), lambda c: words.word(c.status), look="mark"),
        Column(_("Last exposure"), lambda c: c.last_exposure_at, look="time"),
        Column(
            _("Became case"), lambda c: c.led_to_number,
            lambda c: address(request, "case", c.led_to) if c.led_to else "", look="number",
        ),
    ]  # fmt: skip
    return Listing("contacts", columns, total, read, _("No contact is entered yet: the investigator enters them."))


def show_contacts(request: ActingRequest) -> HttpResponse:
    """List the contacts as they were known at the instant."""
    get = request.GET.get
    asked: dict[str, Any] = {
        "by": request.actor, "at": request.instant, "known_at": request.instant, "tier": get("tier") or None,
        "status": get("status") or None, "unplaced": get("unplaced") == "yes",
    }  # fmt: skip
    tiers = sorted({tier for tier, _status in queries.contact_counts(by=request.actor, at=request.instant)})
    listing = Listing(
        "contacts", contact_columns(request), sum(queries.contact_counts(**asked).values()),
        lambda limit, offset: queries.contacts(**asked, limit=limit, offset=offset),
        _("No contact fits these questions in your area at this instant."),
        (
            Filter("tier", _("Tier"), [("", _("all")), *((tier, words.word(tier)) for tier in tiers)]),
            Filter("status", _("State"), [("", _("all")), *((code, words.word(code)) for code in CONTACT_STATES)]),
            Filter("unplaced", _("Not yet in quarantine"), [("", _("all")), ("yes", _("yes"))]),
        ),
    )  # fmt: skip
    return answer_list(request, listing, heading=_("Contacts"))


def contact_columns(request: ActingRequest) -> list[Column]:
    """Return the columns of a list of contacts."""
    return [
        Column(_("Name"), lambda c: c.name, lambda c: address(request, "resident", c.resident) if c.name else ""),
        Column(_("Tier"), lambda c: words.word(c.tier), look="mark"),
        Column(_("State"), lambda c: words.word(c.status)),
        Column(_("Village"), lambda c: c.village or c.division_code),
        Column(_("Through"), lambda c: _("case") if c.case else _("contact"),
               lambda c: address(request, "case", c.case) if c.case else ""),
        Column(_("Last exposure"), lambda c: c.last_exposure_at, look="time"),
        Column(_("Determined"), lambda c: c.determined_at, look="time"),
        Column(_("In quarantine since"), lambda c: c.placed_at or _("not yet"), look="time",
               tone=lambda c: "warn" if c.placed_at is None and c.status == "active" else ""),
    ]  # fmt: skip
