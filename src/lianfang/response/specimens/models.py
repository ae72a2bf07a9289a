"""Tubes, the samples in them, their way to the laboratory, and what it found.

Keys begin with the county, so that the tables can be spread; nothing points a foreign key at tubes or samples.
"""

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from lianfang.core.access.privacy import declare
from lianfang.response.specimens.reconciling import CHANNELS, HOLDERS, OUTCOMES, STAGES
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
    plain="county tube id purpose round order_id attempt taken_at taken_by recorded_at",
    personal="resident division_code site_code",
    governed_by="division_code",
    because="a sample is the person's, so it is seen where the person lives, wherever the queue was",
)
class Sample(models.Model):
    """One swab of one person. ``attempt`` goes past 1 only when the former one turned out to be unusable or was voided.

    ``division_code`` is the grid of residence (of stay, for whoever lives in another county), ``site_code`` where the
    sample was taken. Two partial keys find a person's samples: by round, and those of no round.
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


@declare(
    plain="county id giver giver_kind taker taker_kind lab division_code tubes tubes_given tubes_counted scanned handed_at"
    " recorded_at recorded_by"
)
class CustodyStep(models.Model):
    """A hand-over: who gave which tubes to whom, how many giver and taker counted, and whether the taker scanned them.

    ``tubes`` are those on the list; ``lab`` is the laboratory that took them in, if one did.
    """

    pk = models.CompositePrimaryKey("county", "id")
    county = models.IntegerField()
    id = models.UUIDField()
    giver = models.CharField(max_length=80, help_text="post, site or laboratory, never a person's name")
    taker = models.CharField(max_length=80, help_text="post, site or laboratory, never a person's name")
    giver_kind = models.CharField(max_length=10, default="site")
    taker_kind = models.CharField(max_length=10, default="courier")
    lab = models.UUIDField(null=True)
    division_code = models.BigIntegerField()
    tubes = models.IntegerField()
    tubes_given = models.IntegerField(null=True)
    tubes_counted = models.IntegerField()
    scanned = models.BooleanField(default=False)
    handed_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(tubes__gte=1, tubes_counted__gte=0), name="custody_counts"),
            models.CheckConstraint(condition=~Q(giver=F("taker")), name="custody_changes_hands"),
            models.CheckConstraint(
                condition=Q(giver_kind__in=HOLDERS, taker_kind__in=HOLDERS)
                & (Q(lab__isnull=True) | Q(taker_kind="lab")),
                name="custody_holders",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["county", "handed_at"], name="custody_by_time")]


@declare(plain="county tube step standing")
class CustodyEntry(models.Model):
    """One tube of a hand-over, so that a tube's way can be followed: taken, missing from the list, or extra to it."""

    pk = models.CompositePrimaryKey("county", "tube", "step")
    county = models.IntegerField()
    tube = models.UUIDField()
    step = models.UUIDField()
    standing = models.CharField(max_length=8, default="taken")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(standing__in=["taken", "missing", "extra"]), name="custody_standing")
        ]
        indexes: ClassVar = [models.Index(fields=["county", "step"], name="custody_entry_of_step")]


@declare(
    plain="county id code division_code site packed_at emptied_at recorded_at recorded_by",
    because="a box names tubes, and tubes name nobody",
)
class Box(models.Model):
    """One load of a transport box. The printed ``code`` may be used again once the load was emptied at a laboratory."""

    pk = models.CompositePrimaryKey("county", "id")
    county = models.IntegerField()
    id = models.UUIDField()
    code = models.CharField(max_length=40)
    division_code = models.BigIntegerField()
    site = models.UUIDField(null=True)
    packed_at = models.DateTimeField()
    emptied_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["county", "code"], condition=Q(emptied_at__isnull=True), name="box_loaded_once"
            ),
            models.CheckConstraint(
                condition=Q(emptied_at__isnull=True) | Q(emptied_at__gte=F("packed_at")),
                name="box_emptied_after_packing",
            ),
        ]


@declare(plain="county box tube packed_at removed_at")
class BoxEntry(models.Model):
    """One tube of a box's load; a tube is in one box at a time."""

    pk = models.CompositePrimaryKey("county", "box", "tube")
    county = models.IntegerField()
    box = models.UUIDField()
    tube = models.UUIDField()
    packed_at = models.DateTimeField()
    removed_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["county", "tube"], condition=Q(removed_at__isnull=True), name="tube_in_one_box"
            ),
        ]


@declare(plain="county tube stage holder lab since")
class TubePlace(models.Model):
    """Where a tube is by the last that was heard of it; no row means at the site where it was filled.

    Written with the records it follows from (boxes, hand-overs, searches, results), and checked against them.
    """

    pk = models.CompositePrimaryKey("county", "tube")
    county = models.IntegerField()
    tube = models.UUIDField()
    stage = models.CharField(max_length=8)
    holder = models.CharField(max_length=80)
    lab = models.UUIDField(null=True)
    since = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(stage__in=STAGES), name="tube_place_stage")]
        indexes: ClassVar = [
            models.Index(fields=["county", "lab", "since"], condition=Q(lab__isnull=False), name="tube_at_lab")
        ]


