"""The forms of whoever asks: those of their permissions, once."""

import pytest

from lianfang.core.access.sign_in import token_of
from lianfang.kit.forms import Form
from surfaces.field.test_api import account, call, visit, worker

pytestmark = pytest.mark.django_db
__all__ = ["call", "visit", "worker"]  # the fixtures


def forms_of(call, role):
    return {form["code"]: form for form in call("get", "field/forms", by=account(role, "469021")).json()["forms"]}


def test_a_role_gets_the_forms_of_its_permissions(call):
    grid, courier, volunteer = (forms_of(call, role) for role in ("grid_worker", "courier", "volunteer"))
    assert {"daily_check", "door_visit", "round_visit"} <= set(grid)
    assert {"handover", "pack_box", "missing_tube"} <= set(courier)
    assert "daily_check" not in courier
    assert "shift_check_in" in volunteer
    assert not any(field["sensitive"] for form in volunteer.values() for field in form["fields"])
    assert all(Form.model_validate(form) for form in grid.values())


def test_an_unchanged_answer_is_not_sent_again(client, call, worker):
    first = call("get", "field/forms", by=worker)
    assert first["ETag"] == f'"{first.json()["digest"]}"'
    headers = {"Authorization": f"Bearer {token_of(worker)}", "If-None-Match": first["ETag"]}
    answer = client.get("/api/field/forms", headers=headers)
    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", first["ETag"])
    headers["If-None-Match"] = '"another"'
    assert client.get("/api/field/forms", headers=headers).status_code == 200


def test_nobody_else_gets_any(client):
    assert client.get("/api/field/forms").status_code == 401
