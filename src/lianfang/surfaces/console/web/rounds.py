"""Rounds of area testing: the list, one round with what its denominator is made of, the people behind every count."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.urls import NoReverseMatch
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lianfang.core.people.permissions import READ_PEOPLE
from lianfang.kit.codes import LEVELS, CodeRange
from lianfang.response.screening import queries
from lianfang.response.screening.permissions import CLOSE_ROUND, DECIDE_ROUND, OPEN_ROUND, READ_ROUNDS
from lianfang.response.screening.queries import AreaRow, Asked, DenominatorPart, RoundPerson, RoundRow, UnitCoverage
from lianfang.response.screening.rules import STANDINGS, Account
from lianfang.surfaces.console import words
from lianfang.surfaces.console.addresses import address
from lianfang.surfaces.console.asking import area_asked
from lianfang.surfaces.console.figures import Figure
from lianfang.surfaces.console.lists import Column, Filter, Listing, Section, answer_list, answer_record, as_text, whole
from lianfang.surfaces.console.queries import place_names
from lianfang.surfaces.session import ActingRequest


@dataclass(frozen=True)
class Village:
    """A village of a round: how many of its people stand how."""

    code: int
    name: str
    account: Account


def percent(account: Account) -> str:
    """Return the share sampled as a percentage that is 100 only when nobody is left."""
    share = 100 * account.share
    return "100%" if not account.missing else f"{min(share, 99.99):.2f}%"


def round_title(row: RoundRow) -> str:
    """Return what a round is called on every page about it."""
    return _("%(area)s, round %(number)s") % {"area": row.area or row.area_code, "number": row.number}


def mode_word(mode: str, pool: int) -> str:
    """Return how people are sampled: alone, a household to a tube, or so many to one."""
    if mode == "pooled":
        return _("%(pool)s to a tube") % {"pool": pool}
    return {"single": _("one person to a tube"), "household": _("one household to a tube")}[mode]


def round_figures(request: ActingRequest) -> Iterator[Figure]:
    """Show the latest round of each area, and how many are missing in it."""
    rows = queries.rounds(by=request.actor, at=request.at)
    yield Figure(_("Rounds"), len(rows), address(request, "rounds"))
    for row in {row.area_code: row for row in rows}.values():
        missing = row.account.missing
        yield Figure(
            _("%(area)s, round %(number)s: missing") % {"area": row.area or row.area_code, "number": row.number},
            missing, address(request, "missing", row.id),
            _("%(share)s of %(all)s sampled") % {"share": percent(row.account), "all": row.account.denominator},
            "warn" if missing else "good",
        )  # fmt: skip


def show_rounds(request: ActingRequest) -> HttpResponse:
    """List the rounds that touch the area, each with its account there."""
    request.actor.require(READ_ROUNDS)
    total, read = whole(queries.rounds(by=request.actor, at=request.at))
    columns = [
        Column(_("Area"), lambda r: r.area or r.area_code, lambda r: address(request, "round", r.id)),
        Column(_("Round"), lambda r: r.number, lambda r: address(request, "round", r.id), look="number"),
        Column(_("Opened"), lambda r: r.opened_at, look="time"),
        Column(_("To be done by"), lambda r: r.target_at, look="time"),
        Column(_("Signed off"), lambda r: r.closed_at or _("not yet"), look="time"),
        *account_columns(request, lambda r: r.id),
    ]
    may_open = request.at is None and request.actor.may(OPEN_ROUND)
    empty = _("No round of testing touches your area at this instant. The screening task force opens one.")
    if may_open:
        empty = _("No round of testing touches your area at this instant. Open one above.")
    listing = Listing("rounds", columns, total, read, empty)
    return answer_list(
        request, listing, template="console/rounds.html", heading=_("Rounds"),
        above=[(_("Open a round"), address(request, "round_opening"))] if may_open else [],
    )  # fmt: skip


def account_columns(request: ActingRequest, round_of, within_of=lambda row: "") -> list[Column]:  # type: ignore[no-untyped-def]
    """Return the columns that account for a round's people; each number opens the list behind it."""

    def people(standing: str, row: RoundRow | UnitCoverage | Village) -> str:
        return address(request, "round_people", round_of(row), standing=standing, within=within_of(row))

    return [
        Column(_("On the roster"), lambda r: r.account.everybody, lambda r: people("", r), look="number"),
        Column(_("Sampled"), lambda r: r.account.found, lambda r: people("sampled", r), look="number"),
        Column(_("Excluded with reason"), lambda r: r.account.reasoned, lambda r: people("excluded", r), look="number"),
        Column(
            _("Missing"), lambda r: r.account.missing,
            lambda r: address(request, "missing", round_of(r), within=within_of(r)), look="number",
            tone=lambda r: "overdue" if r.account.missing else "",
        ),
        Column(_("Coverage"), lambda r: percent(r.account), look="number"),
    ]  # fmt: skip


