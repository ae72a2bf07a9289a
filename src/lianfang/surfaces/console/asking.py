"""Reading what an address or a form asks for, with a sentence when it cannot be read."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from lianfang.core.access.commands import Envelope, Receipt
from lianfang.core.access.rules import NotPermitted
from lianfang.core.territory.queries import standing
from lianfang.kit.clock import LOCAL, local_date, response_now
from lianfang.kit.codes import CodeRange, unit_range
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Refusal
from lianfang.surfaces.session import ActingRequest
from lianfang.workflows.commands import submit


def area_asked(request: ActingRequest) -> CodeRange:
    """Return the area that ``?within=`` names (a 15-digit code), else the actor's own; refuses one outside of it."""
    text = request.GET.get("within", "")
    if not text:
        return request.actor.scope
    if not text.isascii() or not text.isdigit() or len(text) != 15:
        raise Refusal(_("A place is named by its 15-digit code. Choose it from the tree."))
    code = int(text)
    unit = standing(CodeRange(code, code), local_date(request.instant)).first()
    area = unit.range if unit else unit_range(code)
    if not request.actor.scope.covers(area):
        raise NotPermitted(_("This place lies outside of this post's area. Ask the unit that it belongs to."))
    return area


def instant_given(request: ActingRequest, name: str = "valid_at") -> datetime:
    """Return a time given in a form (local), or the response clock's now when it is empty."""
    text = request.POST.get(name, "").strip()
    if not text:
        return response_now()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Refusal(
            _("“%(text)s” is no date and time. Write it like 2022-07-17T20:00.") % {"text": text[:40]}
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=LOCAL)


def words_given(request: ActingRequest, name: str, label: str) -> str:
    """Return the words given in a form's field, or refuse with the field's label when there are none."""
    text = request.POST.get(name, "").strip()
    if not text:
        raise Refusal(_("“%(field)s” is empty: fill it in.") % {"field": label})
    return text


def confirmed(
    request: ActingRequest,
    kind: str,
    payload: dict[str, Any],
    *,
    heading: str,
    question: str,
    yes: str,
    facts: list[tuple[str, str]],
    back: str,
    done: str,
    warn: Callable[[Receipt], list[str]] | None = None,
) -> HttpResponse:
    """Ask before a change is made; on yes send it as a command, once however often the button is pressed.

    ``warn`` reads from the receipt what was not taken, for whoever sent it.
    """
    held_at = instant_given(request)
    if request.POST.get("confirmed") != "yes":
        fields = [(name, value) for name, value in request.POST.items() if name != "csrfmiddlewaretoken"]
        fields = [(name, value) for name, value in fields if name not in ("valid_at", "command")]
        fields += [("valid_at", held_at.isoformat()), ("command", str(new_id()))]
        context = {"heading": heading, "question": question, "yes": yes, "facts": facts, "fields": fields, "back": back}
        return render(request, "console/confirm.html", context)
    receipt = send(request, kind, payload, held_at)
    messages.success(request, done)
    for sentence in warn(receipt) if warn else ():
        messages.warning(request, sentence)
    return redirect(back)


def send(request: ActingRequest, kind: str, payload: dict[str, Any], held_at: datetime) -> Receipt:
    """Send a change as a command under the id that its form was given."""
    try:
        id = uuid.UUID(request.POST.get("command", ""))
    except ValueError:
        raise Refusal(_("This form is not complete. Open the page again and send it again.")) from None
    return submit(Envelope(id, kind, held_at, payload), by=request.actor)
