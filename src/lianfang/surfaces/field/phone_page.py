"""The phone app's page, at every address below /field/; WhiteNoise serves the files beside it (see phone_headers.py)."""

import hashlib
import re
from functools import cache
from pathlib import Path

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.http import quote_etag
from django.views.decorators.http import require_safe

from lianfang.surfaces.field.phone_headers import HEADERS
from lianfang.surfaces.session import open_to_anybody

PAGE = Path(__file__).resolve().parent / "static/field/index.html"
#: a file's name: one that is missing must not be answered with the page
FILE = re.compile(r"(?:^|/)assets/|\.\w{1,12}$")


@open_to_anybody
@require_safe
def show_phone(request: HttpRequest, page: str = "") -> HttpResponse:
    """Answer with the app's page, whichever of its addresses is asked for: the app finds its way by itself."""
    if FILE.search(page):
        raise Http404
    body, tag = built_page()
    if not body:
        return HttpResponse("The phone app is not built: run `make setup`.\n", status=503, content_type="text/plain")
    response = get_conditional_response(request, etag=tag) or HttpResponse(body)
    for name, value in {**HEADERS, "Cache-Control": "no-cache", "ETag": tag}.items():
        response.headers[name] = value
    return response


@cache
def built_page() -> tuple[bytes, str]:
    """Return the page and its tag as they were when the program was started, like the files that it names."""
    body = PAGE.read_bytes() if PAGE.is_file() else b""
    return body, quote_etag(hashlib.sha256(body).hexdigest()[:16])
