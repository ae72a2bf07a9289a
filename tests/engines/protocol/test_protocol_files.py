"""Pack files: what is refused and in which words, overlays, dates, differences, the command."""

import json
import subprocess
import sys
from datetime import date
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from lianfang.config.commands.protocol import protocol
from lianfang.engines.protocol import (
    PackInvalid,
    PackNotFound,
    PackNotInForce,
    all_files,
    check_file,
    clock,
    dated_protocol,
    describe,
    diff_packs,
    edition_on,
    load_pack,
    pack_names,
    pack_of_protocol,
)
from lianfang.kit.refusals import Refusal

ED9 = next(path for path in all_files() if path.stem == "covid19-cn-ed9")
CONFIDENCES = {"primary", "secondary", "unverified", "house"}

OVERLAY = """\
overlay: {name}
title: An overlay for a test
base: covid19-cn-ed9
place: "469021"
effective: {{from: 2022-07-01, until: 2022-08-31}}
sources:
  order: {{title: County order, confidence: primary}}
{more}
set:
{changes}
"""
BASIS = """\
legal_basis:
  no_7:
    authority: County command HQ
    approved_by: City command HQ
    document: Order 7
    article: Art. 42
    issued: 2022-07-14
exceeds: {{{exceeds}}}
"""
FOUR_DAYS = "  look_back: {days_before_onset: 4, source: order}"


def overlay(tmp_path: Path, changes: str, more: str = "", name: str = "test") -> Path:
    path = tmp_path / f"{name}.yaml"
    path.write_text(OVERLAY.format(name=name, more=more, changes=changes), encoding="utf-8")
    return path


def changed_ed9(tmp_path: Path, old: str, new: str) -> Path:
    text = ED9.read_text(encoding="utf-8")
    assert text.count(old) >= 1
    path = tmp_path / ED9.name
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def sentences(path: Path) -> list[str]:
    return [str(problem) for problem in check_file(path)]


@pytest.mark.parametrize("path", all_files(), ids=lambda path: path.stem)
def test_files_that_come_with_the_project_are_sound(path: Path) -> None:
    assert sentences(path) == []


def test_the_packs() -> None:
    assert pack_names() == (
        "covid19-cn-2020-02", "covid19-cn-20measures", "covid19-cn-ed8", "covid19-cn-ed9", "ebola-who",
    )  # fmt: skip


@pytest.mark.parametrize("name", pack_names())
def test_every_value_has_a_source_and_a_confidence(name: str) -> None:
    pack = load_pack(name)
    said = describe(pack)
    assert len(said) > 60
    assert all(statement.source and statement.confidence in CONFIDENCES for statement in said)
    assert len({statement.path for statement in said}) == len(said)
    legs = [s.path for s in said if s.path.endswith(".days") and ".legs." in s.path]
    assert len(legs) == sum(len(tier.legs) for tier in pack.tiers.values())


