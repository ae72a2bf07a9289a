"""Paper sheets of a round: printed when all else fails, typed in later, compared, settled."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from lianfang.core.access.commands import Receipt
from lianfang.kit.clock import LOCAL
from lianfang.kit.codes import unit_range
from lianfang.kit.ids import derived_id
from lianfang.kit.refusals import Refusal
from lianfang.response.screening import queries
from lianfang.response.screening.permissions import PRINT_SHEETS, READ_ROUNDS, TYPE_IN_SHEETS
from lianfang.response.screening.queries import MOST_SHEETS, SHEET_STATES, SheetEntryRow, SheetPerson, SheetRow
from lianfang.surfaces.console import words
from lianfang.surfaces.console.addresses import address
from lianfang.surfaces.console.asking import confirmed, words_given
from lianfang.surfaces.console.figures import Figure
from lianfang.surfaces.console.lists import Column, Filter, Listing, Section, answer_list, answer_record, as_text, whole
from lianfang.surfaces.console.qr import qr
from lianfang.surfaces.console.queries import place_names
from lianfang.surfaces.console.web.rounds import mode_word
from lianfang.surfaces.session import ActingRequest

TONES = {"printed": "warn", "differing": "overdue", "agreed": "good", "settled": "good"}


def show_sheets(request: ActingRequest, round: uuid.UUID) -> HttpResponse:
    """List a round's sheets with their states, and offer to print more or to open one by its code."""
    request.actor.require(READ_ROUNDS)
    row = queries.round_row(round, by=request.actor, at=request.at)
    if code := request.GET.get("code", "").strip():
        return redirect(address(request, "sheet", queries.sheet_by_code(code, by=request.actor)))
    counted = queries.count_sheets(round, by=request.actor, at=request.at)
    state = request.GET.get("state", "")
    state = state if state in SHEET_STATES else ""
    places: dict[int, str] = {}

    def read(limit: int, offset: int) -> list[SheetRow]:
        rows = queries.sheets(round, by=request.actor, state=state, at=request.at, limit=limit, offset=offset)
        places.update(place_names([sheet.division_code for sheet in rows]))
        return rows

    listing = Listing(
        "sheets", sheet_columns(request, places), counted[state] if state else sum(counted.values()), read,
        _("No sheet here. When the system or the network fails, print sheets and sample on paper; type them in later."),
        (Filter("state", _("State"), [("", _("all")), *((one, words.word(one)) for one in SHEET_STATES)]),),
    )  # fmt: skip
    return answer_list(
        request, listing, template="console/sheets.html", figures=_figures(request, round, counted), round=round,
        heading=_("Paper sheets of %(area)s, round %(number)s") % {"area": row.area or row.area_code, "number": row.number},
        lead=_("A sheet that is not typed in leaves its people missing: they are visited, whatever the paper says."),
        may_print=request.actor.may(PRINT_SHEETS) and row.closed_at is None and request.at is None,
        grids=_grids(request, round),
    )  # fmt: skip


def sheet_columns(request: ActingRequest, places: Mapping[int, str]) -> list[Column]:
    """Return the columns of a list of sheets."""
    return [
        Column(_("No."), lambda s: s.number, lambda s: address(request, "sheet", s.id), look="number"),
        Column(_("Code"), lambda s: s.shown_code, lambda s: address(request, "sheet", s.id)),
        Column(_("State"), lambda s: words.word(s.state), look="mark", tone=lambda s: TONES.get(s.state, "")),
        Column(_("Place"), lambda s: places.get(s.division_code, s.division_code)),
        Column(_("People"), lambda s: s.lines, look="number"),
        Column(_("Ticked"), lambda s: s.ticked, look="number"),
        Column(
            _("Total on paper"), lambda s: s.total, look="number",
            tone=lambda s: "overdue" if s.total_differs else "",
        ),
        Column(
            _("Lines that differ"), lambda s: s.differing if s.state == "differing" else "", look="number",
            tone=lambda s: "overdue",
        ),
        Column(_("Printed at"), lambda s: s.printed_at, look="time"),
        Column(_("Typed in"), lambda s: s.typed_at or _("not yet"), look="time"),
    ]  # fmt: skip


