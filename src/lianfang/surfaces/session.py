"""Every request from a browser: its language, who acts under which grant, as of when, and refusals as pages.

An account is signed in for one shift; each of its requests acts under one grant, in one transaction. The view runs
inside of that transaction, so that whatever it raises undoes whatever it wrote.
"""

import logging
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import DataError
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.template.response import TemplateResponse
from django.utils import translation
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation.trans_real import get_languages

from lianfang.core.access.commands import EARLIEST
from lianfang.core.access.queries import actors_of
from lianfang.core.access.rules import Actor, NotPermitted, SignInRefused
from lianfang.core.access.scope import acting
from lianfang.kit.clock import LOCAL, machine_now, response_now
from lianfang.kit.refusals import Conflict, NotFound, Refusal

View = TypeVar("View", bound=Callable[..., HttpResponseBase])
Answer = Callable[[HttpRequest], HttpResponse]

log = logging.getLogger(__name__)
GRANT = "grant"
#: address spaces that ask for their own proof of who somebody is
OWN_GATES = {"api", "portal"}
STATUS = ((SignInRefused, 401), (NotPermitted, 403), (NotFound, 404), (Conflict, 409), (Refusal, 422))
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
    " connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class ActingRequest(HttpRequest):
    """A request of somebody signed in: who acts, what else they might act as, and the instant they look at."""

    actor: Actor
    grants: list[Actor]
    #: the instant asked for, or none for the present
    at: datetime | None
    #: the instant that the page shows: the one asked for, else the response clock's now
    instant: datetime


class LanguageMiddleware:
    """Speak the language that the cookie remembers, else the first of the settings, whatever the browser prefers."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        asked = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
        language = asked if asked in get_languages() else settings.LANGUAGE_CODE
        with translation.override(language):
            request.LANGUAGE_CODE = language
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        return response


class PolicyMiddleware:
    """Let pages load nothing from elsewhere, run nothing inline, and stay in no cache."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        response.headers.setdefault("Cache-Control", "no-store")
        return response


class ActingMiddleware:
    """Run every view inside of one transaction under the grant chosen; nobody else gets further than signing in."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any
    ) -> HttpResponse | None:
        """Answer in the view's place, so that no handler between turns a refusal into a commit."""
        match = request.resolver_match
        if getattr(view, "open_to_anybody", False) or (match and OWN_GATES & set(match.namespaces)):
            return None
        acting_request = identify(request)
        if acting_request is None:
            return redirect(f"{_sign_in_address()}?{urlencode({'next': request.get_full_path()})}")
        return answer(acting_request, view, args, kwargs)


def open_to_anybody(view: View) -> View:
    """Mark a view that answers without anybody signed in."""
    view.open_to_anybody = True  # type: ignore[attr-defined]
    return view


def identify(request: HttpRequest) -> ActingRequest | None:
    """Put who acts on a request, or return none when nobody is signed in or no grant of theirs is valid now."""
    if not request.user.is_authenticated:
        return None
    grants = actors_of(uuid.UUID(str(request.user.pk)), machine_now())
    if not grants:
        return None
    found = cast(ActingRequest, request)
    chosen = request.session.get(GRANT)
    found.grants = grants
    found.actor = next((actor for actor in grants if str(actor.grant_id) == chosen), grants[0])
    found.at, found.instant = None, response_now()
    return found


def answer(request: ActingRequest, view: Callable[..., HttpResponse], args: Any, kwargs: Any) -> HttpResponse:
    """Run a view and render its page in one transaction; whatever it refuses is undone and becomes a page."""
    try:
        request.at = read_instant(request.GET.get("at", ""))
        request.instant = request.at or response_now()
        with acting(request.actor):
            response = view(request, *args, **kwargs)
            return response.render() if isinstance(response, TemplateResponse) else response
    except Refusal as refusal:
        return refused(request, refusal)
    except (Http404, DataError) as error:
        if isinstance(error, DataError):  # what the database cannot even look up: a NUL, a number past all bounds
            log.warning("%s asks for what cannot be looked up", request.path, exc_info=error)
        return refused(request, NotFound(_("There is no such page in your area. Go back, or choose from the menu.")))
    except PermissionDenied:
        return refused(request, NotPermitted(_("This post may not do this. Ask the duty desk who can.")))


def refused(request: ActingRequest, refusal: Refusal) -> HttpResponse:
    """Return the page that says what was refused and what to do, with the status that fits."""
    status = next(code for kind, code in STATUS if isinstance(refusal, kind))
    with acting(request.actor):
        return render(request, "console/refused.html", {"refusal": refusal, "status": status}, status=status)


def read_instant(text: str) -> datetime | None:
    """Read the instant to look at (local time, ``2022-07-17T20:00``); empty or still to come means now."""
    if not text.strip():
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
        moment = moment.astimezone(LOCAL) if moment.tzinfo else moment.replace(tzinfo=LOCAL)
        moment.astimezone(UTC)  # the first and last days of the calendar leave it in other zones
    except (ValueError, OverflowError):
        raise Refusal(
            _("“%(text)s” is no date and time. Write it like 2022-07-17T20:00.") % {"text": text[:40]}
        ) from None
    return max(moment, EARLIEST) if moment < response_now() else None


def _sign_in_address() -> str:
    from django.urls import reverse

    return reverse(settings.LOGIN_URL)
