"""Pages of reports: a press report beside the counts, any count's list, and the daily reports with their confirmation."""

from datetime import date, datetime
from functools import cache
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.template import engines
from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from lianfang.core.access.audit import record_audit
from lianfang.core.territory.queries import division, path_name
from lianfang.kit.clock import LOCAL, local_date, response_now
from lianfang.kit.ids import new_id
from lianfang.surfaces.reports import queries
from lianfang.surfaces.reports.actions import submit_report
from lianfang.surfaces.reports.counts import Count, checked_params, count_of
from lianfang.surfaces.reports.exports import TYPES, as_file, text_of
from lianfang.surfaces.reports.lists import Cell, CountedList, Heading
from lianfang.surfaces.reports.permissions import SUBMIT_REPORT
from lianfang.surfaces.reports.rules import CountRefused, read_value, value_text
from lianfang.surfaces.session import ActingRequest

PAGE = 50
#: what an address may carry beside the question to a count
OWN = {"at", "page", "export"}
#: what the fields that counts are asked by are called
LABELS = {
    "place": Heading("地点", "place"),
    "since": Heading("自", "after"),
    "until": Heading("至", "up to"),
    "known_at": Heading("截至当时所知", "as known at"),
    "class_code": Heading("分型", "class"),
    "severity": Heading("临床程度", "severity"),
    "to": Heading("订正为", "reclassified to"),
    "kinds": Heading("类别", "kinds"),
    "line": Heading("条线", "line of work"),
    "responder_kinds": Heading("人员身份", "kinds of people"),
    "organisation_kinds": Heading("单位类别", "kinds of organisations"),
    "levels": Heading("单位层级", "levels of organisations"),
    "round": Heading("轮次", "round"),
    "standing": Heading("状态", "standing"),
    "part": Heading("账目", "part of the books"),
    "kind": Heading("任务", "duty"),
}


def named(thing: Any) -> str:
    """Return a thing's name in the reader's language; it has one as ``zh`` and one as ``en``."""
    return str(thing.en if (get_language() or "").startswith("en") else thing.zh)


@require_GET
def show_press_report(request: ActingRequest, scenario: str) -> HttpResponse:
    """Show a press report's words beside what the records count."""
    figures = queries.figures(by=request.actor, scenario=scenario, at=request.at)
    if not figures:
        raise Http404(scenario)
    rows = [(figure, value_text(figure.counted), value_text(read_value(figure.value))) for figure in figures]
    agreeing = sum(figure.agrees for figure in figures)
    page = {"scenario": scenario, "rows": rows, "agreeing": agreeing, "total": len(figures)}
    return render(request, "reports/press_report.html", page)


@require_GET
def show_count(request: ActingRequest, code: str) -> HttpResponse:
    """Show a count with its list, or hand the list over as a file."""
    count = count_of(code)
    params = checked_params(code, _asked(request, count))
    found = count.ask(request.actor, request.instant, params)
    if kind := request.GET.get("export"):
        return _export(request, count, found, kind)
    asked = [_answer(name, value, request) for name, value in params if value not in (None, "")]
    page = {
        "heading": named(count), "value": value_text(found.value), "asked": asked, "table": _table(request, found),
        "code": code,
    }  # fmt: skip
    return render(request, "reports/count.html", page)


@require_GET
def show_day(request: ActingRequest, day: date | None = None) -> HttpResponse:
    """Show who has reported a day and who has not, the missing ones counted first."""
    chosen = day or local_date(request.instant)
    statuses = queries.report_statuses(by=request.actor, day=chosen, at=request.instant)
    only = request.GET.get("missing") == "1"
    missing = [status for status in statuses if status.submitted_at is None]
    page = {
        "day": chosen, "statuses": missing if only else statuses, "total": len(statuses), "missing": len(missing),
        "late": sum(status.late for status in statuses), "only": only,
    }  # fmt: skip
    return render(request, "reports/day.html", page)


@require_GET
def show_report(request: ActingRequest, unit: int, day: date) -> HttpResponse:
    """Show a unit's report, what its revisions changed, and the button that confirms it."""
    asked = request.GET.get("revision", "")
    report = queries.report(by=request.actor, unit=unit, day=day, revision=int(asked) if asked.isdigit() else None)
    changes = queries.differences(by=request.actor, unit=unit, day=day)
    page = {
        "report": report, "place": division(unit, day).name,
        "figures": [{"label": named(one), "value": one.value, "href": one.list_url} for one in report.figures],
        "changes": [(change, named(change), f"{change.after - change.before:+d}") for change in changes],
        "revisions": range(1, report.latest + 1),
        "may_confirm": report.revision == report.latest and report.submitted_at is None
        and request.actor.may(SUBMIT_REPORT, unit),
    }  # fmt: skip
    return render(request, "reports/report.html", page)