def test_values_nobody_read_are_called_unverified() -> None:
    said = {s.path: s.confidence for s in describe(load_pack("covid19-cn-ed8"))}
    assert said["tiers.secondary_contact.legs.0.days"] == "primary"
    assert said["tiers.secondary_contact.legs.0.test_days"] == "unverified"
    assert said["tiers.close_contact.legs.1.test_days"] == "secondary"
    assert said["clocks.appeal_decision.hours"] == "house"


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "        days: 7\n        test_days: [1, 2, 3, 5, 7]",
            "        days: 0\n        test_days: [1, 2, 3, 5, 7]",
            "line 36, tiers.close_contact.legs.0.days: is 0 but must be at least 1. Write a larger number.",
        ),
        (
            "        days: 7\n        test_days: [1, 2, 3, 5, 7]",
            "        days: 6\n        test_days: [1, 2, 3, 5, 7]",
            "line 37, tiers.close_contact.legs.0.test_days: tests on day 7 of a leg of 6 days. "
            "Test inside the leg or lengthen it.",
        ),
        (
            "        days: 7\n        test_days: [1, 2, 3, 5, 7]",
            '        days: "7"\n        test_days: [1, 2, 3, 5, 7]',
            "line 36, tiers.close_contact.legs.0.days: is '7', not a whole number. "
            "Write a whole number without quotes.",
        ),
        (
            "        days: 7\n        test_days: [1, 2, 3, 5, 7]",
            "        days: 7\n        days: 9\n        test_days: [1, 2, 3, 5, 7]",
            "line 37, tiers.close_contact.legs.0.days: already stands on line 36. Keep one of the two.",
        ),
        (
            "kind: home_quarantine",
            "kind: hotel",
            "line 57, tiers.secondary_contact.legs.0.kind: is 'hotel', which is not one of 'testing_only', "
            "'home_monitoring', 'home_quarantine', 'medical_observation' or 'central_quarantine'. "
            "Write one of those.",
        ),
        (
            "on_linked_positive: close_contact",
            "on_linked_positive: closest_contact",
            "line 68, tiers.secondary_contact.upgrade.on_linked_positive: names the tier 'closest_contact', which "
            "this pack does not define. Use one of: close_contact, general_contact, secondary_contact, "
            "venue_exposed_person, zone_leaver_high, zone_leaver_low, zone_leaver_medium",
        ),
        (
            "      - {to: low_risk, days_without_new: 7, screen_from_day: 7, source: ed9_local}",
            "      - {to: low_risk, source: ed9_local}",
            "zones.medium_risk.release.0: has no condition, so the zone would end at once. "
            "Give at least one condition.",
        ),
        (
            "screening_from_last_negative: true\n  source: ed9_local",
            "screening_from_last_negative: true\n  source: ed10",
            "look_back.source: names the source 'ed10', which this pack does not define.",
        ),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_in_words(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    found = sentences(changed_ed9(tmp_path, old, new))
    assert any(sentence in text for text in found), found
    assert all(text.startswith("covid19-cn-ed9.yaml line ") for text in found)


def test_all_problems_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    path = changed_ed9(tmp_path, "kind: home_quarantine", "kind: hotel")
    text = path.read_text(encoding="utf-8").replace("days_before_onset: 2", "days_before_onset: -2")
    path.write_text(text.replace("movement: stay_home", "movement: none"), encoding="utf-8")
    assert {p.path for p in check_file(path)} == {
        "look_back.days_before_onset", "tiers.secondary_contact.legs.0.kind", "zones.high_risk.movement",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"pack: [", "is not YAML"),
        (b"\xff\xfe", "is not UTF-8"),
        (b"- 1\n", "holds no fields"),
        (b"pack: x\neffective: {from: 2022-02-31}\n", "is not YAML"),
    ],
)
def test_files_that_are_no_packs(tmp_path: Path, content: bytes, why: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    assert [why in text for text in sentences(path)] == [True]
    assert "cannot be read" in sentences(tmp_path / "absent.yaml")[0]


def test_yaml_does_not_turn_hours_into_seconds_or_no_into_false(tmp_path: Path) -> None:
    path = overlay(tmp_path, "  reports:\n    daily_report: {at: 18:30, source: order}")
    assert load_pack("covid19-cn-ed9", overlays=[path]).reports["daily_report"].at == "18:30"
    path = overlay(tmp_path, "  look_back: {screening_from_last_negative: no, source: order}", name="no")
    assert "look_back.screening_from_last_negative" in check_file(path)[0].path


def test_an_overlay_may_go_below_its_base_and_keeps_other_sources(tmp_path: Path) -> None:
    path = overlay(tmp_path, "  tiers:\n    close_contact:\n      legs: {0: {days: 7, test_days: [7], source: order}}")
    said = {s.path: s for s in describe(load_pack("covid19-cn-ed9", overlays=[path]))}
    assert said["tiers.close_contact.legs.0.test_days"].source == "County order"
    assert said["tiers.close_contact.legs.0.specimen"].source.startswith("新型冠状病毒肺炎防控方案(第九版)")


@pytest.mark.parametrize(
    ("changes", "path", "why"),
    [
        (FOUR_DAYS, "look_back.days_before_onset", "days before onset is 4 and the base allows 2"),
        (
            "  tiers: {close_contact: {legs: {0: {days: 10, source: order}}}}",
            "tiers.close_contact.legs", "10 days of central_quarantine or stricter and the base allows 7",
        ),
        (
            "  tiers: {secondary_contact: {legs: {0: {kind: central_quarantine, source: order}}}}",
            "tiers.secondary_contact.legs", "7 days of central_quarantine or stricter and the base allows 0",
        ),
        (
            "  tiers: {zone_leaver_low: {legs: {0: {may_go_out: false, source: order}}}}",
            "tiers.zone_leaver_low.legs", "days without going out is 3 and the base allows 0",
        ),
        (
            "  day_counting: {count_from: facility_entry, source: order}",
            "day_counting.count_from", "counts from facility_entry and the base from last_exposure",
        ),
        (
            "  zones: {low_risk: {movement: stay_home, source: order}}",
            "zones.low_risk.movement", "is stay_home and the base allows avoid_gathering",
        ),
        (
            "  zones: {high_risk: {unit: township, source: order}}",
            "zones.high_risk.unit", "is drawn by township and the base by village",
        ),
        (
            "  zones: {high_risk: {release: {0: {days_without_new: 14, source: order}}}}",
            "zones.high_risk.release.0.days_without_new", "days without new is 14 and the base allows 7",
        ),
        (
            "  zones: {high_risk: {release: {0: {screen_within_days: 2, source: order}}}}",
            "zones.high_risk.release.0.screen_within_days", "screening may be 2 days old and the base asks for none",
        ),
        (
            "  tiers: {close_contact: {day_counting: {count_from: facility_entry, day_one: next_day, source: order}}}",
            "tiers.close_contact.day_counting.count_from", "counts from facility_entry and the base from last_exposure",
        ),
        (
            "  zones: {high_risk: {release: [], source: order}}",
            "zones.high_risk.release", "is empty: the zone would never end",
        ),
        (
            "  infected_release: {infected: {ct_at_least: 40, source: order}}",
            "infected_release.infected.ct_at_least", "Ct limit (100 = negative) is 40 and the base allows 35",
        ),
        (
            "  infected_release: {infected: {ct_at_least: null, source: order}}",
            "infected_release.infected.ct_at_least", "Ct limit (100 = negative) is 100 and the base allows 35",
        ),
    ],
)  # fmt: skip
def test_going_beyond_the_base_needs_a_legal_basis(tmp_path: Path, changes: str, path: str, why: str) -> None:
    bare = overlay(tmp_path, changes)
    assert [(p.path, p.why) for p in check_file(bare)] == [(f"set.{path}", f"exceeds covid19-cn-ed9: {why}")]
    with pytest.raises(PackInvalid, match="record the decision under legal_basis"):
        load_pack("covid19-cn-ed9", overlays=[bare])
    recorded = overlay(tmp_path, changes, BASIS.format(exceeds=f"{path}: no_7"), name="recorded")
    assert sentences(recorded) == []
    assert load_pack("covid19-cn-ed9", overlays=[recorded]).overlays == ("recorded",)


@pytest.mark.parametrize(
    ("changes", "more", "why"),
    [
        (FOUR_DAYS, "exceeds: {look_back.days_before_onset: rumour}", "is not recorded"),
        ("  grids: {mutual_help_households: 8, source: order}", BASIS.format(exceeds="grids: no_7"), "does not"),
        ("  grids: {mutual_help_households: 8}", "", "set.grids.mutual_help_households: is changed without a source"),
        ("  tiers: {close_contact: {legs: {2: {days: 1}}}}", "", "the list has 2 items, from 0"),
        ("  tiers: {close_contact: {legs: {0: 7}}}", "", "valid"),
    ],
)
def test_overlays_that_do_not_hold(tmp_path: Path, changes: str, more: str, why: str) -> None:
    found = sentences(overlay(tmp_path, changes, more.replace("{{", "{").replace("}}", "}")))
    assert len(found) >= 1
    assert any(why in text for text in found), found


@pytest.mark.parametrize(
    ("dates", "why"),
    [
        ("from: 2022-06-27, until: 2022-08-31", "goes beyond the dates of covid19-cn-ed9 (2022-06-28 to 2022-11-10)"),
        ("from: 2022-07-01, until: 2022-11-11", "goes beyond the dates of covid19-cn-ed9 (2022-06-28 to 2022-11-10)"),
        ("from: 2022-07-01", "goes beyond the dates of covid19-cn-ed9 (2022-06-28 to 2022-11-10)"),
        ("from: 2022-07-01, until: 2022-06-30", "is 2022-06-30, before the first day 2022-07-01"),
        ("from: 2022-06-28, until: 2022-11-10", None),
    ],
)
def test_an_overlay_stays_within_the_days_of_its_base(tmp_path: Path, dates: str, why: str | None) -> None:
    path = overlay(tmp_path, "  grids: {mutual_help_households: 8, source: order}")
    text = path.read_text(encoding="utf-8").replace("from: 2022-07-01, until: 2022-08-31", dates)
    path.write_text(text, encoding="utf-8")
    assert [problem.why for problem in check_file(path)] == ([why] if why else [])


def test_an_overlay_counts_only_in_its_own_days(tmp_path: Path) -> None:
    path = overlay(tmp_path, "  clocks: {contact_in_quarantine: {hours: 12, source: order}}")
    hours = [
        clock(load_pack("covid19-cn-ed9", overlays=[path], on=day), "contact_in_quarantine").seconds // 3600
        for day in (date(2022, 6, 30), date(2022, 7, 1), date(2022, 8, 31), date(2022, 9, 1))
    ]
    assert hours == [8, 12, 12, 8]
    with pytest.raises(PackInvalid, match="cannot be laid over 'covid19-cn-ed8'"):
        load_pack("covid19-cn-ed8", overlays=[path])
    assert (
        clock(load_pack("covid19-cn-ed9", overlays=["beijing-contact-clock"]), "contact_in_quarantine").seconds == 43200
    )


@pytest.mark.parametrize(
    ("day", "name"),
    [
        ("2020-01-24", "covid19-cn-2020-02"),
        ("2021-10-29", "covid19-cn-ed8"),
        ("2022-06-27", "covid19-cn-ed8"),
        ("2022-06-28", "covid19-cn-ed9"),
        ("2022-07-13", "covid19-cn-ed9"),
        ("2022-11-11", "covid19-cn-20measures"),
    ],
)
def test_the_edition_of_a_day(day: str, name: str) -> None:
    assert edition_on("covid19-cn", date.fromisoformat(day)) == name


def test_no_edition_and_wrong_names() -> None:
    with pytest.raises(PackNotInForce, match="no pack of 'covid19-cn' is in force on 2022-12-07"):
        edition_on("covid19-cn", date(2022, 12, 7))
    with pytest.raises(PackNotInForce, match="in force from 2022-06-28 to 2022-11-10, not on 2022-06-27"):
        load_pack("covid19-cn-ed9", on=date(2022, 6, 27))
    with pytest.raises(PackNotFound, match="no pack is called 'ed9'"):
        load_pack("ed9")
    with pytest.raises(PackNotFound, match="no overlay is called 'mars'"):
        load_pack("covid19-cn-ed9", overlays=["mars"])


def test_editions_of_one_disease_never_overlap() -> None:
    packs = sorted((load_pack(name) for name in pack_names()), key=lambda p: (p.disease, p.effective.start))
    for before, after in pairwise(packs):
        if before.disease == after.disease:
            assert before.effective.until
            assert before.effective.until < after.effective.start


def test_difference_of_two_editions() -> None:
    old, new = load_pack("covid19-cn-ed8"), load_pack("covid19-cn-ed9")
    found = {d.path: (d.old, d.new) for d in diff_packs(old, new)}
    assert found["tiers.close_contact.legs.0.days"] == ("14", "7")
    assert found["tiers.close_contact.legs.0.test_days"] == ("1, 4, 7, 14", "1, 2, 3, 5, 7")
    assert found["zones.high_risk.rank"] == (None, "2")
    assert "clocks.direct_report.hours" not in found
    assert diff_packs(old, old) == ()


def test_the_command(tmp_path: Path) -> None:
    run = CliRunner().invoke
    shown = run(protocol, ["show", "covid19-cn-ed9", "--on", "2022-07-13"])
    assert shown.exit_code == 0
    assert "tiers.close_contact.legs.0.test_days" in shown.output
    assert "1, 2, 3, 5, 7" in shown.output
    assert (
        "zones.high_risk.release.0.days_without_new"
        in run(protocol, ["diff", "covid19-cn-ed9", "covid19-cn-20measures"]).output
    )
    assert "nothing wrong" in run(protocol, ["check"]).output
    refused = run(protocol, ["check", str(overlay(tmp_path, FOUR_DAYS))])
    assert refused.exit_code == 1
    assert "set.look_back.days_before_onset: exceeds covid19-cn-ed9" in refused.output
    assert run(protocol, ["show", "ed9"]).exit_code == 1


def test_packs_need_no_django() -> None:
    code = "import sys, json, lianfang.config.commands.protocol; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout)
    assert "lianfang.engines.protocol" in loaded
    assert not [name for name in loaded if name.split(".")[0] in ("django", "psycopg", "ninja")]


def test_a_dated_protocol_names_pack_overlays_and_day():
    day = date(2022, 7, 13)
    assert dated_protocol("covid19-cn-ed9", day) == "covid19-cn-ed9@2022-07-13"
    assert dated_protocol("covid19-cn-ed9@2022-07-01", day) == "covid19-cn-ed9@2022-07-01"
    local_pack = pack_of_protocol("covid19-cn-ed9+beijing-contact-clock@2022-07-13")
    assert local_pack.clocks["contact_in_quarantine"].hours == 12


@pytest.mark.parametrize(
    ("written", "error", "words"),
    [
        ("covid19-cn-ed9@July", PackNotFound, "write it as 2022-07-13"),
        ("rumour@2022-07-13", PackNotFound, "there are: covid19"),
        ("../packs/covid19-cn-ed9@2022-07-13", PackNotFound, "there are: covid19"),
        ("covid19-cn-ed9+../covid19-cn-ed9@2022-07-13", PackNotFound, "no overlay is called"),
        ("covid19-cn-ed9@2020-01-01", PackNotInForce, "in force from"),
    ],
)
def test_a_protocol_that_names_nothing_is_refused_with_a_sentence(written, error, words):
    with pytest.raises(error, match=words) as told:
        pack_of_protocol(written)
    assert isinstance(told.value, Refusal)