def show_round(request: ActingRequest, round: uuid.UUID) -> HttpResponse:
    """Show one round: who is accounted for how, by village and by grid, and what its denominator is made of."""
    request.actor.require(READ_ROUNDS)
    area = area_asked(request)
    row = queries.round_row(round, by=request.actor, at=request.at)
    by_grid = queries.coverage(round, by=request.actor, at=request.at, within=area)
    counted = _sum([unit.account for unit in by_grid])
    sections = [
        Section(_("Everybody"), _units(request, round, by_grid), _people_figures(request, round, counted), 500),
        Section(_("What the denominator is made of"), _denominator(request, round, area, counted)),
        Section(_("Missing by grid and responsible person"), _grids(request, round, area)),
        Section(_("Where it is held, and how people are sampled"), _areas(request, round)),
        Section(_("Compared with other rounds here"), _others(request, row)),
    ]
    return answer_record(
        request, sections, template="console/round.html", heading=round_title(row), facts=_facts(row),
        lead=_standing_sentence(row), lead_tone="overdue" if row.account.missing else "good",
        links=_links(request, row),
    )  # fmt: skip


def _facts(row: RoundRow) -> list[tuple[str, Any, str]]:
    return [
        (_("Opened"), as_text(row.opened_at), ""),
        (_("To be done by"), as_text(row.target_at), ""),
        (_("Frozen roster"), row.frozen, ""),
        (_("Signed off"), as_text(row.closed_at) or _("not yet"), ""),
        (_("Remaining at sign-off"), row.remaining, ""),
        (_("Remainder accepted by"), row.accepted_title, ""),
        (_("By the rules of"), row.pack, ""),
    ]


def _standing_sentence(row: RoundRow) -> str:
    if not row.account.missing:
        return _("Nobody is missing: everybody is sampled or excluded with a reason.")
    if row.closed_at:
        return ngettext(
            "%(n)s person is still missing; they are carried on as a visit.",
            "%(n)s people are still missing; they are carried on as visits.", row.account.missing,
        ) % {"n": row.account.missing}  # fmt: skip
    return ngettext(
        "%(n)s person is missing; to be done by %(at)s.", "%(n)s people are missing; to be done by %(at)s.",
        row.account.missing,
    ) % {"n": row.account.missing, "at": as_text(row.target_at)}  # fmt: skip


def _links(request: ActingRequest, row: RoundRow) -> list[tuple[str, str]]:
    """Return where one goes from a round: its lists first, then what is decided about it."""
    within = request.GET.get("within", "")
    links = [
        (_("Buildings"), address(request, "round_buildings", row.id, within=within)),
        (_("Households"), address(request, "round_households", row.id, within=within)),
    ]
    if request.actor.may(READ_PEOPLE):
        links = [
            (_("Missing"), address(request, "missing", row.id, within=within)), *links,
            (_("Proposed exclusions"), address(request, "proposed_exclusions", row.id, within=within)),
            (_("Call-backs"), address(request, "recalls", row.id)),
        ]  # fmt: skip
    if row.closed_at is None and request.actor.may(CLOSE_ROUND):
        links.append((_("Sign off"), address(request, "round_sign_off", row.id)))
    if request.actor.may(DECIDE_ROUND):
        links.append((_("What next"), address(request, "round_next", row.id)))
    return [*links, *_elsewhere(request, row)]


def _elsewhere(request: ActingRequest, row: RoundRow) -> Iterator[tuple[str, str]]:
    """Return the pages about a round that other parts of the console bring, as far as they are there."""
    for title, name, parts, asked in (
        (_("Sampling sites"), "round_sites", (row.id,), {}),
        (_("Paper sheets"), "round_sheets", (row.id,), {}),
        (_("Positive pools"), "pools", (), {"round": row.id}),
    ):
        try:
            yield title, address(request, name, *parts, **asked)
        except NoReverseMatch:
            continue


