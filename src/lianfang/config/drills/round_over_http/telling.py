"""The outcome of the drill as text for a terminal."""

from collections import Counter
from collections.abc import Iterator
from typing import Any


def as_text(outcome: dict[str, Any]) -> str:
    """Return what happened on the way, what is owed, and the equations with their figures, the verdict last."""
    verdict = "the account holds" if outcome["holds"] else "THE ACCOUNT DOES NOT HOLD"
    lines = [
        "一路所见 / on the way", *_on_the_way(outcome["shown"]), "",
        "未了任务 / duties outstanding (each by name with --json)", *_outstanding(outcome["outstanding"]), "",
        "账 / the account", *_equations(outcome["equations"]), "",
        f"{len(outcome['equations'])} equations, {outcome['requests']} requests: {verdict}.",
    ]  # fmt: skip
    return "\n".join(lines)


def _on_the_way(shown: dict[str, Any]) -> Iterator[str]:
    for name, value in shown.items():
        said = {True: "yes", False: "no"}[value] if isinstance(value, bool) else value
        yield f"  {name:<28}{said}"


def _outstanding(duties: list[dict[str, Any]]) -> Iterator[str]:
    owed = Counter((one["kind"], one["name_zh"], one["role"], one["place"], one["overdue"]) for one in duties)
    for (kind, name, role, place, late), number in sorted(owed.items()):
        yield f"  {number:>4}  {kind} {name}  {role}  {place}{'  OVERDUE' if late else ''}"


def _equations(equations: list[dict[str, Any]]) -> Iterator[str]:
    for one in equations:
        yield f"  {'✓' if one['holds'] else '✗'} {one['name']}"
        yield f"      {_sum(one['left'])} {'=' if one['holds'] else '≠'} {_sum(one['right'])}    [{one['lists']}]"


def _sum(parts: dict[str, int]) -> str:
    return " + ".join(f"{number:,} {name}".strip() for name, number in parts.items())
