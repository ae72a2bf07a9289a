"""Devices: registered by a desk, enrolled with a code, asked for at sign-in, refused from the moment they are lost."""

import hashlib
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from conftest import make_actor
from lianfang.core.access import sign_in as signing
from lianfang.core.access.actions import (
    ADMINISTRATION,
    create_account,
    device_keeper,
    enrol_device,
    give_grant,
    open_enrolment_codes,
    register_devices,
    revoke_device,
    revoke_grant,
)
from lianfang.core.access.models import AuditEntry, Device
from lianfang.core.access.permissions import MANAGE_DEVICES, REVOKE_DEVICE
from lianfang.core.access.queries import count_devices, device_owner, device_owners, device_row, devices
from lianfang.core.access.rules import (
    DEVICE_STATES,
    ENROL_WITHIN,
    DeviceEntry,
    DeviceNeeded,
    DeviceRefused,
    DeviceUnknown,
    NotPermitted,
    SignInRefused,
    code_lookup,
    device_state,
    enrolment_code,
    need_device,
)
from lianfang.core.access.scope import acting
from lianfang.core.access.sign_in import actor_of_token, read_token, sign_in, token_of
from lianfang.kit.clock import machine_now, machine_seconds
from lianfang.kit.codes import code_range
from lianfang.kit.ids import new_id

TOWN = 469021101000000
OTHER = 469021100000000


@pytest.fixture
def desk():
    return make_actor(MANAGE_DEVICES, REVOKE_DEVICE, scope="469021101", role="township", line="community")


@pytest.fixture
def sampler():
    made = create_account(by=ADMINISTRATION, username=f"sampler-{new_id()}", title="sampler", password="open sesame")
    with acting(ADMINISTRATION):
        give_grant(
            by=ADMINISTRATION, account=made.id, role="sampler", line="testing", scope=code_range("469021101"),
            valid_from=machine_now() - timedelta(days=1), reason="test",
        )  # fmt: skip
    return made


def register(desk, **fields):
    entry = DeviceEntry(**{"title": "1号台手机", "division_code": TOWN, "id": new_id()} | fields)
    register_devices(by=desk, valid_at=machine_now(), cause=new_id(), devices=[entry])
    return entry.id


def enrolled(desk, **fields):
    """A device and its secret."""
    device = register(desk, **fields)
    (_, _, code, _) = open_enrolment_codes([device], by=desk)[0]
    return device, enrol_device(code)[2]


def verbs(subject):
    with connection.cursor() as cursor, acting(make_actor(scope="469021", role="auditor", line="audit")):
        cursor.execute("SELECT verb FROM access_auditentry WHERE subject_id = %s ORDER BY seq", [subject])
        return [verb for (verb,) in cursor.fetchall()]


@pytest.mark.django_db
class TestRegistering:
    def test_many_in_one_statement_and_again_without_a_second_row(self, desk):
        entries = [DeviceEntry(f"手机{number}", TOWN) for number in range(50)]
        cause = new_id()
        first = register_devices(by=desk, valid_at=machine_now(), cause=cause, devices=entries)
        with CaptureQueriesContext(connection) as queries:
            again = register_devices(by=desk, valid_at=machine_now(), cause=cause, devices=entries)
        assert first == again and Device.objects.filter(id__in=first).count() == 50
        assert len([one for one in queries if "INSERT INTO access_device" in one["sql"]]) == 1

    def test_an_id_of_another_device_is_refused(self, desk):
        device = register(desk)
        with pytest.raises(DeviceRefused, match="another device already"):
            register(desk, id=device, division_code=TOWN + 1001)

    def test_an_unknown_owner_is_refused(self, desk):
        with pytest.raises(DeviceRefused, match="no account"):
            register(desk, account=uuid.uuid4())

    def test_only_inside_of_ones_own_area_and_with_the_permission(self, desk):
        with pytest.raises(NotPermitted):
            register(desk, division_code=OTHER)
        with pytest.raises(NotPermitted):
            register(make_actor(scope="469021101"))

    def test_the_table_takes_nothing_from_another_line(self, desk):
        device = register(desk)
        with acting(desk), connection.cursor() as cursor:
            cursor.execute("UPDATE access_device SET title = 'x' WHERE id = %s", [device])
            assert cursor.rowcount == 0
        copied = Device.objects.get(id=device)
        copied.id, copied.enrolment_lookup = new_id(), b"x"
        with acting(desk), pytest.raises(DatabaseError, match="row-level security"), transaction.atomic():
            copied.save(force_insert=True)

    def test_nobody_deletes_a_device(self, desk):
        device = register(desk)
        keeper = device_keeper(desk)
        with acting(keeper), pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            Device.objects.filter(id=device).delete()


