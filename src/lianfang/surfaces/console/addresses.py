"""Addresses inside the console: they keep the instant that is being looked at."""

from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from lianfang.kit.clock import LOCAL
from lianfang.surfaces.session import ActingRequest

MINUTE = "%Y-%m-%dT%H:%M"


def at_text(request: ActingRequest) -> str:
    """Return the instant asked for as it stands in addresses (local time), or nothing for the present."""
    if request.at is None:
        return ""
    moment = request.at.astimezone(LOCAL)
    return (
        moment.strftime(MINUTE)
        if not (moment.second or moment.microsecond)
        else moment.replace(tzinfo=None).isoformat()
    )


def address(request: ActingRequest, name: str, *parts: Any, **query: Any) -> str:
    """Return the address of a page with its query (empty values left out) and the instant being looked at."""
    asked = {key: value for key, value in query.items() if value not in ("", None)}
    if at := at_text(request):
        asked.setdefault("at", at)
    return reverse(name, args=parts) + (f"?{urlencode(asked)}" if asked else "")


def changed_query(request: ActingRequest, **changes: Any) -> str:
    """Return this page's own query with some values changed (none removes): for paging, sorting and exports."""
    asked = {key: str(value) for key, value in request.GET.items() if value}
    asked.update({key: str(value) for key, value in changes.items()})
    asked = {key: value for key, value in asked.items() if value not in ("", "None")}
    return "?" + urlencode(asked)
