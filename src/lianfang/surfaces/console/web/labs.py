"""Laboratories: what each received, reported and still has, when it will be through; a file of results looked through."""

import base64
from collections.abc import Sequence
from datetime import datetime, time
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from lianfang.core.territory.queries import standing
from lianfang.kit.clock import local_date, response_now
from lianfang.kit.codes import county_of, full_code
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Refusal
from lianfang.response.specimens import queries
from lianfang.response.specimens.actions import BadRow, FileReceipt, check_result_file
from lianfang.response.specimens.permissions import READ_CUSTODY, RECORD_RESULTS, REGISTER_LABS
from lianfang.response.specimens.queries import LabLoad
from lianfang.surfaces.console.addresses import address
from lianfang.surfaces.console.asking import send, words_given
from lianfang.surfaces.console.figures import Figure
from lianfang.surfaces.console.lists import (
    Column,
    Filter,
    Listing,
    Section,
    answer_list,
    answer_record,
    as_text,
    shown,
    whole,
)
from lianfang.surfaces.console.queries import place_names
from lianfang.surfaces.console.web.custody import hand_over_listing, present_only, tube_columns
from lianfang.surfaces.session import ActingRequest

#: what a form may carry back and forth between looking through and taking in
MOST_BYTES = 1_500_000


def show_labs(request: ActingRequest) -> HttpResponse:
    """List the laboratories with their load; for a box that is to be sent, the one that is through first on top."""
    request.actor.require(READ_CUSTODY)
    clocks = queries.clocks_in_force(by=request.actor)
    box = request.GET.get("box", "").strip()
    if box:
        tubes, _people = queries.box_load(box, by=request.actor)
        offers = queries.propose_lab(tubes, by=request.actor, clocks=clocks)
        lead = _proposal(box, tubes, offers)
    else:
        offers = [(load, None) for load in queries.lab_loads(by=request.actor, clocks=clocks)]
        lead = present_only(request)
    units = _units(request)
    listing = Listing(
        "labs", lab_columns(request, bool(box)), *whole(offers),
        _("No laboratory is registered. Register each above, with its hours and what it can do.") if units
        else _("No laboratory is registered. The testing task force registers each with its hours and what it can do."),
        (Filter("box", _("Where should this box go? Its printed code")),),
    )  # fmt: skip
    return answer_list(
        request, listing, template="console/labs.html", heading=_("Laboratories"), lead=lead, units=units
    )


def _units(request: ActingRequest) -> list[tuple[int, str]]:
    """Return where a new laboratory may stand, the county first; nothing for who registers none here and now."""
    county = full_code(county_of(request.actor.scope.lo))
    if request.at is not None or not request.actor.may(REGISTER_LABS, county):
        return []
    units = standing(request.actor.scope, local_date(response_now())).filter(level="township")
    return [(county, place_names([county])[county]), *units.values_list("code", "name")]


@require_POST
def register(request: ActingRequest) -> HttpResponse:
    """Register a laboratory with its hours and what it can do."""
    payload: dict[str, Any] = {
        "name": words_given(request, "name", _("Laboratory")),
        "division_code": _stands_in(request),
        "tubes_per_hour": _tubes(request, "tubes_per_hour", _("Tubes an hour")),
        "tubes_per_day": _tubes(request, "tubes_per_day", _("Tubes a day")),
    }
    payload |= {name: _hour(request, name) for name in ("opens_at", "closes_at")}
    made = send(request, "register_lab", payload, response_now()).result
    messages.success(request, _("The laboratory is registered. Boxes may be sent to it from now on."))
    return redirect(address(request, "lab", UUID(made["id"])))


def _stands_in(request: ActingRequest) -> int:
    other = request.POST.get("other_county", "").strip()
    code = other or request.POST.get("unit", "")
    if not (code.isascii() and code.isdigit() and len(code) == (6 if other else 15)):
        raise Refusal(_("Choose where the laboratory stands, or write the 6-digit code of another county."))
    return full_code(code)


