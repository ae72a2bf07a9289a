"""Every field of every table says what it may reveal, and every personal table says which territory governs it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

Model = TypeVar("Model", bound=type[Any])


@dataclass(frozen=True)
class Declaration:
    """What one table holds.

    ``personal`` names a person or says where they are, ``identifier`` is a national ID or phone (kept encrypted),
    ``health`` is a result, diagnosis or condition; ``governed_by`` is the column of division codes that decides
    who may see a row (``None`` only for tables without personal fields), ``because`` says why it is that one.
    """

    personal: frozenset[str]
    identifier: frozenset[str]
    health: frozenset[str]
    plain: frozenset[str]
    governed_by: str | None
    because: str

    @property
    def declared(self) -> frozenset[str]:
        return self.personal | self.identifier | self.health | self.plain

    @property
    def reveals_people(self) -> bool:
        return bool(self.personal | self.identifier | self.health)


DECLARATIONS: dict[type[Any], Declaration] = {}


def declare(
    *,
    plain: str = "",
    personal: str = "",
    identifier: str = "",
    health: str = "",
    governed_by: str | None = None,
    because: str = "",
) -> Callable[[Model], Model]:
    """Declare every field of a model, as blank-separated names; a test compares it with the model's real fields."""

    def register(model: Model) -> Model:
        DECLARATIONS[model] = Declaration(
            frozenset(personal.split()),
            frozenset(identifier.split()),
            frozenset(health.split()),
            frozenset(plain.split()),
            governed_by,
            because,
        )
        return model

    return register
