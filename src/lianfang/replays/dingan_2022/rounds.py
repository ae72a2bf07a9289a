"""Area testing: two rounds in Xinzhu, four in each community of Dingcheng; everybody found, reasoned or shown missing."""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby, islice

from lianfang.core.people.queries import residents
from lianfang.engines.protocol import load_pack, sizing
from lianfang.kit.clock import local
from lianfang.kit.codes import CodeRange, code_range, full_code
from lianfang.replays.dingan_2022.cast import Cast
from lianfang.replays.dingan_2022.forces import Forces
from lianfang.replays.dingan_2022.outbreak import Outbreak
from lianfang.replays.dingan_2022.places import COMMUNITIES, FIRST_DAY, JIANGNAN, PACK, XINZHU
from lianfang.replays.player import Payload
from lianfang.response.quarantine.queries import orders
from lianfang.response.screening.queries import RoundPerson, round_people
from lianfang.response.screening.rules import MODES, AreaEntry, plan_areas
from lianfang.response.specimens.queries import tubes_awaiting_result

TUBES_IN_BATCH = 20
#: of a thousand people, how many do not come by themselves, and how many of these nobody meets all day long
LATE, NEVER_MET = 24, 3
BATCHES_AN_HOUR = 30


@dataclass(frozen=True)
class Round:
    """One round of one village or community, by its number there and the instant its roster is frozen."""

    code: int
    number: int
    start: datetime

    @property
    def key(self) -> str:
        return f"{self.code}/{self.number}"


def timetable() -> Iterator[Round]:
    """Three clean rounds on three days, then one more after three days' wait, as edition 9 has it."""
    for number, start in enumerate(("2022-07-14 06:00", "2022-07-16 06:00"), start=1):
        yield Round(XINZHU, number, local(start))
    starts = ("2022-07-17 15:00", "2022-07-18 14:00", "2022-07-19 13:00", "2022-07-23 06:00")
    for number, start in enumerate(starts, start=1):
        for code in COMMUNITIES:
            yield Round(code, number, local(start))