@pytest.mark.django_db
class TestEnrolling:
    def test_a_code_gives_the_secret_that_the_table_knows_by_its_hash_only(self, desk):
        device, secret = enrolled(desk)
        kept = bytes(Device.objects.get(id=device).secret_hash)
        assert kept == hashlib.sha256(secret.encode()).digest()
        assert verbs(device) == ["access.enrol_device"]

    def test_a_lost_answer_is_asked_for_again_and_later_the_code_is_used_up(self, desk):
        device = register(desk)
        code = open_enrolment_codes([device], by=desk)[0][2]
        first, second = enrol_device(code)[2], enrol_device(code.lower().replace("-", " "))[2]
        assert first != second
        with acting(device_keeper(desk)):
            Device.objects.filter(id=device).update(enrolled_at=machine_now() - timedelta(minutes=11))
        with pytest.raises(DeviceRefused, match="used up"):
            enrol_device(code)
        assert open_enrolment_codes([device], by=desk) == []

    def test_a_code_older_than_a_day_and_a_revoked_device_are_refused(self, desk):
        old, lost = register(desk), register(desk)
        codes = {row[0]: row[2] for row in open_enrolment_codes([old, lost], by=desk)}
        with acting(device_keeper(desk)):
            Device.objects.filter(id=old).update(registered_at=machine_now() - timedelta(hours=25))
        revoke_device(by=desk, valid_at=machine_now(), cause=new_id(), device=lost, reason="lost")
        for device in (old, lost):
            with pytest.raises(DeviceRefused):
                enrol_device(codes[device])
        assert open_enrolment_codes([old, lost], by=desk) == []

    def test_codes_are_shown_to_their_own_desk_only(self, desk):
        device = register(desk)
        neighbour = make_actor(MANAGE_DEVICES, scope="469021100", role="township", line="community")
        assert open_enrolment_codes([device], by=neighbour) == []
        with pytest.raises(NotPermitted):
            open_enrolment_codes([device], by=make_actor(scope="469021101"))

    def test_a_guess_is_refused(self):
        with pytest.raises(DeviceRefused):
            enrol_device("AAAAA-AAAAA")


