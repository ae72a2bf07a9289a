"""Tubes, the samples in them, their way to the laboratory, and what it found.

Keys begin with the county, so that the tables can be spread; nothing points a foreign key at tubes or samples.
"""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from lianfang.core.access.privacy import declare
from lianfang.response.specimens.rules import LARGEST_POOL, MODES, PURPOSES, VALUES, VOID_REASONS


@declare(
    plain="county id code mode capacity purpose round order_id division_code site filled opened_at sealed_at resulted_at"
    " recorded_at recorded_by",
    because="a tube names nobody; who is in it is kept by the samples, which are under scope",
)
class Tube(models.Model):
    """A sampling tube. ``id`` is made by the device, ``code`` is printed on it, ``division_code`` is where it was filled.

    ``filled`` counts its samples that stand (not the voided ones), ``resulted_at`` is when its first result was reported;
    both are checked against the records they stand for.
    """

    pk = models.CompositePrimaryKey("county", "id")
    county = models.IntegerField()
    id = models.UUIDField()
    code = models.CharField(max_length=40)
    mode = models.CharField(max_length=10)
    capacity = models.SmallIntegerField()
    purpose = models.CharField(max_length=24)
    round = models.UUIDField(null=True)
    order_id = models.UUIDField(null=True)
    division_code = models.BigIntegerField()
    site = models.UUIDField(null=True)
    filled = models.SmallIntegerField(default=0)
    opened_at = models.DateTimeField()
    sealed_at = models.DateTimeField(null=True)
    resulted_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["county", "code"], name="tube_code_once"),
            models.CheckConstraint(condition=Q(mode__in=MODES), name="tube_mode"),
            models.CheckConstraint(condition=Q(purpose__in=PURPOSES), name="tube_purpose"),
            models.CheckConstraint(
                condition=Q(mode="single", capacity=1)
                | Q(mode__in=["pooled", "household"], capacity__gt=1, capacity__lte=LARGEST_POOL),
                name="tube_capacity",
            ),
            models.CheckConstraint(condition=Q(filled__gte=0, filled__lte=F("capacity")), name="tube_not_overfull"),
            models.CheckConstraint(
                condition=Q(purpose="area_screening", round__isnull=False)
                | (~Q(purpose="area_screening") & Q(round__isnull=True)),
                name="tube_of_round",
            ),
            models.CheckConstraint(
                condition=Q(sealed_at__isnull=True) | Q(sealed_at__gte=F("opened_at")), name="tube_sealed_after_opening"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["county", "round"], condition=Q(round__isnull=False), name="tube_round"),
            models.Index(fields=["county", "opened_at"], condition=Q(resulted_at__isnull=True), name="tube_awaiting"),
        ]


@declare(
    plain="county tube id purpose round order_id attempt taken_at taken_by recorded_at xid",
    personal="resident division_code site_code",
    governed_by="division_code",
    because="a sample is the person's, so it is seen where the person lives, wherever the queue was",
)
class Sample(models.Model):
    """One swab of one person. ``attempt`` goes past 1 only when the former one turned out to be unusable or was voided.

    ``division_code`` is the grid of residence (of stay, for whoever lives in another county), ``site_code`` where the
    sample was taken. Two partial keys find a person's samples: by round, and those of no round. ``xid`` is the
    transaction that wrote it, by which whoever counts samples finds those not counted yet.
    """

    pk = models.CompositePrimaryKey("county", "tube", "id")
    county = models.IntegerField()
    tube = models.UUIDField()
    id = models.UUIDField()
    resident = models.UUIDField()
    purpose = models.CharField(max_length=24)
    round = models.UUIDField(null=True)
    order_id = models.UUIDField(null=True)
    attempt = models.SmallIntegerField(default=1)
    taken_at = models.DateTimeField()
    taken_by = models.UUIDField()
    division_code = models.BigIntegerField()
    site_code = models.BigIntegerField()
    recorded_at = models.DateTimeField()
    xid = models.BigIntegerField(default=0, help_text="written by the database")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(purpose__in=PURPOSES), name="sample_purpose"),
            models.CheckConstraint(condition=Q(attempt__gte=1), name="sample_attempt"),
            models.UniqueConstraint(
                fields=["county", "round", "resident", "attempt"],
                condition=Q(round__isnull=False),
                name="sample_once_per_round",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["county", "resident"], condition=Q(round__isnull=True), name="sample_of_no_round"),
            models.Index(fields=["county", "round", "resident"], condition=Q(attempt__gt=1), name="sample_again"),
            models.Index(fields=["xid"], condition=Q(round__isnull=False), name="sample_to_count"),
        ]


