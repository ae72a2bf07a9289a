"""What a positive, a case and a contact oblige, by the clocks of the protocol under which they were recorded."""

import uuid
from collections.abc import Iterable, Sequence

from django.db import connection

from lianfang.core.access.rules import Actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import ledger_keeper
from lianfang.core.duties.rules import Desired, Kind
from lianfang.engines.protocol import pack_of_protocol
from lianfang.response.cases.rules import AT_ONCE, placing_clock

KINDS: tuple[Kind, ...] = (
    Kind("hold_in_place", "就地留置", "hold in place", "cases", ("held",), 4, "hold_in_place"),
    Kind("confirmatory_retest", "复核采样", "confirmatory retest", "cases", ("negative", "positive"), 5, "record_retest"),
    Kind("positive_transfer", "阳性人员转运", "transfer of a case by ambulance", "cases", ("transferred",), 3, "transfer_case"),
    Kind("case_report", "网络直报", "direct report of a case", "cases", ("reported",), 8, "report_case"),
    Kind("core_info", "核心信息", "core information of a case", "cases", ("recorded",), 9, "record_investigation"),
    Kind("preliminary_report", "流调初步报告", "preliminary investigation report", "cases", ("recorded",), 20, "record_investigation"),
    Kind("contact_in_quarantine", "密接管控到位", "contact placed in quarantine", "cases", ("placed",), 7, "record_placed"),
)  # fmt: skip

CLOCK = (
    "unnest(%(protocols)s::text[], %(names)s::text[], %(spans)s::interval[], %(kinds_of)s::text[])"
    " AS clock (protocol, name, span, kind)"
)

POSITIVES = f"""
SELECT 'screen_positive', p.id, clock.kind, 'once', p.division_code,
       CASE clock.kind WHEN 'hold_in_place' THEN 'community' ELSE 'sampler' END, NULL::uuid,
       p.protocol || ' ' || clock.name, p.id, p.found_at, p.found_at + clock.span
FROM cases_screenpositive p JOIN {CLOCK} ON clock.protocol = p.protocol
WHERE p.county = %(county)s AND (%(subjects)s::uuid[] IS NULL OR p.id = ANY(%(subjects)s::uuid[]))
  AND (p.status = 'open'
       OR clock.kind = 'confirmatory_retest' AND p.retest_sampled_at IS NOT NULL
       OR clock.kind = 'hold_in_place' AND EXISTS (SELECT FROM cases_hold h WHERE h.positive_id = p.id))
"""  # noqa: S608 - made of the constant above

CASES = f"""
WITH standing AS (
    SELECT c.*, coalesce((SELECT k.class_code FROM cases_classification k WHERE k.case_id = c.id
                          ORDER BY k.valid_at DESC, k.recorded_at DESC LIMIT 1) <> 'ruled_out', true) AS infected
    FROM cases_case c
    WHERE c.county = %(county)s AND (%(subjects)s::uuid[] IS NULL OR c.id = ANY(%(subjects)s::uuid[]))
)
SELECT 'case', c.id, clock.kind, 'once', c.division_code,
       CASE clock.kind WHEN 'positive_transfer' THEN 'driver' ELSE 'epidemiologist' END, NULL::uuid,
       c.protocol || ' ' || clock.name, c.id, c.known_at, c.known_at + clock.span
FROM standing c JOIN {CLOCK} ON clock.protocol = c.protocol
WHERE CASE clock.kind
          WHEN 'positive_transfer' THEN c.transfer_needed AND c.infected OR c.transferred_at IS NOT NULL
          ELSE c.infected OR EXISTS (SELECT FROM cases_investigation i WHERE i.case_id = c.id AND i.stage = clock.kind)
      END
"""  # noqa: S608 - made of the constant above

REPORTS = """
SELECT 'case', c.id, 'case_report', k.class_code, c.division_code, 'epidemiologist', NULL::uuid,
       c.protocol || ' ' || clock.name, k.id, k.valid_at, k.valid_at + clock.span
FROM cases_case c
JOIN LATERAL (SELECT DISTINCT ON (class_code) id, class_code, valid_at FROM cases_classification
              WHERE case_id = c.id ORDER BY class_code, valid_at, recorded_at) k ON true
JOIN unnest(%(protocols)s::text[], %(classes)s::text[], %(names)s::text[], %(spans)s::interval[])
     AS clock (protocol, class_code, name, span) ON clock.protocol = c.protocol AND clock.class_code = k.class_code
WHERE c.county = %(county)s AND (%(subjects)s::uuid[] IS NULL OR c.id = ANY(%(subjects)s::uuid[]))
"""

