"""One sampling table: people recognised by code, ID and phone, a household, a walk-in, a wrong person undone, things twice."""

from datetime import date
from typing import Any

from lianfang.config.drills.round_over_http.http import Payload, made_id
from lianfang.config.drills.round_over_http.play import Person, Phone, Play
from lianfang.config.drills.round_over_http.pockets import pockets
from lianfang.kit.codes import full_code
from lianfang.replays.dingan_2022.places import JIANGNAN

#: people who stand before the table one by one: of each three, one shows a code, one an ID card, one a phone
AT_TABLE = 9
WAYS = ("code", "document", "phone")


def at_the_table(play: Play, phone: Phone) -> None:
    """Take people as they come; everybody of ``table`` is sampled in the end, the walk-in too."""
    people = play.kept["table"]
    cards = [one.resident for one in people]
    play.do(f"community.{JIANGNAN}", "issue_resident_codes", residents=cards)
    recognise(play, phone, people)
    wrong_person(play, phone, people)
    twice(play, phone, people)
    walk_in(play, phone)
    unknown_tube(play)


def recognise(play: Play, phone: Phone, people: list[Person]) -> None:
    """Look everybody up by what they carry, and fill tubes of ten with those who were meant."""
    carried = pockets([one.resident for one in people])
    found = 0
    for number, one in enumerate(people):
        pocket = carried[one.resident]
        ways: dict[str, str] = {"code": pocket.code, "document": pocket.document, "phone": pocket.phone}
        order = WAYS[number % 3 :] + WAYS[: number % 3]
        way = next(name for name in order if ways[name])
        rows = look_up(play, phone, **{way: ways[way]})
        found += any(row["resident"] == one.resident for row in rows)
    homes = look_up(play, phone, resident=people[0].resident, whole_household=True)
    play.book.shown |= {"looked up": len(people), "recognised": found, "household shown": len(homes)}
    phone.sample(people[:-1])


def look_up(play: Play, table: Phone, /, **way: Any) -> list[Payload]:
    """Ask who is meant."""
    rows: list[Payload] = table.caller.post(
        "table/people", {"round": play.round, "table": full_code(table.place), **way}
    )
    return rows


def wrong_person(play: Play, phone: Phone, people: list[Person]) -> None:
    """Register the swab of the last one under somebody else's name first, then put it right while the tube is open."""
    true, mistaken = people[-1], play.kept["mistaken"][0]
    area = play.area_of(true.code)
    tube = phone.tube([mistaken], area.mode, area.capacity, sealed_at=None)
    phone.deliver(phone.batch([tube]))
    sample = tube["samples"][0]
    right = {"id": made_id(), "resident": true.resident, "taken_at": play.clock.now}
    play.do(phone.caller.name, "move_sample", tube=tube["id"], code=tube["code"], sample=sample["id"],
            resident=mistaken.resident, reason="wrong_person", to=tube | {"samples": [right]})  # fmt: skip
    play.do(phone.caller.name, "seal_tubes", tubes=[tube["id"]])
    play.book.acknowledged[right["id"]] = tube["id"]


def twice(play: Play, phone: Phone, people: list[Person]) -> None:
    """Somebody comes a second time: the sentence says where and when they were sampled."""
    again = phone.tube(people[:1], "pooled", 10)
    refusal = phone.deliver(phone.batch([again]))["result"]["refused"]
    play.book.shown["second sample refused"] = len(refusal)


def walk_in(play: Play, phone: Phone) -> None:
    """Somebody from elsewhere without any document is registered, counted as found and sampled."""
    for number, (name, reason) in enumerate((("无证人员", "unregistered"), ("过路司机", "visitor"))):
        tube = phone.tube([], "single", 1, samples=[])
        sample = made_id()
        made = play.do(phone.caller.name, "register_walk_in", round=play.round, division_code=full_code(phone.place),
                       reason=reason, tube={key: value for key, value in tube.items() if key != "samples"}, sample=sample,
                       visitor={"id": made_id(), "name": name, "document": "none", "sex": "male",
                                "birth_date": date(1980 + number, 3, 4), "stays_at": "江南社区旅馆"})  # fmt: skip
        if made["sampled"]:
            play.book.acknowledged[sample] = tube["id"]
            play.book.tubes[tube["id"]] = tube["code"]
            play.ready.setdefault(phone.place, []).append(tube["code"])


def unknown_tube(play: Play) -> None:
    """A tube that nobody registered cannot be packed: the sentence says what to do."""
    name = f"sampler.{JIANGNAN} A"
    play.refused(name, "pack_box", code="BOX-JN-X", codes=["DA000X00001"], counted=1)
