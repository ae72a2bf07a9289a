"""Orders, their legs, and what is done under them: checks, tests, visits, transports, releases, appeals."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from lianfang.core.access.privacy import declare
from lianfang.kit.ids import new_id
from lianfang.response.quarantine.rules import LEG_KINDS, OUTCOMES, PLEDGES, PURPOSES, RESULTS, STATES

GOVERNED = "division_code site_code"
BOTH = "the community where the person lives and the site where they are held both answer for them"


class UnderOrder(models.Model):
    """What every row under an order has: where the person lives, the site if there is one, and who wrote it."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    division_code = models.BigIntegerField()
    site_code = models.BigIntegerField(null=True)
    valid_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    account = models.UUIDField()

    class Meta:
        abstract = True


@declare(
    plain="id county incident protocol authority issued_by issued_title issued_at recorded_at appeal_to status supersedes",
    personal="resident division_code site_code place tier contact linked_resident reason last_exposure_at started_at"
    " ends_at closed_at dependants keeper",
    governed_by=GOVERNED,
    because=BOTH,
)
class Order(models.Model):
    """A quarantine order: why, on whose authority, by whom, until when, how to appeal. It never extends itself."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    incident = models.UUIDField()
    resident = models.UUIDField()
    division_code = models.BigIntegerField(help_text="where the person lives or stays when at home")
    site_code = models.BigIntegerField(null=True, help_text="where central quarantine is served")
    place = models.CharField(max_length=120, blank=True)
    protocol = models.CharField(max_length=120)
    tier = models.CharField(max_length=40)
    contact = models.UUIDField(null=True)
    linked_resident = models.UUIDField(null=True)
    reason = models.CharField(max_length=200)
    authority = models.CharField(max_length=120)
    appeal_to = models.CharField(max_length=200)
    issued_by = models.UUIDField()
    issued_title = models.CharField(max_length=120, blank=True)
    issued_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    last_exposure_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    ends_at = models.DateTimeField()
    dependants = models.BooleanField(null=True)
    keeper = models.CharField(max_length=120, blank=True)
    status = models.CharField(max_length=10, default="in_force")
    closed_at = models.DateTimeField(null=True)
    supersedes = models.ForeignKey("self", models.PROTECT, null=True, related_name="superseded_by")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(status__in=STATES), name="order_status"),
            models.CheckConstraint(
                condition=Q(status="in_force", closed_at__isnull=True)
                | ~Q(status="in_force") & Q(closed_at__isnull=False),
                name="order_closed",
            ),
            models.CheckConstraint(
                condition=~Q(reason="") & ~Q(authority="") & ~Q(appeal_to=""), name="order_says_why_and_who"
            ),
            models.CheckConstraint(condition=Q(ends_at__gt=F("issued_at")), name="order_ends"),
            models.CheckConstraint(condition=~Q(dependants=True) | ~Q(keeper=""), name="order_dependants_kept"),
            models.UniqueConstraint(
                fields=["incident", "resident"], condition=Q(status="in_force"), name="order_in_force_once"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["county", "status", "ends_at"], name="order_state"),
            models.Index(fields=["resident"], name="order_resident"),
            models.Index(fields=["linked_resident"], condition=Q(linked_resident__isnull=False), name="order_linked"),
            models.Index(fields=["contact"], condition=Q(contact__isnull=False), name="order_contact"),
        ]


@declare(
    plain="id county position",
    personal="order division_code site_code kind held_code place first_day last_day ends_at left_at",
    governed_by=GOVERNED,
    because=BOTH,
)
class Leg(models.Model):
    """One stretch of an order, first and last local day; ``held_code`` is where it is served."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    order = models.ForeignKey(Order, models.PROTECT, related_name="legs")
    division_code = models.BigIntegerField()
    site_code = models.BigIntegerField(null=True)
    position = models.SmallIntegerField(help_text="which of the protocol's legs, from 0")
    kind = models.CharField(max_length=24)
    place = models.CharField(max_length=120, blank=True)
    held_code = models.BigIntegerField()
    first_day = models.DateField()
    last_day = models.DateField()
    ends_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["order", "position"], name="leg_once"),
            models.CheckConstraint(condition=Q(kind__in=LEG_KINDS), name="leg_kind"),
            models.CheckConstraint(condition=Q(last_day__gte=F("first_day")), name="leg_forward"),
        ]


