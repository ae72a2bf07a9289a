"""Nobody is forgotten: sampled at home, visited, found elsewhere, excluded with a reason, sampled later, or named as missing."""

from lianfang.config.drills.round_over_http.custody import carry_on
from lianfang.config.drills.round_over_http.http import Payload, made_id
from lianfang.config.drills.round_over_http.opening import to_recall, townships
from lianfang.config.drills.round_over_http.places import PLACES
from lianfang.config.drills.round_over_http.play import Person, Phone, Play, cut
from lianfang.kit.codes import code_range

#: of a thousand missing people who are visited: found elsewhere, away, not met; the others make an appointment
ELSEWHERE, AWAY, NOT_MET = 80, 180, 300
#: of a thousand who were not met, how many turn out to be away
GONE = 400
MOST = 500


def sample_at_home(play: Play, phones: dict[str, Phone]) -> None:
    """Order sampling at home for those who cannot leave their bed; one is asleep, one cannot be sampled today."""
    play.clock.to("12:58", "上门采样 / sampling at home")
    people = play.kept["home"]
    for place in PLACES:
        here = inside(people, place)
        if here:
            play.do(f"community.{place}", "order_home_sampling", round=play.round, people=[
                {"id": made_id(), "resident": one.resident, "reason": "bedridden"} for one in here
            ])  # fmt: skip
            attempts(play, place, here)
            phones[f"{place} A"].sample(here[2:])
    play.book.shown["ordered at home"] = len(people)


def attempts(play: Play, place: int, people: list[Person]) -> None:
    """Record the two samplings at home of a place that do not come about the first time."""
    asleep, unwell = people[:1], people[1:2]
    rows = [{"id": made_id(), "resident": one.resident, "outcome": "appointment", "note": "午睡,改约傍晚",
             "appointment_at": play.clock.after(hours=5)} for one in asleep]  # fmt: skip
    rows += [
        {"id": made_id(), "resident": one.resident, "outcome": "could_not", "note": "正在输液,家属要求改日"}
        for one in unwell
    ]
    play.do(f"sampler.{place} A", "record_home_sampling", round=play.round, people=rows)


def visit(play: Play) -> None:
    """Visit everybody who is missing, as the lists of the places name them."""
    play.clock.to("18:00", "漏检逐户上门 / the missing are visited")
    counts: dict[str, int] = {}
    for place in PLACES:
        area = code_range(place)
        play.do("testing", "order_visits", round=play.round, within={"lo": area.lo, "hi": area.hi})
        officer = f"community.{place}"
        rows = [outcome(play, one) for one in play.missing(officer)]
        for some in cut(rows, MOST):
            play.do(officer, "record_visits", round=play.round, people=some)
        for row in rows:
            counts[row["outcome"]] = counts.get(row["outcome"], 0) + 1
    play.book.shown |= {f"visits: {name}": number for name, number in sorted(counts.items())}


def outcome(play: Play, person: Person) -> Payload:
    """Say what came of one visit."""
    row = {"id": made_id(), "resident": person.resident}
    if person in play.undelivered:
        return row | {"outcome": "could_not", "note": "本人称上午已采样,系统无登记"}
    drawn = person.draws("visit")
    if drawn < ELSEWHERE:
        return row | {"outcome": "found_elsewhere", "where": "海口市美兰区采样点"}
    if drawn < AWAY:
        return row | {"outcome": "excluded", "reason": "away", "where": "在外县务工"}
    if drawn < NOT_MET:
        return row | {"outcome": "could_not", "note": "敲门无人应答,电话未接"}
    return row | {"outcome": "appointment", "appointment_at": play.clock.after(hours=1)}


def visit_again(play: Play) -> None:
    """Visit those whom nobody met once more: some are away, the others stay on the list."""
    play.clock.to("15 09:30", "未遇人员由镇里再次上门 / those not met are visited again, by the township")
    for officer in townships():
        people = [one for one in play.missing(officer) if one not in play.undelivered]
        rows = [second_outcome(one, known_away=number == 0) for number, one in enumerate(people)]
        rows += [
            outcome(play, one) for one in play.undelivered if one.code in code_range(int(officer.partition(".")[2]))
        ]
        for some in cut(rows, MOST):
            play.do(officer, "record_visits", round=play.round, people=some)


def second_outcome(person: Person, known_away: bool) -> Payload:
    """Say what came of the second visit."""
    row = {"id": made_id(), "resident": person.resident}
    if known_away or person.draws("second visit") < GONE:
        return row | {"outcome": "excluded", "reason": "away", "where": "邻居证实:随船出海"}
    return row | {"outcome": "could_not", "note": "仍无人应答,已留通知单"}


def sample_later(play: Play, phones: dict[str, Phone]) -> None:
    """Sample everybody who made an appointment, the people of the lost tube among them."""
    play.clock.to("20:00", "预约人员补采 / those with an appointment are sampled")
    for place in PLACES:
        rows = play.callers[f"community.{place}"].pages(f"rounds/{play.round}/missing")
        coming = [Person(row["resident"], row["household"], row["division_code"]) for row in rows
                  if row["last_outcome"] == "appointment"]  # fmt: skip
        asleep = inside(play.kept["home"], place)[:1]
        known = {one.resident for one in coming}
        phones[f"{place} A"].sample([*coming, *(one for one in asleep if one.resident not in known)])
    play.clock.to("20:45")
    carry_on(play)


def review_zones(play: Play) -> None:
    """Look at every zone's conditions, as each day asks."""
    play.clock.to("22:30", "风险区每日评估 / the zones' conditions")
    for zone in play.zones.values():
        play.do("epi", "review_zone", zone=zone)


def recall_again(play: Play) -> None:
    """A second person calls back a sample of what was excluded at doors; all of it turns out true."""
    play.clock.to("15 10:30", "上门免检第二人回拨抽查 / a second person calls back what was excluded at doors")
    calls = to_recall(play, "testing")
    for row in calls:
        play.do(
            "testing",
            "record_recall",
            round=play.round,
            exclusion=row["exclusion"],
            confirmed=True,
            note="电话核实属实",
        )
    play.book.shown["called back again"] = len(calls)


def inside(people: list[Person], place: int) -> list[Person]:
    """Return those who live in a place."""
    return [one for one in people if one.code in code_range(place)]
