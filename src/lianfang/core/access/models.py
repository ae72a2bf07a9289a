"""Accounts, roles, grants, posts, devices; commands and their receipts; the audit and its seals."""

from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import F, Q

from lianfang.core.access.privacy import declare
from lianfang.core.access.rules import DESK_PHONE
from lianfang.kit.ids import new_id


class AccountManager(BaseUserManager["Account"]):
    def get_by_natural_key(self, username: str | None) -> "Account":
        return self.get(username=username)


@declare(plain="id username password is_active title created_at")
class Account(AbstractBaseUser):
    """Somebody who can sign in. It carries a post's title, never a person's name: names live under scope."""

    id = models.UUIDField(primary_key=True, default=new_id)
    username = models.CharField(max_length=80, unique=True)
    title = models.CharField(max_length=120)
    is_active = models.BooleanField(default=True)
    created_at = models.DateTimeField()
    last_login = None  # signing in writes nothing here: only the administration line may

    USERNAME_FIELD = "username"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects = AccountManager()


@declare(plain="code name_zh name_en permissions")
class Role(models.Model):
    """What a kind of responder may do: data, read from ``roles.yaml`` and open to local change."""

    code = models.CharField(max_length=40, primary_key=True)
    name_zh = models.CharField(max_length=60)
    name_en = models.CharField(max_length=60)
    permissions = models.JSONField(default=list)


@declare(plain="code name_zh name_en")
class LineOfWork(models.Model):
    """A vertical line (条) that crosses the territory's levels (块): epidemiology, testing, discipline …"""

    code = models.CharField(max_length=40, primary_key=True)
    name_zh = models.CharField(max_length=60)
    name_en = models.CharField(max_length=60)


@declare(plain="id role line title division_code code_hi reports_to")
class Post(models.Model):
    """A seat in the response (grid worker of this grid, duty desk of that town) whoever holds it today."""

    id = models.UUIDField(primary_key=True, default=new_id)
    role = models.ForeignKey(Role, models.PROTECT)
    line = models.ForeignKey(LineOfWork, models.PROTECT)
    title = models.CharField(max_length=120)
    division_code = models.BigIntegerField()
    code_hi = models.BigIntegerField()
    reports_to = models.ForeignKey("self", models.PROTECT, null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(code_hi__gte=F("division_code")), name="post_range"),
            models.UniqueConstraint(fields=["role", "line", "division_code", "title"], name="post_once"),
        ]


@declare(plain="id account role line code_lo code_hi valid_from valid_until post reason granted_by")
class Grant(models.Model):
    """A role × a line of work × one code range × a validity, given to one account by somebody, for a reason."""

    id = models.UUIDField(primary_key=True, default=new_id)
    account = models.ForeignKey(Account, models.PROTECT, related_name="grants")
    role = models.ForeignKey(Role, models.PROTECT)
    line = models.ForeignKey(LineOfWork, models.PROTECT)
    code_lo = models.BigIntegerField()
    code_hi = models.BigIntegerField()
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True)
    post = models.ForeignKey(Post, models.PROTECT, null=True)
    reason = models.CharField(max_length=200)
    granted_by = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(code_hi__gte=F("code_lo")), name="grant_range"),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")),
                name="grant_validity",
            ),
        ]


