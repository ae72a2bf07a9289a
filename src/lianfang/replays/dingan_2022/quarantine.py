"""Life under quarantine, worked off the duty lists: checks, tests, releases by a person, the drive home; and zones."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import partial

from lianfang.core.duties.queries import DutyRow, duties
from lianfang.core.people.queries import ResidentLine
from lianfang.core.territory.queries import buildings
from lianfang.kit.clock import at_local, clock_at, local
from lianfang.kit.codes import CodeRange, code_range
from lianfang.replays.dingan_2022.cast import Cast
from lianfang.replays.dingan_2022.forces import APPEAL_TO, AUTHORITY
from lianfang.replays.dingan_2022.outbreak import Outbreak
from lianfang.replays.dingan_2022.places import FIRST_DAY, JIANGNAN, LAST_DAY, PACK, SITE_CODE, XINZHU
from lianfang.replays.dingan_2022.rounds import pieces
from lianfang.replays.player import Payload
from lianfang.response.quarantine.queries import orders
from lianfang.response.specimens.queries import PersonResult, results_of
from lianfang.response.zones.queries import ZoneRow, zones

MORNING, AFTERNOON, EVENING = time(9, 30), time(16, 30), time(20)
#: on the seventh day without a new case everybody in the zones of a village or community is tested once more
CLEARING = ((XINZHU, date(2022, 7, 20)), (JIANGNAN, date(2022, 7, 24)))
#: what a check finds on an ordinary day, by the last digit of the order's id; nobody is feverish in this outbreak
TEMPERATURES = ("36.2", "36.3", "36.4", "36.5", "36.5", "36.6", "36.6", "36.7", "36.8", "36.4")


@dataclass(frozen=True)
class Sealed:
    """A zone of the scenario: its name, level, pieces, when it is drawn, and the rounds that clear it."""

    key: str
    name: str
    level: str
    areas: tuple[CodeRange, ...]
    drawn: str
    code: int


class Days:
    """Puts the daily work of quarantine and zones on the timetable."""

    def __init__(self, cast: Cast, outbreak: Outbreak) -> None:
        self.cast, self.player, self.outbreak = cast, cast.player, outbreak
        self.incident = str(self.player.id_of("incident"))

    def plan(self) -> None:
        plan = self.player.plan
        for day in days(FIRST_DAY + timedelta(days=1), LAST_DAY):
            plan(at_local(day, time(0, 5)), f"{day} 翻日", self.roll)
            plan(at_local(day, MORNING), "", self.check)
            plan(at_local(day, time(10, 30)), "", self.test)
            plan(at_local(day, time(11)), "", self.drive_home)
            plan(at_local(day, time(15)), "", self.visit_doors)
            plan(at_local(day, AFTERNOON), "", self.check)
            plan(at_local(day, time(17)), "", self.result)
            plan(at_local(day, time(17, 30)), "", self.note_results)
            plan(at_local(day, EVENING), "", self.release)
            plan(at_local(day, time(21)), "", self.review_zones)
        for zone in self.zones():
            plan(zone.drawn, f"划定{zone.name}", self.draw, zone)
        for code, day in CLEARING:
            plan(
                at_local(day, time(7)),
                f"{self.cast.villages[code]}解封前全员检测",
                self.clear,
                code,
            )

    def roll(self, at: datetime) -> None:
        self.player.do("roll_day", at.date(), {"county": 469021}, by=self.player.actor("office"), at=at)

    def due(self, kind: str, at: datetime, username: str = "quarantine") -> list[DutyRow]:
        """Return the duties of a kind that are open by now, in the order of a list on a desk."""
        with clock_at(at):
            return duties(by=self.player.actor(username), kind=kind, opened_by=at, limit=10_000)

    # ----------------------------------------------------------------------------------------------- checks and tests

    def check(self, at: datetime) -> None:
        """Take everybody's temperature: the site's team at the site, the village's officers at home."""
        for username, held in self.by_hand(self.due("daily_check", at), at):
            self.player.do("record_checks", (username, at), {"checks": [
                {"id": str(self.player.id_of("check", order, at)), "order": str(order),
                 "temperature": TEMPERATURES[order.int % 10]}
                for order in held
            ]}, by=self.player.actor(username), at=at)  # fmt: skip

    def by_hand(self, rows: Iterable[DutyRow], at: datetime) -> list[tuple[str, list[uuid.UUID]]]:
        """Share today's duties out over the accounts that do them, each order once."""
        hands: dict[str, dict[uuid.UUID, None]] = defaultdict(dict)
        for row in rows:
            if row.opens_at.astimezone(at.tzinfo).date() == at.date():
                hands["site" if row.division_code == SITE_CODE else f"community.{row.division_code // 1000}"][
                    row.subject
                ] = None
        return [(username, list(held)) for username, held in sorted(hands.items())]

    def test(self, at: datetime) -> None:
        """Take the samples that are due, each alone in a tube; results come in the evening."""
        for username, held in self.by_hand(self.due("quarantine_test", at), at):
            people = self.people(held)
            sampler = "site" if username == "site" else f"sampler.{username.split('.')[1]}"
            for number in range(0, len(held), 100):
                part = held[number : number + 100]
                self.swab(at, sampler, number, [(order, people[order]) for order in part if order in people])

    def people(self, held: list[uuid.UUID]) -> dict[uuid.UUID, uuid.UUID]:
        """Return who is under each order."""
        wanted = set(held)
        rows = orders(by=self.player.actor("quarantine"), limit=10_000)
        return {row.id: row.resident for row in rows if row.id in wanted}

    def swab(self, at: datetime, sampler: str, number: int, held: list[tuple[uuid.UUID, uuid.UUID]]) -> None:
        player, key = self.player, (sampler, at, number)
        code = SITE_CODE if sampler == "site" else int(sampler.split(".")[1]) * 1000
        tubes: list[Payload] = [
            {"id": str(player.id_of("tube", order, at)), "code": f"Q{order.hex[:10]}{at:%d}", "mode": "single", "capacity": 1,
             "purpose": "quarantine", "division_code": code, "opened_at": at, "sealed_at": at, "order_id": str(order),
             "samples": [{"id": str(player.id_of("sample", order, at)), "resident": str(resident)}]}
            for order, resident in held
        ]  # fmt: skip
        player.do("register_tubes", key, {"tubes": tubes, "accept": "nothing"}, by=player.actor(sampler), at=at)
        player.do("record_tests", key, {"tests": [
            {"id": str(player.id_of("test", order, at)), "order": str(order), "sampled_at": at, "result": "pending",
             "sample": str(player.id_of("sample", order, at))} for order, _ in held
        ]}, by=player.actor(sampler), at=at)  # fmt: skip

    def result(self, at: datetime) -> None:
        """In the afternoon the laboratory reports the day's samples, found in the records as those without a result."""
        player = self.player
        waiting = self.waiting(at)
        if not waiting:
            return
        player.do("record_results", ("quarantine", at), {"lab": "县人民医院", "results": [
            {"tube": str(row.tube), "value": "negative", "tested_at": at} for row in waiting
        ]}, by=player.actor("lab"), at=at)  # fmt: skip

    def note_results(self, at: datetime) -> None:
        """Whoever took a sample notes its result on the order it was taken for."""
        for sampler, rows in self.by_sampler(self.known(at)):
            self.player.do("record_tests", (sampler, at, "result"), {"tests": [
                {"id": str(self.player.id_of("test result", row.sample)), "order": str(row.order_id),
                 "sampled_at": row.taken_at, "result": row.value, "sample": str(row.sample)} for row in rows
            ]}, by=self.player.actor(sampler), at=at)  # fmt: skip

    def waiting(self, at: datetime) -> list[PersonResult]:
        return [row for row in self.samples(at) if not row.value]

    def known(self, at: datetime) -> list[PersonResult]:
        return [row for row in self.samples(at) if row.value]

    def samples(self, at: datetime) -> list[PersonResult]:
        """Return today's samples of people under orders."""
        people = [row.resident for row in orders(by=self.player.actor("quarantine"), limit=10_000)]
        found = results_of(people, by=self.player.actor("lab"), since=at_local(at.date()))
        return [row for row in found if row.purpose == "quarantine"]

    def by_sampler(self, rows: list[PersonResult]) -> list[tuple[str, list[PersonResult]]]:
        hands: dict[str, list[PersonResult]] = defaultdict(list)
        for row in rows:
            hands["site" if row.site_code == SITE_CODE else f"sampler.{row.site_code // 1000}"].append(row)
        return sorted(hands.items())

    # ------------------------------------------------------------------------------------------------------- release

    def release(self, at: datetime) -> None:
        """On the last day of a leg an authorised person decides; nothing extends itself."""
        due = [row.subject for row in self.due("release_decision", at)]
        if due:
            self.player.do("release_orders", at, {"orders": [str(order) for order in due]},
                           by=self.player.actor("quarantine"), at=at)  # fmt: skip

    def drive_home(self, at: datetime) -> None:
        """Whoever leaves the site is driven home and handed over to the community."""
        for number, row in enumerate(self.due("closed_loop_transfer", at, "driver")):
            self.player.do("record_transport", (row.subject, "home"), {
                "id": str(self.player.id_of("transport", row.subject)), "order": str(row.subject), "purpose": "home",
                "destination": "家中,与村(居)委会交接", "vehicle": f"转运{number % 6 + 1}号车",
            }, by=self.player.actor("driver"), at=at + timedelta(minutes=4 * number))  # fmt: skip

    def visit_doors(self, at: datetime) -> None:
        """Whoever is at home under an order that nobody has explained at the door yet is visited."""
        for number, row in enumerate(self.due("door_visit", at)):
            officer = self.player.actor(f"community.{row.division_code // 1000}")
            self.outbreak.visit(at + timedelta(seconds=40 * number), str(row.subject), officer)

    # --------------------------------------------------------------------------------------------------------- zones

    def zones(self) -> list[Sealed]:
        """Return the zones of the scenario: hamlet and village of the first case, grid and community of the second."""
        grid = self.outbreak.sealed_grid()
        return [
            Sealed("zhongan", "中安村高风险区", "high_risk", (self.cast.zhongan,), "2022-07-13 21:10", XINZHU),
            Sealed("xinzhu", "新竹村委会中风险区", "medium_risk", around(XINZHU, self.cast.zhongan), "2022-07-13 21:20", XINZHU),
            Sealed("grid", "江南社区高风险区", "high_risk", (grid,), "2022-07-17 14:20", JIANGNAN),
            Sealed("jiangnan", "江南社区中风险区", "medium_risk", around(JIANGNAN, grid), "2022-07-17 14:30", JIANGNAN),
        ]  # fmt: skip

    def draw(self, at: datetime, zone: Sealed) -> None:
        """Look at needs and ways out first; then draw the zone, with reason, authority, end and appeal."""
        id, areas = str(self.player.id_of("zone", zone.key)), [vars(area) for area in self.pieces(zone)]
        township = self.player.actor("township" if zone.code == XINZHU else "dingcheng")
        self.player.do("check_zone", zone.key, lambda: {
            "id": str(self.player.id_of("zone check", zone.key)), "zone": id, "areas": areas,
            "egress": {str(house.id): True for area in zone.areas for house in buildings(area)},
            "medical_plan": "透析、孕产、慢病用药逐户登记,闭环车辆随叫随到",
        }, by=township, at=at - timedelta(minutes=5))  # fmt: skip
        self.player.do("draw_zone", zone.key, {
            "id": id, "incident": self.incident, "name": zone.name, "level": zone.level, "protocol": PACK, "areas": areas,
            "reason": "病例居住地及活动频繁区域", "authority": AUTHORITY, "appeal_to": APPEAL_TO,
        }, by=self.player.actor("commander"), at=at)  # fmt: skip

    def pieces(self, zone: Sealed) -> list["Piece"]:
        return [Piece(area.lo, area.hi) for area in zone.areas]

    def review_zones(self, at: datetime) -> None:
        """Evaluate every zone's conditions each evening; the commander steps down what may be, and renews what ends."""
        for zone in self.zones():
            if local(zone.drawn) < at:
                facts = partial(self.facts, zone, at)
                proposed = self.player.do("review_zone", (zone.key, at), facts, by=self.player.actor("epi"), at=at)
                self.decide(at + timedelta(minutes=20), zone, proposed)

    def decide(self, at: datetime, zone: Sealed, proposed: dict[str, object]) -> None:
        """Nothing extends itself: what may not be eased yet is renewed for a day, with a reason, the day it ends."""
        standing = self.standing(zone)
        if standing is None:
            return
        decision: Payload = {"zone": str(self.player.id_of("zone", zone.key)), "authority": AUTHORITY}
        if proposed.get("may_change"):
            decision |= {"level": proposed["next_level"], "reason": "解除条件满足,按第九版方案调整"}
        elif standing.ends_at - at < timedelta(hours=6):
            decision |= {
                "level": standing.level,
                "reason": "尚未满足解除条件",
                "ends_at": standing.ends_at + timedelta(days=1),
            }
        else:
            return
        self.player.do("decide_zone", (zone.key, at), decision, by=self.player.actor("commander"), at=at)

    def standing(self, zone: Sealed) -> ZoneRow | None:
        wanted = self.player.id_of("zone", zone.key)
        return next((row for row in zones(by=self.player.actor("commander")) if row.id == wanted), None)

    def facts(self, zone: Sealed, at: datetime) -> Payload:
        """Gather from the records what decides: the last case, and how the day's testing of the zone came out."""
        found = FIRST_DAY if zone.code == XINZHU else date(2022, 7, 17)
        return {
            "id": str(self.player.id_of("review", zone.key, at)), "zone": str(self.player.id_of("zone", zone.key)),
            "last_new_on": found, "last_contact_exposure_on": found, "screens": list(self.screens(zone, at)),
        }  # fmt: skip

    def screens(self, zone: Sealed, at: datetime) -> Iterator[Payload]:
        for code, day in CLEARING:
            if code == zone.code and day <= at.date():
                people = [line.id for area in zone.areas for line in self.inside(area, at_local(day, time(7)))]
                since = at_local(day)
                results = results_of(people, by=self.player.actor("epi"), since=since)
                that_day = [row for row in results if since <= row.taken_at < since + timedelta(days=1)]
                negative = {row.resident for row in that_day if row.value == "negative"}
                positive = {row.resident for row in that_day if row.value == "positive"}
                missed = len(set(people) - negative - positive)
                yield {"completed_on": day, "missed": missed, "positives": len(positive)}

    def inside(self, area: CodeRange, at: datetime) -> list[ResidentLine]:
        """Return who is in a part of a zone and not held elsewhere; their own tests answer for those under orders."""
        with clock_at(at):
            held = {row.resident for row in orders(by=self.player.actor("quarantine"), limit=10_000)}
        return [line for line in self.cast.living_in(area) if line.id not in held]

    def clear(self, at: datetime, code: int) -> None:
        """Before a zone is eased everybody in it is tested at the door, and nobody is missed."""
        people = self.inside(code_range(code), at)
        for number, start in enumerate(range(0, len(people), 200)):
            part = people[start : start + 200]
            when = at + timedelta(minutes=4 * number)
            tubes = [
                {"id": str(self.player.id_of("tube", "clearing", code, number, tube)), "mode": "pooled", "capacity": 10,
                 "code": f"C{code % 10**6}{number:03}{tube:02}", "purpose": "mandatory_testing",
                 "division_code": code * 1000, "opened_at": when, "sealed_at": when,
                 "samples": [{"id": str(self.player.id_of("sample", "clearing", line.id)), "resident": str(line.id)}
                             for line in part[tube * 10 : tube * 10 + 10]]}
                for tube in range(-(-len(part) // 10))
            ]  # fmt: skip
            self.player.do("register_tubes", ("clearing", code, number), {"tubes": tubes, "accept": "nothing"},
                           by=self.player.actor(f"sampler.{code}"), at=when)  # fmt: skip
            self.player.plan(when + timedelta(hours=5), "", self.cleared, (code, number), tubes)

    def cleared(self, at: datetime, batch: tuple[int, int], tubes: list[Payload]) -> None:
        results = [{"tube": tube["id"], "value": "negative", "tested_at": at} for tube in tubes]
        payload = {"lab": "县人民医院", "results": results}
        self.player.do("record_results", ("clearing", *batch), payload, by=self.player.actor("lab"), at=at)


@dataclass(frozen=True)
class Piece:
    """One area of a zone as a command carries it."""

    code_lo: int
    code_hi: int


def around(code: int, inner: CodeRange) -> tuple[CodeRange, ...]:
    """Return what lies around a range inside a village or community."""
    return tuple(CodeRange(p.code_lo, p.code_hi) for p in pieces(code_range(code), inner, "", "")[1:])


def days(first: date, last: date) -> list[date]:
    """Return every day from the first to the last."""
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]
