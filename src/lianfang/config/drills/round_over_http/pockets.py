"""What people carry: their ID card, their phone, the card with their code. Read from the register, as nobody types it in."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from django.db import connection

from lianfang.core.access.actions import ADMINISTRATION
from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.people.actions import county_cipher
from lianfang.core.people.permissions import ISSUE_CODES
from lianfang.core.people.queries import code_cards
from lianfang.kit.codes import code_range
from lianfang.replays.dingan_2022.places import COUNTY

CARRIED = "SELECT id, id_cipher, phone_cipher FROM people_resident WHERE id = ANY(%s::uuid[])"


@dataclass(frozen=True)
class Pocket:
    """What somebody can show at a table; empty where they have none."""

    document: str
    phone: str
    code: str


def pockets(residents: Sequence[str]) -> dict[str, Pocket]:
    """Return what some people carry."""
    reader: Actor = replace(ADMINISTRATION, scope=code_range(COUNTY), permissions=frozenset({ISSUE_CODES}))
    cipher = county_cipher(COUNTY)
    cards = {
        str(card.resident): card.code for card in code_cards(by=reader, residents=[UUID(one) for one in residents])
    }
    with acting(reader), connection.cursor() as cursor:
        cursor.execute(CARRIED, [list(residents)])
        return {
            str(id): Pocket(
                cipher.open(bytes(document)) if document else "",
                cipher.open(bytes(phone)) if phone else "",
                cards.get(str(id), ""),
            )
            for id, document, phone in cursor.fetchall()
        }
