"""What a phone carries: brought up to date in one request, the least that each role's work needs, nothing of a neighbour's."""

import gzip
import json
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from field_scene import device_and_token
from phones import Phone, one_more_home, open_duties, phone, subjects

from conftest import XINZHU, make_actor
from lianfang.config.kinds import KINDS
from lianfang.core.access.actions import confirm_wipe, order_wipe, read_roles
from lianfang.core.access.commands import Envelope
from lianfang.core.access.models import AuditEntry
from lianfang.core.access.scope import acting
from lianfang.core.access.sign_in import actor_of_token, token_of
from lianfang.core.duties.actions import declare_kinds, finish_duty, record_attempt
from lianfang.core.duties.rules import DutyHasItsCommand
from lianfang.core.intake.queries import server_key
from lianfang.core.notices.actions import notify
from lianfang.core.notices.rules import NewNotice
from lianfang.core.people.actions import issue_codes
from lianfang.core.people.cipher import CODE_MARK
from lianfang.core.people.models import Resident
from lianfang.core.people.permissions import ISSUE_CODES
from lianfang.core.people.queries import code_cards
from lianfang.kit.clock import clock_at
from lianfang.kit.codes import code_range
from lianfang.kit.ids import new_id
from lianfang.response.tasks.actions import give_tasks
from lianfang.response.tasks.permissions import PERMISSIONS as TASKS
from lianfang.response.tasks.rules import CATEGORIES, NewTask, checklist
from lianfang.surfaces.field.phone import buckets
from lianfang.surfaces.field.phone.carrying import synchronise
from lianfang.surfaces.field.phone.least import PEOPLE, PLAIN_KINDS
from lianfang.surfaces.field.phone.sampling import code_tag
from lianfang.workflows.commands import submit
from making import make_resident
from surfaces.console.browsing import account, signed_in
from surfaces.console.scene import NOW, two_villages

pytestmark = pytest.mark.django_db
VILLAGE, TOWN, GRID = str(XINZHU), str(XINZHU)[:9], XINZHU * 1000 + 11
ROLES = read_roles()["roles"]
#: roles that have duties, and so phones
CARRYING = sorted(role for role, data in ROLES.items() if "duties.read_duties" in data["may"])
REGISTER = {"community", "grid_worker"}
CALLING = {"community", "driver", "grid_worker", "rapid_squad", "sampler", "site_team", "township"}
#: what would tell somebody's findings, illness or standing
TELLING = re.compile(
    r"阳性|阴性|密接|确诊|病例|隔离|核酸|症状|体温|positive|negative|close_contact|secondary|confirmed|asymptomatic|symptom|fever"
    r"|quarantine|screen|covid|case|contact|clinic|diagnos|pregnan|dialysis|bedridden"
)
EVERY_KIND = [(kind.code, subject) for kind in KINDS for subject in ("resident", "order", "case", "contact")]