@pytest.mark.django_db
class TestSigningIn:
    def test_a_device_stands_in_the_token_and_in_every_audit_row(self, desk, sampler):
        device, secret = enrolled(desk)
        actor = actor_of_token(token_of(sign_in(sampler.username, "open sesame", device, secret)[0]))
        assert actor.device_id == device
        row = audit_row_of(actor)
        assert row == {"device": str(device)}

    def test_without_a_device_the_token_names_none(self, sampler):
        actor = actor_of_token(token_of(sign_in(sampler.username, "open sesame")[0]))
        assert actor.device_id is None
        assert audit_row_of(actor) == {}

    def test_a_wrong_secret_an_unknown_device_and_anothers_are_refused(self, desk, sampler):
        device, secret = enrolled(desk)
        owner = create_account(by=ADMINISTRATION, username=f"owner-{new_id()}", title="owner")
        own, own_secret = enrolled(desk, account=owner.id)
        for given_device, given_secret in (
            (device, "wrong"),
            (uuid.uuid4(), secret),
            (own, own_secret),
            (device, "\ud800"),
        ):
            with pytest.raises(SignInRefused, match="device"):
                sign_in(sampler.username, "open sesame", given_device, given_secret)

    def test_a_lost_device_is_refused_at_its_next_request(self, desk, sampler):
        device, secret = enrolled(desk)
        token = token_of(sign_in(sampler.username, "open sesame", device, secret)[0])
        actor_of_token(token)
        assert revoke_device(by=desk, valid_at=machine_now(), cause=new_id(), device=device, reason="lost") == 1
        with pytest.raises(SignInRefused, match="device is not valid"):
            actor_of_token(token)
        with pytest.raises(SignInRefused, match="device is not valid"):
            sign_in(sampler.username, "open sesame", device, secret)
        assert revoke_device(by=desk, valid_at=machine_now(), cause=new_id(), device=device, reason="lost") == 0
        assert verbs(device) == ["access.enrol_device", "access.revoke_device", "access.order_wipe"]

    def test_another_towns_desk_cannot_revoke_it(self, desk):
        device = register(desk)
        neighbour = make_actor(REVOKE_DEVICE, scope="469021100", role="township", line="community")
        with pytest.raises(DeviceUnknown):
            revoke_device(by=neighbour, valid_at=machine_now(), cause=new_id(), device=device, reason="mine now")

    def test_grant_and_device_are_asked_in_one_query(self, desk, sampler):
        device, secret = enrolled(desk)
        actor = sign_in(sampler.username, "open sesame", device, secret)[0]
        claims = read_token(token_of(actor))
        with CaptureQueriesContext(connection) as queries:
            assert signing.actor_of_claims(claims) == actor
        assert len(queries) == 1
        revoke_grant(actor.grant_id, by=ADMINISTRATION, at=machine_now())
        with pytest.raises(SignInRefused, match="grant"):
            signing.actor_of_claims(claims)


def audit_row_of(actor):
    from lianfang.core.access.audit import record_audit

    subject = new_id()
    with acting(actor):
        record_audit(actor, "access.tested", subject=("device", subject), division_code=actor.scope.lo)
    with acting(make_actor(scope="469021", role="auditor", line="audit")):
        return AuditEntry.objects.values_list("detail", flat=True).get(subject_id=subject)


ids = st.uuids().filter(lambda one: one.int)


@given(ids, ids, st.none() | ids)
def test_a_token_says_what_was_put_into_it(account, grant, device):
    from dataclasses import replace

    actor = replace(make_actor(), account_id=account, grant_id=grant, device_id=device)
    claims = read_token(token_of(actor))
    assert (claims.account, claims.grant, claims.device) == (account, grant, device)


@given(st.integers(0, 91), st.characters(codec="utf-8"))
def test_a_token_changed_in_any_letter_is_refused(place, letter):
    token = token_of(make_actor())
    changed = token[:place] + letter + token[place + 1 :]
    if changed != token:
        with pytest.raises(SignInRefused):
            read_token(changed)


@given(st.text())
def test_text_that_is_no_token_is_refused(text):
    with pytest.raises(SignInRefused):
        read_token(text)


def test_a_token_ends_with_its_shift_and_does_not_begin_tomorrow(monkeypatch):
    token, now = token_of(make_actor()), machine_seconds()
    read_token(token)
    for later in (12 * 3600 + 5, -3600):
        monkeypatch.setattr(signing, "machine_seconds", lambda later=later: now + later)
        with pytest.raises(SignInRefused):
            read_token(token)


@given(st.binary(min_size=32, max_size=32), st.uuids())
def test_a_code_is_found_however_it_is_typed(key, device):
    code = enrolment_code(key, device)
    assert len(code) == 11
    typed = code.lower().replace("-", "  ").replace("1", "l").replace("0", "o")
    assert code_lookup(key, typed) == code_lookup(key, code)
    assert enrolment_code(key, uuid.UUID(int=device.int ^ 1)) != code


