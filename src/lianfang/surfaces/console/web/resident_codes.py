"""Residents' printed codes: issued to a place or a household, printed as cards, given anew when one is lost."""

import uuid
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from lianfang.core.people.permissions import ISSUE_CODES
from lianfang.core.people.queries import CodeCount, code_cards, codes_by_grid, printed_code, view_resident
from lianfang.core.people.rules import REVOKE_REASONS
from lianfang.kit.clock import response_now
from lianfang.kit.codes import CodeRange
from lianfang.kit.refusals import Refusal
from lianfang.surfaces.console import words
from lianfang.surfaces.console.addresses import address
from lianfang.surfaces.console.asking import area_asked, confirmed, send
from lianfang.surfaces.console.figures import Figure
from lianfang.surfaces.console.lists import Column, Filter, Listing, answer_list, as_text, whole
from lianfang.surfaces.console.qr import qr
from lianfang.surfaces.console.queries import place_names, village_names
from lianfang.surfaces.session import ActingRequest

#: cards that one page still prints at ease
MOST_CARDS = 1000


def show_desk(request: ActingRequest) -> HttpResponse:
    """List grids with how many of their people have a code; issue the others, print the cards."""
    request.actor.require(ISSUE_CODES)
    area = area_asked(request)
    rows = codes_by_grid(by=request.actor, within=area)
    people, coded = sum(row.people for row in rows), sum(row.coded for row in rows)
    villages = [(str(code), title) for code, title in village_names(within=request.actor.scope, at=request.instant)]
    within = request.GET.get("within", "")
    listing = Listing(
        "codes", _columns(request, rows), *whole(rows), _("Nobody lives or stays in this place. Choose another one."),
        (Filter("within", _("Village"), [("", _("all")), *villages]),),
    )  # fmt: skip
    return answer_list(
        request, listing, template="console/resident_codes.html", heading=_("Residents' sampling codes"),
        lead=_("A code on a card is scanned at the table: nobody types an ID number. It holds no personal data."),
        figures=[
            Figure(_("People"), people, address(request, "people", within=within)),
            Figure(_("With a code"), coded, _cards(request, area, coded), _("opens the cards to print")),
            Figure(_("Without a code"), people - coded, "#issue", tone="warn" if people > coded else "good"),
        ],
        place=_place(area), without=people - coded, within=f"{area.lo:015d}:{area.hi:015d}",
        cards=_cards(request, area, coded) if 0 < coded <= MOST_CARDS else "", too_many=coded > MOST_CARDS,
        may_issue=request.at is None,
    )  # fmt: skip


def _cards(request: ActingRequest, area: CodeRange, coded: int) -> str:
    """Return where the cards of an area are printed; its grids' list when they are too many for one page."""
    if coded > MOST_CARDS:
        return "#list"
    return address(request, "print_codes", within=request.GET.get("within", ""))


def _place(area: CodeRange) -> str:
    return place_names([area.lo])[area.lo]


def _columns(request: ActingRequest, rows: list[CodeCount]) -> list[Column]:
    places = place_names([row.code for row in rows])
    return [
        Column(_("Place"), lambda r: places[r.code]),
        Column(_("People"), lambda r: r.people, lambda r: address(request, "people", within=r.code), look="number"),
        Column(
            _("With a code"), lambda r: r.coded,
            lambda r: address(request, "print_codes", within=r.code) if r.coded else "", look="number",
        ),
        Column(
            _("Without a code"), lambda r: r.people - r.coded, look="number",
            tone=lambda r: "warn" if r.people > r.coded else "good",
        ),
        Column(
            _("Cards"), lambda r: _("print") if r.coded else "",
            lambda r: address(request, "print_codes", within=r.code) if r.coded else "",
        ),
    ]  # fmt: skip


@require_POST
def issue(request: ActingRequest) -> HttpResponse:
    """Issue codes to everybody of a place who has none, asked once more."""
    lo, _colon, hi = request.POST.get("within", "").partition(":")
    if not (lo.isascii() and lo.isdigit() and hi.isascii() and hi.isdigit() and len(lo) == len(hi) == 15):
        raise Refusal(_("A place is named by its 15-digit code. Choose it from the tree."))
    area = CodeRange(int(lo), int(hi))
    without = sum(row.people - row.coded for row in codes_by_grid(by=request.actor, within=area))
    chosen = "" if area == request.actor.scope else lo
    return confirmed(
        request, "issue_resident_codes", {"within": {"lo": area.lo, "hi": area.hi}},
        heading=_("Issue sampling codes"), question=_("Issue codes to everybody here who has none?"),
        yes=_("Yes, issue them"), facts=[(_("Place"), _place(area)), (_("People without a code"), str(without))],
        back=address(request, "codes", within=chosen), done=_("The codes are issued: print the cards below."),
    )  # fmt: skip


