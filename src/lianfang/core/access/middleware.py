"""What every request needs before anybody acts."""

from collections.abc import Callable

from django.db import connection
from django.http import HttpRequest, HttpResponse

from lianfang.core.access.queries import response_clock_offset
from lianfang.kit.clock import clock_offset


class ResponseClockMiddleware:
    """Run the request on the response clock of this database, which a replay or a drill may have moved."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        forget_session()
        with clock_offset(response_clock_offset()):
            return self.get_response(request)


def forget_session() -> None:
    """Begin with an empty temporary schema and the login's own search path: connections outlive requests.

    A temporary table hides the real one of its name, so that one left behind could tell the next request who it is.
    """
    with connection.cursor() as cursor:
        cursor.execute("RESET search_path; DISCARD TEMP")
