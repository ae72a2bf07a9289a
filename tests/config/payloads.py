"""Payloads made from the schemas of the commands, filled with records that exist."""

import uuid
from collections.abc import Iterator
from typing import Any

from django.db import connection

from lianfang.core.access.commands import Envelope, Receipt
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.kit.clock import clock_at
from lianfang.kit.codes import full_code
from lianfang.kit.ids import new_id
from lianfang.response.workforce.rules import ORGANISATION_KINDS, RESPONDER_KINDS, TEAM_KINDS
from lianfang.workflows.commands import COMMANDS, submit
from surfaces.console.scene import BEGUN, ED9, NOW, county_hand, two_villages

TOWN, COUNTY = full_code(469021101), full_code(469021)
SHIFT = {"starts_at": "2022-07-15T08:00:00+08:00", "ends_at": "2022-07-15T16:00:00+08:00"}
#: what stands in a field of any command unless it says otherwise
BY_NAME: dict[str, Any] = {
    "county": 469021, "level": "high_risk", "protocol": ED9, "pack": ED9, "tier": "close_contact", "lo": TOWN,
    "hi": TOWN + 999_999, "code_lo": TOWN, "code_hi": TOWN + 999_999, "number": "1", "detected_by": "fever_clinic",
    "class_code": "confirmed_case",
}  # fmt: skip
#: what a command needs besides, where no schema says so
OWN: dict[str, dict[str, Any]] = {
    "set_response_level": {"level": 3},
    "quote": {"order": 1},
    "record_passages": {"direction": "in", "purpose": "work"},
    "record_retest": {"result": "negative"},
    "register_scanned": {
        "code": "LF1:0000",
        "tube": {
            "id": "00000000-0000-0000-0000-000000000002",
            "code": "T2",
            "mode": "pooled",
            "capacity": 10,
            "purpose": "area_screening",
            "division_code": TOWN,
            "opened_at": "2022-07-14T11:00:00+08:00",
            "samples": [],
        },
    },
    "attach_photo": {"jpeg": "/9j/2f/Z", "caption": "place", "subject": "00000000-0000-0000-0000-000000000001"},
}


def send(kind: str, payload: dict[str, Any], by: Actor, at: Any = NOW) -> Receipt:
    """Submit one command at an instant of the scene."""
    with clock_at(at):
        return submit(Envelope(new_id(), kind, at, payload), by=by)


def records() -> dict[str, Any]:
    """Make one record of everything a command may name, and return their ids by the fields that name them."""
    by, (village, _) = county_hand(), two_villages()
    known: dict[str, Any] = {
        "resident": str(village.people[2]), "case": str(village.case), "order": str(village.order),
        "round": str(village.round), "zone": str(village.zone), "duty": village.duty,
        "incident": _one("command_incident"), "contact": _one("cases_contact"),
        "checkpoint": _one("checkpoints_checkpoint"),
    }  # fmt: skip
    known |= {
        name: str(new_id())
        for name in ("organisation", "responder", "volunteer", "team", "deployment", "shift", "assignment")
    }
    for field, kind, payload in _made(known):
        made = send(kind, payload, by, BEGUN).result.get("id")
        known.setdefault(field, made)
    accepted, open = _ids("workforce_volunteerapplication")
    send("decide_applications", {"applications": [accepted], "accept": True}, by, BEGUN)
    known |= {"assign_volunteers.application": accepted, "decide_applications.application": open}
    known["recipient"], known["area"] = _one("command_directiverecipient"), _one("command_incidentarea")
    return known


