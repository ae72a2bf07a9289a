"""Lists as the console shows and exports them: the same rows, columns and order on the screen and in the file.

Templates: ``console/list.html`` (a page that is one list), ``console/record.html`` (a page about one record) and
``console/table.html`` (a list inside of a page) render what `shown` returns. The dictionary is plain, so that a page made elsewhere can bring one of its own:
``columns`` [{title, look}], ``rows`` [[{text, href, tone, look}]], ``total``, ``first``, ``last``, ``empty``,
``previous`` and ``next`` (addresses or nothing), ``exports`` [{text, href}].
"""

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import xlsxwriter
from django.core.exceptions import SuspiciousOperation
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from lianfang.core.access.audit import record_audit
from lianfang.kit.clock import LOCAL, response_now
from lianfang.kit.refusals import Refusal
from lianfang.surfaces.console.addresses import changed_query
from lianfang.surfaces.console.figures import Figure
from lianfang.surfaces.session import ActingRequest

PAGE = 50
#: what a spreadsheet still opens at ease on an old desktop
EXPORT_ROWS = 50_000
FORMULA = ("=", "+", "-", "@", "\t", "\r")

Reader = Callable[[int, int], Sequence[Any]]


@dataclass(frozen=True)
class Column:
    """One column: its title, how to read its value from a row, and where a click on it leads.

    ``look``: text, number, time (instant), day, mark (a short state in a coloured frame); ``tone``: overdue, warn,
    good or nothing.
    """

    title: str
    value: Callable[[Any], Any]
    href: Callable[[Any], str] | None = None
    look: str = "text"
    tone: Callable[[Any], str] | None = None


@dataclass(frozen=True)
class Filter:
    """One question above a list: a choice, or free text when there are no choices."""

    name: str
    label: str
    choices: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True)
class Listing:
    """A list: what it is called in files (ASCII), its columns, its number of rows and how to read some of them.

    ``read`` (limit, offset) returns rows in the list's order. ``empty`` says what to do when there are none.
    """

    name: str
    columns: Sequence[Column]
    total: int
    read: Reader
    empty: str
    filters: Sequence[Filter] = field(default_factory=tuple)


@dataclass(frozen=True)
class Section:
    """A list among others on a page about one record, with figures above it."""

    title: str
    listing: Listing
    figures: Sequence[Figure] = ()
    page_size: int = PAGE


def whole(rows: Sequence[Any]) -> tuple[int, Reader]:
    """Return total and reader of rows already in hand."""
    return len(rows), lambda limit, offset: rows[offset : offset + limit]


def answer_list(
    request: ActingRequest, listing: Listing, *, template: str = "console/list.html", **context: Any
) -> HttpResponse:
    """Return the page with its list, or the whole list as a file when the address asks for ``export``."""
    if kind := request.GET.get("export"):
        return exported(request, listing, kind)
    return render(request, template, {"table": shown(request, listing), "filters": asked(request, listing), **context})


def answer_record(
    request: ActingRequest, sections: Sequence[Section], *, template: str = "console/record.html", **context: Any
) -> HttpResponse:
    """Return a page about one record, or one of its lists as a file when the address asks for ``export`` and ``list``."""
    if kind := request.GET.get("export"):
        wanted = [section.listing for section in sections if section.listing.name == request.GET.get("list")]
        if not wanted:
            raise Refusal(_("This page has no such list. Open the page again and export from there."))
        return exported(request, wanted[0], kind)
    rendered = [
        {
            "title": one.title,
            "name": one.listing.name,
            "figures": one.figures,
            "table": shown(request, one.listing, one.listing.name, one.page_size),
        }
        for one in sections
    ]
    return render(request, template, {"sections": rendered, **context})


