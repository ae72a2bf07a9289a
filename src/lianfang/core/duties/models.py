"""One row per duty, and the append-only log of its transitions, which is the truth."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from lianfang.core.access.privacy import declare
from lianfang.core.duties.rules import COULD_NOT
from lianfang.kit.ids import new_id

STATES = ("outstanding", "done", "waived", "cancelled")
TRANSITIONS = ("opened", "redated", "reassigned", "done", "waived", "cancelled", "superseded")


@declare(plain="code name_zh name_en room rank outcomes command")
class DutyKind(models.Model):
    """A kind of duty as the rooms declare it: its names, its rank among overdue ones, the outcomes it accepts."""

    code = models.CharField(max_length=40, primary_key=True)
    name_zh = models.CharField(max_length=60)
    name_en = models.CharField(max_length=60)
    room = models.CharField(max_length=40)
    rank = models.SmallIntegerField(help_text="lower comes first among overdue duties")
    outcomes = models.JSONField(default=list)
    command = models.CharField(max_length=60, blank=True, default="")


@declare(
    plain="county id kind subject_kind period role assignee rule source opens_at due_at state recorded_at finished_at"
    " finished_by correction",
    personal="subject division_code detail",
    health="outcome",
    governed_by="division_code",
    because="a duty belongs to whoever answers for the place where it is to be done",
)
class Duty(models.Model):
    """An obligation. Its natural key is (county, subject, kind, period) among the duties that are not cancelled.

    ``role`` at ``division_code`` is responsible, through whoever holds that post, unless ``assignee`` (a post, team
    or account) is named. ``source`` is the fact it came from, ``rule`` the protocol's paragraph.
    """

    pk = models.CompositePrimaryKey("county", "id")
    county = models.IntegerField()
    id = models.BigIntegerField()
    kind = models.CharField(max_length=40)
    subject_kind = models.CharField(max_length=20)
    subject = models.UUIDField()
    period = models.CharField(max_length=24)
    division_code = models.BigIntegerField()
    role = models.CharField(max_length=40)
    assignee = models.UUIDField(null=True)
    rule = models.CharField(max_length=120)
    source = models.UUIDField()
    opens_at = models.DateTimeField()
    due_at = models.DateTimeField()
    state = models.CharField(max_length=12, default="outstanding")
    outcome = models.CharField(max_length=40, null=True)
    detail = models.JSONField(null=True)
    recorded_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    finished_by = models.UUIDField(null=True)
    correction = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(due_at__gte=F("opens_at")), name="duty_due_after_opening"),
            models.CheckConstraint(condition=Q(state__in=STATES), name="duty_state"),
            models.CheckConstraint(
                condition=Q(state="outstanding", finished_at__isnull=True, outcome__isnull=True)
                | Q(state="done", finished_at__isnull=False, outcome__isnull=False)
                | Q(state__in=["waived", "cancelled"], finished_at__isnull=False),
                name="duty_finished_with_outcome",
            ),
            models.UniqueConstraint(
                fields=["county", "subject", "kind", "period"],
                condition=~Q(state="cancelled"),
                name="duty_live_once",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["division_code", "due_at"], condition=Q(state="outstanding"), name="duty_outstanding"),
            models.Index(fields=["finished_by", "finished_at"], condition=Q(state="done"), name="duty_done_by"),
        ]


@declare(
    plain="county duty id kind valid_at recorded_at account command authority opens_at due_at role assignee",
    personal="division_code reason",
    governed_by="division_code",
    because="the log of a duty is seen where the duty is",
)
class Transition(models.Model):
    """One step in a duty's life, with when it held and when we learned it. Never changed, never removed."""

    pk = models.CompositePrimaryKey("county", "duty", "id")
    county = models.IntegerField()
    duty = models.BigIntegerField()
    id = models.BigIntegerField()
    kind = models.CharField(max_length=12)
    division_code = models.BigIntegerField()
    valid_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    account = models.UUIDField()
    command = models.UUIDField(null=True)
    reason = models.CharField(max_length=200, null=True)
    authority = models.CharField(max_length=120, null=True)
    opens_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField(null=True)
    role = models.CharField(max_length=40, null=True)
    assignee = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(kind__in=TRANSITIONS), name="transition_kind"),
            models.CheckConstraint(
                condition=~Q(kind__in=["waived", "cancelled", "superseded"]) | Q(reason__isnull=False),
                name="transition_reason",
            ),
            models.CheckConstraint(
                condition=~Q(kind="waived") | Q(authority__isnull=False), name="waived_by_authority"
            ),
        ]


@declare(
    plain="id county duty reason tried_at next_at recorded_at account command",
    personal="division_code note",
    governed_by="division_code",
    because="what was tried for a duty is seen where the duty is",
)
class Attempt(models.Model):
    """Somebody went and could not do it: why, and when somebody comes again. The duty stays open, its clock goes on."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    duty = models.BigIntegerField()
    division_code = models.BigIntegerField()
    reason = models.CharField(max_length=20)
    note = models.CharField(max_length=200, blank=True)
    tried_at = models.DateTimeField()
    next_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    account = models.UUIDField()
    command = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(reason__in=[one.code for one in COULD_NOT]), name="attempt_reason"),
            models.CheckConstraint(condition=Q(next_at__gt=F("tried_at")), name="attempt_again_later"),
        ]
        indexes: ClassVar = [models.Index(fields=["county", "duty", "tried_at"], name="attempt_duty")]