class Rounds:
    """Puts the rounds on the timetable."""

    def __init__(self, cast: Cast, forces: Forces, outbreak: Outbreak) -> None:
        self.cast, self.player, self.forces, self.outbreak = cast, cast.player, forces, outbreak
        self.incident = str(self.player.id_of("incident"))
        self.pack = load_pack(PACK, on=FIRST_DAY)

    def plan(self) -> None:
        for round in timetable():
            name = self.cast.villages[round.code]
            self.player.plan(round.start, f"{name}第{round.number}轮区域核酸检测", self.open, round)

    def id(self, round: Round) -> str:
        return str(self.player.id_of("round", round.key))

    def areas(self, round: Round) -> list[AreaEntry]:
        """Return the pieces of a round with the level of the zone each lies in."""
        whole = code_range(round.code)
        if round.code == XINZHU:
            return pieces(whole, self.cast.zhongan, "high_risk", "medium_risk")
        if round.code == JIANGNAN:
            return pieces(whole, self.outbreak.sealed_grid(), "high_risk", "medium_risk")
        return [AreaEntry(whole.lo, whole.hi, "low_risk")]

    # ------------------------------------------------------------------------------------------------------ the day

    def open(self, at: datetime, round: Round) -> None:
        """Freeze the roster, open the sites, note who is away or tested elsewhere, and begin."""
        player, testing = self.player, self.player.actor("testing")
        name = self.cast.villages[round.code]
        areas = self.areas(round)
        player.do("open_round", round.key, {
            "id": self.id(round), "incident": self.incident, "area_code": full_code(round.code), "number": round.number,
            "title": f"{name}第{round.number}轮", "pack": PACK, "areas": [vars(area) for area in areas],
        }, by=testing, at=at)  # fmt: skip
        people = self.everybody(round)
        sites = max(1, sizing(self.pack, len(people)).sites)
        player.do("open_sites", round.key, {"round": self.id(round), "sites": [
            {"id": self.site(round, number), "name": f"{name}采样点{number + 1}", "division_code": full_code(round.code),
             "tables": 4, "samplers": 8}
            for number in range(sites)
        ]}, by=testing, at=at + timedelta(minutes=10))  # fmt: skip
        player.plan(at + timedelta(minutes=20), "", self.exclude, round, people)
        player.plan(at + timedelta(minutes=45), "", self.sample, round, people, sites)
        self.forces.serve_at_sites(at + timedelta(minutes=30), round.code, round.number, sites)
        for hours, what, event in (
            (5.0, "", self.report), (5.5, "", self.visit), (7.0, "", self.sample_late), (8.0, "", self.report),
            (8.5, f"{name}第{round.number}轮收官签认", self.close),
        ):  # fmt: skip
            player.plan(at + timedelta(hours=hours), what, event, round)

    def site(self, round: Round, number: int) -> str:
        return str(self.player.id_of("site", round.key, number))

    def everybody(self, round: Round) -> list[RoundPerson]:
        return round_people(self.player.id_of("round", round.key), by=self.player.actor("testing"), limit=100_000)

    def exclude(self, at: datetime, round: Round, people: Sequence[RoundPerson]) -> None:
        """Nobody is left out without a reason: away, under quarantine and tested there, an infant."""
        officer = self.player.actor(f"community.{round.code}")
        self.player.do("exclude_people", round.key, lambda: self.reasons(round, people), by=officer, at=at)

    def reasons(self, round: Round, people: Sequence[RoundPerson]) -> Payload | None:
        held = {row.resident for row in orders(by=self.player.actor("quarantine"), limit=10_000)}
        lines = {
            line.id: line
            for line in residents(by=self.player.actor("testing"), within=code_range(round.code), limit=100_000)
        }
        rows = []
        for person in people:
            line = lines[person.resident]
            if person.resident in held:
                rows.append(self._excluded(round, person, "quarantined", "隔离点或居家隔离,单采单检"))
            elif line.present_code != line.division_code:
                rows.append(self._excluded(round, person, "away", "外出,已电话核实"))
            elif (FIRST_DAY - line.birth_date).days < 180:
                rows.append(self._excluded(round, person, "infant", ""))
        return {"round": self.id(round), "people": rows} if rows else None

    def _excluded(self, round: Round, person: RoundPerson, reason: str, where: str) -> Payload:
        return {
            "id": str(self.player.id_of("exclusion", round.key, person.resident)), "resident": str(person.resident),
            "reason": reason, "where": where,
        }  # fmt: skip

    # ----------------------------------------------------------------------------------------------------- sampling

    def sample(self, at: datetime, round: Round, people: Sequence[RoundPerson], sites: int) -> None:
        """People come by household and grid; each device sends twenty tubes at a time."""
        excluded = {
            person.resident
            for person in round_people(
                self.player.id_of("round", round.key),
                by=self.player.actor("testing"),
                standing="excluded",
                limit=100_000,
            )
        }
        coming = [p for p in people if p.resident not in excluded and not self.is_late(round, p)]
        for number, tubes in enumerate(batches(self.tubes(round, coming, "day", at), TUBES_IN_BATCH)):
            when = at + timedelta(hours=number / BATCHES_AN_HOUR)
            for tube in tubes:
                tube |= {"site": self.site(round, number % sites), "opened_at": when, "sealed_at": when}
            self.player.plan(when, "", self.register, round, f"day/{number}", tubes)

    def register(self, at: datetime, round: Round, key: str, tubes: list[Payload]) -> None:
        payload = {"tubes": tubes, "accept": "nothing"}
        self.player.do(
            "register_tubes", (round.key, key), payload, by=self.player.actor(f"sampler.{round.code}"), at=at
        )

    def tubes(self, round: Round, people: Sequence[RoundPerson], part: str, at: datetime) -> Iterator[Payload]:
        """Fill tubes by the mode that the pack gives each zone, grid by grid and household by household."""
        plans = plan_areas(self.pack, self.areas(round))
        for plan in plans:
            inside = [p for p in people if plan.area.code_lo <= p.division_code <= plan.area.code_hi]
            for number, group in enumerate(groups(inside, plan.mode, plan.pool)):
                key = (round.key, part, plan.area.code_lo, number)
                yield {
                    "id": str(self.player.id_of("tube", *key)), "code": f"{round.code % 10**6}{round.number}{part[0].upper()}{plan.area.code_lo % 1000:03}{number:04}",
                    "mode": plan.mode, "capacity": capacity(plan.mode, plan.pool), "purpose": "area_screening",
                    "division_code": full_code(round.code), "opened_at": at, "round": self.id(round),
                    "samples": [
                        {"id": str(self.player.id_of("sample", round.key, person.resident)), "resident": str(person.resident)}
                        for person in group
                    ],
                }  # fmt: skip

    def is_late(self, round: Round, person: RoundPerson) -> bool:
        return chance(round, person, "late") < LATE

    def report(self, at: datetime, round: Round) -> None:
        """Tubes go to the laboratory; every result is known before the round is signed off."""
        lab, courier = self.player.actor("lab"), self.player.actor("courier")
        waiting = self.waiting(round)
        if not waiting:
            return
        self.player.do("hand_over_tubes", (round.key, at), {
            "tubes": waiting, "giver": "采样点", "taker": "县人民医院核酸检测实验室", "tubes_counted": len(waiting),
        }, by=courier, at=at)  # fmt: skip
        self.player.do("record_results", (round.key, at), {
            "lab": "县人民医院", "results": [{"tube": tube, "value": "negative", "tested_at": at} for tube in waiting],
        }, by=lab, at=at)  # fmt: skip

    def waiting(self, round: Round) -> list[str]:
        """Return the round's tubes that have no result yet."""
        clocks = dict.fromkeys(MODES, timedelta())
        rows = tubes_awaiting_result(by=self.player.actor("lab"), clocks=clocks, limit=100_000)
        return [str(row.tube) for row in rows if row.round == self.player.id_of("round", round.key)]

    # ------------------------------------------------------------------------------------------------- the missing

    def missing(self, round: Round) -> list[RoundPerson]:
        return round_people(
            self.player.id_of("round", round.key), by=self.player.actor("testing"), standing="missing", limit=100_000
        )

    def visit(self, at: datetime, round: Round) -> None:
        """Community officers knock at every door that is missing: appointment, reason, or nobody met."""
        officer = self.player.actor(f"community.{round.code}")
        area = code_range(round.code)
        self.player.do("order_visits", round.key, {
            "id": str(self.player.id_of("visits", round.key)), "round": self.id(round),
            "within": {"lo": area.lo, "hi": area.hi},
        }, by=self.player.actor("testing"), at=at)  # fmt: skip
        self.player.do(
            "record_visits", round.key, lambda: self.visited(at, round), by=officer, at=at + timedelta(hours=1)
        )

    def visited(self, at: datetime, round: Round) -> Payload | None:
        rows = []
        for person in self.missing(round):
            drawn = chance(round, person, "visit")
            row: Payload = {
                "id": str(self.player.id_of("round visit", round.key, person.resident)), "resident": str(person.resident),
            }  # fmt: skip
            if drawn < NEVER_MET * 1000 // LATE:
                row |= {"outcome": "could_not", "note": "敲门无人应答,电话未接"}
            elif drawn < 300:
                row |= {"outcome": "excluded", "reason": "away", "where": "在外县务工"}
            else:
                row |= {"outcome": "appointment", "appointment_at": at + timedelta(hours=1, minutes=30)}
            rows.append(row)
        return {"round": self.id(round), "people": rows} if rows else None

    def sample_late(self, at: datetime, round: Round) -> None:
        """Who made an appointment is sampled at the door or at the site: all of them in one command, so that a run
        started again finds either none of these tubes or all."""
        self.player.do("register_tubes", (round.key, "late"), lambda: self.late_tubes(at, round),
                       by=self.player.actor(f"sampler.{round.code}"), at=at)  # fmt: skip

    def late_tubes(self, at: datetime, round: Round) -> Payload | None:
        coming = [person for person in self.missing(round) if chance(round, person, "visit") >= 300]
        tubes = [tube | {"sealed_at": at} for tube in self.tubes(round, coming, "late", at)]
        return {"tubes": tubes, "accept": "nothing"} if tubes else None

    def close(self, at: datetime, round: Round) -> None:
        """Sign off: whoever remains is named, accepted by the village and carried on as a duty."""
        name = self.cast.villages[round.code]
        self.player.do("close_round", round.key, {
            "round": self.id(round), "accepted_title": f"{name}主任",
            "accepted_by": str(self.player.actor(f"community.{round.code}").account_id),
        }, by=self.player.actor("testing"), at=at)  # fmt: skip


