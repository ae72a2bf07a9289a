"""Reading the territory. Divisions are public reference data, so nothing here depends on who asks."""

from datetime import date
from uuid import UUID

from django.db.models import Count, Q, QuerySet

from lianfang.core.territory.models import (
    Building,
    ChainStep,
    Compound,
    Division,
    Headquarters,
    Place,
    ResponsibilityArea,
)
from lianfang.core.territory.rules import LEVELS, Chain, ChainLink, DivisionAmbiguous, DivisionUnknown, Scope
from lianfang.kit.clock import local_date, response_now
from lianfang.kit.codes import EVERYWHERE, CodeRange, full_code

Code = int | str


def today() -> date:
    """Return the day of the response in China: the date every query falls back on."""
    return local_date(response_now())


def _valid(on: date | None) -> Q:
    day = on or today()
    return Q(valid_from__lte=day) & (Q(valid_until__isnull=True) | Q(valid_until__gt=day))


def standing(within: CodeRange = EVERYWHERE, on: date | None = None) -> QuerySet[Division]:
    """Return the divisions in a range of codes that stand on a day, in the order of their codes."""
    return Division.objects.filter(_valid(on), code__range=(within.lo, within.hi)).order_by("code")


# ---------------------------------------------------------------------------------------------------- divisions


def division(code: Code, on: date | None = None) -> Division:
    """Return the division of a code (2 to 15 digits) on a day, or raise `DivisionUnknown`."""
    full = full_code(code)
    found = Division.objects.filter(_valid(on), code=full).first()
    if found is None:
        raise DivisionUnknown(f"no division {code} stands on {on or today()}: check the code and the date")
    return found


def range_of(code: Code, on: date | None = None) -> CodeRange:
    """Return the range of codes inside a division, hamlets of several blocks included."""
    return division(code, on).range


def children(code: Code | None, on: date | None = None) -> QuerySet[Division]:
    """Return the divisions directly under one (``None``: the provinces), by their codes."""
    parent = None if code is None else full_code(code)
    if parent is None:
        return Division.objects.filter(_valid(on), level="province").order_by("code")
    return Division.objects.filter(_valid(on), parent_code=parent).order_by("code")


def path(code: Code, on: date | None = None) -> list[Division]:
    """Return a division with all above it, the highest first: province › county › township › village …"""
    found = [division(code, on)]
    while found[0].parent_code is not None:
        above = Division.objects.filter(_valid(on), code=found[0].parent_code).first()
        # A county imported alone has nothing above it; a loop cannot be, but must not hang the page if it is.
        if above is None or len(found) > len(LEVELS):
            break
        found.insert(0, above)
    return found


def path_name(code: Code, on: date | None = None) -> str:
    """Return the path of a division as people write it: ``海南省 › 定安县 › 新竹镇 › 新竹村委会``."""
    names = [one.name for one in path(code, on)]
    return " › ".join(name for at, name in enumerate(names) if name not in names[:at])


def scope_of(code: Code, on: date | None = None) -> Scope:
    """Return the codes a division answers for on a day: its own, less those put under others, with those put here."""
    unit = division(code, on)
    inside = (unit.code, unit.code_hi)
    standing_now = Division.objects.filter(_valid(on))
    come = standing_now.filter(parent_code__range=inside).exclude(code__range=inside)
    gone = standing_now.filter(code__range=inside).exclude(parent_code__range=inside).exclude(code=unit.code)
    held = Scope((unit.range,)) - Scope(tuple(one.range for one in gone))
    return held | Scope(tuple(one.range for one in come))


def search(text: str, *, within: CodeRange = EVERYWHERE, on: date | None = None, limit: int = 20) -> list[Division]:
    """Return divisions whose name or pinyin begins with a text, higher levels first, then by pinyin."""
    text = text.strip()
    if not text:
        return []
    key = text.lower().replace(" ", "")
    by_name = Q(name__startswith=text) | Q(pinyin__startswith=key)
    rows = standing(within, on).filter(by_name)
    ranked = sorted(rows[: 50 * limit], key=lambda one: (LEVELS.index(one.level), one.pinyin, one.code))
    return ranked[:limit]


def find(name: str, *, within: CodeRange | Code = EVERYWHERE, on: date | None = None) -> Division:
    """Return the one division of a name in a range or unit: the full name, else the only one that begins so.

    Raises `DivisionUnknown`, or `DivisionAmbiguous` naming those it could be.
    """
    area = within if isinstance(within, CodeRange) else range_of(within, on)
    there = standing(area, on)
    found = list(there.filter(name=name)[:5]) or list(there.filter(name__startswith=name)[:5])
    if not found:
        raise DivisionUnknown(f"no division “{name}” stands on {on or today()} in {area.lo}–{area.hi}")
    if len(found) > 1:
        could = ", ".join(f"{one.name} ({one.code})" for one in found)
        raise DivisionAmbiguous(f"“{name}” could be {could}: give the code, or a smaller area")
    return found[0]