def _people_figures(request: ActingRequest, round: uuid.UUID, counted: Account) -> list[Figure]:
    here = request.GET.get("within", "")
    return [
        Figure(_("On the roster and found"), counted.everybody, address(request, "round_people", round, within=here)),
        Figure(_("Sampled"), counted.found, address(request, "round_people", round, standing="sampled", within=here), percent(counted)),
        Figure(_("Excluded with reason"), counted.reasoned, address(request, "round_people", round, standing="excluded", within=here)),
        Figure(_("Missing"), counted.missing, address(request, "missing", round, within=here), tone="overdue" if counted.missing else "good"),
    ]  # fmt: skip


def _units(request: ActingRequest, round: uuid.UUID, by_grid: list[UnitCoverage]) -> Listing:
    """Return villages with the sums of their grids; inside of one village, its grids."""
    villages = sorted({unit.code // 1000 * 1000 for unit in by_grid})
    if len(villages) > 1:
        names = place_names(villages)
        rows = [
            Village(code, names[code], _sum([u.account for u in by_grid if u.code // 1000 * 1000 == code]))
            for code in villages
        ]
        title = _("Village")
    else:
        names = place_names([unit.code for unit in by_grid])
        rows = [Village(unit.code, names[unit.code], unit.account) for unit in by_grid]
        title = _("Grid")
    page = "round" if len(villages) > 1 else "round_buildings"
    columns = [
        Column(title, lambda v: v.name, lambda v: address(request, page, round, within=v.code)),
        *account_columns(request, lambda v: round, lambda v: v.code),
    ]
    return Listing("coverage", columns, *whole(rows), _("Nobody of your area is on this roster."))


def _sum(accounts: list[Account]) -> Account:
    fields = ("frozen", "added", "found", "reasoned", "missing")
    return Account(*(sum(getattr(one, field) for one in accounts) for field in fields))


def _denominator(request: ActingRequest, round: uuid.UUID, area: CodeRange, counted: Account) -> Listing:
    parts = queries.denominator_parts(round, by=request.actor, at=request.at, within=area)
    rows = [*parts, DenominatorPart("counted", "", counted.denominator)]
    here = request.GET.get("within", "")
    titles = {
        "frozen": _("Frozen when the round opened"), "found": _("+ found"), "left": _("− left"),
        "counted": _("= to be sampled"),
    }  # fmt: skip

    def listed(part: DenominatorPart) -> str:
        asked = {"left": {"standing": "excluded"}, "counted": {"standing": "counted"}}.get(
            part.part, {"origin": part.part}
        )
        return address(request, "round_people", round, **asked, reason=part.reason, within=here)

    columns = [
        Column(_("Part"), lambda p: titles[p.part]),
        Column(_("Reason"), lambda p: words.word(p.reason)),
        Column(_("People"), lambda p: p.people, listed, look="number"),
    ]
    return Listing("denominator", columns, *whole(rows), _("Nobody of your area is on this roster."))


def _grids(request: ActingRequest, round: uuid.UUID, area: CodeRange) -> Listing:
    rows = queries.missing_by_grid(round, by=request.actor, at=request.at, within=area)
    names = place_names([row.code for row in rows])
    columns = [
        Column(_("Grid"), lambda g: names[g.code], lambda g: address(request, "missing", round, within=g.code)),
        Column(
            _("Missing"), lambda g: g.missing, lambda g: address(request, "missing", round, within=g.code), look="number",
            tone=lambda g: "overdue",
        ),
        Column(_("Everybody"), lambda g: g.everybody, lambda g: address(request, "round_people", round, within=g.code), look="number"),
        Column(_("Responsible post"), lambda g: g.post_title or _("nobody: name one")),
        Column(_("Held by"), lambda g: g.holder),
    ]  # fmt: skip
    total, read = whole(rows)
    return Listing(
        "missing_by_grid",
        columns,
        total,
        read,
        _("Nobody is missing here: everybody is sampled or excluded with a reason."),
    )


def _areas(request: ActingRequest, round: uuid.UUID) -> Listing:
    rows = queries.round_areas(round, by=request.actor)
    names = place_names([row.code_lo for row in rows])
    columns = [
        Column(_("From"), lambda a: names[a.code_lo]),
        Column(_("Codes"), lambda a: f"{a.code_lo}–{a.code_hi}"),
        Column(_("Zone"), lambda a: words.word(a.zone_level) if a.zone_level else _("outside every zone")),
        Column(_("Sampled as"), _mode),
    ]
    return Listing("areas", columns, *whole(rows), _("No part of this round lies in your area."))


def _mode(area: AreaRow) -> str:
    return mode_word(area.mode, area.pool)


def _others(request: ActingRequest, row: RoundRow) -> Listing:
    rows = queries.rounds(by=request.actor, incident=row.incident, at=request.at)
    others = [one for one in rows if one.id != row.id and one.area_code == row.area_code]
    columns = [
        Column(_("Round"), round_title, lambda r: address(request, "compare_rounds", row.id, r.id)),
        Column(_("Opened"), lambda r: r.opened_at, look="time"),
        Column(
            _("Missing"), lambda r: r.account.missing, lambda r: address(request, "missing", r.id), look="number",
            tone=lambda r: "overdue" if r.account.missing else "",
        ),
        Column(_("Coverage"), lambda r: percent(r.account), lambda r: address(request, "compare_rounds", row.id, r.id), look="number"),
    ]  # fmt: skip
    return Listing("other_rounds", columns, *whole(others), _("This is the only round of this area so far."))


def show_people(request: ActingRequest, round: uuid.UUID) -> HttpResponse:
    """List everybody a round counts, or those who stand in a way, came or left for a reason, or live behind one door."""
    request.actor.require(READ_ROUNDS)
    area, asked = area_asked(request), people_asked(request)
    row = queries.round_row(round, by=request.actor, at=request.at)
    total = queries.count_round_people(round, asked, by=request.actor, at=request.at, within=area)
    places: dict[int, str] = {}

    def read(limit: int, offset: int) -> list[RoundPerson]:
        rows = queries.round_people(
            round, by=request.actor, asked=asked, at=request.at, within=area, limit=limit, offset=offset
        )
        places.update(place_names([person.division_code for person in rows]))
        return rows

    columns = [
        Column(
            _("Name"), lambda p: p.name,
            lambda p: address(request, "resident", p.resident) if request.actor.may(READ_PEOPLE) else "",
        ),
        Column(_("Place"), lambda p: places.get(p.division_code, p.division_code)),
        Column(
            _("State"), lambda p: words.word(p.standing), look="mark",
            tone=lambda p: {"missing": "overdue", "sampled": "good"}.get(p.standing, ""),
        ),
        Column(_("Reason"), lambda p: words.word(p.reason), lambda p: _exclusion(request, round, p)),
        Column(_("Where"), lambda p: p.where),
        Column(_("Found, not on the roster"), lambda p: words.word(p.found_as)),
    ]  # fmt: skip
    choices = [("", _("all")), *((one, words.word(one)) for one in (*STANDINGS, "counted"))]
    listing = Listing(
        "round_people", columns, total, read, _("Nobody of this round stands so in this place."),
        (Filter("standing", _("State"), choices),),
    )  # fmt: skip
    kept = [
        (name, request.GET[name])
        for name in ("within", "origin", "reason", "building", "household")
        if request.GET.get(name)
    ]
    heading = _("People of %(round)s") % {"round": round_title(row)}
    return answer_list(request, listing, heading=heading, kept=kept)


def _exclusion(request: ActingRequest, round: uuid.UUID, person: RoundPerson) -> str:
    return address(request, "exclusion", round, person.exclusion) if person.exclusion else ""


def people_asked(request: ActingRequest) -> Asked:
    """Return which people of a round the address asks for; what cannot be read narrows nothing."""
    get = request.GET.get
    standing, origin = get("standing", ""), get("origin", "")
    return Asked(
        standing if standing in (*STANDINGS, "counted") else "", origin if origin in ("frozen", "found") else "",
        get("reason", "")[:40].replace("\x00", ""), id_asked(request, "building"), id_asked(request, "household"),
    )  # fmt: skip


def id_asked(request: ActingRequest, name: str) -> uuid.UUID | None:
    """Return the id that an address gives under a name, or None."""
    try:
        return uuid.UUID(request.GET.get(name, ""))
    except ValueError:
        return None


def code_text(code: int) -> str:
    """Return a code as addresses carry it."""
    return str(code).zfill(LEVELS["grid"])
