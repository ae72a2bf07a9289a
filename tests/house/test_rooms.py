"""A room is entered by its doors: actions, queries, permissions and rules."""

from source_tree import copied_source, imports, modules, plant

DOORS = {"actions", "queries", "permissions", "rules"}
FLOORS_WITH_ROOMS = {"lianfang.core", "lianfang.response"}

#: further doors of a room, each with the reason why it is one
EXPLAINED = {
    "lianfang.core.access.audit": "every action of every room writes its audit row",
    "lianfang.core.access.commands": "every way in hands over commands",
    "lianfang.core.access.limits": "every way in counts what a device sends and which passwords were wrong",
    "lianfang.core.access.migration": "every room's tables get their row-level security from it",
    "lianfang.core.access.privacy": "every model declares which of its fields are personal",
    "lianfang.core.access.sealer": "the audit page verifies the seals, the worker writes them",
    "lianfang.core.access.sign_in": "every way in turns a password or token into an actor",
    "lianfang.core.access.scope": "every read and write happens inside a scope",
    "lianfang.core.people.identity": "pure: what an ID number, phone or name is, and how much of it is shown",
    "lianfang.core.people.synthetic": "a pure generator of residents, which settles a county for replays and tests",
    "lianfang.core.territory.boundary": "pure geometry of county boundaries",
}

#: modules that may read one more file of every room, each with the reason
READERS = {
    "lianfang.workflows.commands": "schemas",  # the one table of commands reads the payload each room declares
    "lianfang.workflows.forms": "forms",  # the one list of forms reads those each room declares
}


def room_of(name: str) -> str | None:
    """Return the room that a module lies in: ``lianfang.core.people.models`` → ``lianfang.core.people``."""
    parts = name.split(".")
    return ".".join(parts[:3]) if len(parts) > 2 and ".".join(parts[:2]) in FLOORS_WITH_ROOMS else None


def entered_by_the_wall(source):
    """Sentences naming each import that reaches a room past its doors; config puts the house together and may."""
    for name, path in modules(source):
        if name.startswith("lianfang.config"):
            continue
        for line, target in imports(name, path):
            room = room_of(target)
            if room is None or room == room_of(name) or is_door(target, room, READERS.get(name)):
                continue
            yield f"{path.relative_to(source)}:{line}: {target}"


def is_door(target: str, room: str, more: str | None) -> bool:
    """Say whether an imported name is one of the room's doors or lies behind one."""
    inside = target.removeprefix(room).split(".")[1:2]
    return bool(inside) and (inside[0] in DOORS or inside[0] == more or f"{room}.{inside[0]}" in EXPLAINED)


def test_rooms_are_entered_by_their_doors():
    from source_tree import SOURCE

    assert list(entered_by_the_wall(SOURCE)) == []


def test_ways_past_the_doors_are_seen(tmp_path):
    source = copied_source(tmp_path)
    ways = [
        "from lianfang.core.people.models import Resident",
        "from lianfang.core.people import models",
        "import lianfang.core.people.models",
        "from lianfang.response.cases.duties import desired",
        "from lianfang.core import people",
    ]
    plant(source / "response/zones/actions.py", "\n".join(ways))
    plant(source / "response/zones/queries.py", "from ...core.people import cipher")
    plant(source / "response/zones/rules.py", "from lianfang.core.people import queries, rules")
    found = [line for line in entered_by_the_wall(source) if line.startswith("response/zones/")]
    assert [line.partition(": ")[2] for line in found] == [
        "lianfang.core.people.models.Resident",
        "lianfang.core.people.models",
        "lianfang.core.people.models",
        "lianfang.response.cases.duties.desired",
        "lianfang.core.people",
        "lianfang.core.people.cipher",
    ]


def test_every_explained_door_is_there():
    assert {*EXPLAINED, *READERS} - {name for name, _ in modules()} == set()
