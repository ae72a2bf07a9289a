"""The description of the interface: what ninja derives from types, completed with errors, payloads and words."""

import json
import re
from functools import cache, cached_property
from typing import Any

from ninja import NinjaAPI
from pydantic.json_schema import models_json_schema

from lianfang.surfaces.field.problems import MEDIA_TYPE, Problem
from lianfang.workflows.commands import COMMANDS

REFERENCE = "#/components/schemas/{model}"
LONG_NAME = re.compile(r"lianfang__\w+?__(\w+?)__\w*?([A-Z]\w*)")
DESCRIPTION = """The typed interface of Lianfang: every change enters as a command, every list is read in the caller's own area.

**Signing in.** A duty desk registers a device (`register_devices`) and shows its code (`POST /api/devices/codes`). The
device sends the code once (`POST /api/devices/enrol`) and keeps its id and secret. `POST /api/sign-in` with name,
password, device and secret answers one token per post; each works for twelve hours as `Authorization: Bearer …`. A
device that is revoked, or a post that ends, is refused at the very next request. Programs sign in without a device.

**Commands are applied once.** Each carries an id made by the sender. Whatever the line does, send the same again: the
receipt comes back with `repeated`. The same id with other content is refused (409). A refused command has written
nothing, and its id may be used again. `valid_at` is when it held, which may be hours ago.

**Errors** are problem details (RFC 9457): `detail` is a sentence that says what is wrong and what to do, `detail_zh` the same
in Chinese. What a list refuses stands in its receipt as `sentence` and `sentence_zh`.

**How much.** Each device has an allowance in requests and in people, with room for a batch that waited hours for a line;
nothing but wrong passwords is counted by address. 429 says in `Retry-After` when to send again; nothing is lost.

**Bodies** are JSON in UTF-8, as they are or compressed with gzip. Times carry their zone. Division codes are integers of
15 digits. `X-Request-Id` of a request comes back in its answer and stands in the log; put no personal data there.
"""
TAGS = {
    "access": "Signing in, and the devices that one signs in on.",
    "commands": "Every change. One operation takes any kind; each kind has its own with a typed payload.",
    "duties": "What must be done, by whom, within which clock.",
    "rounds": "Rounds of testing: coverage, the missing, sampling sites.",
    "sampling table": "Who stands before the sampling table.",
    "tubes": "Tubes and results.",
    "custody": "Tubes on their way: where they are, what hand-overs lacked, laboratories.",
    "field": "The phone's own way: brought up to date, forms, sealed parcels, which key to seal to, wiping.",
    "pools": "Positive pools: who is held until when, who knows, what is due next.",
}
ERRORS = {
    "400": "The request cannot be understood.",
    "401": "Nobody is signed in, or the sign-in, the post or the device is over.",
    "403": "The post may not do this, or not here.",
    "404": "There is no such thing in the caller's area.",
    "409": "It contradicts what is on record; or the command's id was used for something else.",
    "413": "The body is too large.",
    "415": "The body is not JSON, or compressed with something else than gzip.",
    "422": "The request is refused: the sentence says which field or record, and what to do.",
    "429": "Too much at once: send the same again after Retry-After seconds.",
    "500": "Something broke on our side and nothing was written: send the same again.",
    "503": "The database does not answer just now: send the same again.",
}


class DescribedAPI(NinjaAPI):
    """An interface whose description is complete, and made once."""

    def get_openapi_schema(self, **_: Any) -> Any:
        """Return the OpenAPI 3.1 description."""
        return self._description

    @cached_property
    def _description(self) -> Any:
        found: Any = super().get_openapi_schema()
        found["info"]["description"] = DESCRIPTION
        found["tags"] = [{"name": name, "description": text} for name, text in _tags(found).items()]
        schemas = found["components"]["schemas"]
        schemas["Problem"] = Problem.model_json_schema()
        schemas |= payload_schemas()[1]
        del schemas["TypedCommandIn"]  # each kind has its own in its place
        for path, methods in found["paths"].items():
            for method, operation in methods.items():
                _add_errors(operation, method)
                kind = path.rpartition("/")[2]
                if path == f"/api/commands/{kind}":
                    operation["requestBody"]["content"]["application/json"]["schema"] = command_schema(kind)
        for scheme in found["components"]["securitySchemes"].values():
            scheme["description"] = "a token of POST /api/sign-in; it works for twelve hours"
        return found


def _tags(found: dict[str, Any]) -> dict[str, str]:
    """Return the words of every tag in use, also of one that has none here."""
    used = [tag for methods in found["paths"].values() for one in methods.values() for tag in one.get("tags", ())]
    return TAGS | {tag: "" for tag in used if tag not in TAGS}


@cache
def payload_schemas() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the schema of each kind's payload, and those of all parts; equal names of different rooms are told apart."""
    models: Any = [(model, "validation") for model, _ in COMMANDS.values()]
    references, described = models_json_schema(models, ref_template=REFERENCE)
    kinds = {kind: references[(model, "validation")] for kind, (model, _) in COMMANDS.items()}
    return _plainly_named(kinds), _plainly_named(dict(described["$defs"]))


def _plainly_named(schemas: dict[str, Any]) -> dict[str, Any]:
    """Write `CommandRecipient` for `lianfang__response__command__rules__Recipient`, which two rooms call Recipient."""
    text = LONG_NAME.sub(lambda found: found[1].capitalize() + found[2], json.dumps(schemas))
    return dict(json.loads(text))


def command_schema(kind: str) -> dict[str, Any]:
    """Return the JSON schema of a command of one kind."""
    return {
        "type": "object",
        "title": kind,
        "required": ["id", "valid_at", "payload"],
        "properties": {
            "id": {"type": "string", "format": "uuid", "description": "made by the sender"},
            "valid_at": {"type": "string", "format": "date-time", "description": "when it held, with its time zone"},
            "payload": payload_schemas()[0][kind],
        },
    }


def _add_errors(operation: dict[str, Any], method: str) -> None:
    problem = {MEDIA_TYPE: {"schema": {"$ref": REFERENCE.format(model="Problem")}}}
    unusual = set() if operation.get("security") else {"403", "404"}
    unusual |= set() if method == "post" else {"409", "413", "415"}
    operation["responses"] = {
        **{str(status): answer for status, answer in operation["responses"].items()},
        **{
            status: {"description": text, "content": problem}
            for status, text in ERRORS.items()
            if status not in unusual
        },
    }
