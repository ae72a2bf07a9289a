"""Checkpoints, the orders they stand on, and passages, of which nothing is kept that need not be."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from lianfang.core.access.privacy import declare
from lianfang.kit.ids import new_id
from lianfang.response.checkpoints.rules import (
    ADVISED_BACK,
    DIRECTIONS,
    HANDED_OVER,
    LET_THROUGH,
    NEVER_TURNED_BACK,
    OUTCOMES,
    PURPOSES,
    SUBJECTS,
)


@declare(
    plain="id county incident name division_code lon lat road emergency_lane opened_at closed_at closed_reason recorded_at"
    " account command"
)
class Checkpoint(models.Model):
    """A checkpoint (卡口) on a road or at a gate; ``emergency_lane`` says which lane stays open for emergencies."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    incident = models.UUIDField()
    name = models.CharField(max_length=100)
    division_code = models.BigIntegerField()
    lon = models.FloatField(null=True)
    lat = models.FloatField(null=True)
    road = models.CharField(max_length=100)
    emergency_lane = models.CharField(max_length=100)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    closed_reason = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField()
    account = models.UUIDField()
    command = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["incident", "division_code", "name"],
                condition=Q(closed_at__isnull=True),
                name="checkpoint_once",
            ),
            models.CheckConstraint(condition=~Q(emergency_lane=""), name="checkpoint_emergency_lane"),
            models.CheckConstraint(
                condition=Q(lon__isnull=True, lat__isnull=True) | Q(lon__range=(70, 140), lat__range=(0, 60)),
                name="checkpoint_in_china",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_reason="")
                | Q(closed_at__gte=F("opened_at")) & ~Q(closed_reason=""),
                name="checkpoint_closed_for_reason",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["division_code"], name="checkpoint_place")]


@declare(
    plain="id checkpoint number since until reason authority issued_by appeal_to issuer_role issuer_code recorded_at account"
    " command"
)
class CheckpointOrder(models.Model):
    """The order a checkpoint stands on for a time. Append-only: it is renewed by another order, never extended."""

    id = models.UUIDField(primary_key=True, default=new_id)
    checkpoint = models.ForeignKey(Checkpoint, models.PROTECT, related_name="orders")
    number = models.SmallIntegerField()
    since = models.DateTimeField()
    until = models.DateTimeField()
    reason = models.CharField(max_length=200)
    authority = models.CharField(max_length=120)
    issued_by = models.CharField(max_length=120)
    appeal_to = models.CharField(max_length=120)
    issuer_role = models.CharField(max_length=40)
    issuer_code = models.BigIntegerField()
    recorded_at = models.DateTimeField()
    account = models.UUIDField()
    command = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["checkpoint", "number"], name="checkpoint_order_once"),
            models.CheckConstraint(condition=Q(until__gt=F("since")), name="checkpoint_order_ends"),
            models.CheckConstraint(
                condition=~Q(reason="") & ~Q(authority="") & ~Q(appeal_to=""), name="checkpoint_order_founded"
            ),
        ]


@declare(
    plain="county id checkpoint recorded_at account command subject direction people purpose outcome list_hit",
    personal="at division_code reason destination",
    identifier="identifier_cipher identifier_lookup",
    health="temperature",
    governed_by="division_code",
    because="a passage is known at the place of the checkpoint",
)
class Passage(models.Model):
    """A vehicle or person that was screened, and what came of it."""

    pk = models.CompositePrimaryKey("county", "id")
    county = models.IntegerField()
    id = models.UUIDField(default=new_id)
    checkpoint = models.UUIDField()
    division_code = models.BigIntegerField()
    at = models.DateTimeField()
    subject = models.CharField(max_length=8)
    people = models.SmallIntegerField()
    direction = models.CharField(max_length=4)
    purpose = models.CharField(max_length=20)
    temperature = models.DecimalField(max_digits=3, decimal_places=1, null=True)
    list_hit = models.BooleanField()
    outcome = models.CharField(max_length=12)
    reason = models.CharField(max_length=200, blank=True)
    destination = models.CharField(max_length=120, blank=True)
    identifier_cipher = models.BinaryField(null=True)
    identifier_lookup = models.BinaryField(max_length=32, null=True)
    recorded_at = models.DateTimeField()
    account = models.UUIDField()
    command = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(subject__in=SUBJECTS, direction__in=DIRECTIONS, purpose__in=PURPOSES, outcome__in=OUTCOMES),
                name="passage_known",
            ),
            models.CheckConstraint(condition=Q(people__gte=1), name="passage_people"),
            models.CheckConstraint(
                condition=~Q(outcome=ADVISED_BACK) | ~Q(purpose__in=list(NEVER_TURNED_BACK)),
                name="passage_never_turned_back",
            ),
            models.CheckConstraint(
                condition=Q(outcome=LET_THROUGH) | ~Q(reason="") & ~Q(destination=""), name="passage_told_why_and_where"
            ),
            models.CheckConstraint(
                condition=Q(identifier_cipher__isnull=True, identifier_lookup__isnull=True)
                | Q(identifier_cipher__isnull=False, identifier_lookup__isnull=False)
                & (Q(list_hit=True) | Q(outcome=HANDED_OVER)),
                name="passage_least_data",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["division_code", "at"], name="passage_place"),
            models.Index(
                fields=["county", "identifier_lookup"],
                condition=Q(identifier_lookup__isnull=False),
                name="passage_found",
            ),
        ]