def _tubes(request: ActingRequest, name: str, label: str) -> int:
    text = words_given(request, name, label)
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) <= 1_000_000 and len(text) < 9):
        raise Refusal(_("“%(text)s” is no number of tubes. Write it like 60.") % {"text": text[:20]})
    return int(text)


def _hour(request: ActingRequest, name: str) -> str | None:
    text = request.POST.get(name, "").strip()
    try:
        return time.fromisoformat(text).isoformat() if text else None
    except ValueError:
        raise Refusal(_("“%(text)s” is no hour. Write it like 08:00.") % {"text": text[:20]}) from None


def _proposal(box: str, tubes: int, offers: Sequence[tuple[LabLoad, datetime | None]]) -> str:
    if not tubes:
        return _("Box %(box)s holds nothing now. Read its code again, or have it packed first.") % {"box": box}
    if not offers or offers[0][1] is None:
        return ngettext(
            "No laboratory can do the %(tubes)s tube of box %(box)s. Ask the county for another one.",
            "No laboratory can do the %(tubes)s tubes of box %(box)s. Ask the county for another one.", tubes,
        ) % {"tubes": tubes, "box": box}  # fmt: skip
    return ngettext(
        "Box %(box)s, %(tubes)s tube: %(lab)s would be through first. This is a proposal; you decide.",
        "Box %(box)s, %(tubes)s tubes: %(lab)s would be through first. This is a proposal; you decide.", tubes,
    ) % {"box": box, "tubes": tubes, "lab": offers[0][0].lab.name}  # fmt: skip


def lab_columns(request: ActingRequest, proposing: bool) -> list[Column]:
    """Return the columns of a list of laboratories with their load."""

    def tubes(load: LabLoad, **more: Any) -> str:
        return address(request, "custody_tubes", stage="lab", holder=load.lab.name, **more)

    columns = [
        Column(_("Laboratory"), lambda o: o[0].lab.name, lambda o: address(request, "lab", o[0].lab.id)),
        Column(_("Received today"), lambda o: o[0].received, look="number"),
        Column(_("Reported today"), lambda o: o[0].reported, look="number"),
        Column(_("Still to do"), lambda o: o[0].backlog, lambda o: tubes(o[0]), look="number"),
        Column(
            _("Past their clock"), lambda o: o[0].late, lambda o: tubes(o[0], late="yes"), look="number",
            tone=lambda o: "overdue" if o[0].late else "",
        ),
        Column(
            _("Will be late"), lambda o: o[0].projected_late, look="number",
            tone=lambda o: "warn" if o[0].projected_late else "",
        ),
        Column(_("Through by"), lambda o: finish_text(o[0].finish_at, o[0].backlog), look="time"),
        Column(_("An hour / a day"), lambda o: f"{o[0].lab.tubes_per_hour} / {o[0].lab.tubes_per_day}", look="number"),
        Column(_("Can still take today"), lambda o: o[0].left, look="number"),
    ]  # fmt: skip
    if proposing:
        columns.insert(
            1, Column(_("Through with this box by"), lambda o: o[1] or _("not within two weeks"), look="time")
        )
    return columns


def finish_text(finish_at: datetime | None, backlog: int) -> datetime | str:
    """Return when a backlog will be done, or words where there is none or no end."""
    if not backlog:
        return _("nothing to do")
    return finish_at or _("not within two weeks")


def show_lab(request: ActingRequest, lab: UUID) -> HttpResponse:
    """Show one laboratory: its load, the tubes it has, what it took in, the files it sent."""
    request.actor.require(READ_CUSTODY)
    queries.lab_row(lab, by=request.actor)
    clocks = queries.clocks_in_force(by=request.actor)
    load = next(one for one in queries.lab_loads(by=request.actor, clocks=clocks) if one.lab.id == lab)
    sections = [
        Section(_("Still to do"), _backlog(request, load, clocks), _figures(request, load)),
        Section(_("Handed in here"), hand_over_listing(request, lab), page_size=20),
        Section(_("Files of results"), _files(request, load)),
    ]
    return answer_record(
        request, sections, template="console/lab.html", heading=load.lab.name, lab=load.lab, facts=_facts(load),
        lead=present_only(request), lead_tone="warn",
        may_report=request.at is None and request.actor.may(RECORD_RESULTS),
    )  # fmt: skip


