"""Organisations, the people on duty, their teams, deployments, volunteers, shifts, and who was there when."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from lianfang.core.access.privacy import declare
from lianfang.kit.ids import new_id
from lianfang.response.workforce.rules import (
    APPLICATION_STATES,
    DEPLOYMENT_KINDS,
    ORGANISATION_KINDS,
    ORGANISATION_LEVELS,
    RESPONDER_KINDS,
    STAFFED_KINDS,
    TEAM_KINDS,
)


def _known(name: str, **choices: tuple[str, ...]) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(**{f"{field}__in": values for field, values in choices.items()}), name=name
    )


def _in_order(name: str, since: str, until: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(**{f"{until}__isnull": True}) | Q(**{f"{until}__gte": F(since)}), name=name
    )


def _one_of(name: str, left: str, right: str) -> models.CheckConstraint:
    return models.CheckConstraint(
        condition=Q(**{f"{left}__isnull": True, f"{right}__isnull": False})
        | Q(**{f"{left}__isnull": False, f"{right}__isnull": True}),
        name=name,
    )


@declare(plain="id county name kind level division_code parent recorded_at account command")
class Organisation(models.Model):
    """A department, town government, village committee, hospital …, as one county's response knows it."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=24)
    level = models.CharField(max_length=12)
    division_code = models.BigIntegerField(help_text="its own unit, also when that lies in another county")
    parent = models.ForeignKey("self", models.PROTECT, null=True)
    recorded_at = models.DateTimeField()
    account = models.UUIDField()
    command = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["county", "name"], name="organisation_once"),
            _known("organisation_kind", kind=ORGANISATION_KINDS, level=ORGANISATION_LEVELS),
        ]
        indexes: ClassVar = [models.Index(fields=["county", "division_code"], name="organisation_place")]


@declare(
    plain="id county kind organisation account recorded_at registered_by command",
    personal="name birth_year resident division_code present_code",
    health="protective rests_until",
    governed_by="division_code present_code",
    because="a person on duty is known where their organisation is and where they are deployed",
)
class Responder(models.Model):
    """A person on duty. What fits them is kept as limits, never as the reasons for these."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    name = models.CharField(max_length=40)
    kind = models.CharField(max_length=16)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="responders")
    account = models.UUIDField(null=True)
    resident = models.UUIDField(null=True)
    birth_year = models.SmallIntegerField(null=True)
    protective = models.BooleanField(default=True, help_text="may wear protective clothing")
    rests_until = models.DateField(null=True)
    division_code = models.BigIntegerField(help_text="where the organisation answers for the person")
    present_code = models.BigIntegerField(help_text="where the person is deployed; the former when nowhere")
    recorded_at = models.DateTimeField()
    registered_by = models.UUIDField()
    command = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [_known("responder_kind", kind=RESPONDER_KINDS)]
        indexes: ClassVar = [
            models.Index(fields=["division_code"], name="responder_place"),
            models.Index(
                fields=["present_code"], condition=~Q(present_code=F("division_code")), name="responder_present"
            ),
            models.Index(fields=["account"], condition=Q(account__isnull=False), name="responder_account"),
        ]


@declare(plain="id county kind name organisation division_code formed_at disbanded_at recorded_at account command")
class Team(models.Model):
    """People who work together under a leader: a party branch, a strike team, a checkpoint crew …"""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=120)
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True)
    division_code = models.BigIntegerField()
    formed_at = models.DateTimeField()
    disbanded_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()
    account = models.UUIDField()
    command = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["county", "kind", "name"], condition=Q(disbanded_at__isnull=True), name="team_once"
            ),
            _known("team_kind", kind=TEAM_KINDS),
            _in_order("team_time", "formed_at", "disbanded_at"),
        ]
        indexes: ClassVar = [models.Index(fields=["division_code", "kind"], name="team_place")]


@declare(
    plain="id county team leads since until",
    personal="responder division_code",
    governed_by="division_code",
    because="who is in a team is known where the team belongs",
)
class TeamMember(models.Model):
    """One person's time in a team."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    team = models.ForeignKey(Team, models.PROTECT, related_name="members")
    responder = models.ForeignKey(Responder, models.PROTECT)
    division_code = models.BigIntegerField()
    leads = models.BooleanField(default=False)
    since = models.DateTimeField()
    until = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["team", "responder"], condition=Q(until__isnull=True), name="team_member_once"
            ),
            models.UniqueConstraint(
                fields=["team"], condition=Q(until__isnull=True, leads=True), name="team_led_by_one"
            ),
            _in_order("team_member_time", "since", "until"),
        ]
        indexes: ClassVar = [models.Index(fields=["division_code"], name="team_member_place")]


