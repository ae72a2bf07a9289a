"""Signing in and out, choosing a post and a language, and what is said when a page does not exist or fails."""

import uuid

from django.conf import settings
from django.contrib.auth import get_user_model, login, logout
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from lianfang.core.access import limits
from lianfang.core.access import sign_in as access
from lianfang.core.access.rules import SignInRefused, TooMuch
from lianfang.surfaces.console import words
from lianfang.surfaces.session import GRANT, ActingRequest, open_to_anybody

YEAR = 365 * 24 * 3600


@open_to_anybody
def sign_in(request: HttpRequest) -> HttpResponse:
    """Show the form, and take name and password."""
    if request.method != "POST":
        return _form(request, "", 200)
    username = request.POST.get("username", "").strip()
    address = request.META.get("REMOTE_ADDR", "")
    try:
        limits.check_tries(username, address)
        actors = access.sign_in(username, request.POST.get("password", ""))
    except TooMuch:
        return _form(
            request, _("Too many wrong tries. Wait five minutes, or ask your duty desk for a new password."), 429
        )
    except SignInRefused as refusal:
        limits.count_wrong_try(username, address)
        return _form(request, words.said(refusal), 401)
    limits.forget_wrong_tries(username)
    account = get_user_model().objects.get(pk=actors[0].account_id)
    login(request, account, backend="django.contrib.auth.backends.ModelBackend")
    request.session[GRANT] = str(actors[0].grant_id)
    return _onward(request)


@require_POST
def sign_out(request: ActingRequest) -> HttpResponse:
    """End the session here."""
    logout(request)
    return redirect("sign_in")


@require_POST
def choose_grant(request: ActingRequest) -> HttpResponse:
    """Act from now on under another of the account's grants."""
    try:
        grant = uuid.UUID(request.POST.get("grant", ""))
    except ValueError:
        raise SignInRefused(_("Choose one of your posts from the list.")) from None
    request.session[GRANT] = str(access.acting_grant(request.actor.account_id, grant).grant_id)
    return redirect("situation")


@require_POST
@open_to_anybody
def choose_language(request: HttpRequest) -> HttpResponse:
    """Remember a language in this browser."""
    response = _onward(request)
    language = request.POST.get("language", "")
    if language in dict(settings.LANGUAGES):
        response.set_cookie(
            settings.LANGUAGE_COOKIE_NAME, language, max_age=YEAR, samesite="Lax", secure=request.is_secure()
        )
    return response


@open_to_anybody
def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that an address leads nowhere."""
    return _plain(request, _("There is no page at this address. Go back, or start from the situation."), 404)


@open_to_anybody
def failed(request: HttpRequest) -> HttpResponse:
    """Say that something broke, without saying what: the log knows."""
    sentence = _(
        "Something broke on our side and nothing was written. Try again; if it breaks again, tell the duty desk."
    )
    return _plain(request, sentence, 500)


@open_to_anybody
def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Say that a form came without its token, which only an old or a foreign page does."""
    return _plain(
        request, _("This form is too old or came from elsewhere. Open the page again and send it again."), 403
    )


def _plain(request: HttpRequest, sentence: str, status: int) -> HttpResponse:
    return render(request, "console/plain_error.html", {"sentence": sentence}, status=status)


def _form(request: HttpRequest, sentence: str, status: int) -> HttpResponse:
    asked = request.POST if request.method == "POST" else request.GET
    context = {"sentence": sentence, "next": asked.get("next", ""), "username": asked.get("username", "")}
    return render(request, "console/sign_in.html", context, status=status)


def _onward(request: HttpRequest) -> HttpResponse:
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return HttpResponseRedirect(target if safe else reverse("situation"))
