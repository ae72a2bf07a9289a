"""What each protocol pack says, in short; `lianfang protocol show` says everything with its sources."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from reference_pages.tables import code, table

INTRODUCTION = """# Protocol packs in short

Each pack with all its amendments, whatever their days. Every value
with its source and how far that was checked: `lianfang protocol show PACK`. What a pack is and how to write an overlay:
[protocol packs](../protocol-packs.md).
"""


def page() -> str:
    """Return the page."""
    from lianfang.engines.protocol import load_pack, overlay_names, pack_names

    found = [load_pack(name) for name in pack_names()]
    overview = [
        (f"`{pack.pack}`", pack.title, str(pack.effective.start), str(pack.effective.until or "–"), _confidence(pack))
        for pack in found
    ]
    headings = ["pack", "title", "from", "until", "values by confidence of their source"]
    parts = [
        INTRODUCTION,
        table(headings, overview),
        f"\nOverlays that come with the project: {code(overlay_names())}.",
    ]
    for pack in found:
        parts += [f"\n## `{pack.pack}`\n", table(["what", "value"], list(_values(pack)))]
    return "\n".join([*parts, ""])


def _confidence(pack: Any) -> str:
    from lianfang.engines.protocol import describe

    counted = Counter(one.confidence for one in describe(pack))
    return ", ".join(f"{number} {name}" for name, number in sorted(counted.items()))


def _values(pack: Any) -> Iterator[tuple[str, str]]:
    yield "case classes", code(pack.case_classes)
    back = pack.look_back
    yield (
        "look-back, days",
        f"{back.days_before_onset} before onset, {back.days_before_sampling} before the first positive sample",
    )
    counting = pack.day_counting
    yield "days count from", f"{counting.count_from}, day 1 is the {counting.day_one.replace('_', ' ')}"
    for name, tier in pack.tiers.items():
        yield f"`{name}` {tier.zh}", "; ".join(map(_leg, tier.legs)) or "advice only"
    for name, zone in sorted(pack.zones.items(), key=lambda item: -item[1].rank):
        yield f"zone `{name}`", f"{zone.movement.replace('_', ' ')}; drawn by {zone.unit}"
    yield "clocks, hours", ", ".join(f"`{name}` {one.hours:g}" for name, one in pack.clocks.items()) or "–"


def _leg(leg: Any) -> str:
    tests = f", tests on days {', '.join(map(str, leg.test_days))}" if leg.test_days else ""
    return f"{leg.days} days {leg.kind.replace('_', ' ')}{tests}"
