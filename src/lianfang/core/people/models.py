"""Households and residents: where they are registered, where they live and where they are now, apart."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from lianfang.core.access.privacy import declare
from lianfang.core.people.rules import REVOKE_REASONS
from lianfang.kit.ids import new_id

SEXES = ("male", "female")
VULNERABILITIES = (
    "lives_alone_70", "infant", "pregnant", "dialysis", "disabled", "bedridden", "regular_medicine",
)  # fmt: skip


@declare(
    plain="id county number kind",
    personal="division_code building unit room address",
    governed_by="division_code",
    because="a household is where it lives",
)
class Household(models.Model):
    """People who live behind one door, in one grid."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    number = models.IntegerField(help_text="running number inside the county")
    kind = models.CharField(max_length=20, default="family")
    division_code = models.BigIntegerField()
    building = models.UUIDField(null=True)
    unit = models.CharField(max_length=20, blank=True)
    room = models.CharField(max_length=20, blank=True)
    address = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["county", "number"], name="household_number"),
        ]
        indexes: ClassVar = [models.Index(fields=["division_code"], name="household_place")]


@declare(
    plain="id county",
    personal="household name name_key sex birth_date ethnic_minority relation division_code registered_code"
    " present_code present_place present_since merged_into",
    identifier="id_cipher id_lookup phone_cipher phone_lookup",
    governed_by="division_code present_code",
    because="a resident is seen where they live and where they are now, which are often two communities; the"
    " registered address governs nothing",
)
class Resident(models.Model):
    """A person of the register. National ID and phone are encrypted and found by a keyed hash within the county."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    household = models.UUIDField(null=True)
    relation = models.CharField(max_length=20, default="head")
    name = models.CharField(max_length=40)
    name_key = models.CharField(max_length=120, help_text="pinyin, for sorting and search")
    sex = models.CharField(max_length=6)
    birth_date = models.DateField()
    ethnic_minority = models.BooleanField(default=False)
    division_code = models.BigIntegerField(help_text="grid of residence")
    registered_code = models.BigIntegerField(help_text="where the household register is kept")
    present_code = models.BigIntegerField(help_text="where the person is now")
    present_place = models.CharField(max_length=120, blank=True)
    present_since = models.DateTimeField(null=True)
    id_cipher = models.BinaryField()
    id_lookup = models.BinaryField(max_length=32)
    phone_cipher = models.BinaryField(null=True)
    phone_lookup = models.BinaryField(max_length=32, null=True)
    merged_into = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(sex__in=SEXES), name="resident_sex"),
            models.CheckConstraint(
                condition=Q(phone_cipher__isnull=True, phone_lookup__isnull=True)
                | Q(phone_cipher__isnull=False, phone_lookup__isnull=False),
                name="resident_phone_found",
            ),
            models.CheckConstraint(
                condition=Q(present_code=F("division_code")) | Q(present_since__isnull=False),
                name="resident_present",
            ),
            models.UniqueConstraint(fields=["county", "id_lookup"], name="resident_identity_once"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["division_code"], name="resident_place"),
            models.Index(
                fields=["present_code"],
                condition=~Q(present_code=F("division_code")),
                name="resident_present_place",
            ),
            models.Index(fields=["household"], name="resident_household"),
            models.Index(fields=["county", "phone_lookup"], name="resident_phone"),
            models.Index(fields=["name_key"], name="resident_name"),
            models.Index(fields=["merged_into"], condition=Q(merged_into__isnull=False), name="resident_merged"),
        ]


@declare(
    plain="id county since until",
    personal="resident division_code",
    health="kind",
    governed_by="division_code",
    because="help comes to where the person lives",
)
class Vulnerability(models.Model):
    """Why a resident needs help first: told by the person or their community, with a date, and ended when it is over."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    resident = models.UUIDField()
    division_code = models.BigIntegerField()
    kind = models.CharField(max_length=20)
    since = models.DateField()
    until = models.DateField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(kind__in=VULNERABILITIES), name="vulnerability_kind"),
            models.UniqueConstraint(
                fields=["resident", "kind"], condition=Q(until__isnull=True), name="vulnerability_once"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["division_code", "kind"], name="vulnerability_place")]


@declare(
    plain="county serial issued_at recorded_at recorded_by revoked_at revoked_recorded_at revoked_by reason",
    personal="resident division_code",
    identifier="lookup",
    governed_by="division_code",
    because="a code is issued and revoked where its holder lives, or stays, for whoever lives in another county",
)
class ResidentCode(models.Model):
    """A printed code by which a resident is recognised at a table, found by a keyed hash; at most one is in force."""

    pk = models.CompositePrimaryKey("county", "resident", "serial")
    county = models.IntegerField()
    resident = models.UUIDField()
    serial = models.SmallIntegerField()
    lookup = models.BinaryField(max_length=32)
    division_code = models.BigIntegerField()
    issued_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()
    revoked_at = models.DateTimeField(null=True)
    revoked_recorded_at = models.DateTimeField(null=True)
    revoked_by = models.UUIDField(null=True)
    reason = models.CharField(max_length=10, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["county", "lookup"], name="resident_code_once"),
            models.UniqueConstraint(
                fields=["county", "resident"], condition=Q(revoked_at__isnull=True), name="resident_code_in_force"
            ),
            models.CheckConstraint(condition=Q(serial__gte=1), name="resident_code_serial"),
            models.CheckConstraint(
                condition=Q(
                    revoked_at__isnull=True, revoked_recorded_at__isnull=True, revoked_by__isnull=True, reason=""
                )
                | Q(
                    revoked_at__isnull=False, revoked_recorded_at__isnull=False, revoked_by__isnull=False,
                    reason__in=REVOKE_REASONS,
                ),
                name="resident_code_revoked_whole",
            ),
        ]  # fmt: skip