def _made(known: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    incident, words = known["incident"], {"authority": "county HQ", "reason": "needed"}
    yield "positive", "report_positive", {
        "incident": incident, "resident": known["resident"], "protocol": ED9, "detected_by": "fever_clinic",
    }  # fmt: skip
    yield "task_force", "form_task_force", {
        "incident": incident, "division_code": COUNTY, "kind": "task_force", "name_zh": "流调专班", "name_en": "tracing",
        "line": "tracing", "lead_title": "head", "authority": "county HQ",
    }  # fmt: skip
    yield "directive", "issue_directive", {
        "incident": incident, "division_code": COUNTY, "title": "t", "text": "t", "authority": "county HQ",
        "recipients": [{"division_code": TOWN, "role": "township"}], "acknowledge_by": "2022-07-14T20:00:00+08:00",
    }  # fmt: skip
    yield "organisation", "register_organisations", {"organisations": [
        {"id": known["organisation"], "name": "县医院", "kind": ORGANISATION_KINDS[0], "level": "county", "division_code": TOWN}
    ]}  # fmt: skip
    yield "responder", "register_responders", {"responders": [
        {"id": known[one], "name": "测试员", "kind": RESPONDER_KINDS[0], "organisation": known["organisation"]}
        for one in ("responder", "volunteer")
    ]}  # fmt: skip
    yield "team", "form_teams", {"teams": [
        {"id": known["team"], "kind": TEAM_KINDS[0], "name": "队", "division_code": TOWN, "leader": known["responder"]}
    ]}  # fmt: skip
    yield "deployment", "deploy", {**words, "deployments": [
        {"id": known["deployment"], "responder": known["responder"], "division_code": TOWN, "kind": "support", "line": "sampling"}
    ]}  # fmt: skip
    yield "shift", "plan_shifts", {"shifts": [
        {"id": known["shift"], "staffs": "checkpoint", "subject": known["checkpoint"], "name": "卡口", "division_code": TOWN,
         "role": "checkpoint", **SHIFT, "crews": [{"id": known["assignment"], "responder": known["responder"]}]}
    ]}  # fmt: skip
    yield "apply_as_volunteers.appeal", "open_appeal", {
        "organisation": known["organisation"], "division_code": TOWN, "title": "t", "text": "t", "line": "sampling", "needed": 3,
    }  # fmt: skip
    yield (
        "application",
        "apply_as_volunteers",
        {"responders": [known["responder"], known["volunteer"]], "appeal": known["apply_as_volunteers.appeal"]},
    )
    yield (
        "decide_appeal.appeal",
        "file_appeal",
        {"order": known["order"], "filed_by": "the resident", "reason": "no contact"},
    )


def _one(table: str) -> str:
    return _ids(table)[0]


def _ids(table: str) -> list[str]:
    with acting(county_hand()), connection.cursor() as cursor:
        cursor.execute(f"SELECT id FROM {table} ORDER BY id")
        return [str(id) for (id,) in cursor.fetchall()]


def payload_of(kind: str, known: dict[str, Any]) -> dict[str, Any]:
    """Return the smallest payload that the schema of a command takes, naming records that exist."""
    schema = COMMANDS[kind][0].model_json_schema()
    own = {name.partition(".")[2]: value for name, value in known.items() if name.startswith(f"{kind}.")}
    meant = OWN.get(kind, {})
    return dict(_sample(schema, "", BY_NAME | known | own | meant | {"": meant}, schema.get("$defs", {})))


def _sample(schema: dict[str, Any], name: str, known: dict[str, Any], defs: dict[str, Any]) -> Any:
    if name in known[""]:
        return known[name]
    if "$ref" in schema:
        return _sample(defs[schema["$ref"].rsplit("/", 1)[1]], name, known, defs)
    if "anyOf" in schema:
        return _sample(schema["anyOf"][0], name, known, defs)
    kind = schema.get("type")
    if kind == "object":
        fields = schema.get("properties", {})
        wanted = {*schema.get("required", ()), *(known[""].keys() & fields)}
        return {one: _sample(fields[one], one, known, defs) for one in fields if one in wanted}
    if kind == "array":
        return [_sample(schema["items"], name.removesuffix("s"), known, defs)]
    if name in known:
        return known[name]
    if "enum" in schema:
        return schema["enum"][0]
    if kind == "integer":
        return TOWN if "code" in name or name == "unit" else 1
    texts = {"uuid": str(uuid.uuid4()), "date-time": "2022-07-14T11:00:00+08:00", "date": "2022-07-14"}
    return {"boolean": True, "number": 1.0}.get(str(kind), texts.get(schema.get("format", ""), "x"))


def nested(payload: Any) -> Iterator[dict[str, Any]]:
    """Yield every object of a payload, the payload itself first."""
    if isinstance(payload, dict):
        yield payload
        for value in payload.values():
            yield from nested(value)
    elif isinstance(payload, list):
        for value in payload:
            yield from nested(value)
