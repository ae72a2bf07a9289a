"""The forms of whoever asks: what a phone draws, so that a new kind of work needs no new app."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from ninja import Router, Schema, Status

from lianfang.kit.forms import Form
from lianfang.surfaces.field.gate import actor_of
from lianfang.workflows.forms import digest_of, forms_for

router = Router(tags=["field"])


class FormsOut(Schema):
    """The forms that the caller's permissions open, and a digest that changes whenever one of them does."""

    digest: str
    forms: list[Form]


@router.get("/forms", response={200: FormsOut, 304: None}, summary="Read my forms")
def get_forms(request: HttpRequest, response: HttpResponse) -> Any:
    """Read the forms of the caller's permissions; with `If-None-Match` and nothing new, the answer is 304."""
    forms = forms_for(actor_of(request).permissions)
    digest = digest_of(forms)
    response["ETag"] = f'"{digest}"'
    if request.headers.get("If-None-Match", "").strip() in (f'"{digest}"', f'W/"{digest}"'):
        return Status(304, None)
    return {"digest": digest, "forms": forms}