def print_cards(request: ActingRequest) -> HttpResponse:
    """Return codes as cards to cut out: of an area, of one resident, or of everybody behind the same door."""
    request.actor.require(ISSUE_CODES)
    chosen = _chosen(request)
    cards = code_cards(
        by=request.actor, within=None if chosen else area_asked(request), residents=chosen, limit=MOST_CARDS
    )
    context = {"cards": [(card, qr(card.code)) for card in cards], "desk": address(request, "codes")}
    return render(request, "console/code_print.html", context)


def _chosen(request: ActingRequest) -> list[uuid.UUID] | None:
    """Return the residents whom the address names, or nothing when it asks for an area."""
    for name in ("resident", "household"):
        if text := request.GET.get(name, ""):
            try:
                resident = uuid.UUID(text)
            except ValueError:
                raise Refusal(_("This form is not complete. Open the page again and send it again.")) from None
            return [resident] if name == "resident" else _behind_the_door(request, resident)
    return None


def _behind_the_door(request: ActingRequest, resident: uuid.UUID) -> list[uuid.UUID]:
    page = view_resident(resident, by=request.actor)
    return [line.id for line in page.household] or [resident]


def code_context(request: ActingRequest, resident: uuid.UUID) -> dict[str, Any]:
    """Return what the resident's page shows of their code, and which forms it offers."""
    if not request.actor.may(ISSUE_CODES):
        return {}
    code = printed_code(resident, by=request.actor)
    in_force = code is not None and code.revoked_at is None
    if code is None:
        said = _("No code has been issued yet.")
    elif in_force:
        said = _("Card no. %(serial)s, issued %(at)s.") % {"serial": code.serial, "at": as_text(code.issued_at)}
    else:
        said = _("Card no. %(serial)s is not taken any longer since %(at)s: %(reason)s.") % {
            "serial": code.serial, "at": as_text(code.revoked_at), "reason": words.word(f"code_{code.reason}"),
        }  # fmt: skip
    return {
        "code": {
            "said": said, "in_force": in_force, "may": request.at is None,
            "reasons": [(one, words.word(f"code_{one}")) for one in REVOKE_REASONS],
        }
    }  # fmt: skip


@require_POST
def issue_one(request: ActingRequest, resident: uuid.UUID) -> HttpResponse:
    """Issue a code to a resident, or to everybody behind the same door, and go on to the cards."""
    household = request.POST.get("who") == "household"
    residents = _behind_the_door(request, resident) if household else [resident]
    send(request, "issue_resident_codes", {"residents": [str(one) for one in residents]}, response_now())
    return redirect(address(request, "print_codes", **{"household" if household else "resident": resident}))


@require_POST
def give_anew(request: ActingRequest, resident: uuid.UUID) -> HttpResponse:
    """End a resident's code for a reason, asked once more; they get another unless told otherwise."""
    reason = request.POST.get("reason", "")
    if reason not in REVOKE_REASONS:
        raise Refusal(_("Choose why the card is not to be taken any longer."))
    again = request.POST.get("reissue") == "yes"
    line = view_resident(resident, by=request.actor).line
    done = (
        _("The old card finds nobody from now on. Print the new one.")
        if again
        else _("The card finds nobody from now on.")
    )
    if request.POST.get("confirmed") == "yes":
        messages.info(request, _("Whoever shows the old card is asked for a document instead; nobody is turned away."))
    return confirmed(
        request, "revoke_resident_code", {"resident": str(resident), "reason": reason, "reissue": again},
        heading=_("Sampling code of %(name)s") % {"name": line.name},
        question=_("End this card and give another one?") if again else _("End this card without another one?"),
        yes=_("Yes, end this card"),
        facts=[(_("Name"), line.name), (_("Reason"), words.word(f"code_{reason}"))],
        back=address(request, "resident", resident), done=done,
    )  # fmt: skip
