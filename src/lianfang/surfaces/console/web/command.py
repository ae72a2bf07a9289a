"""Directives of headquarters and what came back on them."""

from django.http import HttpResponse
from django.utils.translation import gettext as _

from lianfang.response.command.permissions import READ_COMMAND
from lianfang.response.command.queries import AnswerRow, answers, incidents
from lianfang.surfaces.console import words
from lianfang.surfaces.console.lists import Column, Filter, Listing, answer_list, whole
from lianfang.surfaces.session import ActingRequest


def show_directives(request: ActingRequest) -> HttpResponse:
    """List what every recipient of the area owes on directives and has answered."""
    request.actor.require(READ_COMMAND)
    owed = request.GET.get("owed") == "yes"
    rows = [
        row
        for incident in incidents(by=request.actor, at=request.at)
        for row in answers(incident.id, by=request.actor, at=request.instant, outstanding=owed)
    ]
    total, read = whole(rows)

    def late(row: AnswerRow) -> bool:
        receipt = row.owes_receipt and row.acknowledge_by < request.instant
        return receipt or bool(row.owes_feedback and row.feedback_by and row.feedback_by < request.instant)

    columns = [
        Column(_("No."), lambda a: a.number, look="number"),
        Column(_("Directive"), lambda a: a.title),
        Column(_("To"), lambda a: f"{a.place} {a.unit or words.role_word(a.role)}"),
        Column(_("Issued"), lambda a: a.issued_at, look="time"),
        Column(_("Receipt by"), lambda a: a.acknowledge_by, look="time"),
        Column(_("Received"), lambda a: a.received_at, look="time"),
        Column(_("Feedback by"), lambda a: a.feedback_by, look="time"),
        Column(_("State"), lambda a: words.word("overdue") if late(a) else words.word(a.state or ("received" if a.received_at else "outstanding")),
               look="mark", tone=lambda a: "overdue" if late(a) else ""),
    ]  # fmt: skip
    listing = Listing(
        "directives", columns, total, read, _("No directive fits this in your area at this instant."),
        (Filter("owed", _("Still owed an answer"), [("", _("all")), ("yes", _("yes"))]),),
    )  # fmt: skip
    return answer_list(request, listing, heading=_("Directives"))