@declare(plain="id county incident organisation division_code title text line needed opens_at closes_at recorded_at account command")  # fmt: skip
class VolunteerAppeal(models.Model):
    """A public appeal for volunteers by an organisation."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    incident = models.UUIDField(null=True)
    organisation = models.ForeignKey(Organisation, models.PROTECT)
    division_code = models.BigIntegerField()
    title = models.CharField(max_length=120)
    text = models.TextField()
    line = models.CharField(max_length=40)
    needed = models.IntegerField()
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()
    account = models.UUIDField()
    command = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(needed__gte=1), name="appeal_needs_somebody"),
            _in_order("appeal_time", "opens_at", "closes_at"),
        ]


@declare(
    plain="id county appeal state applied_at decided_at decided_by recorded_at command",
    personal="responder division_code reason",
    governed_by="division_code",
    because="an application is seen by whoever appealed",
)
class VolunteerApplication(models.Model):
    """A person's offer to help, accepted or declined by somebody for a reason."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    appeal = models.ForeignKey(VolunteerAppeal, models.PROTECT, related_name="applications")
    responder = models.ForeignKey(Responder, models.PROTECT)
    division_code = models.BigIntegerField()
    state = models.CharField(max_length=12, default="applied")
    applied_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.UUIDField(null=True)
    reason = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField()
    command = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["appeal", "responder"], name="application_once"),
            _known("application_state", state=APPLICATION_STATES),
            models.CheckConstraint(
                condition=Q(state="applied", decided_at__isnull=True, decided_by__isnull=True)
                | ~Q(state="applied") & Q(decided_at__isnull=False, decided_by__isnull=False),
                name="application_decided_whole",
            ),
            models.CheckConstraint(
                condition=~Q(state="declined") | ~Q(reason=""), name="application_declined_for_reason"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["division_code"], name="application_place")]


