"""Incidents and their areas, response levels, task forces, meetings, directives and what came back on them."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from lianfang.core.access.privacy import declare
from lianfang.kit.ids import new_id
from lianfang.response.command.rules import FEEDBACK_STATES, GOVERNMENTS, MEETING_KINDS, MODES, TASK_FORCE_KINDS


@declare(
    plain="id county division_code title_zh title_en disease pack overlays declared_at authority recorded_at account"
    " command closed_at closed_reason closed_authority"
)
class Incident(models.Model):
    """One outbreak of one disease, handled by one headquarters under one protocol pack with its overlays."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    division_code = models.BigIntegerField(help_text="the unit whose headquarters commands")
    title_zh = models.CharField(max_length=100)
    title_en = models.CharField(max_length=100)
    disease = models.CharField(max_length=40)
    pack = models.CharField(max_length=60)
    overlays = models.JSONField(default=list)
    declared_at = models.DateTimeField()
    authority = models.CharField(max_length=120)
    recorded_at = models.DateTimeField()
    account = models.UUIDField()
    command = models.UUIDField(null=True)
    closed_at = models.DateTimeField(null=True)
    closed_reason = models.CharField(max_length=200, blank=True)
    closed_authority = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["county", "title_zh"], name="incident_once"),
            models.CheckConstraint(condition=~Q(authority=""), name="incident_authority"),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True, closed_reason="", closed_authority="")
                | Q(closed_at__gte=F("declared_at")) & ~Q(closed_reason="") & ~Q(closed_authority=""),
                name="incident_closed_whole",
            ),
        ]


@declare(plain="id incident code_lo code_hi valid_from valid_until reason recorded_at account command")
class IncidentArea(models.Model):
    """One range of codes that an incident concerns, for a time."""

    id = models.UUIDField(primary_key=True, default=new_id)
    incident = models.ForeignKey(Incident, models.PROTECT, related_name="areas")
    code_lo = models.BigIntegerField()
    code_hi = models.BigIntegerField()
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200)
    recorded_at = models.DateTimeField()
    account = models.UUIDField()
    command = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["incident", "code_lo", "valid_from"], name="incident_area_once"),
            models.CheckConstraint(condition=Q(code_hi__gte=F("code_lo")), name="incident_area_range"),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")),
                name="incident_area_validity",
            ),
        ]


@declare(plain="id incident county level mode government authority reason valid_at recorded_at account command")
class ResponseLevel(models.Model):
    """One change of response level (1 gravest, empty when none runs) and mode. Append-only: the latest that held counts."""

    id = models.UUIDField(primary_key=True, default=new_id)
    incident = models.ForeignKey(Incident, models.PROTECT, related_name="levels")
    county = models.IntegerField()
    level = models.SmallIntegerField(null=True)
    mode = models.CharField(max_length=10)
    government = models.CharField(max_length=10)
    authority = models.CharField(max_length=120)
    reason = models.CharField(max_length=200)
    valid_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    account = models.UUIDField()
    command = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(level__isnull=True) | Q(level__range=(1, 4)), name="response_level_known"
            ),
            models.CheckConstraint(condition=Q(mode__in=MODES), name="response_mode_known"),
            models.CheckConstraint(condition=Q(government__in=GOVERNMENTS), name="response_government_known"),
            models.CheckConstraint(condition=~Q(authority="") & ~Q(reason=""), name="response_level_founded"),
        ]
        indexes: ClassVar = [models.Index(fields=["incident", "valid_at"], name="response_level_history")]