@declare(
    plain="county id step kind tube code number division_code role noticed_at due_at outcome place reason settled_at"
    " settled_by recorded_at",
)
class CustodyDifference(models.Model):
    """What a hand-over lacked or had too much: one tube by its code, or a ``number`` of tubes that nobody could name."""

    pk = models.CompositePrimaryKey("county", "id")
    county = models.IntegerField()
    id = models.UUIDField()
    step = models.UUIDField()
    kind = models.CharField(max_length=8)
    tube = models.UUIDField(null=True)
    code = models.CharField(max_length=40, default="")
    number = models.IntegerField(default=1)
    division_code = models.BigIntegerField()
    role = models.CharField(max_length=40)
    noticed_at = models.DateTimeField()
    due_at = models.DateTimeField()
    outcome = models.CharField(max_length=12, null=True)
    place = models.CharField(max_length=80, default="", help_text="post, site or laboratory, never a person's name")
    reason = models.CharField(max_length=200, default="")
    settled_at = models.DateTimeField(null=True)
    settled_by = models.UUIDField(null=True)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(kind__in=["missing", "extra"], number__gte=1) & (Q(tube__isnull=True) | Q(number=1)),
                name="custody_difference_counted",
            ),
            models.CheckConstraint(
                condition=Q(outcome__isnull=True, settled_at__isnull=True, settled_by__isnull=True)
                | Q(outcome__in=OUTCOMES, settled_at__isnull=False, settled_by__isnull=False),
                name="custody_difference_settled",
            ),
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["county", "tube"], condition=Q(settled_at__isnull=True), name="custody_difference_open"
            )
        ]


@declare(plain="county id tube difference reason lost_at recorded_at recorded_by found_at found_recorded_at place")
class TubeLoss(models.Model):
    """A tube given up for lost, with the reason: whoever is in it must be sampled again. It may still turn up."""

    pk = models.CompositePrimaryKey("county", "id")
    county = models.IntegerField()
    id = models.UUIDField()
    tube = models.UUIDField()
    difference = models.UUIDField(null=True)
    reason = models.CharField(max_length=200)
    lost_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()
    found_at = models.DateTimeField(null=True)
    found_recorded_at = models.DateTimeField(null=True)
    place = models.CharField(max_length=80, default="")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["county", "tube"], condition=Q(found_at__isnull=True), name="tube_lost_once"
            ),
            models.CheckConstraint(
                condition=Q(found_at__isnull=True, found_recorded_at__isnull=True)
                | Q(found_at__isnull=False, found_recorded_at__isnull=False),
                name="tube_loss_found",
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="tube_loss_reason"),
        ]


@declare(
    plain="county id name division_code tubes_per_hour tubes_per_day opens_at closes_at registered_at closed_at recorded_at"
    " recorded_by accounts"
)
class Lab(models.Model):
    """A laboratory and what it can do: tubes an hour and a day, its hours (local; none means round the clock).

    ``accounts`` are those that speak for it; with none, every account of a laboratory's role does.
    """

    pk = models.CompositePrimaryKey("county", "id")
    county = models.IntegerField()
    id = models.UUIDField()
    name = models.CharField(max_length=80)
    division_code = models.BigIntegerField()
    tubes_per_hour = models.IntegerField()
    tubes_per_day = models.IntegerField()
    opens_at = models.TimeField(null=True)
    closes_at = models.TimeField(null=True)
    registered_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()
    accounts = ArrayField(models.UUIDField(), default=list)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["county", "name"], name="lab_name_once"),
            models.CheckConstraint(
                condition=Q(tubes_per_hour__gte=1, tubes_per_day__gte=F("tubes_per_hour")), name="lab_capacity"
            ),
            models.CheckConstraint(
                condition=Q(opens_at__isnull=True, closes_at__isnull=True)
                | Q(opens_at__isnull=False, closes_at__isnull=False) & ~Q(opens_at=F("closes_at")),
                name="lab_hours",
            ),
        ]


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


@declare(plain="county id digest name lab rows taken bad recorded_at recorded_by")
class ResultFile(models.Model):
    """A laboratory's file of results that was taken in: the same file again is known by its digest (SHA-256)."""

    pk = models.CompositePrimaryKey("county", "id")
    county = models.IntegerField()
    id = models.UUIDField()
    digest = models.BinaryField()
    name = models.CharField(max_length=120)
    lab = models.CharField(max_length=80)
    rows = models.IntegerField()
    taken = models.IntegerField()
    bad = models.IntegerField()
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["county", "lab", "digest"], name="result_file_once"),
            models.CheckConstraint(
                condition=Q(taken__gte=0, bad__gte=0, rows=F("taken") + F("bad")), name="result_file_rows"
            ),
        ]


@declare(
    plain="county id tube number role division_code required opens_at due_at told_at told_to channel told_by recorded_at",
    because="a notice says of a tube who had to be told and was, by post or unit; who is in it is kept by the samples",
)
class ResultNotice(models.Model):
    """That a post or unit must be told of a tube's finding (result ``number``), and when it was, by which channel."""

    pk = models.CompositePrimaryKey("county", "id")
    county = models.IntegerField()
    id = models.UUIDField()
    tube = models.UUIDField()
    number = models.SmallIntegerField()
    role = models.CharField(max_length=40)
    division_code = models.BigIntegerField()
    required = models.BooleanField()
    opens_at = models.DateTimeField()
    due_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True)
    told_to = models.CharField(max_length=80, default="", help_text="post or unit, never a person's name")
    channel = models.CharField(max_length=12, default="")
    told_by = models.UUIDField(null=True)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["county", "tube", "number", "role", "division_code"], name="result_notice_once"
            ),
            models.CheckConstraint(
                condition=Q(told_at__isnull=True, told_by__isnull=True, required=True)
                | Q(told_at__isnull=False, told_by__isnull=False, channel__in=CHANNELS),
                name="result_notice_told",
            ),
        ]
