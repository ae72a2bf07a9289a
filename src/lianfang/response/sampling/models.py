"""Plans of slots and their calls, counted lines, lanes, crews, and who is sampled at home.

A confirmed plan is never changed: another takes its place for the buildings that were not called yet.
"""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from lianfang.core.access.privacy import declare
from lianfang.kit.ids import new_id
from lianfang.response.sampling.rules import HOME_OUTCOMES, HOME_REASONS, LANES


@declare(
    plain="id county batch round site number tables seconds_per_person waiting starts_at reason planned_at recorded_at"
    " recorded_by confirmed_at confirmed_recorded_at confirmed_by superseded_at"
)
class SlotPlan(models.Model):
    """When a site calls which building: proposed, then confirmed by a person, until another plan takes its place.

    Plans of one ``batch`` were made together for all sites of a round and are confirmed together. ``waiting`` people
    stood in line when it was made; ``seconds_per_person`` is the pace of one table it reckons with.
    """

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    batch = models.UUIDField()
    round = models.UUIDField()
    site = models.UUIDField()
    number = models.SmallIntegerField()
    tables = models.SmallIntegerField()
    seconds_per_person = models.FloatField()
    waiting = models.IntegerField(default=0)
    starts_at = models.DateTimeField()
    reason = models.CharField(max_length=200, blank=True)
    planned_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()
    confirmed_at = models.DateTimeField(null=True)
    confirmed_recorded_at = models.DateTimeField(null=True)
    confirmed_by = models.UUIDField(null=True)
    superseded_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["site", "number"], name="slot_plan_number"),
            models.UniqueConstraint(
                fields=["site"], condition=Q(confirmed_at__isnull=False, superseded_at__isnull=True),
                name="slot_plan_in_force_once",
            ),
            models.CheckConstraint(
                condition=Q(tables__gte=1, seconds_per_person__gt=0, waiting__gte=0, number__gte=1),
                name="slot_plan_reckoned",
            ),
            models.CheckConstraint(
                condition=Q(confirmed_at__isnull=True, confirmed_recorded_at__isnull=True, confirmed_by__isnull=True)
                | Q(confirmed_at__isnull=False, confirmed_recorded_at__isnull=False, confirmed_by__isnull=False),
                name="slot_plan_confirmed_whole",
            ),
        ]  # fmt: skip
        indexes: ClassVar = [
            models.Index(fields=["county", "round", "site"], name="slot_plan_site"),
            models.Index(fields=["batch"], name="slot_plan_batch"),
        ]


@declare(
    plain="id county plan site position division_code building number_lo number_hi part parts people starts_at"
    " expected_wait called_at called_recorded_at called_by",
    because="a slot counts the people of a building and names nobody; who they are is read from the roster, under scope",
)
class Slot(models.Model):
    """A building (or the households of a grid outside of buildings, or a part of either) and when it is called.

    ``number_lo``–``number_hi`` are running numbers of households; ``expected_wait`` runs from the call to the sample.
    """

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    plan = models.ForeignKey(SlotPlan, models.PROTECT, related_name="slots")
    site = models.UUIDField()
    position = models.SmallIntegerField()
    division_code = models.BigIntegerField()
    building = models.UUIDField(null=True)
    number_lo = models.IntegerField()
    number_hi = models.IntegerField()
    part = models.SmallIntegerField()
    parts = models.SmallIntegerField()
    people = models.IntegerField()
    starts_at = models.DateTimeField()
    expected_wait = models.DurationField()
    called_at = models.DateTimeField(null=True)
    called_recorded_at = models.DateTimeField(null=True)
    called_by = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["plan", "position"], name="slot_position"),
            models.UniqueConstraint(
                fields=["plan", "division_code", "building", "number_lo"], name="slot_place_once", nulls_distinct=False
            ),
            models.CheckConstraint(
                condition=Q(number_hi__gte=F("number_lo"), people__gte=1, part__gte=1, parts__gte=F("part")),
                name="slot_counts",
            ),
            models.CheckConstraint(
                condition=Q(called_at__isnull=True, called_recorded_at__isnull=True, called_by__isnull=True)
                | Q(called_at__isnull=False, called_recorded_at__isnull=False, called_by__isnull=False),
                name="slot_called_whole",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["county", "site"], name="slot_site")]