def chance(round: Round, person: RoundPerson, about: str) -> int:
    """Return a number of 0–999 that is always the same for a person in a round."""
    return zlib.crc32(f"{round.key} {person.resident} {about}".encode()) % 1000


def pieces(whole: CodeRange, inner: CodeRange, level: str, around: str) -> list[AreaEntry]:
    """Cut a range into an inner piece of one zone level and what lies around it of another."""
    found = [AreaEntry(inner.lo, inner.hi, level)]
    if whole.lo < inner.lo:
        found.append(AreaEntry(whole.lo, inner.lo - 1, around))
    if inner.hi < whole.hi:
        found.append(AreaEntry(inner.hi + 1, whole.hi, around))
    return found


def groups(people: Sequence[RoundPerson], mode: str, pool: int) -> Iterator[list[RoundPerson]]:
    """Share people out over tubes: one each, one household each, or so many together."""
    if mode == "household":
        for _, home in groupby(people, key=lambda person: person.household):
            yield from chunks(list(home), capacity(mode, pool))
    else:
        yield from chunks(people, 1 if mode == "single" else pool)


def capacity(mode: str, pool: int) -> int:
    """Return how many a tube holds: a household's own tube takes ten, as the pack counts it as one single sample."""
    return 10 if mode == "household" else pool


def chunks(people: Sequence[RoundPerson], size: int) -> Iterator[list[RoundPerson]]:
    for start in range(0, len(people), size):
        yield list(people[start : start + size])


def batches(tubes: Iterable[Payload], size: int) -> Iterator[list[Payload]]:
    """Return tubes in lists of so many."""
    waiting = iter(tubes)
    while batch := list(islice(waiting, size)):
        yield batch
