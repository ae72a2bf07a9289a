"""Cases as a pack defines them: suspicion, change of class, severity, release of the infected."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from lianfang.engines.protocol.errors import PackSilent
from lianfang.engines.protocol.model import Pack, Reclassification
from lianfang.engines.protocol.quarantine import Missing, TestResult


@dataclass(frozen=True)
class ClassChange:
    """The class that findings lead to, the severity they show, and the rule that says so."""

    from_class: str
    to_class: str
    severity: str | None
    rule: str
    source: str


@dataclass(frozen=True)
class InfectedTest:
    """A test of an infected person; ``ct`` is the cycle threshold where the laboratory gave one."""

    sampled_at: datetime
    result: TestResult
    ct: float | None = None


@dataclass(frozen=True)
class DischargeDecision:
    """Whether an infected person may leave isolation, and what is missing."""

    may_release: bool
    missing: tuple[Missing, ...]
    rule: str
    source: str


def _checked(pack: Pack, findings: Collection[str]) -> frozenset[str]:
    unknown = sorted(set(findings) - set(pack.findings))
    if unknown:
        raise PackSilent(f"{pack.pack} does not know the finding(s) {', '.join(unknown)}; see its findings")
    return frozenset(findings)


def is_suspected(pack: Pack, findings: Collection[str]) -> bool:
    """Say whether findings meet the definition of a suspected case; raises PackSilent for an unknown finding."""
    held = _checked(pack, findings)
    clinical = len(held & set(pack.clinical_findings))
    return any(held >= set(rule.all_of) and clinical >= rule.clinical_at_least for rule in pack.suspicion)


def severity(pack: Pack, findings: Collection[str]) -> str | None:
    """Return the gravest severity that findings show, or None."""
    held = _checked(pack, findings)
    shown = [name for name, rule in pack.severities.items() if held & set(rule.any_of)]
    return max(shown, key=lambda name: pack.severities[name].rank, default=None)


def reclassify(pack: Pack, from_class: str, findings: Collection[str]) -> ClassChange | None:
    """Return the change of class that findings bring about by the first rule that fits, or None.

    Severity is given for confirmed cases only. Raises PackSilent for an unknown class or finding.
    """
    held = _checked(pack, findings)
    if from_class not in pack.case_classes:
        raise PackSilent(f"{pack.pack} has no case class {from_class!r}; it has: {', '.join(pack.case_classes)}")
    for name, rule in pack.reclassification.items():
        if from_class in rule.from_classes and _fits(rule, held):
            degree = severity(pack, held) if rule.to == "confirmed_case" else None
            return ClassChange(from_class, rule.to, degree, f"reclassification.{name}", rule.source)
    return None


def _fits(rule: Reclassification, held: frozenset[str]) -> bool:
    any_holds = not rule.any_of or bool(held & set(rule.any_of))
    return held >= set(rule.all_of) and any_holds and not held & set(rule.none_of)


def discharge_decision(
    pack: Pack, case_class: str, *, on: datetime, tests: Sequence[InfectedTest]
) -> DischargeDecision:
    """Say whether an infected person may leave isolation: the latest conclusive tests must all qualify.

    They must lie the pack's hours apart; a test between counts neither for nor against. Raises PackSilent for a
    class the pack has no rule for.
    """
    found = next((item for item in pack.infected_release.items() if case_class in item[1].classes), None)
    if found is None:
        raise PackSilent(f"{pack.pack} has no rule for releasing {case_class!r}")
    name, rule = found
    streak: list[datetime] = []
    conclusive = [t for t in tests if t.sampled_at <= on and t.result in ("negative", "positive")]
    for test in sorted(conclusive, key=lambda t: t.sampled_at, reverse=True):
        if not _qualifies(test, rule.ct_at_least):
            break
        if not streak or streak[-1] - test.sampled_at >= timedelta(hours=rule.hours_apart):
            streak.append(test.sampled_at)
    limit = f" or Ct ≥ {rule.ct_at_least:g}" if rule.ct_at_least else ""
    sentence = (
        f"{rule.tests} tests in a row must be negative{limit}, at least {rule.hours_apart} h apart; "
        f"{min(len(streak), rule.tests)} are."
    )
    missing = () if len(streak) >= rule.tests else (Missing("negative_tests_missing", sentence),)
    return DischargeDecision(not missing, missing, f"infected_release.{name}", rule.source)


def _qualifies(test: InfectedTest, ct_at_least: float | None) -> bool:
    weak = ct_at_least is not None and test.ct is not None and test.ct >= ct_at_least
    return test.result == "negative" or weak