@declare(
    plain="county tube sample round reason instead_tube instead witness voided_at recorded_at recorded_by",
    because="a void names a sample; whose it was is kept by the sample, which is under scope",
)
class SampleVoid(models.Model):
    """A sample that was registered by mistake and stands no more, why, and which sample stands ``instead``; never changed."""

    pk = models.CompositePrimaryKey("county", "tube", "sample")
    county = models.IntegerField()
    tube = models.UUIDField()
    sample = models.UUIDField()
    round = models.UUIDField(null=True)
    reason = models.CharField(max_length=14)
    instead_tube = models.UUIDField(null=True)
    instead = models.UUIDField(null=True)
    witness = models.UUIDField(null=True)
    voided_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(reason__in=VOID_REASONS), name="void_reason"),
            models.CheckConstraint(
                condition=Q(instead_tube__isnull=True, instead__isnull=True)
                | Q(instead_tube__isnull=False, instead__isnull=False, reason__in=["wrong_person", "wrong_tube"]),
                name="void_replaced_whole",
            ),
            models.CheckConstraint(
                condition=Q(witness__isnull=True) | ~Q(witness=F("recorded_by")), name="void_second_look"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["county", "round"], name="void_round")]


@declare(plain="county id giver taker division_code tubes tubes_counted handed_at recorded_at recorded_by")
class CustodyStep(models.Model):
    """A hand-over: who gave how many tubes to whom, and how many the taker counted."""

    pk = models.CompositePrimaryKey("county", "id")
    county = models.IntegerField()
    id = models.UUIDField()
    giver = models.CharField(max_length=80, help_text="post, site or laboratory, never a person's name")
    taker = models.CharField(max_length=80, help_text="post, site or laboratory, never a person's name")
    division_code = models.BigIntegerField()
    tubes = models.IntegerField()
    tubes_counted = models.IntegerField()
    handed_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(tubes__gte=1, tubes_counted__gte=0), name="custody_counts"),
            models.CheckConstraint(condition=~Q(giver=F("taker")), name="custody_changes_hands"),
        ]


@declare(plain="county tube step")
class CustodyEntry(models.Model):
    """One tube of a hand-over, so that a tube's way can be followed."""

    pk = models.CompositePrimaryKey("county", "tube", "step")
    county = models.IntegerField()
    tube = models.UUIDField()
    step = models.UUIDField()


@declare(
    plain="county tube number value ct tested_at reported_at lab reason recorded_at recorded_by",
    because="a tube's finding speaks of somebody only when joined with its samples, which are under scope",
)
class Result(models.Model):
    """What the laboratory found in a tube: number 1 first, then each correction with its reason; never changed."""

    pk = models.CompositePrimaryKey("county", "tube", "number")
    county = models.IntegerField()
    tube = models.UUIDField()
    number = models.SmallIntegerField()
    value = models.CharField(max_length=14)
    ct = models.FloatField(null=True)
    tested_at = models.DateTimeField()
    reported_at = models.DateTimeField()
    lab = models.CharField(max_length=80)
    reason = models.CharField(max_length=200, null=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(value__in=VALUES), name="result_value"),
            models.CheckConstraint(
                condition=Q(number=1, reason__isnull=True) | Q(number__gt=1, reason__isnull=False),
                name="result_corrected_with_reason",
            ),
            models.CheckConstraint(condition=Q(reported_at__gte=F("tested_at")), name="result_reported_after_test"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["county", "reported_at"], condition=Q(value="positive"), name="result_positive"),
            models.Index(fields=["county", "tube"], condition=Q(value="insufficient"), name="result_insufficient"),
        ]