def counts(within: CodeRange | Code = EVERYWHERE, on: date | None = None) -> dict[str, int]:
    """Return how many divisions of each level stand in a range or unit, the unit itself included."""
    area = within if isinstance(within, CodeRange) else range_of(within, on)
    rows = standing(area, on).order_by().values_list("level").annotate(number=Count("id"))
    found = dict(rows)
    return {level: found[level] for level in LEVELS if level in found}


# -------------------------------------------------------------------------------------------------- on the ground


def compounds(within: CodeRange) -> QuerySet[Compound]:
    """Return the residential compounds in a range of codes."""
    return Compound.objects.filter(division_code__range=(within.lo, within.hi)).order_by("division_code", "name")


def buildings(within: CodeRange) -> QuerySet[Building]:
    """Return the buildings in a range of codes."""
    rows = Building.objects.filter(division_code__range=(within.lo, within.hi))
    return rows.order_by("division_code", "name")


def egress_doubtful(within: CodeRange) -> QuerySet[Building]:
    """Return the buildings whose ways out were never checked or found shut: not to be sealed as they are."""
    return buildings(within).exclude(egress_clear=True)


def places(within: CodeRange, *kinds: str) -> QuerySet[Place]:
    """Return the places in a range of codes, of the given kinds or of all."""
    rows = Place.objects.filter(division_code__range=(within.lo, within.hi))
    return (rows.filter(kind__in=kinds) if kinds else rows).order_by("division_code", "kind", "name")


def responsibility_areas(code: Code, on: date | None = None, building: UUID | None = None) -> list[ResponsibilityArea]:
    """Return the responsibility areas that hold a place, the narrowest first.

    An area made of buildings holds only these: it answers when one of them is given.
    """
    full = full_code(code)
    areas = ResponsibilityArea.objects.filter(_valid(on), code_lo__lte=full, code_hi__gte=full)
    whole = Q(buildings__isnull=True)
    held = areas.filter(whole | Q(buildings__building_id=building) if building else whole).distinct()
    return sorted(held, key=lambda area: (area.code_hi - area.code_lo, area.name))


# ----------------------------------------------------------------------------------------- chain of responsibility


def headquarters_for(code: Code, on: date | None = None) -> Headquarters | None:
    """Return the headquarters that answers for a place on a day: the one with the narrowest range around it."""
    full = full_code(code)
    around = Headquarters.objects.filter(_valid(on), code_lo__lte=full, code_hi__gte=full)
    return min(around, key=lambda one: (one.code_hi - one.code_lo, one.name), default=None)


def chains(on: date | None = None) -> list[Chain]:
    """Return the chains of all headquarters that stand on a day, the narrowest range first, in two statements."""
    standing_now = Headquarters.objects.filter(_valid(on)).prefetch_related("steps")
    by_id = {one.id: one for one in standing_now}
    narrow_first = sorted(by_id.values(), key=lambda one: (one.code_hi - one.code_lo, one.name))
    return [_chain(one, by_id) for one in narrow_first]


def _chain(own: Headquarters, standing_now: dict[UUID, Headquarters]) -> Chain:
    steps = sorted(own.steps.all(), key=lambda step: step.order)
    above: dict[UUID, Headquarters] = {}
    one: Headquarters | None = own
    while one is not None and one.id not in above:
        above[one.id] = one
        one = standing_now.get(one.reports_to_id) if one.reports_to_id else None
    return Chain(
        CodeRange(own.code_lo, own.code_hi),
        tuple((step.level, step.post_title) for step in steps),
        tuple((CodeRange(one.code_lo, one.code_hi), one.post_title) for one in above.values()),
    )


def chain_for(code: Code, on: date | None = None, building: UUID | None = None) -> list[ChainLink]:
    """Return whom an overdue duty at a place climbs to, in order, by the place's own chain.

    Steps of units below the place's level are left out; after its headquarters come those that it reports to.
    Empty where no headquarters stands.
    """
    full, day = full_code(code), on or today()
    own = headquarters_for(full, day)
    if own is None:
        return []
    units = {one.level: one for one in path(full, day)}
    links: list[ChainLink] = []
    for step in own.steps.order_by("order"):
        link = _step_link(step, units, full, day, building)
        if link is not None:
            links.append(link)
    return [*links, *_reporting_links(own, len(links))]


def _step_link(
    step: ChainStep, units: dict[str, Division], code: int, on: date, building: UUID | None
) -> ChainLink | None:
    if step.level == "area":
        areas = responsibility_areas(code, on, building)
        if not areas:
            return None
        area = areas[0]
        held = CodeRange(area.code_lo, area.code_hi)
        return ChainLink(step.order, "area", area.name, held, step.post_title, area.responsible_post)
    unit = units.get(step.level)
    return ChainLink(step.order, unit.level, unit.name, unit.range, step.post_title) if unit else None


def _reporting_links(own: Headquarters, taken: int) -> list[ChainLink]:
    links: list[ChainLink] = []
    seen: set[UUID] = set()
    above: Headquarters | None = own
    while above is not None and above.id not in seen:
        seen.add(above.id)
        held = CodeRange(above.code_lo, above.code_hi)
        order = taken + len(links) + 1
        links.append(ChainLink(order, "headquarters", above.name, held, above.post_title))
        above = above.reports_to
    return links
