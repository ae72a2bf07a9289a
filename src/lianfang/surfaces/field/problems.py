"""Every error of the interface is problem details (RFC 9457), also those that arise before or behind its operations."""

import logging
import math
import re
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import DataError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from pydantic import Field

from lianfang.core.access.rules import NotPermitted, SignInRefused, TooMuch
from lianfang.kit.refusals import Conflict, NotFound, Refusal
from lianfang.kit.sentences import in_chinese
from lianfang.surfaces.field.bodies import BodyRefused

#: the most specific refusal first
STATUS = (
    (SignInRefused, 401), (NotPermitted, 403), (NotFound, 404), (Conflict, 409), (TooMuch, 429), (Refusal, 422),
)  # fmt: skip
MEDIA_TYPE = "application/problem+json"
PREFIX = "/api/"
REQUEST_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
#: what is said when an error comes from outside of any operation
OUTSIDE = {
    400: ("BadRequest", "The request cannot be understood: correct it before you send it again."),
    404: ("NoSuchOperation", "There is no such operation: /api/docs lists them."),
    405: ("MethodNotAllowed", "This address does not take this method: /api/docs lists what it takes."),
    413: ("BodyTooLarge", "The body is larger than {limit} MB: send fewer tubes or people at once."),
    500: ("Failed", "Something broke on our side and nothing was written. Send the same again: it is applied once."),
    503: ("Busy", "The database does not answer just now. Send the same again in a moment: it is applied once."),
}
#: what Django and the database raise for a request as a whole
RAISED: dict[type[Exception], int] = {
    Http404: 404, RequestDataTooBig: 413, UnreadablePostError: 400, OperationalError: 503,
}  # fmt: skip
RETRY_SECONDS = 2

log = logging.getLogger(__name__)


class Problem(Schema):
    """What went wrong. ``detail`` is a sentence for the person who asked: what is wrong and what to do."""

    type: str = Field(examples=["about:blank"])
    title: str = Field(description="the name of the refusal, for programs", examples=["CommandIdTaken"])
    status: int = Field(ge=400, le=599)
    detail: str = Field(description="a sentence: what is wrong and what to do")
    detail_zh: str = Field(description="the same sentence in Chinese; empty where nobody has translated it")


def problem(status: int, title: str, detail: str) -> JsonResponse:
    """Return a problem-details response."""
    body = {
        "type": "about:blank", "title": title, "status": status, "detail": detail, "detail_zh": in_chinese(detail) or ""
    }  # fmt: skip
    return JsonResponse(body, status=status, content_type=MEDIA_TYPE)


def outside(status: int) -> JsonResponse:
    """Return what is said when an error comes from outside of any operation."""
    title, sentence = OUTSIDE.get(status, OUTSIDE[500 if status >= 500 else 400])
    answer = problem(status, title, sentence.format(limit=settings.DATA_UPLOAD_MAX_MEMORY_SIZE >> 20))
    if status == 503:
        answer.headers["Retry-After"] = str(RETRY_SECONDS)
    return answer


class ProblemMiddleware:
    """Give every request of the interface an id, and turn whatever went wrong outside of an operation into a problem.

    The id (the sender's `X-Request-Id`, or one made here) stands in the answer and in the log, which holds the address
    without its query and no body.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path_info.startswith(PREFIX):
            return self.get_response(request)
        asked = request.META.get("HTTP_X_REQUEST_ID", "")
        id = asked if REQUEST_ID.fullmatch(asked) else uuid.uuid4().hex
        response = outside(413) if _announces_too_much(request) else self.get_response(request)
        if response.status_code >= 400 and response.headers.get("Content-Type") != MEDIA_TYPE:
            allowed = response.headers.get("Allow")
            response = outside(response.status_code)
            if allowed:
                response.headers["Allow"] = allowed
        if response.status_code >= 500:
            log.error("%s %s answered %s (request %s)", request.method, request.path, response.status_code, id)
        response.headers["X-Request-Id"] = id
        return response


def _announces_too_much(request: HttpRequest) -> bool:
    length = str(request.META.get("CONTENT_LENGTH") or "0")
    return length.isdecimal() and int(length[:20]) > settings.DATA_UPLOAD_MAX_MEMORY_SIZE


def answer_problems(api: NinjaAPI) -> None:
    """Make an interface answer whatever its operations raise as problems."""
    handlers: dict[type[Exception], Any] = {
        Refusal: _refused,
        TooMuch: _too_much,
        ValidationError: _not_understood,
        HttpError: _http_error,
        AuthenticationError: _not_signed_in,
        **dict.fromkeys((DataError, UnicodeError, OverflowError), _not_storable),
        **{kind: partial(_from_outside, status) for kind, status in RAISED.items()},
    }
    for kind, handler in handlers.items():
        api.add_exception_handler(kind, handler)


def _from_outside(status: int, request: HttpRequest, error: Exception) -> HttpResponse:
    return outside(status)


def _refused(request: HttpRequest, error: Refusal) -> HttpResponse:
    status = next(code for kind, code in STATUS if isinstance(error, kind))
    return problem(status, type(error).__name__, str(error))


def _too_much(request: HttpRequest, error: TooMuch) -> HttpResponse:
    answer = _refused(request, error)
    answer.headers["Retry-After"] = str(math.ceil(error.wait))
    return answer


def _not_understood(request: HttpRequest, error: ValidationError) -> HttpResponse:
    fields = "; ".join(f"{'.'.join(str(part) for part in e['loc'])}: {e['msg']}" for e in error.errors)
    return problem(422, "NotUnderstood", f"The request cannot be read: {fields}.")


def _http_error(request: HttpRequest, error: HttpError) -> HttpResponse:
    cause = error.__cause__
    if isinstance(cause, BodyRefused):
        return problem(cause.status, "BodyRefused", str(cause))
    if isinstance(cause, RequestDataTooBig):
        return outside(413)
    return outside(error.status_code)


def _not_signed_in(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
    return problem(401, "SignInRefused", "Sign in first (POST /api/sign-in) and send its token as “Bearer”.")


def _not_storable(request: HttpRequest, error: Exception) -> HttpResponse:
    # without quoting it: a value may name a person
    return problem(
        422, "NotUnderstood", "A value is out of bounds or holds characters that cannot be kept: correct it."
    )