def _figures(request: ActingRequest, load: LabLoad) -> list[Figure]:
    name = load.lab.name
    here = address(request, "custody_tubes", stage="lab", holder=name)
    late = address(request, "custody_tubes", stage="lab", holder=name, late="yes")
    return [
        Figure(_("received today"), load.received, address(request, "lab", load.lab.id)),
        Figure(_("reported today"), load.reported, address(request, "lab", load.lab.id)),
        Figure(_("still to do"), load.backlog, here, ngettext("%(n)s person", "%(n)s people", load.people) % {"n": load.people}),
        Figure(_("past their clock"), load.late, late, tone="overdue" if load.late else "good"),
        Figure(_("will be late"), load.projected_late, here, tone="warn" if load.projected_late else "good"),
    ]  # fmt: skip


def _facts(load: LabLoad) -> list[tuple[str, Any, str]]:
    lab = load.lab
    hours = f"{lab.opens_at:%H:%M}–{lab.closes_at:%H:%M}" if lab.opens_at and lab.closes_at else _("round the clock")
    through = finish_text(load.finish_at, load.backlog)
    return [
        (_("Stands in"), place_names([lab.division_code])[lab.division_code], ""),
        (_("Hours"), hours, ""),
        (_("Tubes an hour"), lab.tubes_per_hour, ""),
        (_("Tubes a day"), lab.tubes_per_day, ""),
        (_("Through by"), _local(through), ""),
        (_("Can still take today"), str(load.left), ""),
    ]


def _local(value: datetime | str) -> str:
    return as_text(value)


def _backlog(request: ActingRequest, load: LabLoad, clocks: Any) -> Listing:
    asked: dict[str, Any] = {"by": request.actor, "clocks": clocks, "stage": "lab", "lab": load.lab.id}
    places: dict[int, str] = {}

    def read(limit: int, offset: int) -> list[Any]:
        rows = queries.tubes_placed(**asked, limit=limit, offset=offset)
        places.update(place_names([row.division_code for row in rows]))
        return rows

    return Listing(
        "backlog", tube_columns(request, places), queries.count_placed(**asked), read,
        _("Every tube of your area that this laboratory received is reported."),
    )  # fmt: skip


def _files(request: ActingRequest, load: LabLoad) -> Listing:
    columns = [
        Column(_("File"), lambda f: f.name),
        Column(_("Taken in"), lambda f: f.recorded_at, look="time"),
        Column(_("Rows"), lambda f: f.rows, look="number"),
        Column(_("Rows taken"), lambda f: f.taken, look="number"),
        Column(_("Rows left out"), lambda f: f.bad, look="number", tone=lambda f: "warn" if f.bad else ""),
    ]
    rows = queries.result_files(load.lab.name, by=request.actor)
    sends = request.at is None and request.actor.may(RECORD_RESULTS)
    empty = _("No file was taken in. Send one with the button above.") if sends else _("No file was taken in.")
    return Listing("files", columns, *whole(rows), empty)