@declare(
    plain="id account_id title division_code registered_at registered_by enrolment_lookup enrolled_at secret_hash "
    "revoked_at revoked_by revoked_reason lost_since wipe_ordered_at wipe_ordered_by wipe_reason wiped_at"
)
class Device(models.Model):
    """A phone or tablet that records in the field: registered by a desk, enrolled once with a code, revoked when lost.

    Its secret is known by its SHA-256 only (32 random bytes need no slower hash). ``account_id`` empty: anybody's of
    the unit; the title names the device, never a person. ``lost_since`` is when a revoked one was out of hand by the
    response clock. A wipe is ordered, asked for by the phone at every contact, and confirmed by it.
    """

    id = models.UUIDField(primary_key=True, default=new_id)
    account_id = models.UUIDField(null=True)
    title = models.CharField(max_length=80)
    division_code = models.BigIntegerField()
    registered_at = models.DateTimeField()
    registered_by = models.UUIDField()
    enrolment_lookup = models.BinaryField(max_length=32)
    enrolled_at = models.DateTimeField(null=True)
    secret_hash = models.BinaryField(max_length=32, null=True)
    revoked_at = models.DateTimeField(null=True)
    revoked_by = models.UUIDField(null=True)
    revoked_reason = models.CharField(max_length=200, default="")
    lost_since = models.DateTimeField(null=True)
    wipe_ordered_at = models.DateTimeField(null=True)
    wipe_ordered_by = models.UUIDField(null=True)
    wipe_reason = models.CharField(max_length=200, default="")
    wiped_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["enrolment_lookup"], name="device_enrolment_once"),
            models.CheckConstraint(
                condition=Q(enrolled_at__isnull=True, secret_hash__isnull=True)
                | Q(enrolled_at__isnull=False, secret_hash__isnull=False),
                name="device_enrolled",
            ),
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True, revoked_by__isnull=True)
                | Q(revoked_at__isnull=False, revoked_by__isnull=False),
                name="device_revoked",
            ),
            models.CheckConstraint(
                condition=Q(wipe_ordered_at__isnull=True, wipe_ordered_by__isnull=True, wiped_at__isnull=True)
                | Q(wipe_ordered_at__isnull=False, wipe_ordered_by__isnull=False),
                name="device_wipe_ordered",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["division_code"], name="device_place")]


@declare(plain="division_code phone set_by set_at")
class DeskPhone(models.Model):
    """The telephone of a unit's duty desk: every phone of its area shows it, unless a unit inside has one of its own."""

    division_code = models.BigIntegerField(primary_key=True)
    phone = models.CharField(max_length=20)
    set_by = models.UUIDField()
    set_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(phone__regex=DESK_PHONE), name="desk_phone_number"),
        ]


@declare(plain="id kind account_id grant_id division_code valid_at recorded_at received_at payload_hash result")
class Command(models.Model):
    """One outside change and its receipt. The payload is kept as a hash only: its facts live in their own tables."""

    id = models.UUIDField(primary_key=True)
    kind = models.CharField(max_length=60)
    account_id = models.UUIDField()
    grant_id = models.UUIDField()
    division_code = models.BigIntegerField()
    valid_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    received_at = models.DateTimeField()
    payload_hash = models.BinaryField(max_length=32)
    result = models.JSONField(default=dict)


@declare(
    plain="id seq xid cluster verb account_id grant_id role division_code subject_kind subject_id count detail response_at machine_at"
)
class AuditEntry(models.Model):
    """Who did or looked at what. Append-only, without foreign keys and without personal data."""

    id = models.UUIDField(primary_key=True, default=new_id)
    seq = models.BigIntegerField()
    xid = models.BigIntegerField()
    cluster = models.BigIntegerField(help_text="the server whose transactions xid counts")
    verb = models.CharField(max_length=60)
    account_id = models.UUIDField()
    grant_id = models.UUIDField()
    role = models.CharField(max_length=40)
    division_code = models.BigIntegerField()
    subject_kind = models.CharField(max_length=40)
    subject_id = models.UUIDField(null=True)
    count = models.IntegerField(default=1)
    detail = models.JSONField(default=dict)
    response_at = models.DateTimeField()
    machine_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["xid", "seq"], name="audit_sealing"),
            models.Index(fields=["subject_id", "machine_at"], name="audit_subject"),
        ]


@declare(plain="number cluster xid_until entries digest sealed_at")
class AuditSeal(models.Model):
    """A batch of audit rows, chained to the batch before: ``digest`` covers its rows and the former digest."""

    number = models.BigIntegerField(primary_key=True)
    cluster = models.BigIntegerField()
    xid_until = models.BigIntegerField()
    entries = models.IntegerField()
    digest = models.BinaryField(max_length=32)
    sealed_at = models.DateTimeField()


@declare(plain="id offset_seconds moved_at reason")
class ResponseClock(models.Model):
    """How far the response clock runs from the machine clock (a replay or a drill); at most one row."""

    id = models.SmallIntegerField(primary_key=True, default=1)
    offset_seconds = models.BigIntegerField()
    moved_at = models.DateTimeField()
    reason = models.CharField(max_length=200)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(id=1), name="one_response_clock")]
