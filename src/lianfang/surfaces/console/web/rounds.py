"""Rounds of area testing: coverage by village and grid, everybody accounted for, the missing with who is responsible."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpResponse
from django.utils.translation import gettext as _

from lianfang.kit.codes import LEVELS, CodeRange
from lianfang.response.screening import queries
from lianfang.response.screening.permissions import READ_ROUNDS
from lianfang.response.screening.queries import MissingPerson, RoundPerson, RoundRow, UnitCoverage
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
    empty = _("No round of testing touches your area at this instant. The screening task force opens one.")
    return answer_list(request, Listing("rounds", columns, total, read, empty), heading=_("Rounds"))


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
    """Show one round: who is accounted for how, by village and by grid."""
    request.actor.require(READ_ROUNDS)
    area = area_asked(request)
    row = queries.round_row(round, by=request.actor, at=request.at)
    counted = queries.accounted(round, by=request.actor, at=request.at, within=area)
    by_grid = queries.coverage(round, by=request.actor, at=request.at, within=area)
    facts = [
        (_("Opened"), as_text(row.opened_at), ""),
        (_("To be done by"), as_text(row.target_at), ""),
        (_("Frozen roster"), row.frozen, ""),
        (_("Signed off"), as_text(row.closed_at) or _("not yet"), ""),
        (_("Remaining at sign-off"), row.remaining, ""),
        (_("Remainder accepted by"), row.accepted_title, ""),
        (_("By the rules of"), row.pack, ""),
    ]
    sections = [
        Section(_("Everybody"), _units(request, round, by_grid), _people_figures(request, round, counted), 500),
        Section(_("Missing by grid and responsible person"), _grids(request, round, area)),
    ]
    heading = _("%(area)s, round %(number)s") % {"area": row.area or row.area_code, "number": row.number}
    return answer_record(request, sections, heading=heading, facts=facts)


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
    columns = [
        Column(title, lambda v: v.name, lambda v: address(request, "round", round, within=v.code)),
        *account_columns(request, lambda v: round, lambda v: v.code),
    ]
    return Listing("coverage", columns, *whole(rows), _("Nobody of your area is on this roster."))


def _sum(accounts: list[Account]) -> Account:
    fields = ("frozen", "added", "found", "reasoned", "missing")
    return Account(*(sum(getattr(one, field) for one in accounts) for field in fields))


def _grids(request: ActingRequest, round: uuid.UUID, area: CodeRange) -> Listing:
    rows = queries.missing_by_grid(round, by=request.actor, at=request.at, within=area)
    names = place_names([row.code for row in rows])
    columns = [
        Column(_("Grid"), lambda g: names[g.code]),
        Column(
            _("Missing"), lambda g: g.missing, lambda g: address(request, "missing", round, within=g.code), look="number",
            tone=lambda g: "overdue",
        ),
        Column(_("Everybody"), lambda g: g.everybody, look="number"),
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


def show_missing(request: ActingRequest, round: uuid.UUID) -> HttpResponse:
    """List the missing of a round by grid and household, phones masked, with who is responsible."""
    request.actor.require(READ_ROUNDS)
    area = area_asked(request)
    row = queries.round_row(round, by=request.actor, at=request.at)
    grids = queries.missing_by_grid(round, by=request.actor, at=request.at, within=request.actor.scope)
    names = place_names([grid.code for grid in grids])

    def read(limit: int, offset: int) -> list[MissingPerson]:
        return queries.missing(round, by=request.actor, at=request.at, within=area, limit=limit, offset=offset)

    total = queries.accounted(round, by=request.actor, at=request.at, within=area).missing
    places = [(_code(grid.code), f"{names[grid.code]} ({grid.missing})") for grid in grids]
    listing = Listing(
        "missing", missing_columns(request), total, read,
        _("Nobody is missing here: everybody is sampled or excluded with a reason."),
        (Filter("within", _("Grid"), [("", _("all")), *_with_chosen(request, places)]),),
    )  # fmt: skip
    heading = _("Missing in %(area)s, round %(number)s") % {"area": row.area or row.area_code, "number": row.number}
    return answer_list(request, listing, heading=heading, lead=_("A missed test opens a visit and never a sanction."))


def missing_columns(request: ActingRequest) -> list[Column]:
    """Return the columns of a list of the missing."""
    return [
        Column(_("Name"), lambda m: m.name, lambda m: address(request, "resident", m.resident)),
        Column(_("Sex"), lambda m: words.word(m.sex)),
        Column(_("Born"), lambda m: m.birth_date.year, look="number"),
        Column(_("Phone"), lambda m: m.phone),
        Column(_("Grid"), lambda m: m.grid or m.division_code),
        Column(_("Address"), lambda m: m.address),
        Column(_("Responsible"), lambda m: m.holder or m.post_title or _("nobody: name one")),
        Column(_("Visits"), lambda m: m.visits, look="number"),
        Column(_("Last visit"), lambda m: words.word(m.last_outcome)),
        Column(_("Appointment"), lambda m: m.appointment_at, look="time"),
    ]


def show_people(request: ActingRequest, round: uuid.UUID) -> HttpResponse:
    """List everybody a round counts, or those who stand as sampled, excluded or missing."""
    request.actor.require(READ_ROUNDS)
    area, standing = area_asked(request), request.GET.get("standing", "")
    standing = standing if standing in STANDINGS else ""
    row = queries.round_row(round, by=request.actor, at=request.at)
    counted = queries.accounted(round, by=request.actor, at=request.at, within=area)
    totals = {"": counted.everybody, "sampled": counted.found, "excluded": counted.reasoned, "missing": counted.missing}
    places: dict[int, str] = {}

    def read(limit: int, offset: int) -> list[RoundPerson]:
        rows = queries.round_people(
            round, by=request.actor, standing=standing, at=request.at, within=area, limit=limit, offset=offset
        )
        places.update(place_names([person.division_code for person in rows]))
        return rows

    columns = [
        Column(_("Name"), lambda p: p.name, lambda p: address(request, "resident", p.resident)),
        Column(_("Place"), lambda p: places.get(p.division_code, p.division_code)),
        Column(
            _("State"), lambda p: words.word(p.standing), look="mark",
            tone=lambda p: {"missing": "overdue", "sampled": "good"}.get(p.standing, ""),
        ),
        Column(_("Reason"), lambda p: words.word(p.reason)),
        Column(_("Where"), lambda p: p.where),
        Column(_("Found, not on the roster"), lambda p: _("yes") if p.added else ""),
    ]  # fmt: skip
    here = request.GET.get("within", "")
    listing = Listing(
        "round_people", columns, totals[standing], read, _("Nobody of this round stands so in this place."),
        (Filter("standing", _("State"), [("", _("all")), *((one, words.word(one)) for one in STANDINGS)]),),
    )  # fmt: skip
    heading = _("People of %(area)s, round %(number)s") % {"area": row.area or row.area_code, "number": row.number}
    return answer_list(request, listing, heading=heading, kept=[("within", here)] if here else [])


def _code(code: int) -> str:
    return str(code).zfill(LEVELS["grid"])


def _with_chosen(request: ActingRequest, places: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Keep the place that is looked at among the choices, even when it is a village or nobody is missing there."""
    here = request.GET.get("within", "")
    if not here or here in dict(places):
        return places
    return [(here, place_names([int(here)])[int(here)]), *places]