@pytest.fixture(scope="module", autouse=True)
def kinds(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        declare_kinds(KINDS)


@pytest.fixture
def villages():
    made = two_villages()
    with clock_at(NOW):
        yield made


def duties_about(village, kinds=EVERY_KIND):
    found = subjects(village)
    return [(kind, about, found[about], village.code * 1000 + 11) for kind, about in kinds]


@pytest.mark.parametrize("role", CARRYING)
def test_each_role_carries_the_least_and_nothing_of_a_neighbour(villages, role):
    ours, theirs = villages
    later = NOW + timedelta(hours=3)
    for village in (ours, theirs):
        open_duties(role, duties_about(village), NOW, later)
    one = phone(VILLAGE, role)
    people = [str(person) for person in theirs.people]
    assert "江测试" not in one.text and "江组" not in one.text and not any(person in one.text for person in people)
    assert not re.search(r"46902119800101\d{4}", one.text), "an ID number"
    assert bool(re.search(r"100[12]234567\d", one.text)) == (role in CALLING), "telephones"
    assert bool(one.rows("people")) == one.answer["me"]["register"] == (role in REGISTER)
    assert {row["name"] for row in one.rows("duties")} >= {"竹测试1", "竹测试2", "竹测试3"}
    assert {row["address"] for row in one.rows("duties") if row["name"] == "竹测试3"} == {"竹组1号"}
    if "people.read_people" not in ROLES[role]["may"]:
        told = [row | {"form": None} for row in one.rows("duties") if row["kind"] not in NOT_TELLING] + one.rows(
            "kinds"
        )
        assert told and not TELLING.search(json.dumps(told, ensure_ascii=False))
        assert {row["subject_kind"] for row in one.rows("duties")} == {"person"}


#: kinds that say nothing of anybody, although their names have such words in them
NOT_TELLING = {kind.code for kind in KINDS} - set(PLAIN_KINDS)


def test_every_kind_that_tells_of_a_persons_health_has_a_plain_name():
    about_people = {kind.code for kind in KINDS if kind.room in ("cases", "quarantine", "screening", "sampling")}
    assert about_people <= set(PLAIN_KINDS)
    assert not any(TELLING.search(" ".join(words)) for words in PLAIN_KINDS.values())
    assert "resident" in PEOPLE


def test_only_what_differs_is_sent_again(villages):
    ours, _ = villages
    one = phone(VILLAGE, "community")
    (duty,) = [row for row in one.rows("duties") if row["kind"] == "contact_in_quarantine"]
    assert one.sync()["changed"] == {}
    by = make_actor("duties.finish_duty", scope=VILLAGE)
    finish_duty(duty["id"], by=by, outcome="placed", valid_at=NOW)
    changed = one.sync()["changed"]
    assert set(changed) | set(one.answer["gone"]) >= {f"duties:{GRID}"}
    assert not any(name.startswith(("people", "homes")) for name in changed)
    assert duty["id"] not in {row["id"] for row in one.rows("duties")}
    with acting(make_actor()):
        Resident.objects.filter(id=ours.people[2]).update(name="竹改名")
    assert set(one.sync()["changed"]) == {f"people:{GRID}"}
    assert "竹改名" in one.text


def test_what_i_did_today_stays_today(villages):
    token = device_and_token(VILLAGE, "community")
    one = Phone(token)
    one.sync()
    (duty,) = [row for row in one.rows("duties") if row["kind"] == "contact_in_quarantine"]
    assert (duty["state"], duty["phone"]) == ("outstanding", "10012345672")
    finish_duty(duty["id"], by=actor_of_token(token), outcome="placed", valid_at=NOW)
    one.sync()
    (done,) = [row for row in one.rows("duties") if row["id"] == duty["id"]]
    assert (done["state"], done["outcome"], done["phone"]) == ("done", "placed", None)
    with clock_at(NOW + timedelta(days=1)):
        one.sync()
        assert duty["id"] not in {row["id"] for row in one.rows("duties")}


def test_a_duty_assigned_to_me_is_mine_whatever_the_role(villages):
    ours, _ = villages
    token = device_and_token(VILLAGE, "volunteer")
    open_duties("grid_worker", [("round_visit", "resident", ours.people[2], GRID)], NOW, NOW + timedelta(hours=1))
    one = Phone(token)
    one.sync()
    assert one.rows("duties") == []
    with acting(make_actor()), connection.cursor() as cursor:
        cursor.execute(
            "UPDATE duties_duty SET assignee = %s WHERE kind = 'round_visit' AND period = 'test'",
            [actor_of_token(token).account_id],
        )
    one.sync()
    (duty,) = one.rows("duties")
    assert (duty["kind"], duty["name"], duty["address"], duty["rule"]) == ("visit", "竹测试3", "竹组1号", "")


def test_who_is_missing_is_carried_by_samplers_with_the_tag_of_their_cards(villages):
    ours, _ = villages
    by = make_actor(ISSUE_CODES, scope=VILLAGE)
    issue_codes(by=by, residents=[ours.people[2]], within=code_range(VILLAGE), valid_at=NOW)
    (card,) = code_cards(by=by, residents=[ours.people[2]])
    one = phone(VILLAGE, "sampler")
    tags = {row["resident"]: row["code_tag"] for row in one.rows("missing")}
    assert set(tags) == {str(person) for person in ours.people}
    assert tags[str(ours.people[2])] == code_tag(card.code) and tags[str(ours.people[0])] is None
    assert CODE_MARK not in one.text
    (round,) = one.rows("rounds")
    assert (round["title"], round["areas"][0]["mode"]) == ("round in 竹", round["mode"])
    assert [site["name"] for site in one.rows("sites")] == ["竹采样点"]
    assert phone(TOWN, "sampler").rows("missing") == [], "a town's people are looked up one by one"


def test_a_crew_carries_its_checkpoint_and_no_list_of_people(villages):
    one = phone(VILLAGE, "checkpoint")
    (checkpoint,) = one.rows("checkpoints")
    assert (checkpoint["name"], checkpoint["emergency_lane"], checkpoint["appeal_to"]) == (
        "竹卡口",
        "open",
        "the duty desk",
    )
    assert not one.rows("people") and not one.rows("missing")


def test_a_rule_is_told_in_words(villages):
    ours, _ = villages
    open_duties("grid_worker", [("daily_check", "order", ours.order, GRID)], NOW, NOW + timedelta(hours=1))
    (duty,) = [row for row in phone(VILLAGE, "grid_worker").rows("duties") if row["kind"] == "daily_check"]
    assert duty["rule_zh"] == "新型冠状病毒肺炎防控方案(第九版)：密切接触者每天健康监测 2 次"
    assert duty["rule_en"].endswith("close contact, health checks a day: 2")


def test_what_leaves_is_logged_by_number_of_people(villages):
    token = device_and_token(VILLAGE, "community")
    Phone(token).sync()
    by = actor_of_token(token)
    with acting(make_actor(line="audit")):
        rows = AuditEntry.objects.filter(account_id=by.account_id)
        said = {row.verb: (row.count, row.detail["device"]) for row in rows}
    assert said["people.carry_register"] == (3, str(by.device_id))
    assert said["people.call_residents"] == (1, str(by.device_id))
    assert said["duties.carry_duties"][0] >= 1


def test_the_number_of_statements_does_not_depend_on_the_number_of_people(villages):
    token = device_and_token(VILLAGE, "community")
    by, counted = actor_of_token(token), []
    for _ in range(2):
        said = []
        with connection.execute_wrapper(
            lambda execute, sql, *rest, said=said: (said.append(sql), execute(sql, *rest))[1]
        ):
            synchronise({}, by=by)
        counted.append(len(said))
        county = make_actor()
        for _ in range(20):
            resident = make_resident(by=county, grid=GRID, household=one_more_home(GRID))
            open_duties("community", [("round_visit", "resident", resident.id, GRID)], NOW, NOW + timedelta(hours=1))
    assert counted[0] == counted[1] < 27


COUNTY_TABLES = re.compile(
    r"Seq Scan on (people_\w+|duties_duty|duties_transition|duties_attempt|tasks_task|tasks_hazard|quarantine_\w+|cases_\w+|specimens_\w+|screening_rosterentry"
    r"|screening_exclusion|workforce_responder|territory_building|territory_division)\b"
)


@pytest.mark.parametrize("role", ["community", "sampler", "driver", "volunteer", "checkpoint"])
def test_no_table_of_the_county_is_gone_through_for_a_village(villages, role):
    by = sign_in_as(role)
    said = []
    with connection.execute_wrapper(
        lambda execute, sql, params, *rest: (said.append((sql, params)), execute(sql, params, *rest))[1]
    ):
        synchronise({}, by=by)
    plans = []
    with acting(make_actor()), connection.cursor() as cursor:
        # so few rows are quicker read whole: what is asked is whether there is any other way
        cursor.execute("SET LOCAL enable_seqscan = off")
        for sql, params in said:
            if sql.lstrip().startswith("WITH"):
                cursor.execute("EXPLAIN " + sql, params)
                plans.append("\n".join(row[0] for row in cursor.fetchall()))
    assert len(plans) > 4
    assert [found for plan in plans for found in COUNTY_TABLES.findall(plan)] == []


def sign_in_as(role):
    return actor_of_token(device_and_token(VILLAGE, role))


def test_a_large_first_answer_comes_in_parts(villages, monkeypatch):
    whole = phone(VILLAGE, "community")
    monkeypatch.setattr(buckets.collect, "__kwdefaults__", {"most": 1})
    parts = Phone(whole.token)
    county = make_actor()
    for grid in range(GRID + 1, GRID + 6):
        make_resident(by=county, grid=grid, household=one_more_home(grid))
    have, answers = {}, 0
    while True:
        got = synchronise(have, by=actor_of_token(whole.token))
        answers += 1
        have |= {name: bucket["digest"] for name, bucket in got.changed.items()}
        if not got.more:
            break
    assert answers == 6
    whole.sync(), parts.sync()
    assert parts.buckets == whole.buckets


def test_the_answer_is_compressed_for_whoever_takes_it(client, villages):
    headers = {"Authorization": f"Bearer {device_and_token(VILLAGE, 'community')}"}
    plain = client.post("/api/field/sync", "{}", content_type="application/json", headers=headers)
    packed = client.post(
        "/api/field/sync", "{}", content_type="application/json", headers=headers | {"Accept-Encoding": "gzip"}
    )
    assert packed["Content-Encoding"] == "gzip" and "Content-Encoding" not in plain
    assert json.loads(gzip.decompress(packed.content))["changed"] == plain.json()["changed"]


def test_a_phone_is_a_registered_device(client, villages):
    from surfaces.console.browsing import account as seat

    token = token_of(seat(("grid_worker", "community", VILLAGE))[1][0])
    answer = client.post(
        "/api/field/sync", "{}", content_type="application/json", headers={"Authorization": f"Bearer {token}"}
    )
    assert (answer.status_code, answer.json()["title"]) == (403, "DeviceNeeded")


def test_a_duty_names_the_form_that_does_it(villages):
    ours, _ = villages
    open_duties("grid_worker", [("daily_check", "order", ours.order, GRID)], NOW, NOW + timedelta(hours=1))
    one = phone(VILLAGE, "grid_worker")
    (duty,) = [row for row in one.rows("duties") if row["kind"] == "daily_check"]
    forms = Client().get("/api/field/forms", headers={"Authorization": f"Bearer {one.token}"}).json()
    assert forms["digest"] == one.answer["forms"]["digest"]
    assert duty["form"] in {form["code"] for form in forms["forms"]}


def test_an_attempt_says_when_somebody_comes_again(villages):
    ours, _ = villages
    open_duties("grid_worker", [("round_visit", "resident", ours.people[2], GRID)], NOW, NOW + timedelta(hours=1))
    one = phone(VILLAGE, "grid_worker")
    (duty,) = [row for row in one.rows("duties") if row["kind"] == "round_visit"]
    assert duty["next_at"] is None
    by = make_actor("duties.finish_duty", scope=VILLAGE)
    record_attempt(duty=duty["id"], by=by, reason="not_home", next_at=NOW + timedelta(hours=2), valid_at=NOW)
    one.sync()
    (duty,) = [row for row in one.rows("duties") if row["kind"] == "round_visit"]
    assert duty["next_at"] == "2022-07-14T06:00:00Z"


def test_a_phone_that_is_to_wipe_itself_is_sent_nothing(villages):
    one = phone(VILLAGE, "community")
    assert (one.answer["wipe"], one.answer["key"]["id"]) == (False, server_key().id)
    device = actor_of_token(one.token).device_id
    by = make_actor("access.revoke_device", scope="469021", role="township", line="administration")
    order_wipe(by=by, valid_at=NOW, cause=new_id(), device=device, reason="lost on the way")
    again = Phone(one.token)
    assert again.sync()["wipe"] and not again.buckets and not again.answer["notices"]
    confirm_wipe(device)
    assert not again.sync()["wipe"] and again.buckets


def test_notices_after_the_last_one_seen_come_along(villages):
    one = phone(VILLAGE, "community")
    listed = Client().get("/api/field/notices", headers={"Authorization": f"Bearer {one.token}"})
    assert listed.status_code == 200 and one.answer["notices"] == listed.json()


def test_a_volunteer_knows_to_whom_where_and_what_to_bring_and_nothing_else(villages):
    by = make_actor(*TASKS, scope=VILLAGE, role="township")
    delivery = NewTask(
        "delivery", GRID, "给透析病人送菜", NOW, NOW + timedelta(hours=2), role="volunteer", person="竹测试3", address="竹组1号",
        items=("大米", "青菜"),
    )  # fmt: skip
    give_tasks(by=by, tasks=[delivery], valid_at=NOW)
    rows = {row["kind"]: row for row in phone(VILLAGE, "volunteer").rows("duties")}
    bring = rows["delivery"]
    assert (bring["name"], bring["address"], bring["subject_row"]["items"]) == ("竹测试3", "竹组1号", ["大米", "青菜"])
    assert "透析" not in json.dumps(bring, ensure_ascii=False), "what the desk wrote for itself"
    assert (bring["form"], bring["phone"], bring["resident"], bring["rule"]) == ("delivery", None, None, "")


def test_a_form_gets_what_it_asks_of_the_person(villages):
    ours, _ = villages
    open_duties("sampler", [("quarantine_test", "order", ours.order, GRID)], NOW, NOW + timedelta(hours=1))
    (duty,) = [row for row in phone(VILLAGE, "sampler").rows("duties") if row["kind"] == "quarantine_test"]
    assert duty["subject_row"] == {"resident": str(ours.people[1])}


def test_an_inspection_brings_its_checklist(villages):
    by = make_actor(*TASKS, scope=VILLAGE, role="township")
    category = next(iter(CATEGORIES))
    look = NewTask(
        "field_inspection", GRID, "查门店", NOW, NOW + timedelta(hours=2), role="grid_worker", place="新竹街",
        category=category,
    )  # fmt: skip
    give_tasks(by=by, tasks=[look], valid_at=NOW)
    (duty,) = [row for row in phone(VILLAGE, "grid_worker").rows("duties") if row["kind"] == "field_inspection"]
    assert (duty["name"], duty["address"]) == ("查门店", "新竹街")
    assert duty["subject_row"]["checklist"] == checklist(category)


def test_a_notice_to_a_driver_does_not_say_what_somebody_has(villages):
    one = phone(VILLAGE, "driver")
    (kind,) = [kind for kind in KINDS if kind.code == "positive_transfer"]
    params = {"zh": kind.zh, "en": kind.en, "due": NOW.isoformat()}
    told = NewNotice(actor_of_token(one.token).account_id, "duty_given", "1", params=params)
    notify([told], by=make_actor())
    (notice,) = one.sync()["notices"]
    assert "人员转运" in notice["zh"] and "drive somebody" in notice["en"]
    assert not TELLING.search(notice["zh"] + notice["en"])


@pytest.mark.parametrize("role", ["volunteer", "driver", "checkpoint"])
def test_whoever_reads_plain_duties_on_the_phone_finds_the_kinds_behind_them_nowhere_else(villages, role):
    ours, _ = villages
    about = [(kind, "order") for kind in PLAIN_KINDS]
    open_duties(role, duties_about(ours, about), NOW, NOW + timedelta(hours=3))
    one = phone(VILLAGE, role)
    mine = {row["id"] for row in one.rows("duties") if row["subject_kind"] == "person"}
    headers = {"Authorization": f"Bearer {one.token}"}
    for kind in ("", "positive_transfer", "daily_check"):
        rows = Client().get(f"/api/duties?limit=1000&kind={kind}", headers=headers).json()
        assert mine and not mine & {row["id"] for row in rows}
        assert Client().get(f"/api/duties/balance?kind={kind}", headers=headers).json()["opened"] == len(rows)
    by = actor_of_token(one.token)
    for duty in sorted(mine):
        with pytest.raises(DutyHasItsCommand) as refused:
            submit(Envelope(new_id(), "finish_duty", NOW, {"duty": duty, "outcome": "told"}), by=by)
        assert "phone app" in str(refused.value) and "send" not in str(refused.value)
    ranks = {(row["kind"], row["rank"]) for row in one.rows("duties") if row["id"] in mine}
    assert len(ranks) == len({plain for plain, _, _ in PLAIN_KINDS.values()}), "a rank tells kinds apart too"
    browser = signed_in(account((role, "community", VILLAGE))[0])
    assert "竹测试" not in browser.get("/duties/").content.decode()
    for duty in sorted(mine):
        page = browser.get(f"/duties/{duty}").content.decode()
        assert "涉及人员的任务" in page and "竹测试" not in page and "密接" not in page and "covid19-cn" not in page