def test_field_commands_need_a_device_unless_the_role_works_at_a_desk():
    from dataclasses import replace

    sampler = make_actor(role="sampler")
    with pytest.raises(DeviceNeeded, match="enrol this one"):
        need_device(sampler, "register_tubes")
    need_device(sampler, "finish_duty")
    for kind in (
        "pack_box",
        "move_sample",
        "register_walk_in",
        "record_tube_found",
        "call_slot",
        "record_home_sampling",
    ):
        with pytest.raises(DeviceNeeded, match=kind):
            need_device(sampler, kind)
    need_device(make_actor(role="lab"), "receive_tubes")
    need_device(replace(sampler, device_id=uuid.uuid4()), "register_tubes")
    need_device(make_actor("access.act_without_device", role="township"), "register_tubes")


def test_what_comes_from_a_device_are_commands_and_none_that_only_desks_send():
    from lianfang.core.access.actions import read_roles
    from lianfang.core.access.rules import FROM_A_DEVICE
    from lianfang.workflows.commands import COMMANDS

    assert FROM_A_DEVICE.issubset(COMMANDS)
    afield = [one["may"] for one in read_roles()["roles"].values() if "access.act_without_device" not in one["may"]]
    assert not any({"specimens.receive_tubes", "specimens.record_results"} & set(may) for may in afield)


moments = st.integers(0, 10_000).map(lambda minutes: datetime(2022, 7, 14, tzinfo=UTC) + timedelta(minutes=minutes))


@given(moments, st.none() | moments, st.none() | moments, moments)
def test_a_device_stands_in_one_state(registered, enrolled_at, revoked, now):
    state = device_state(registered, enrolled_at, revoked, now)
    assert (state == "revoked") == (revoked is not None)
    assert state in DEVICE_STATES and (state in ("waiting", "expired")) == (enrolled_at is None and revoked is None)
    if state == "waiting":
        assert device_state(registered, None, None, registered + ENROL_WITHIN) == "expired"


@pytest.mark.django_db
class TestReading:
    def test_the_states_that_are_counted_are_those_of_the_rows(self, desk):
        waiting, old, lost = (register(desk, title=f"手机{number}") for number in range(3))
        used, _secret = enrolled(desk, title="台2")
        revoke_device(by=desk, valid_at=machine_now(), cause=new_id(), device=lost, reason="lost")
        with acting(device_keeper(desk)):
            Device.objects.filter(id=old).update(registered_at=machine_now() - timedelta(days=2))
        expected = {"waiting": waiting, "expired": old, "revoked": lost, "enrolled": used}
        for state, device in expected.items():
            (row,) = devices(by=desk, state=state)
            assert row.id == device and row.state(machine_now()) == state
        assert count_devices(by=desk) == dict.fromkeys(expected, 1)
        assert count_devices(by=desk, title="台")["waiting"] == 0
        assert [row.id for row in devices(by=desk, title="台")] == [used]

    def test_only_devices_of_ones_area_are_seen_and_only_with_a_permission(self, desk):
        device = register(desk)
        assert device_row(device, by=make_actor(REVOKE_DEVICE, scope="469021101")).id == device
        with pytest.raises(DeviceUnknown):
            device_row(device, by=make_actor(MANAGE_DEVICES, scope="469021100"))
        with pytest.raises(NotPermitted):
            device_row(device, by=make_actor(scope="469021101"))

    def test_a_device_is_bound_to_an_account_of_the_area_only(self, desk, sampler):
        assert device_owner(sampler.username, by=desk) == sampler.id
        assert device_owner("nobody-of-that-name", by=desk) is None
        assert device_owner(sampler.username, by=make_actor(MANAGE_DEVICES, scope="469021100")) is None
        device = register(desk, account=sampler.id)
        assert device_owners([device_row(device, by=desk)]) == {sampler.id: f"sampler ({sampler.username})"}
