"""The morning at the sites: buildings called, tubes filled by eight phones, one of them without a line for three hours."""

import random
from collections.abc import Iterable
from datetime import datetime, timedelta

from lianfang.config.drills.round_over_http.places import PLACES
from lianfang.config.drills.round_over_http.play import TUBES_IN_BATCH, Person, Phone, Play, cut
from lianfang.config.drills.round_over_http.table import AT_TABLE, at_the_table
from lianfang.replays.dingan_2022.places import JIANGNAN, XINZHU, ZHONGNAN

#: of a thousand people, how many do not come by themselves
LATE = 24
#: people of each of two places (grids or hamlets) who are sampled on paper: one sheet each
ON_PAPER, PAPERS = 16, 2
#: batches of so many people go out at these minutes of the morning
PEOPLE_IN_BATCH = 60
STEPS = tuple(range(0, 180, 30))
OFFLINE = f"{ZHONGNAN} B"


def sample_the_morning(play: Play, phones: dict[str, Phone], lose_batch: bool) -> None:
    """Call buildings and fill tubes from half past eight to half past eleven; then the line of one phone comes back."""
    call_buildings(play)
    coming = set_aside(play)
    play.clock.to("08:15", "采样台:扫码、身份证、电话、无证人员、登记错人 / at the table")
    at_the_table(play, phones[f"{JIANGNAN} A"])
    play.clock.to("08:30", "八部手机采样,一部断网 / eight phones sample, one of them offline")
    fill_tubes(play, phones, coming)
    count_lines(play)
    play.clock.to(
        "11:40", "断网手机恢复:所有批次乱序重发两遍 / the offline phone sends everything twice, in another order"
    )
    deliver_late(play, phones[OFFLINE], lose_batch)


def fill_tubes(play: Play, phones: dict[str, Phone], coming: dict[int, list[Person]]) -> None:
    """Fill and send tubes all morning; the phone without a line keeps its batches."""
    start = play.clock.at
    queue = {
        name: list(cut(halves(coming[phone.place])[phone.letter], PEOPLE_IN_BATCH)) for name, phone in phones.items()
    }
    for step, minutes in enumerate(STEPS):
        play.clock.to(start + timedelta(minutes=minutes))
        for name, phone in phones.items():
            for people in queue[name][step :: len(STEPS)]:
                for tubes in cut(phone.tubes(people), TUBES_IN_BATCH):
                    if name == OFFLINE:
                        phone.kept.append(phone.batch(tubes))
                    else:
                        phone.deliver(phone.batch(tubes))


def halves(people: list[Person]) -> dict[str, list[Person]]:
    """Share a place's people out to its two phones, neighbours together."""
    middle = len(people) // 2
    return {"A": people[:middle], "B": people[middle:]}


def call_buildings(play: Play) -> None:
    """Call every building in the order of the confirmed plan, as the duty desk does."""
    play.clock.to("07:45", "按时段叫号 / buildings are called")
    called = 0
    for sites in play.sites.values():
        for site in sites:
            for slot in play.callers["testing"].get(f"sites/{site['id']}/slots"):
                play.do("testing", "call_slot", slot=slot["id"])
                called += 1
    play.book.shown["slots called"] = called


def count_lines(play: Play) -> None:
    """Count the line of one site and plan those not called yet anew, if any are left."""
    site = play.site(JIANGNAN)
    play.do("testing", "record_queue", site=site["id"], waiting=12)


def set_aside(play: Play) -> dict[int, list[Person]]:
    """Keep people for the table, the paper, home and the missing; return who comes by themselves, by place."""
    coming = {place: play.missing(f"community.{place}") for place in PLACES}
    play.kept["home"] = bedridden(play)
    kept = {one.resident for one in play.kept["home"]}
    take(play, "table", coming[JIANGNAN], AT_TABLE, kept)
    take(play, "mistaken", coming[JIANGNAN], 1, kept)
    play.kept["paper"] = for_paper(play, coming[XINZHU], kept)
    grids = {one.code for one in play.kept["paper"]}
    kept |= {one.resident for one in play.kept["paper"]}
    late = [one for people in coming.values() for one in people
            if one.resident not in kept and one.code not in grids and one.draws("late") < LATE]  # fmt: skip
    play.kept["late"] = late + play.kept["mistaken"]
    kept |= {one.resident for one in late}
    return {place: [one for one in people if one.resident not in kept] for place, people in coming.items()}


def take(play: Play, name: str, people: Iterable[Person], number: int, kept: set[str]) -> None:
    """Keep so many people under a name."""
    play.kept[name] = [one for one in people if one.resident not in kept][:number]
    kept |= {one.resident for one in play.kept[name]}


def bedridden(play: Play) -> list[Person]:
    """Return who is to be sampled at home: of the proposed, those who cannot leave their bed."""
    found = []
    for place in PLACES:
        name = f"community.{place}"
        rows = play.callers[name].get(f"rounds/{play.round}/home-sampling/candidates")
        found += [Person(row["resident"], None, row["division_code"]) for row in rows if row["reason"] == "bedridden"]
    return found


def for_paper(play: Play, people: list[Person], kept: set[str]) -> list[Person]:
    """Return people of two places of pooled sampling, in which nobody else stays missing until the sheets are printed."""
    at_home = {one.code for one in play.kept["home"]}
    places: dict[int, list[Person]] = {}
    for one in people:
        if play.area_of(one.code).mode == "pooled" and one.resident not in kept and one.code not in at_home:
            places.setdefault(one.code, []).append(one)
    chosen = sorted(places.values(), key=len)[-PAPERS:]
    return [one for grid in chosen for one in grid[:ON_PAPER]]


def deliver_late(play: Play, phone: Phone, lose_batch: bool) -> None:
    """Send what was kept in another order, and once more in a third one; ``lose_batch``: the phone dies before its last."""
    order = random.Random(phone.place)
    kept = list(phone.kept)
    if lose_batch:
        lost = {sample["resident"] for tube in kept.pop().payload["tubes"] for sample in tube["samples"]}
        play.undelivered = [one for one in play.missing(f"community.{phone.place}") if one.resident in lost]
    for _ in range(2):
        order.shuffle(kept)
        for command in kept:
            phone.deliver(command)
    since = min(datetime.fromisoformat(command.valid_at) for command in kept) if kept else play.clock.at
    hours = (play.clock.at - since).total_seconds() / 3600
    play.book.shown |= {
        "batches kept offline": len(kept), "hours offline": round(hours, 1), "batches repeated": play.book.repeated,
    }  # fmt: skip
