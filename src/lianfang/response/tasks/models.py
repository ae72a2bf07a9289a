"""Field work: what was given, what was done, what was found, what was reported."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from lianfang.core.access.privacy import declare
from lianfang.kit.ids import new_id
from lianfang.response.tasks.rules import CHANNELS, HAZARDS, MEASURES, OUTCOMES, TASK_KINDS

PLACE = "the work is done there"


@declare(
    plain="id county incident kind role assignee title category every_hours starts_at due_at until hazard given_at"
    " recorded_at account command withdrawn_at withdrawn_reason",
    personal="division_code inspects_code place lon lat person address items",
    governed_by="division_code",
    because=PLACE,
)
class Task(models.Model):
    """A piece of field work that a desk gave or a hazard called for; with ``every_hours`` it comes round until ``until``."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    incident = models.UUIDField(null=True)
    kind = models.CharField(max_length=20)
    role = models.CharField(max_length=40)
    assignee = models.UUIDField(null=True)
    division_code = models.BigIntegerField()
    #: the place of an unannounced inspection; until it was done the row itself belongs to the unit that gave it
    inspects_code = models.BigIntegerField(null=True)
    title = models.CharField(max_length=120)
    place = models.CharField(max_length=120, blank=True)
    lon = models.FloatField(null=True)
    lat = models.FloatField(null=True)
    category = models.CharField(max_length=20, blank=True)
    person = models.CharField(max_length=60, blank=True)
    address = models.CharField(max_length=120, blank=True)
    items = models.JSONField(default=list)
    starts_at = models.DateTimeField()
    due_at = models.DateTimeField()
    every_hours = models.SmallIntegerField(null=True)
    until = models.DateTimeField(null=True)
    hazard = models.UUIDField(null=True)
    given_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    account = models.UUIDField()
    command = models.UUIDField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(kind__in=TASK_KINDS), name="task_kind"),
            models.CheckConstraint(condition=Q(due_at__gt=F("starts_at")), name="task_due_after_start"),
            models.CheckConstraint(
                condition=Q(every_hours__isnull=True, until__isnull=True)
                | Q(every_hours__gte=1, until__gt=F("starts_at")),
                name="task_comes_round",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_reason="")
                | Q(withdrawn_at__isnull=False) & ~Q(withdrawn_reason=""),
                name="task_withdrawn_for_reason",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["county", "starts_at"], name="task_start")]


@declare(
    plain="id county task period kind outcome points people hours disinfected handed category measure checked done_at"
    " recorded_at account command",
    personal="division_code note",
    governed_by="division_code",
    because=PLACE,
)
class TaskRecord(models.Model):
    """What was done in one turn of a task. Append-only; a second record of a turn stays beside the first."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    task = models.ForeignKey(Task, models.PROTECT, related_name="records")
    division_code = models.BigIntegerField()
    period = models.CharField(max_length=24)
    kind = models.CharField(max_length=20)
    outcome = models.CharField(max_length=12)
    points = models.IntegerField(null=True)
    people = models.SmallIntegerField(default=1)
    hours = models.DecimalField(max_digits=5, decimal_places=1, null=True)
    disinfected = models.BooleanField(null=True)
    handed = models.CharField(max_length=12, blank=True)
    category = models.CharField(max_length=20, blank=True)
    measure = models.CharField(max_length=12, default="none")
    checked = models.JSONField(default=list)
    note = models.CharField(max_length=300, blank=True)
    done_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    account = models.UUIDField()
    command = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(kind__in=TASK_KINDS, outcome__in=OUTCOMES, measure__in=MEASURES), name="task_record_known"
            ),
            models.CheckConstraint(condition=Q(people__gte=1), name="task_record_people"),
            models.CheckConstraint(condition=Q(points__isnull=True) | Q(points__gte=0), name="task_record_points"),
            models.CheckConstraint(
                condition=Q(hours__isnull=True) | Q(hours__gte=0, hours__lte=72), name="task_record_hours"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["task", "period"], name="task_record_turn")]


@declare(
    plain="id county task record item found_at must_fix_by recorded_at account fixed_at fixed_by",
    personal="division_code text fixed_note",
    governed_by="division_code",
    because=PLACE,
)
class Finding(models.Model):
    """Something that an inspection found out of order, by when it is to be put right, and when it was."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    task = models.ForeignKey(Task, models.PROTECT, related_name="findings")
    record = models.ForeignKey(TaskRecord, models.PROTECT, related_name="findings")
    division_code = models.BigIntegerField()
    item = models.CharField(max_length=20)
    text = models.CharField(max_length=200, blank=True)
    found_at = models.DateTimeField()
    must_fix_by = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()
    account = models.UUIDField()
    fixed_at = models.DateTimeField(null=True)
    fixed_by = models.UUIDField(null=True)
    fixed_note = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(must_fix_by__isnull=True) | Q(must_fix_by__gt=F("found_at")), name="finding_fixed_later"
            ),
            models.CheckConstraint(
                condition=Q(fixed_at__isnull=True, fixed_by__isnull=True)
                | Q(fixed_at__isnull=False, fixed_by__isnull=False),
                name="finding_fixed_by_somebody",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["county", "must_fix_by"], name="finding_due")]


@declare(
    plain="id county kind channel task reported_at recorded_at account command told_at told_by",
    personal="division_code place lon lat text told_note",
    identifier="contact_cipher",
    governed_by="division_code",
    because=PLACE,
)
class Hazard(models.Model):
    """Something dangerous that somebody in the field or on the residents' line reported, and the work it called for."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    division_code = models.BigIntegerField()
    kind = models.CharField(max_length=20)
    text = models.CharField(max_length=300, blank=True)
    place = models.CharField(max_length=120)
    lon = models.FloatField(null=True)
    lat = models.FloatField(null=True)
    channel = models.CharField(max_length=10)
    contact_cipher = models.BinaryField(null=True)
    task = models.UUIDField()
    reported_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    account = models.UUIDField()
    command = models.UUIDField(null=True)
    told_at = models.DateTimeField(null=True)
    told_by = models.UUIDField(null=True)
    told_note = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(kind__in=list(HAZARDS), channel__in=CHANNELS), name="hazard_known"),
            models.CheckConstraint(
                condition=Q(told_at__isnull=True, told_by__isnull=True)
                | Q(told_at__isnull=False, told_by__isnull=False),
                name="hazard_told_by_somebody",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["county", "reported_at"], name="hazard_reported")]