def shown(request: ActingRequest, listing: Listing, own: str = "", page_size: int = PAGE) -> dict[str, Any]:
    """Return one page of a list as the templates take it; ``own`` names it where a page has several."""
    last_page, turn = max(1, -(-listing.total // page_size)), f"{own}_page" if own else "page"
    page = min(max(_number(request.GET.get(turn, "1")), 1), last_page)
    offset = (page - 1) * page_size
    rows = listing.read(page_size, offset)
    return {
        "columns": [{"title": column.title, "look": column.look} for column in listing.columns],
        "rows": [[_cell(column, row) for column in listing.columns] for row in rows],
        "total": listing.total,
        "first": offset + 1,
        "last": offset + len(rows),
        "empty": listing.empty,
        "previous": changed_query(request, **{turn: page - 1}) if page > 1 else "",
        "next": changed_query(request, **{turn: page + 1}) if page < last_page else "",
        "exports": [
            {"text": kind.upper(), "href": changed_query(request, export=kind, list=own or None, page=None)}
            for kind in ("csv", "xlsx")
        ],
    }


def asked(request: ActingRequest, listing: Listing) -> list[dict[str, Any]]:
    """Return the questions above a list with the answers the address gives."""
    return [
        {"name": one.name, "label": one.label, "choices": one.choices, "value": request.GET.get(one.name, "")}
        for one in listing.filters
    ]


def exported(request: ActingRequest, listing: Listing, kind: str) -> HttpResponse:
    """Return a whole list as a file, and log who took how many rows of it."""
    if listing.total > EXPORT_ROWS:
        raise Refusal(
            _("This list has %(total)s rows; a file takes %(most)s. Narrow it by place or kind, then export again.")
            % {"total": listing.total, "most": EXPORT_ROWS}
        )
    makers = {"csv": (as_csv, "text/csv; charset=utf-8"), "xlsx": (as_xlsx, XLSX)}
    if kind not in makers:
        raise SuspiciousOperation(f"no export called {kind[:20]}")
    rows = listing.read(EXPORT_ROWS, 0)
    record_audit(
        request.actor, "console.export_list", subject=("list", None), division_code=request.actor.scope.lo,
        count=len(rows), list=listing.name, format=kind,
    )  # fmt: skip
    make, content_type = makers[kind]
    stamp = response_now().astimezone(LOCAL).strftime("%Y%m%d-%H%M")
    response = HttpResponse(make(request, listing, rows), content_type=content_type)
    response["Content-Disposition"] = f'attachment; filename="{listing.name}-{stamp}.{kind}"'
    return response


XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def as_csv(request: ActingRequest, listing: Listing, rows: Sequence[Any]) -> bytes:
    """Return rows as CSV that spreadsheets read as text, never as formulas."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow([str(column.title) for column in listing.columns])
    for row in rows:
        writer.writerow([_harmless(as_text(column.value(row))) for column in listing.columns])
    # the mark with which spreadsheet programs recognise UTF-8
    return "\ufeff".encode() + out.getvalue().encode()


def as_xlsx(request: ActingRequest, listing: Listing, rows: Sequence[Any]) -> bytes:
    """Return rows as a workbook; a second sheet says who took it, when, and what was asked for."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet(listing.name[:31])
        sheet.write_row(0, 0, [str(column.title) for column in listing.columns], book.add_format({"bold": True}))
        for number, row in enumerate(rows, 1):
            for place, column in enumerate(listing.columns):
                value = column.value(row)
                plain = isinstance(value, int | float) and not isinstance(value, bool)
                sheet.write(number, place, value if plain else as_text(value))
        sheet.freeze_panes(1, 0)
        sheet.autofit()
        _origin(request, listing, book.add_worksheet("origin"))
    return out.getvalue()


def _origin(request: ActingRequest, listing: Listing, sheet: Any) -> None:
    lines = [
        (_("Taken by"), request.actor.title),
        (_("Taken at"), as_text(response_now())),
        (_("As of"), as_text(request.instant)),
        (_("Rows"), listing.total),
        *[(str(one.label), request.GET.get(one.name, "")) for one in listing.filters],
    ]
    for number, line in enumerate(lines):
        sheet.write_row(number, 0, line)


def as_text(value: Any) -> str:
    """Return a value as lists show it: local times to the minute, nothing for none."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(LOCAL).strftime("%Y-%m-%d %H:%M")
    return value.isoformat() if isinstance(value, date) else str(value)


def _cell(column: Column, row: Any) -> dict[str, Any]:
    return {
        "text": as_text(column.value(row)),
        "href": column.href(row) if column.href else "",
        "tone": column.tone(row) if column.tone else "",
        "look": column.look,
        "title": column.title,
    }


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) and not text.lstrip("+-").replace(".", "").isdigit() else text


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() else 1