@require_POST
def confirm_report(request: ActingRequest, unit: int, day: date) -> HttpResponse:
    """Confirm a unit's report with one tap, nil or not."""
    submit_report(by=request.actor, unit=unit, day=day, valid_at=response_now(), cause=new_id())
    return redirect("daily_report", unit=unit, day=day)


def _answer(name: str, value: Any, request: ActingRequest) -> tuple[str, str]:
    """Return what a count was asked, in words: the label of a field and its value."""
    label = named(LABELS[name]) if name in LABELS else name
    if name == "place":
        return label, path_name(value, local_date(request.instant))
    if isinstance(value, tuple):
        return label, ", ".join(_word(one) for one in value)
    return label, _word(value) if isinstance(value, str) else text_of(value)


def _asked(request: ActingRequest, count: Count) -> dict[str, Any]:
    asked: dict[str, Any] = {}
    for name in request.GET:
        if name in OWN:
            continue
        field = count.params.model_fields.get(name)
        if field is None:
            raise CountRefused(f"The count {count.code} is not asked by “{name}”. It is asked by: {_fields(count)}.")
        many = "tuple" in str(field.annotation)
        asked[name] = request.GET.getlist(name) if many else request.GET[name]
    return asked


def _fields(count: Count) -> str:
    return ", ".join(count.params.model_fields)


def _table(request: ActingRequest, found: CountedList) -> dict[str, Any]:
    """Return one page of a list as the console's table template takes it."""
    pages = max(1, -(-found.total // PAGE))
    text = request.GET.get("page", "1")
    page = min(max(int(text) if text.isascii() and text.isdigit() else 1, 1), pages)
    rows = found.read(PAGE, (page - 1) * PAGE)
    titles = [named(column) for column in found.columns]
    return {
        "columns": [{"title": title, "look": _look(column)} for title, column in zip(titles, found.columns, strict=True)],
        "rows": [[_cell(cell, column, title) for cell, column, title in zip(row, found.columns, titles, strict=True)] for row in rows],
        "total": found.total,
        "first": (page - 1) * PAGE + 1,
        "last": (page - 1) * PAGE + len(rows),
        "empty": _("No record counts here. Look at another period or place, or at a later instant."),
        "previous": _changed(request, page=str(page - 1)) if page > 1 else "",
        "next": _changed(request, page=str(page + 1)) if page < pages else "",
        "exports": [{"text": kind.upper(), "href": _changed(request, export=kind, page="")} for kind in TYPES],
    }  # fmt: skip


def _cell(cell: Cell, column: Heading, title: str) -> dict[str, Any]:
    return {
        "text": _word(cell.value) if column.look == "code" else text_of(cell.value),
        "href": _record_address(cell), "look": _look(column), "tone": "", "title": title,
    }  # fmt: skip


def _look(column: Heading) -> str:
    return "mark" if column.look == "code" else column.look


def _word(code: str | None) -> str:
    """Return a record's code in the plain words that the console's pages have for it."""
    return _plain_words(code, get_language() or "") if code else ""


@cache
def _plain_words(code: str, language: str) -> str:
    # a template, because that is the one way in which surfaces share what they say
    return str(engines["django"].from_string("{% load console %}{{ code|word }}").render({"code": code}))


def _record_address(cell: Cell) -> str:
    """Return the address of the record behind a cell, or nothing while no page shows that kind of record."""
    if not cell.link or cell.link_id is None:
        return ""
    if cell.link == "duties":
        return f"{reverse('duties')}?{urlencode({'kind': str(cell.link_id)})}"
    try:
        return reverse(cell.link, args=[cell.link_id])
    except NoReverseMatch:
        return ""


def _changed(request: ActingRequest, **changes: str) -> str:
    asked = request.GET.copy()
    for name, value in changes.items():
        asked[name] = value
        if not value:
            del asked[name]
    return f"?{asked.urlencode()}"


def _export(request: ActingRequest, count: Count, found: CountedList, kind: str) -> HttpResponse:
    origin = {
        _("Taken by"): request.actor.title,
        _("Taken at"): text_of(response_now()),
        _("As of"): text_of(request.instant),
        _("Asked"): request.GET.urlencode(),
    }
    titles = [named(column) for column in found.columns]
    body = as_file(kind, titles, found.rows(), origin)
    record_audit(
        request.actor, "reports.export_list", subject=("list", None), division_code=request.actor.scope.lo,
        count=found.total, list=count.code, format=kind,
    )  # fmt: skip
    response = HttpResponse(body, content_type=TYPES[kind])
    stamp = response_now().astimezone(LOCAL).strftime("%Y%m%d-%H%M")
    response["Content-Disposition"] = f'attachment; filename="{count.code}-{stamp}.{kind}"'
    return response


class DayConverter:
    """A day in an address, as ``2022-07-17``."""

    regex = "[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def to_python(self, text: str) -> date:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=LOCAL).date()

    def to_url(self, day: date | str) -> str:
        return str(day)
