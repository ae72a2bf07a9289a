"""The obvious way, to compare with: one ORM insert per person and request, lists by the page, in the same framework with
the same sign-in."""

import uuid
from datetime import datetime

from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest
from django.urls import URLResolver, path
from ninja import NinjaAPI, Schema
from ninja.security import HttpBearer

from lianfang.core.access.rules import Actor


class Bearer(HttpBearer):
    """The same token, checked against the same tables."""

    def authenticate(self, request: HttpRequest, token: str) -> Actor:
        from lianfang.core.access.sign_in import actor_of_token

        return actor_of_token(token)


api = NinjaAPI(title="the obvious way", auth=Bearer(), urls_namespace="portal", docs_url=None)


class SampleIn(Schema):
    """One person's sample as a first version of such a system would take it."""

    id: uuid.UUID
    tube: uuid.UUID
    resident: uuid.UUID
    round: uuid.UUID
    division_code: int
    taken_at: datetime


@api.post("samples")
def post_sample(request: HttpRequest, body: SampleIn) -> dict[str, object]:
    """Insert one sample."""
    from lianfang.core.access.scope import acting
    from lianfang.kit.clock import machine_now
    from lianfang.kit.codes import county_of
    from lianfang.response.specimens.models import Sample

    by: Actor = request.auth  # type: ignore[attr-defined]
    with acting(by):
        made = Sample.objects.create(
            county=county_of(body.division_code), tube=body.tube, id=body.id, resident=body.resident,
            purpose="area_screening", round=body.round, taken_at=body.taken_at, taken_by=by.account_id,
            division_code=body.division_code, site_code=body.division_code, recorded_at=machine_now(),
        )  # fmt: skip
    return {"id": made.id, "samples": 1}


@api.get("people")
def get_people(request: HttpRequest, limit: int = 100, offset: int = 0) -> list[dict[str, object]]:
    """List the people of the caller's area by grid and household, so many at a time."""
    from lianfang.core.access.scope import acting
    from lianfang.core.people.models import Household, Resident

    by: Actor = request.auth  # type: ignore[attr-defined]
    with acting(by):
        people = Resident.objects.filter(division_code__range=(by.scope.lo, by.scope.hi))
        fields = ("id", "household", "name", "name_key", "sex", "birth_date", "relation", "division_code")
        rows = list(people.order_by("division_code", "household", "id").values(*fields)[offset : offset + limit])
        homes = Household.objects.in_bulk([row["household"] for row in rows])
    return [row | {"address": homes[row["household"]].address} for row in rows]


def urlpatterns_of() -> list[URLResolver]:
    """Return the addresses of the obvious way."""
    return [path("api/", api.urls)]


def application() -> WSGIHandler:
    """Make the application: the house's settings, with these addresses in place of its own."""
    import sys
    import types

    from lianfang.config.prepare import set_up_django

    set_up_django()
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application

    addresses = types.ModuleType("lianfang_obvious_urls")
    addresses.__dict__["urlpatterns"] = urlpatterns_of()
    sys.modules[addresses.__name__] = addresses
    settings.ROOT_URLCONF = addresses.__name__
    return get_wsgi_application()
