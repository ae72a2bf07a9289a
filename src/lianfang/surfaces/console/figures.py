"""A figure on a page: never a bare number, always the door to the list it counts."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A figure that opens its list; ``tone``: overdue, warn, good or nothing."""

    label: str
    value: object
    href: str
    note: str = ""
    tone: str = ""
    unit: str = ""
