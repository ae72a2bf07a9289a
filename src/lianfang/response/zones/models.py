"""Zones, their areas, the checks before sealing, daily evaluations, and the append-only history of decisions.

No table names a person or a household: zones are public, and everybody may see where they are.
"""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from lianfang.core.access.privacy import declare
from lianfang.kit.ids import new_id
from lianfang.response.zones.rules import DECISIONS


@declare(
    plain="id county incident name protocol level rank level_since stepped_down_from division_code reason authority ordered_by"
    " effective_at ends_at lifted_at check_due_at appeal_to recorded_at"
)
class Zone(models.Model):
    """An area under graded measures as it stands: it ends at ``ends_at`` unless somebody renews it with a reason."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    incident = models.UUIDField()
    name = models.CharField(max_length=100)
    protocol = models.CharField(max_length=120)
    level = models.CharField(max_length=24)
    rank = models.SmallIntegerField()
    level_since = models.DateTimeField()
    stepped_down_from = models.CharField(max_length=24, blank=True)
    division_code = models.BigIntegerField(help_text="the smallest unit that holds all areas")
    reason = models.CharField(max_length=200)
    authority = models.CharField(max_length=120)
    appeal_to = models.CharField(max_length=200)
    ordered_by = models.UUIDField()
    effective_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)
    check_due_at = models.DateTimeField(null=True, help_text="set when an emergency sealed before the check of needs")
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("effective_at")), name="zone_ends"),
            models.CheckConstraint(
                condition=~Q(reason="") & ~Q(authority="") & ~Q(appeal_to=""), name="zone_says_why_and_who"
            ),
            models.CheckConstraint(
                condition=Q(lifted_at__isnull=True) | Q(lifted_at__gte=F("effective_at")), name="zone_lifted_after"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["county", "incident", "ends_at"], name="zone_in_force")]


@declare(plain="id zone code_lo code_hi building")
class ZoneArea(models.Model):
    """A part of a zone: a closed range of codes, or one building in a grid."""

    zone = models.ForeignKey(Zone, models.PROTECT, related_name="areas")
    code_lo = models.BigIntegerField()
    code_hi = models.BigIntegerField()
    building = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["zone", "code_lo", "code_hi", "building"], name="zone_area_once", nulls_distinct=False
            ),
            models.CheckConstraint(condition=Q(code_hi__gte=F("code_lo")), name="zone_area_range"),
        ]
        indexes: ClassVar = [models.Index(fields=["code_lo", "code_hi"], name="zone_area_codes")]


@declare(
    plain="id county zone decision from_level to_level rank ends_at reason authority account conditions command valid_at"
    " recorded_at"
)
class ZoneHistory(models.Model):
    """A decision about a zone: drawn, stepped down, raised, renewed, lifted. Never changed, never removed."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    zone = models.ForeignKey(Zone, models.PROTECT, related_name="history")
    decision = models.CharField(max_length=12)
    from_level = models.CharField(max_length=24, blank=True)
    to_level = models.CharField(max_length=24, blank=True)
    rank = models.SmallIntegerField(null=True)
    ends_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200)
    authority = models.CharField(max_length=120)
    account = models.UUIDField()
    conditions = models.JSONField(default=list, help_text="the lift conditions as last evaluated")
    command = models.UUIDField(null=True)
    valid_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(decision__in=DECISIONS), name="zone_decision"),
            models.CheckConstraint(condition=~Q(reason="") & ~Q(authority=""), name="zone_decision_reason"),
            models.CheckConstraint(
                condition=Q(decision="lifted", to_level="", ends_at__isnull=True)
                | ~Q(decision="lifted") & Q(ends_at__isnull=False) & ~Q(to_level=""),
                name="zone_decision_level",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["zone", "valid_at", "recorded_at"], name="zone_history_time")]


@declare(plain="id county zone vulnerable medical medical_plan buildings account valid_at recorded_at")
class ZoneCheck(models.Model):
    """A look, before sealing, at who inside needs what: counts from the register, and how medical needs are met.

    ``zone`` is the id that the zone has or will have.
    """

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    zone = models.UUIDField()
    vulnerable = models.IntegerField(help_text="residents with any vulnerability")
    medical = models.IntegerField(help_text="residents with a medical one")
    medical_plan = models.TextField(blank=True)
    buildings = models.IntegerField(help_text="buildings inside")
    account = models.UUIDField()
    valid_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["zone", "valid_at"], name="zone_check_time")]


@declare(plain="id zone_check building egress_clear")
class BuildingCheck(models.Model):
    """Whether one building's ways out were clear at a check."""

    zone_check = models.ForeignKey(ZoneCheck, models.PROTECT, related_name="egress")
    building = models.UUIDField()
    egress_clear = models.BooleanField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["zone_check", "building"], name="building_check_once")]


@declare(plain="id county zone day level next_level may_change conditions rule account valid_at recorded_at")
class ZoneCondition(models.Model):
    """The conditions for ending a zone as evaluated on a local day: a proposal, which a person decides on."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    zone = models.ForeignKey(Zone, models.PROTECT, related_name="conditions")
    day = models.DateField()
    level = models.CharField(max_length=24)
    next_level = models.CharField(max_length=24, blank=True)
    may_change = models.BooleanField()
    conditions = models.JSONField(default=list)
    rule = models.CharField(max_length=80, blank=True)
    account = models.UUIDField()
    valid_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index(fields=["zone", "day"], name="zone_condition_day")]