@declare(plain="county site id waiting counted_at recorded_at recorded_by")
class QueueCount(models.Model):
    """How many people somebody counted in line at a site."""

    pk = models.CompositePrimaryKey("county", "site", "id")
    county = models.IntegerField()
    site = models.UUIDField()
    id = models.UUIDField()
    waiting = models.IntegerField()
    counted_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(waiting__gte=0, waiting__lte=20_000), name="queue_count_sane")
        ]
        indexes: ClassVar = [models.Index(fields=["county", "site", "counted_at"], name="queue_count_time")]


@declare(plain="id county site kind tables opened_at closed_at recorded_at recorded_by")
class SamplingLane(models.Model):
    """A lane of a site with its own tables, so that the ill and those with a yellow code queue apart."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    site = models.UUIDField()
    kind = models.CharField(max_length=12)
    tables = models.SmallIntegerField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["site", "kind"], condition=Q(closed_at__isnull=True), name="lane_open_once"
            ),
            models.CheckConstraint(condition=Q(kind__in=LANES, tables__gte=1), name="lane_kind"),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True) | Q(closed_at__gte=F("opened_at")), name="lane_times"
            ),
        ]


@declare(
    plain="id county site function post since until recorded_at recorded_by",
    personal="responder division_code",
    governed_by="division_code",
    because="a crew is known where its site stands",
)
class CrewAssignment(models.Model):
    """A post or a person on duty put to a function of a site's crew, until relieved."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    site = models.UUIDField()
    division_code = models.BigIntegerField()
    function = models.CharField(max_length=40)
    post = models.UUIDField(null=True)
    responder = models.UUIDField(null=True)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(post__isnull=True, responder__isnull=False) | Q(post__isnull=False, responder__isnull=True),
                name="crew_post_or_person",
            ),
            models.CheckConstraint(condition=Q(until__isnull=True) | Q(until__gte=F("since")), name="crew_times"),
            models.UniqueConstraint(
                fields=["county", "responder"], condition=Q(until__isnull=True, responder__isnull=False),
                name="crew_person_at_one_site",
            ),
            models.UniqueConstraint(
                fields=["site", "function", "post"], condition=Q(until__isnull=True, post__isnull=False),
                name="crew_post_once",
            ),
        ]  # fmt: skip
        indexes: ClassVar = [models.Index(fields=["county", "site"], name="crew_site")]


@declare(
    plain="county round id number ordered_at recorded_at recorded_by",
    personal="resident division_code",
    health="reason",
    governed_by="division_code",
    because="the sampler comes to where the roster places the person",
)
class HomeSampling(models.Model):
    """An order to sample somebody at home in a round, and why they cannot come; ``number`` counts the orders for a person."""

    pk = models.CompositePrimaryKey("county", "round", "id")
    county = models.IntegerField()
    round = models.UUIDField()
    id = models.UUIDField()
    resident = models.UUIDField()
    division_code = models.BigIntegerField()
    number = models.SmallIntegerField()
    reason = models.CharField(max_length=20)
    ordered_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["county", "round", "resident", "number"], name="home_sampling_number"),
            models.CheckConstraint(condition=Q(reason__in=HOME_REASONS, number__gte=1), name="home_sampling_reason"),
        ]


@declare(
    plain="county round id attempt outcome visited_at appointment_at recorded_at recorded_by",
    personal="resident division_code note home_sampling",
    governed_by="division_code",
    because="it is read beside the order it belongs to",
)
class HomeSamplingAttempt(models.Model):
    """A sampling at home that has not come about: an appointment for later, or not possible and why."""

    pk = models.CompositePrimaryKey("county", "round", "id")
    county = models.IntegerField()
    round = models.UUIDField()
    id = models.UUIDField()
    home_sampling = models.UUIDField()
    resident = models.UUIDField()
    division_code = models.BigIntegerField()
    attempt = models.SmallIntegerField()
    outcome = models.CharField(max_length=20)
    note = models.CharField(max_length=200, blank=True)
    visited_at = models.DateTimeField()
    appointment_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["county", "round", "home_sampling", "attempt"], name="home_attempt_once"),
            models.CheckConstraint(condition=Q(outcome__in=HOME_OUTCOMES, attempt__gte=1), name="home_attempt_outcome"),
            models.CheckConstraint(
                condition=Q(outcome="appointment", appointment_at__gt=F("visited_at"))
                | Q(outcome="could_not", appointment_at__isnull=True) & ~Q(note=""),
                name="home_attempt_whole",
            ),
        ]
