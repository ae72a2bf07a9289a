"""Tubes of a village on their way: at the site, in a box, with a courier, at two laboratories, missing, and a positive."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from lianfang.core.access.rules import Actor
from lianfang.core.duties.queries import duties
from lianfang.kit.clock import clock_at
from lianfang.kit.ids import new_id
from lianfang.response.specimens.actions import (
    hand_over_tubes,
    pack_box,
    receive_tubes,
    record_results,
    register_lab,
    register_tubes,
)
from lianfang.response.specimens.rules import ResultEntry, SampleEntry, TubeEntry
from surfaces.console.scene import NOW, Village

FILLED = NOW - timedelta(hours=3)


@dataclass(frozen=True)
class CustodyScene:
    """The records of one village's tubes: ``tubes`` are named by what became of them."""

    lab: UUID
    name: str
    tubes: dict[str, str]
    difference: UUID
    notice: UUID


def tubes_on_their_way(by: Actor, village: Village) -> CustodyScene:
    """Fill seven single tubes and move them on."""
    number = village.code % 1000
    fates = ("site", "box", "courier", "missing", "lab", "positive", "late")
    codes = {fate: f"DA{number:03}{place:02}" for place, fate in enumerate(fates)}
    entries = {
        fate: TubeEntry(
            new_id(), code, "single", 1, "voluntary_testing", village.code * 1000 + 11,
            FILLED - timedelta(hours=6) if fate == "late" else FILLED,
            (SampleEntry(new_id(), village.people[place % 3]),), sealed_at=FILLED,
        )
        for place, (fate, code) in enumerate(codes.items())
    }  # fmt: skip
    name = f"{village.name}溪实验室"
    with clock_at(FILLED):
        for entry in entries.values():  # a person stands once in a batch
            register_tubes([entry], by=by, valid_at=FILLED)
        lab = register_lab(
            name, by=by, division_code=village.code * 1000, tubes_per_hour=60, tubes_per_day=600, valid_at=FILLED
        )
    at = FILLED + timedelta(hours=1)
    with clock_at(at):
        pack_box(f"箱-{number}", by=by, tubes=[entries["box"].id], valid_at=at, division_code=village.code * 1000)
        moved = [entries[fate].id for fate in ("courier", "missing", "lab", "positive", "late")]
        hand_over_tubes(
            moved, by=by, giver=f"{village.name}采样点", taker="1号转运员", tubes_given=5, tubes_counted=4, valid_at=at,
            scanned=[codes[fate] for fate in ("courier", "lab", "positive", "late")],
        )  # fmt: skip
    at += timedelta(hours=1)
    with clock_at(at):
        receive_tubes(lab, by=by, giver="1号转运员", tubes=moved[2:], tubes_counted=3, valid_at=at)
        record_results([ResultEntry("positive", at, entries["positive"].id)], by=by, lab=name, valid_at=at)
    here = [duty for duty in duties(by=by) if duty.division_code // 1000 == village.code]
    subjects = {duty.kind: duty.subject for duty in here if duty.kind in ("missing_tube", "tell_result")}
    return CustodyScene(lab, name, codes, subjects["missing_tube"], subjects["tell_result"])
