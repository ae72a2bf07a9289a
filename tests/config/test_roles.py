"""Roles are data; what they name exists, and nothing that exists is out of everybody's reach."""

import importlib
import pkgutil

import lianfang
from lianfang.core.access.actions import read_roles


def declared() -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    for module in pkgutil.walk_packages(lianfang.__path__, "lianfang."):
        if module.name.endswith(".permissions"):
            found |= importlib.import_module(module.name).PERMISSIONS
    return found


def held() -> set[str]:
    return {permission for role in read_roles()["roles"].values() for permission in role["may"]}


def test_every_permission_a_role_holds_is_declared_by_a_room():
    assert held() - set(declared()) == set()


def test_every_permission_of_a_room_is_held_by_some_role():
    assert set(declared()) - held() == set()


def test_every_role_and_line_is_named_in_both_languages():
    data = read_roles()
    assert all(role["zh"] and role["en"] and role["may"] for role in data["roles"].values())
    assert all(len(names) == 2 for names in data["lines"].values())
    assert len(data["roles"]) == 25


def test_who_investigates_tip_offs_is_neither_commander_nor_administrator():
    roles = read_roles()["roles"]
    for powerful in ("commander", "administrator"):
        assert not any(permission.startswith("oversight.") for permission in roles[powerful]["may"])
