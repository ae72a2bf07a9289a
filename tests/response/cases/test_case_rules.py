"""What decides without a database: detection, classes, determinations, clocks."""

import uuid

import pytest

from lianfang.engines.protocol import pack_of_protocol
from lianfang.kit.clock import local
from lianfang.response.cases.rules import (
    ClassUnknown,
    ContactRefused,
    DetectionUnknown,
    NewContact,
    ReasonMissing,
    UnderControlAlready,
    check_contacts,
    is_community_detected,
    placing_clock,
    require_words,
    rule_for_class,
    tiers_below,
    to_minute,
)

ED9 = pack_of_protocol("covid19-cn-ed9@2022-07-13")
NOON = local("2022-07-13 12:00")
ONE = uuid.UUID(int=1)


@pytest.mark.parametrize(
    ("detected_by", "said", "community"),
    [
        ("community_screening", None, True),
        ("community_screening", False, False),
        ("fever_clinic", None, True),
        ("contact_tracing", None, False),
        ("contact_tracing", True, True),
        ("quarantine", None, False),
    ],
)
def test_who_counts_as_community_detected(detected_by, said, community):
    assert is_community_detected(detected_by, said) is community


def test_nobody_in_quarantine_is_a_community_detection():
    with pytest.raises(UnderControlAlready, match="under control"):
        is_community_detected("quarantine", True)


def test_an_unknown_way_of_detection_is_refused():
    with pytest.raises(DetectionUnknown, match="fever_clinic"):
        is_community_detected("rumour", None)


@pytest.mark.parametrize(
    ("before", "after", "severity", "findings", "rule"),
    [
        ("asymptomatic_case", "confirmed_case", "mild", ["symptoms"], "reclassification.symptoms_appear"),
        ("asymptomatic_case", "confirmed_case", "mild", [], None),
        (None, "asymptomatic_case", None, ["retest_positive"], None),
        ("screen_positive", "asymptomatic_case", None, ["retest_positive"], "reclassification.retest_confirms_well"),
    ],
)
def test_a_class_carries_the_rule_that_leads_to_it(before, after, severity, findings, rule):
    assert rule_for_class(ED9, before, after, severity, findings) == rule


@pytest.mark.parametrize(
    ("after", "severity", "findings"),
    [("cured", None, []), ("confirmed_case", "awful", []), ("confirmed_case", "mild", ["hunch"])],
)
def test_what_the_protocol_does_not_know_is_named(after, severity, findings):
    with pytest.raises(ClassUnknown, match="It has"):
        rule_for_class(ED9, None, after, severity, findings)


def contact(**fields):
    return NewContact(**({"resident": ONE, "tier": "close_contact", "last_exposure_at": NOON, "case": ONE} | fields))


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"case": None}, "needs the case"),
        ({"via": ONE}, "keep the one"),
        ({"tier": "secondary_contact"}, "needs the linking contact"),
        ({"tier": "friend"}, "no contact tier"),
        ({"category": "neighbour"}, "no category"),
        ({"last_exposure_at": local("2022-07-14")}, "after the determination"),
        ({"first_exposure_at": local("2022-07-13 12:01")}, "exchange them"),
    ],
)
def test_a_determination_that_cannot_stand_is_refused_with_its_row(fields, sentence):
    with pytest.raises(ContactRefused, match=f"Row 2: .*{sentence}"):
        check_contacts(ED9, [contact(), contact(**fields)], NOON)


@pytest.mark.parametrize(
    ("protocol", "tier", "clock"),
    [
        ("covid19-cn-ed9", "close_contact", "contact_in_quarantine"),
        ("covid19-cn-ed9", "secondary_contact", "secondary_in_quarantine"),
        ("covid19-cn-ed8", "secondary_contact", "secondary_in_quarantine"),
        ("covid19-cn-ed9", "general_contact", None),
        ("covid19-cn-ed9", "venue_exposed_person", None),
        ("ebola-who", "contact", "contact_in_quarantine"),
    ],
)
def test_which_clock_runs_until_somebody_is_in_quarantine(protocol, tier, clock):
    pack = pack_of_protocol(protocol)
    tier = tier if tier in pack.tiers else next(iter(pack.tiers))
    assert placing_clock(pack, tier) == clock


def test_a_close_contact_is_no_longer_a_contacts_contact():
    assert tiers_below(ED9, "close_contact") == ["secondary_contact"]
    assert tiers_below(ED9, "secondary_contact") == []


def test_classes_are_dated_to_the_minute():
    assert to_minute(local("2022-07-14 12:59:31")) == local("2022-07-14 12:59")


def test_a_measure_without_words_is_refused():
    with pytest.raises(ReasonMissing, match="appeal to"):
        require_words(reason="positive", appeal_to=" ")