@declare(
    plain="id county incident division_code kind name_zh name_en line parent lead_post lead_title work_place formed_at"
    " dissolved_at authority recorded_at account command"
)
class TaskForce(models.Model):
    """The office, a group or a task force of a headquarters; ``work_place`` is the area set apart for its work."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    incident = models.ForeignKey(Incident, models.PROTECT, related_name="task_forces")
    division_code = models.BigIntegerField()
    kind = models.CharField(max_length=12)
    name_zh = models.CharField(max_length=80)
    name_en = models.CharField(max_length=80)
    line = models.CharField(max_length=40)
    parent = models.ForeignKey("self", models.PROTECT, null=True)
    lead_post = models.UUIDField(null=True)
    lead_title = models.CharField(max_length=120)
    work_place = models.CharField(max_length=120, blank=True)
    formed_at = models.DateTimeField()
    dissolved_at = models.DateTimeField(null=True)
    authority = models.CharField(max_length=120)
    recorded_at = models.DateTimeField()
    account = models.UUIDField()
    command = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["incident", "division_code", "name_zh"], name="task_force_once"),
            models.CheckConstraint(condition=Q(kind__in=TASK_FORCE_KINDS), name="task_force_kind"),
            models.CheckConstraint(
                condition=Q(dissolved_at__isnull=True) | Q(dissolved_at__gte=F("formed_at")), name="task_force_time"
            ),
        ]


@declare(plain="id task_force post title since until")
class TaskForcePost(models.Model):
    """A post that works in a task force, whoever holds it."""

    id = models.UUIDField(primary_key=True, default=new_id)
    task_force = models.ForeignKey(TaskForce, models.PROTECT, related_name="posts")
    post = models.UUIDField()
    title = models.CharField(max_length=120)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["task_force", "post"], condition=Q(until__isnull=True), name="task_force_post_once"
            ),
            models.CheckConstraint(
                condition=Q(until__isnull=True) | Q(until__gte=F("since")), name="task_force_post_time"
            ),
        ]


@declare(plain="id county incident division_code kind at title conclusions chaired_by recorded_at account command")
class Meeting(models.Model):
    """A dispatch meeting or a consultation (会商研判) and what it concluded. Conclusions name posts, never residents."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    incident = models.ForeignKey(Incident, models.PROTECT, related_name="meetings")
    division_code = models.BigIntegerField()
    kind = models.CharField(max_length=12)
    at = models.DateTimeField()
    title = models.CharField(max_length=120)
    conclusions = models.TextField()
    chaired_by = models.CharField(max_length=120)
    recorded_at = models.DateTimeField()
    account = models.UUIDField()
    command = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(kind__in=MEETING_KINDS), name="meeting_kind"),
            models.CheckConstraint(condition=~Q(conclusions=""), name="meeting_concluded"),
        ]
        indexes: ClassVar = [models.Index(fields=["incident", "at"], name="meeting_at")]


@declare(
    plain="id county incident meeting division_code number title text issued_at issued_by authority acknowledge_by"
    " feedback_by recorded_at account command withdrawn_at withdrawn_reason"
)
class Directive(models.Model):
    """An order of a headquarters to units, with the clocks of receipt and feedback. It names posts, never residents."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    incident = models.ForeignKey(Incident, models.PROTECT, related_name="directives")
    meeting = models.ForeignKey(Meeting, models.PROTECT, null=True)
    division_code = models.BigIntegerField(help_text="the unit whose headquarters issues it")
    number = models.IntegerField(help_text="running number inside the incident and the issuing unit")
    title = models.CharField(max_length=120)
    text = models.TextField()
    issued_at = models.DateTimeField()
    issued_by = models.CharField(max_length=120, help_text="title of the post that signs")
    authority = models.CharField(max_length=120)
    acknowledge_by = models.DateTimeField()
    feedback_by = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()
    account = models.UUIDField()
    command = models.UUIDField(null=True)
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_reason = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["incident", "division_code", "number"], name="directive_number"),
            models.CheckConstraint(
                condition=Q(acknowledge_by__gt=F("issued_at"))
                & (Q(feedback_by__isnull=True) | Q(feedback_by__gte=F("acknowledge_by"))),
                name="directive_clocks",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_reason="")
                | Q(withdrawn_at__isnull=False) & ~Q(withdrawn_reason=""),
                name="directive_withdrawn_for_reason",
            ),
        ]


@declare(plain="id directive division_code role title assignee")
class DirectiveRecipient(models.Model):
    """A unit that must act on a directive, and the role that answers there."""

    id = models.UUIDField(primary_key=True, default=new_id)
    directive = models.ForeignKey(Directive, models.PROTECT, related_name="recipients")
    division_code = models.BigIntegerField()
    role = models.CharField(max_length=40)
    title = models.CharField(max_length=120, blank=True)
    assignee = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["directive", "division_code", "role"], name="directive_recipient_once"),
        ]
        indexes: ClassVar = [models.Index(fields=["division_code"], name="directive_recipient_place")]


@declare(plain="id recipient received_at recorded_at account command")
class DirectiveReceipt(models.Model):
    """A unit's receipt of a directive. Append-only."""

    id = models.UUIDField(primary_key=True, default=new_id)
    recipient = models.OneToOneField(DirectiveRecipient, models.PROTECT, related_name="receipt")
    received_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    account = models.UUIDField()
    command = models.UUIDField(null=True)


@declare(
    plain="id recipient state at recorded_at account command",
    personal="division_code text",
    governed_by="division_code",
    because="what a unit reports back may name people, and is seen by the unit and those above it",
)
class DirectiveFeedback(models.Model):
    """What a unit reports back on a directive. Append-only."""

    id = models.UUIDField(primary_key=True, default=new_id)
    recipient = models.ForeignKey(DirectiveRecipient, models.PROTECT, related_name="feedback")
    division_code = models.BigIntegerField()
    state = models.CharField(max_length=12)
    text = models.TextField()
    at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    account = models.UUIDField()
    command = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(state__in=FEEDBACK_STATES), name="directive_feedback_state"),
            models.CheckConstraint(condition=~Q(text=""), name="directive_feedback_says_something"),
        ]