# A person in two tiers is placed once: the active determination of the tier with the shorter clock speaks.
CONTACTS = """
SELECT DISTINCT ON (k.incident, k.resident, k.placed_at IS NULL)
       'contact', k.id, 'contact_in_quarantine', 'once', k.division_code, 'community', NULL::uuid,
       k.protocol || ' ' || clock.name, k.id, k.determined_at, k.determined_at + clock.span
FROM cases_contact k
JOIN unnest(%(protocols)s::text[], %(tiers)s::text[], %(names)s::text[], %(spans)s::interval[])
     AS clock (protocol, tier, name, span) ON clock.protocol = k.protocol AND clock.tier = k.tier
WHERE k.county = %(county)s AND (k.status = 'active' OR k.placed_at IS NOT NULL)
  AND (%(subjects)s::uuid[] IS NULL OR (k.incident, k.resident) IN
       (SELECT incident, resident FROM cases_contact WHERE id = ANY(%(subjects)s::uuid[])))
ORDER BY k.incident, k.resident, k.placed_at IS NULL, clock.span, k.determined_at
"""


def protocols_in(table: str, by: Actor, county: int) -> list[str]:
    """Return the dated protocols under which a county's rows of a table were recorded."""
    # The whole county: what the protocol obliges does not depend on who happens to act.
    with acting(ledger_keeper(by, county)), connection.cursor() as cursor:
        cursor.execute(f"SELECT DISTINCT protocol FROM {table} WHERE county = %s", [county])  # noqa: S608
        return [row[0] for row in cursor.fetchall()]


def _clocks(protocols: Iterable[str], clock_of: dict[str, str]) -> dict[str, object]:
    """Return columns protocol, clock, span, kind; a clock that a pack does not have obliges nobody."""
    rows = [
        (protocol, name, pack_of_protocol(protocol).clocks[name].hours, kind)
        for protocol in protocols
        for kind, name in clock_of.items()
        if name in pack_of_protocol(protocol).clocks
    ]
    return {
        "protocols": [row[0] for row in rows],
        "names": [row[1] for row in rows],
        "spans": [f"{row[2]} hours" for row in rows],
        "kinds_of": [row[3] for row in rows],
    }


def desire_positives(by: Actor, county: int, subjects: Sequence[uuid.UUID] | None = None) -> Desired:
    """Desire hold and retest for preliminary positives (all of a county, or some)."""
    protocols = protocols_in("cases_screenpositive", by, county)
    params = _clocks(protocols, {"confirmatory_retest": "confirmatory_retest"})
    hours = AT_ONCE.total_seconds() / 3600
    for protocol in protocols:
        for key, value in zip(params, (protocol, "at_once", f"{hours} hours", "hold_in_place"), strict=True):
            params[key].append(value)  # type: ignore[attr-defined]
    return Desired(("hold_in_place", "confirmatory_retest"), POSITIVES, params, subjects, "the positive was decided")


def desire_cases(by: Actor, county: int, subjects: Sequence[uuid.UUID] | None = None) -> tuple[Desired, ...]:
    """Desire transfer, core information, preliminary report and one direct report per class for cases."""
    protocols = protocols_in("cases_case", by, county)
    clock_of = {
        "positive_transfer": "positive_transfer",
        "core_info": "core_info",
        "preliminary_report": "preliminary_report",
    }
    packs = {protocol: pack_of_protocol(protocol) for protocol in protocols}
    reports = [
        (protocol, code, rule.report_clock, f"{pack.clocks[rule.report_clock].hours} hours")
        for protocol, pack in packs.items()
        for code, rule in pack.case_classes.items()
        if rule.report_clock
    ]
    columns = [list(column) for column in zip(*reports, strict=True)] or [[], [], [], []]
    params: dict[str, object] = dict(zip(("protocols", "classes", "names", "spans"), columns, strict=True))
    reason = "the case was ruled out"
    return (
        Desired(tuple(clock_of), CASES, _clocks(protocols, clock_of), subjects, reason),
        Desired(("case_report",), REPORTS, params, subjects, reason),
    )


def desire_contacts(by: Actor, county: int, subjects: Sequence[uuid.UUID] | None = None) -> Desired:
    """Desire that contacts be in quarantine within their tier's clock."""
    rows = []
    for protocol in protocols_in("cases_contact", by, county):
        pack = pack_of_protocol(protocol)
        for tier in pack.tiers:
            name = placing_clock(pack, tier)
            if name:
                rows.append((protocol, tier, name, f"{pack.clocks[name].hours} hours"))
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
    params: dict[str, object] = dict(zip(("protocols", "tiers", "names", "spans"), columns, strict=True))
    return Desired(
        ("contact_in_quarantine",),
        CONTACTS,
        params,
        subjects,
        "no longer a contact, or placed by another determination",
    )