@declare(
    plain="id county organisation kind line authority application valid_from recorded_at account command",
    personal="responder division_code code_hi from_code valid_until reason ended_reason",
    governed_by="division_code from_code",
    because="a deployment is known where somebody is sent and where they are sent from",
)
class Deployment(models.Model):
    """One person sent by their organisation to a place for a line of work, for a time."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    responder = models.ForeignKey(Responder, models.PROTECT)
    organisation = models.ForeignKey(Organisation, models.PROTECT)
    application = models.ForeignKey(VolunteerApplication, models.PROTECT, null=True)
    from_code = models.BigIntegerField()
    division_code = models.BigIntegerField()
    code_hi = models.BigIntegerField()
    kind = models.CharField(max_length=12)
    line = models.CharField(max_length=40)
    reason = models.CharField(max_length=200)
    authority = models.CharField(max_length=120)
    valid_from = models.DateTimeField()
    valid_until = models.DateTimeField(null=True)
    ended_reason = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField()
    account = models.UUIDField()
    command = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["responder", "division_code", "line", "valid_from"], name="deployment_once"
            ),
            _known("deployment_kind", kind=DEPLOYMENT_KINDS),
            _in_order("deployment_time", "valid_from", "valid_until"),
            models.CheckConstraint(condition=Q(code_hi__gte=F("division_code")), name="deployment_range"),
            models.CheckConstraint(condition=~Q(reason="") & ~Q(authority=""), name="deployment_founded"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["division_code", "valid_from"], name="deployment_place"),
            models.Index(fields=["from_code"], name="deployment_from"),
        ]


@declare(
    plain="id county incident staffs subject name division_code starts_at ends_at role headcount protective cancelled_at"
    " cancelled_reason recorded_at account command"
)
class Shift(models.Model):
    """A stretch of time for which something must be staffed by so many people, whoever they are.

    ``subject`` is the task force, checkpoint or site; ``role`` answers for the shift where nobody is assigned.
    """

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    incident = models.UUIDField(null=True)
    staffs = models.CharField(max_length=16)
    subject = models.UUIDField()
    name = models.CharField(max_length=100)
    division_code = models.BigIntegerField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    role = models.CharField(max_length=40)
    headcount = models.SmallIntegerField()
    protective = models.BooleanField(default=False)
    cancelled_at = models.DateTimeField(null=True)
    cancelled_reason = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField()
    account = models.UUIDField()
    command = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["subject", "starts_at"], condition=Q(cancelled_at__isnull=True), name="shift_once"
            ),
            _known("shift_staffs", staffs=STAFFED_KINDS),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at"), headcount__gte=1), name="shift_time"),
            models.CheckConstraint(
                condition=Q(cancelled_at__isnull=True, cancelled_reason="")
                | Q(cancelled_at__isnull=False) & ~Q(cancelled_reason=""),
                name="shift_cancelled_for_reason",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["division_code", "starts_at"], name="shift_place")]


@declare(
    plain="id county shift team people starts_at cancelled_at recorded_at account command",
    personal="responder division_code rest_waived cancelled_reason",
    governed_by="division_code",
    because="a roster is known at the place that is staffed",
)
class ShiftAssignment(models.Model):
    """A responder, or a team with so many people, due on a shift; ``rest_waived`` says why rest was cut short."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    shift = models.ForeignKey(Shift, models.PROTECT, related_name="assignments")
    responder = models.ForeignKey(Responder, models.PROTECT, null=True)
    team = models.ForeignKey(Team, models.PROTECT, null=True)
    people = models.SmallIntegerField(default=1)
    division_code = models.BigIntegerField()
    starts_at = models.DateTimeField()
    rest_waived = models.CharField(max_length=200, blank=True)
    cancelled_at = models.DateTimeField(null=True)
    cancelled_reason = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField()
    account = models.UUIDField()
    command = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["shift", "responder"], condition=Q(cancelled_at__isnull=True), name="assignment_once"
            ),
            models.UniqueConstraint(
                fields=["shift", "team"], condition=Q(cancelled_at__isnull=True), name="assignment_team_once"
            ),
            _one_of("assignment_of_one", "responder", "team"),
            models.CheckConstraint(condition=Q(people__gte=1), name="assignment_people"),
            models.CheckConstraint(
                condition=Q(cancelled_at__isnull=True, cancelled_reason="")
                | Q(cancelled_at__isnull=False) & ~Q(cancelled_reason=""),
                name="assignment_cancelled_for_reason",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["division_code", "starts_at"], name="assignment_place")]


@declare(
    plain="id county team people assignment line voluntary recorded_at account command",
    personal="responder division_code checked_in_at checked_out_at relieved_by",
    governed_by="division_code",
    because="who was at work is known at the place of work",
)
class Attendance(models.Model):
    """One stretch at work of a person (one person-time) or of a team's people, on a roster's assignment or outside one."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    responder = models.ForeignKey(Responder, models.PROTECT, null=True)
    team = models.ForeignKey(Team, models.PROTECT, null=True)
    people = models.SmallIntegerField(default=1)
    assignment = models.OneToOneField(ShiftAssignment, models.PROTECT, null=True, related_name="attendance")
    division_code = models.BigIntegerField()
    line = models.CharField(max_length=40)
    voluntary = models.BooleanField()
    checked_in_at = models.DateTimeField()
    checked_out_at = models.DateTimeField(null=True)
    relieved_by = models.UUIDField(null=True, help_text="the assignment that took over")
    recorded_at = models.DateTimeField()
    account = models.UUIDField()
    command = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["responder", "checked_in_at"], name="attendance_once"),
            _one_of("attendance_of_one", "responder", "team"),
            _in_order("attendance_time", "checked_in_at", "checked_out_at"),
            models.CheckConstraint(
                condition=Q(people__gte=1) & (Q(responder__isnull=True) | Q(people=1)), name="attendance_people"
            ),
            models.CheckConstraint(
                condition=Q(relieved_by__isnull=True) | Q(checked_out_at__isnull=False), name="attendance_relieved"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["division_code", "checked_in_at"], name="attendance_place")]
