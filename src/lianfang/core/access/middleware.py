"""What every request needs before anybody acts."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from lianfang.core.access.queries import response_clock_offset
from lianfang.kit.clock import clock_offset


class ResponseClockMiddleware:
    """Run the request on the response clock of this database, which a replay or a drill may have moved."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with clock_offset(response_clock_offset()):
            return self.get_response(request)