def send_results(request: ActingRequest, lab: UUID) -> HttpResponse:
    """Ask for a file of results, show what is wrong in it, and take it in when somebody says so."""
    request.actor.require(RECORD_RESULTS)
    row = queries.lab_row(lab, by=request.actor)
    if request.method != "POST":
        return render(request, "console/result_file.html", {"lab": row, "heading": _heading(row.name)})
    if request.POST.get("confirmed") == "yes":
        return _take_in(request, row)
    upload = request.FILES.get("file")
    if upload is None:
        raise Refusal(_("No file was chosen. Choose the file of results, then look it through."))
    if (upload.size or 0) > MOST_BYTES:
        raise Refusal(
            _("This file is larger than %(most)s kB. Split it and send the parts.") % {"most": MOST_BYTES // 1000}
        )
    content, held_at = upload.read(), response_now()
    receipt = check_result_file(str(upload.name), content, by=request.actor, lab=row.name, valid_at=held_at)
    context = {
        "lab": row, "heading": _heading(row.name), "name": upload.name, "receipt": receipt, "bad": _bad_rows(request, receipt),
        "content": base64.b64encode(content).decode(), "command": new_id(), "held_at": held_at.isoformat(),
    }  # fmt: skip
    return render(request, "console/result_file.html", context)


def _heading(name: str) -> str:
    return _("Results of %(lab)s") % {"lab": name}


def _bad_rows(request: ActingRequest, receipt: FileReceipt) -> dict[str, Any]:
    columns = [
        Column(_("Row"), lambda b: b.row, look="number"),
        Column(_("Column"), lambda b: b.field),
        Column(_("What is wrong"), lambda b: fault_words(b)[0]),
        Column(_("What to do"), lambda b: fault_words(b)[1]),
    ]
    listing = Listing("bad_rows", columns, *whole(receipt.bad_rows), "")
    # the file is not kept until it is taken in, so that there is nothing yet to export from or to turn pages of
    return shown(request, listing, "bad_rows", max(1, len(receipt.bad_rows))) | {"exports": []}


def fault_words(bad: BadRow) -> tuple[str, str]:
    """Return what is wrong with a row and what to do, in the reader's language."""
    given = {"given": bad.given}
    return {
        "no_code": (_("the code is empty"), _("fill in the code printed on the tube")),
        "not_a_code": (_("“%(given)s” is no printed code") % given, _("scan the tube again")),
        "not_a_finding": (_("“%(given)s” is no finding") % given, _("write 阴性, 阳性, 可疑 or 样本不足")),
        "not_a_time": (_("“%(given)s” is no date and time") % given, _("write it like 2022-07-14 18:30")),
        "still_to_come": (_("the time lies after now"), _("correct the date")),
        "before_the_test": (_("reported before it was tested"), _("correct one of the two times")),
        "not_a_ct": (_("“%(given)s” is no Ct value") % given, _("write a number up to 60 or leave it empty")),
        "twice": (_("this tube stands in row %(given)s already") % given, _("keep one of the two rows")),
        "unknown_tube": (
            _("tube %(given)s is not registered") % given, _("keep the tube and ask the sampling site to send its batch"),
        ),
        "outside_area": (
            _("tube %(given)s comes from outside your area") % given, _("give it to the laboratory that serves that place"),
        ),
        "empty_tube": (_("tube %(given)s holds nobody by the records") % given, _("find the sheet of this tube first")),
        "another_lab": (
            _("another laboratory received tube %(given)s") % given, _("let that one report it, or record its hand-over"),
        ),
        "has_result": (
            _("tube %(given)s was reported otherwise before") % given, _("correct that result with a reason, by itself"),
        ),
    }.get(bad.fault, (bad.why, bad.remedy))  # fmt: skip


def _take_in(request: ActingRequest, row: queries.LabRow) -> HttpResponse:
    payload = {
        "name": request.POST.get("name", "")[:120], "content": request.POST.get("content", ""), "lab": row.name,
        "accept_good": request.POST.get("accept_good") == "yes",
    }  # fmt: skip
    try:
        held_at = datetime.fromisoformat(request.POST.get("held_at", ""))
    except ValueError:
        raise Refusal(_("This form is not complete. Open the page again and send it again.")) from None
    result = send(request, "import_results", payload, held_at).result
    taken, bad = result["taken"], len(result["bad_rows"])
    said = ngettext("%(n)s result is taken in.", "%(n)s results are taken in.", taken) % {"n": taken}
    if bad:
        said += " " + ngettext("%(n)s row is left out.", "%(n)s rows are left out.", bad) % {"n": bad}
    messages.success(request, said)
    return redirect(address(request, "lab", row.id))
