"""Reading the body of a request: JSON in UTF-8, compressed or not, within bounds."""

import zlib
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from ninja.parser import Parser
from pydantic_core import from_json

JSON = {"application/json", ""}
#: zlib's word for a gzip header
GZIP = 31


class BodyRefused(Exception):
    """A body is not JSON as it is taken here; ``status`` says how it is answered."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


class BoundedJson(Parser):
    """JSON of at most 200 levels, without NaN and half characters, which phones may send compressed with gzip."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return what a body says, or raise `BodyRefused` with a sentence."""
        if request.content_type not in JSON:
            raise BodyRefused(415, "Send JSON: Content-Type application/json, in UTF-8.")
        encoding = request.META.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
        if encoding not in {"gzip", "identity", ""}:
            raise BodyRefused(415, "Send the body as it is, or compressed with gzip.")
        body = inflate(request.body, settings.DATA_UPLOAD_MAX_MEMORY_SIZE) if encoding == "gzip" else request.body
        try:
            return from_json(body, allow_inf_nan=False)
        except ValueError as error:
            raise BodyRefused(422, f"The body is no JSON that can be taken ({error}): correct it.") from None


def inflate(body: bytes, limit: int) -> bytes:
    """Return what a gzip body holds; raises `BodyRefused` when it is broken or holds more than ``limit`` bytes."""
    reader = zlib.decompressobj(GZIP)
    try:
        found = reader.decompress(body, limit + 1)
    except zlib.error:
        raise BodyRefused(422, "The body is no gzip: send it again, or as it is.") from None
    if len(found) > limit:
        raise BodyRefused(413, f"The body holds more than {limit >> 20} MB: send fewer tubes or people at once.")
    if not reader.eof or reader.unused_data:
        raise BodyRefused(422, "The compressed body is cut off or has something behind it: send it again.")
    return found
