"""The part of the HTTP interface that the phone app speaks, as OpenAPI: its client is typed from this."""

import json
import re
from typing import Any

#: everything else leaves a phone as a parcel
SPOKEN = ("/api/sign-in", "/api/devices/enrol", "/api/field/")
REFERENCE = re.compile(r'"#/components/schemas/([^"]+)"')


def page() -> str:
    """Return the description as JSON: the phone's operations and the parts that they need."""
    from lianfang.surfaces.field.api import api

    whole = api.get_openapi_schema()
    paths = {path: methods for path, methods in whole["paths"].items() if path.startswith(SPOKEN)}
    schemas = _needed(paths, whole["components"]["schemas"])
    about = {"title": whole["info"]["title"], "version": whole["info"]["version"]}
    part = {"openapi": whole["openapi"], "info": about, "paths": paths, "components": {"schemas": schemas}}
    return json.dumps(part, ensure_ascii=False, indent=1) + "\n"


def _needed(start: Any, schemas: dict[str, Any]) -> dict[str, Any]:
    """Return the schemas that are referred to from a piece of a description, directly or by way of others."""
    needed: set[str] = set()
    waiting = [start]
    while waiting:
        found = set(REFERENCE.findall(json.dumps(waiting.pop()))) - needed
        needed |= found
        waiting += [schemas[name] for name in found]
    return {name: schemas[name] for name in sorted(needed)}