def _figures(request: ActingRequest, round: uuid.UUID, counted: Mapping[str, int]) -> list[Figure]:
    notes = {
        "printed": _("still out: not typed in"), "typed": _("typed in by one person"),
        "differing": _("two people read them differently"),
    }  # fmt: skip
    return [
        Figure(
            words.word(state), counted[state], address(request, "round_sheets", round, state=state), notes.get(state, ""),
            TONES.get(state, "") if counted[state] else "",
        )
        for state in SHEET_STATES
    ]  # fmt: skip


def _grids(request: ActingRequest, round: uuid.UUID) -> list[tuple[str, str]]:
    grids = queries.missing_by_grid(round, by=request.actor, at=request.at, within=request.actor.scope)
    codes = {grid.code // 1000 * 1000 for grid in grids} | {grid.code for grid in grids}
    missing = {
        code: sum(grid.missing for grid in grids if code in (grid.code, grid.code // 1000 * 1000)) for code in codes
    }
    names = place_names(sorted(codes))
    return [(str(code), f"{names[code]} ({missing[code]})") for code in sorted(codes)]


@require_POST
def print_more(request: ActingRequest, round: uuid.UUID) -> HttpResponse:
    """Freeze sheets for a place's people, asked once more."""
    text = request.POST.get("within", "")
    if not text.isascii() or not text.isdigit() or len(text) != 15:
        raise Refusal(_("A place is named by its 15-digit code. Choose it from the tree."))
    area = unit_range(int(text))
    everybody = request.POST.get("everybody") == "yes"
    people = len(queries.people_to_print(round, by=request.actor, within=area, everybody=everybody))
    return confirmed(
        request, "print_sheets",
        {"round": str(round), "within": {"lo": area.lo, "hi": area.hi}, "everybody": everybody},
        heading=_("Print paper sheets"), question=_("Freeze sheets for these people now?"), yes=_("Yes, make the sheets"),
        facts=[(_("Place"), place_names([area.lo])[area.lo]), (_("People"), str(people))],
        back=address(request, "round_sheets", round), done=_("The sheets are made: print them from the list."),
    )  # fmt: skip


def show_sheet(request: ActingRequest, sheet: uuid.UUID) -> HttpResponse:
    """Show one sheet: its lines, what each typing says of them, how each person stands, and what is still to do."""
    row, round = queries.sheet_row(sheet, by=request.actor, at=request.at)
    people = queries.sheet_people(sheet, by=request.actor)
    said = _by_line(queries.sheet_entries(sheet, by=request.actor, at=request.at))
    may_type = request.actor.may(TYPE_IN_SHEETS, row.division_code) and request.at is None
    facts: list[tuple[str, Any, str]] = [
        (_("State"), words.word(row.state), ""),
        (_("Code"), row.shown_code, ""),
        (_("Place"), place_names([row.division_code])[row.division_code], ""),
        (_("Way of sampling"), mode_word(row.mode, row.pool), ""),
        (_("Printed at"), as_text(row.printed_at), ""),
        (_("Typed in"), as_text(row.typed_at) or _("not yet"), ""),
        (_("Ticked"), row.ticked, ""),
        (_("Total on paper"), row.total, ""),
        (_("Round"), _("to the round"), address(request, "round_sheets", round)),
    ]
    return answer_record(
        request, [Section(_("Lines"), _lines(request, people, said), page_size=100)],
        template="console/sheet.html", heading=_("Paper sheet %(number)s") % {"number": row.number},
        lead=_advice(row), lead_tone=TONES.get(row.state, ""), facts=facts, sheet=row,
        may_type=may_type and row.state in ("printed", "typed"),
        may_print=request.actor.may(PRINT_SHEETS, row.division_code),
        differences=_differences(said) if may_type and row.state == "differing" else [],
    )  # fmt: skip


def _advice(row: SheetRow) -> str:
    if row.state == "printed":
        return _("Not typed in yet: whoever is on it counts as missing.")
    if row.state == "typed":
        if row.total_differs:
            return _("The total on the paper is not the number of lines ticked: have a second person type the sheet.")
        return _("Typed in by one person. A second person may type it again; the two are compared.")
    if row.state == "differing":
        return _("Two people read this sheet differently: take the paper and settle each line below.")
    return ""


def _by_line(entries: Sequence[SheetEntryRow]) -> dict[int, dict[str, SheetEntryRow]]:
    return {
        line: {entry.kind: entry for entry in group} for line, group in groupby(entries, key=lambda entry: entry.line)
    }  # fmt: skip


def _lines(
    request: ActingRequest, people: Sequence[SheetPerson], said: Mapping[int, Mapping[str, SheetEntryRow]]
) -> Listing:
    printed = {person.line: person for person in people}
    numbers = sorted(printed.keys() | {line for line, entries in said.items() if _any_ticked(entries)})

    def column(title: str, kind: str) -> Column:
        return Column(title, lambda line: _said(said.get(line, {}).get(kind)))

    columns = [
        Column(_("Line"), lambda line: line, look="number"),
        Column(_("Tube"), lambda line: printed[line].tube if line in printed else _("by hand"), look="number"),
        Column(
            _("Name"), lambda line: printed[line].name if line in printed else _name(said[line]),
            lambda line: address(request, "resident", printed[line].resident if line in printed else _who(said[line])),
        ),
        Column(_("Sex"), lambda line: words.word(printed[line].sex) if line in printed else ""),
        Column(_("Born"), lambda line: printed[line].birth_year if line in printed else "", look="number"),
        Column(_("National ID"), lambda line: printed[line].national_id if line in printed else ""),
        column(_("First typing"), "first"),
        column(_("Second typing"), "second"),
        column(_("Settled"), "settled"),
        Column(
            _("Sampled in tube"), lambda line: (printed[line].tube_code or _("missing")) if line in printed else "",
            look="mark", tone=lambda line: "overdue" if line in printed and not printed[line].tube_code else "good",
        ),
    ]  # fmt: skip
    return Listing("sheet_lines", columns, *whole(numbers), _("This sheet has no lines of your area."))


def _any_ticked(entries: Mapping[str, SheetEntryRow]) -> bool:
    return any(entry.sampled for entry in entries.values())


def _name(entries: Mapping[str, SheetEntryRow]) -> str:
    return next((entry.name for entry in entries.values() if entry.name), "")


def _who(entries: Mapping[str, SheetEntryRow]) -> uuid.UUID:
    return next(iter(entries.values())).resident


def _said(entry: SheetEntryRow | None) -> str:
    if entry is None:
        return ""
    if not entry.sampled or entry.taken_at is None:
        return _("not ticked")
    return f"{entry.tube_code} · {entry.taken_at.astimezone(LOCAL):%H:%M}"


def _differences(said: Mapping[int, Mapping[str, SheetEntryRow]]) -> list[dict[str, Any]]:
    """Return the lines on which two typings differ, with what each says."""
    found = []
    for line, entries in said.items():
        first, second = entries.get("first"), entries.get("second")
        if _plain(first) != _plain(second):
            found.append(
                {"line": line, "name": _name(entries), "first": _said(first) or _("not ticked"),
                 "second": _said(second) or _("not ticked")}
            )  # fmt: skip
    return found


def _plain(entry: SheetEntryRow | None) -> tuple[Any, ...]:
    if entry is None or not entry.sampled:
        return ()
    return entry.tube_code, entry.taken_at, entry.resident


@require_POST
def settle(request: ActingRequest, sheet: uuid.UUID) -> HttpResponse:
    """Settle the lines that differ by what the paper says, asked once more."""
    said = _by_line(queries.sheet_entries(sheet, by=request.actor))
    row, _round = queries.sheet_row(sheet, by=request.actor)
    lines = []
    for difference in _differences(said):
        choice = request.POST.get(f"line-{difference['line']}", "")
        if choice not in ("first", "second", "none"):
            raise Refusal(_("Line %(line)s: say which typing is right.") % {"line": difference["line"]})
        lines.append(_as_sent(difference["line"], said[difference["line"]].get(choice)))
    note = words_given(request, "note", _("How it was settled"))
    return confirmed(
        request, "settle_sheet", {"sheet": str(sheet), "lines": lines, "note": note},
        heading=_("Settle sheet %(number)s") % {"number": row.number},
        question=_("Put the samples right as the paper says?"), yes=_("Yes, settle"),
        facts=[(_("Lines settled"), str(len(lines))), (_("How it was settled"), note)],
        back=address(request, "sheet", sheet), done=_("The sheet is settled."),
    )  # fmt: skip


def _as_sent(line: int, entry: SheetEntryRow | None) -> dict[str, Any]:
    if entry is None or not entry.sampled or entry.taken_at is None:
        return {"line": line, "sampled": False}
    return {"line": line, "sampled": True, "tube_code": entry.tube_code, "taken_at": entry.taken_at.isoformat()}


def type_in(request: ActingRequest, sheet: uuid.UUID) -> HttpResponse:
    """Show the sheet as a form that looks like the paper, or take what was typed, asked once more."""
    row, _round = queries.sheet_row(sheet, by=request.actor)
    request.actor.require(TYPE_IN_SHEETS, row.division_code)
    if request.method == "POST":
        return _take_typed(request, row)
    people = queries.sheet_people(sheet, by=request.actor)
    tubes = [{"number": tube, "people": list(group)} for tube, group in groupby(people, key=lambda person: person.tube)]
    context = {
        "heading": _("Type in sheet %(number)s") % {"number": row.number}, "sheet": row, "code": row.shown_code,
        "tubes": tubes, "extras": row.blank_lines,
        "back": address(request, "sheet", sheet),
        "documents": [(one, words.word(one)) for one in ("resident_id", "passport", "travel_permit", "other", "none")],
        "reasons": [(one, words.word(one)) for one in ("visitor", "newcomer", "unregistered")],
    }  # fmt: skip
    return render(request, "console/sheet_form.html", context)


def _take_typed(request: ActingRequest, row: SheetRow) -> HttpResponse:
    lines = _lines_typed(request, row)
    extras = [extra for line in row.blank_lines if (extra := _extra_typed(request, row, line))]
    total = request.POST.get("total", "").strip()
    if not total.isascii() or not total.isdigit():
        raise Refusal(_("Type the total at the foot of the paper, even when it is 0."))
    ticked = len(lines) + len(extras)
    payload: dict[str, Any] = {
        "sheet": str(row.id), "lines": lines, "extras": extras, "total": int(total),
        "sealed_at": _moment(request.POST.get("sealed_at", "")),
    }  # fmt: skip
    question = _("Is this what the paper says?")
    if int(total) != ticked:
        question = ngettext(
            "The paper says %(total)s, you ticked %(ticked)s line. Look again. Is this what the paper says?",
            "The paper says %(total)s, you ticked %(ticked)s lines. Look again. Is this what the paper says?", ticked,
        ) % {"total": total, "ticked": ticked}  # fmt: skip
    return confirmed(
        request, "type_in_sheet", payload,
        heading=_("Type in sheet %(number)s") % {"number": row.number}, question=question, yes=_("Yes, record it"),
        facts=[
            (_("Ticked"), str(ticked)), (_("Total on paper"), total),
            (_("Tubes"), "、".join(sorted({line["tube_code"] for line in [*lines, *extras]})) or "—"),
            (_("Lines not ticked stay missing"), str(row.lines - len(lines))),
        ],
        back=address(request, "sheet", row.id), done=_("The sheet is typed in."), warn=_not_registered,
    )  # fmt: skip


def _not_registered(receipt: Receipt) -> list[str]:
    """Return why lines that were ticked are not registered, each with what to do."""
    return [
        _("Line %(line)s is not registered. %(why)s") % {"line": one["line"], "why": words.said(one["sentence"])}
        for one in receipt.result.get("refused", ())
    ]


def _lines_typed(request: ActingRequest, row: SheetRow) -> list[dict[str, Any]]:
    lines = []
    for line in range(1, row.lines + 1):
        if request.POST.get(f"ticked-{line}") == "yes":
            tube = request.POST.get(f"tube-of-{line}", "")
            code, when = (request.POST.get(f"{field}-{line}", "").strip() for field in ("code", "time"))
            lines.append(
                {"line": line, "sampled": True, "tube_code": code or request.POST.get(f"tube-code-{tube}", "").strip(),
                 "taken_at": _moment(when or request.POST.get(f"tube-time-{tube}", ""))}
            )  # fmt: skip
    return lines


def _extra_typed(request: ActingRequest, row: SheetRow, line: int) -> dict[str, Any] | None:
    given = {field: request.POST.get(f"extra-{field}-{line}", "").strip() for field in EXTRA}
    if not given["name"]:
        return None
    visitor: dict[str, Any] = {
        "id": str(derived_id("by_hand", row.id, line, given["number"])), "name": given["name"],
        "document": given["document"], "number": given["number"], "phone": given["phone"], "stays_at": given["stays"],
    }  # fmt: skip
    visitor |= {"sex": given["sex"]} if given["sex"] else {}
    visitor |= {"birth_date": given["born"]} if given["born"] else {}
    return {
        "line": line, "visitor": visitor, "reason": given["reason"], "tube_code": given["code"],
        "taken_at": _moment(given["time"]),
    }  # fmt: skip


EXTRA = ("name", "document", "number", "sex", "born", "phone", "stays", "reason", "code", "time")


def _moment(text: str) -> str | None:
    if not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise Refusal(
            _("“%(text)s” is no date and time. Write it like 2022-07-17T20:00.") % {"text": text[:40]}
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=LOCAL)).isoformat()


def print_round(request: ActingRequest, round: uuid.UUID) -> HttpResponse:
    """Return a round's outstanding sheets as pages of A4."""
    request.actor.require(PRINT_SHEETS)
    rows = queries.sheets(round, by=request.actor, state="printed", limit=MOST_SHEETS + 1)
    if len(rows) > MOST_SHEETS:
        raise Refusal(
            _("More than %(most)s sheets are too many for one page: print them by grid, from each sheet's own page.")
            % {"most": MOST_SHEETS}
        )
    return _on_paper(request, round, rows)


def print_one(request: ActingRequest, sheet: uuid.UUID) -> HttpResponse:
    """Return one sheet as a page of A4."""
    row, round = queries.sheet_row(sheet, by=request.actor)
    request.actor.require(PRINT_SHEETS, row.division_code)
    return _on_paper(request, round, [row])


def _on_paper(request: ActingRequest, round: uuid.UUID, rows: Sequence[SheetRow]) -> HttpResponse:
    names = place_names([row.division_code for row in rows])
    pages = [
        {"row": row, "place": names[row.division_code], "code": row.shown_code, "qr": qr(row.scanned),
         "tubes": _tubes_on_paper(queries.sheet_people(row.id, by=request.actor)),
         "blank": row.blank_lines}
        for row in rows
    ]  # fmt: skip
    context = {"pages": pages, "round": queries.round_row(round, by=request.actor)}
    return render(request, "console/sheet_print.html", context)


def _tubes_on_paper(people: Sequence[SheetPerson]) -> list[list[SheetPerson]]:
    return [list(group) for _tube, group in groupby(people, key=lambda person: person.tube)]