@declare(
    plain="id county valid_at recorded_at account day slot",
    personal="order division_code site_code could_not",
    health="temperature symptoms abnormal",
    governed_by=GOVERNED,
    because=BOTH,
)
class DailyCheck(UnderOrder):
    """A look at a person's health on a day, in one of the day's windows; or why it could not be done."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="checks")
    day = models.DateField()
    slot = models.SmallIntegerField()
    temperature = models.DecimalField(max_digits=3, decimal_places=1, null=True)
    symptoms = models.JSONField(default=list)
    abnormal = models.BooleanField()
    could_not = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(temperature__isnull=False) | ~Q(could_not="") | Q(abnormal=True),
                name="check_says_something",
            ),
            models.CheckConstraint(
                condition=Q(temperature__isnull=True) | Q(temperature__gte=30, temperature__lte=45),
                name="check_temperature",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["order", "day", "slot"], name="check_day")]


@declare(
    plain="id county valid_at recorded_at account for_day environment",
    personal="order division_code site_code",
    health="sample result",
    governed_by=GOVERNED,
    because=BOTH,
)
class QuarantineTest(UnderOrder):
    """A test under an order as sampled at ``valid_at``: of the person, or of room and belongings.

    ``for_day`` is the planned test day it serves. The row recorded last for a time of sampling counts.
    """

    order = models.ForeignKey(Order, models.PROTECT, related_name="tests")
    sample = models.UUIDField(null=True)
    result = models.CharField(max_length=10)
    environment = models.BooleanField(default=False)
    for_day = models.DateField(null=True)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(result__in=RESULTS), name="quarantine_test_result")]
        indexes: ClassVar = [models.Index(fields=["order", "valid_at"], name="quarantine_test_time")]


@declare(
    plain="id county valid_at recorded_at account leg for_day",
    personal="order division_code site_code nobody_home informed reassured test_checked pledge notice_handed shopping_asked"
    " needs complete",
    governed_by=GOVERNED,
    because=BOTH,
)
class DoorVisit(UnderOrder):
    """A visit at the door, step by step. Nothing is fixed to the door and nothing neighbours can read is left."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="visits")
    leg = models.SmallIntegerField()
    for_day = models.DateField(null=True, help_text="the missed test that led to the visit")
    nobody_home = models.BooleanField(default=False)
    informed = models.BooleanField(default=False)
    reassured = models.BooleanField(default=False)
    test_checked = models.BooleanField(default=False)
    pledge = models.CharField(max_length=10, default="not_asked")
    notice_handed = models.BooleanField(default=False)
    shopping_asked = models.BooleanField(default=False)
    needs = models.CharField(max_length=200, blank=True)
    complete = models.BooleanField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(pledge__in=PLEDGES), name="visit_pledge"),
            models.CheckConstraint(condition=~Q(nobody_home=True, complete=True), name="visit_met_somebody"),
        ]
        indexes: ClassVar = [models.Index(fields=["order", "leg"], name="visit_leg")]


@declare(
    plain="id county valid_at recorded_at account vehicle",
    personal="order division_code site_code destination",
    health="purpose",
    governed_by=GOVERNED,
    because=BOTH,
)
class Transport(UnderOrder):
    """A closed-loop transfer of a person under an order: to the site, home, or to hospital."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="transports")
    purpose = models.CharField(max_length=10)
    destination = models.CharField(max_length=120)
    vehicle = models.CharField(max_length=40)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(purpose__in=PURPOSES), name="transport_purpose"),
            models.CheckConstraint(condition=~Q(vehicle="") & ~Q(destination=""), name="transport_by_and_to"),
        ]
        indexes: ClassVar = [models.Index(fields=["order", "purpose"], name="transport_order")]


@declare(
    plain="id county valid_at recorded_at account leg outcome title",
    personal="order division_code site_code reason effective_at",
    health="decision",
    governed_by=GOVERNED,
    because=BOTH,
)
class Release(UnderOrder):
    """A person's decision at the end of a leg or order, with what the protocol said. Never changed, never removed."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="releases")
    leg = models.SmallIntegerField()
    outcome = models.CharField(max_length=16)
    effective_at = models.DateTimeField()
    reason = models.CharField(max_length=200, blank=True)
    title = models.CharField(max_length=120, blank=True)
    decision = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(outcome__in=OUTCOMES), name="release_outcome"),
            models.CheckConstraint(
                condition=Q(outcome__in=["leg_ended", "released"]) | ~Q(reason=""), name="release_reason"
            ),
        ]


@declare(
    plain="id county valid_at recorded_at account issued_by decided_by decided_at",
    personal="order division_code site_code filed_by reason granted answer",
    governed_by=GOVERNED,
    because=BOTH,
)
class Appeal(UnderOrder):
    """An objection to an order, filed by the person or anybody for them, decided by somebody other than the issuer."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="appeals")
    filed_by = models.CharField(max_length=60)
    reason = models.CharField(max_length=500)
    issued_by = models.UUIDField()
    granted = models.BooleanField(null=True)
    answer = models.CharField(max_length=500, blank=True)
    decided_by = models.UUIDField(null=True)
    decided_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(granted__isnull=True, decided_by__isnull=True, decided_at__isnull=True, answer="")
                | Q(granted__isnull=False, decided_by__isnull=False, decided_at__isnull=False) & ~Q(answer=""),
                name="appeal_decided",
            ),
            models.CheckConstraint(
                condition=Q(decided_by__isnull=True) | ~Q(decided_by=F("issued_by")), name="appeal_not_by_issuer"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["county", "valid_at"], name="appeal_filed")]
