"""The interface's own page: what it takes and answers, made of its description, without a line of script."""

from functools import cache
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from lianfang.surfaces.field import reference
from lianfang.surfaces.field.api import api
from lianfang.surfaces.session import open_to_anybody


@open_to_anybody
def show_reference(request: HttpRequest) -> HttpResponse:
    """Show every operation, the errors, and the parts that operations take and answer."""
    return render(request, "field/reference.html", described())


@cache
def described() -> dict[str, Any]:
    """Return what the page shows; it is the same for everybody until the program is started again."""
    description = api.get_openapi_schema()
    return {
        "title": description["info"]["title"],
        "paragraphs": [
            text.replace("**", "").replace("`", "") for text in description["info"]["description"].split("\n\n")
        ],
        "tags": description["tags"],
        "operations": reference.operations(description),
        "errors": reference.errors(description),
        "parts": reference.parts(description),
    }
