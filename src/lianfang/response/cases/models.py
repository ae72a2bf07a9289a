"""Preliminary positives, holds, cases with their append-only classes, investigations, contacts."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from lianfang.core.access.privacy import declare
from lianfang.kit.ids import new_id
from lianfang.response.cases.rules import CONTACT_STATES, DETECTIONS, POSITIVE_STATES, SEVERITIES, STAGES

WHERE_FOUND = "the community where the person was when the fact was recorded answers for them"


@declare(
    plain="id county incident protocol recorded_at recorded_by",
    personal="resident division_code found_at detected_by retest_sampled_at decided_at",
    health="sample tube status",
    governed_by="division_code",
    because=WHERE_FOUND,
)
class ScreenPositive(models.Model):
    """A first positive result of one person that awaits its confirmation."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    incident = models.UUIDField()
    resident = models.UUIDField()
    division_code = models.BigIntegerField()
    protocol = models.CharField(max_length=120)
    sample = models.UUIDField(null=True)
    tube = models.UUIDField(null=True)
    found_at = models.DateTimeField()
    detected_by = models.CharField(max_length=24)
    status = models.CharField(max_length=10, default="open")
    retest_sampled_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(status__in=POSITIVE_STATES), name="positive_status"),
            models.CheckConstraint(condition=Q(detected_by__in=list(DETECTIONS)), name="positive_detected_by"),
            models.CheckConstraint(
                condition=Q(status="open", decided_at__isnull=True) | ~Q(status="open") & Q(decided_at__isnull=False),
                name="positive_decided",
            ),
            models.UniqueConstraint(
                fields=["incident", "resident"], condition=Q(status="open"), name="positive_open_once"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["county", "incident", "found_at"], name="positive_found")]


@declare(
    plain="id county held_by recorded_at authority appeal_to",
    personal="positive division_code place reason held_at ends_at lifted_at",
    governed_by="division_code",
    because=WHERE_FOUND,
)
class Hold(models.Model):
    """A person asked to stay where they are until the retest is known: it ends by itself, another one is a new row."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    positive = models.ForeignKey(ScreenPositive, models.PROTECT, related_name="holds")
    division_code = models.BigIntegerField()
    place = models.CharField(max_length=120)
    reason = models.CharField(max_length=200)
    authority = models.CharField(max_length=120)
    appeal_to = models.CharField(max_length=200)
    held_by = models.UUIDField()
    held_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    lifted_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("held_at")), name="hold_ends"),
            models.CheckConstraint(
                condition=~Q(reason="") & ~Q(authority="") & ~Q(appeal_to=""), name="hold_says_why_and_who"
            ),
        ]


@declare(
    plain="id county incident number protocol recorded_at recorded_by transfer_needed",
    personal="resident division_code screen_positive detected_by community_detected known_at sampled_at hospital"
    " vehicle transferred_at",
    health="onset_at",
    governed_by="division_code",
    because=WHERE_FOUND,
)
class Case(models.Model):
    """An infected person of an incident; what class they are in is told by the classifications."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    incident = models.UUIDField()
    number = models.IntegerField()
    resident = models.UUIDField()
    division_code = models.BigIntegerField()
    protocol = models.CharField(max_length=120)
    screen_positive = models.ForeignKey(ScreenPositive, models.PROTECT, null=True, related_name="cases")
    detected_by = models.CharField(max_length=24)
    community_detected = models.BooleanField()
    known_at = models.DateTimeField(help_text="when the positive result was known")
    sampled_at = models.DateTimeField(help_text="when the first positive sample was taken")
    onset_at = models.DateTimeField(null=True)
    transfer_needed = models.BooleanField(help_text="false for somebody found in a designated hospital")
    transferred_at = models.DateTimeField(null=True)
    hospital = models.CharField(max_length=100, blank=True)
    vehicle = models.CharField(max_length=40, blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["incident", "number"], name="case_number"),
            models.UniqueConstraint(fields=["incident", "resident"], name="case_once"),
            models.CheckConstraint(condition=Q(detected_by__in=list(DETECTIONS)), name="case_detected_by"),
            models.CheckConstraint(
                condition=~Q(detected_by="quarantine", community_detected=True), name="case_under_control"
            ),
            models.CheckConstraint(
                condition=Q(transferred_at__isnull=True) | ~Q(hospital=""), name="case_transferred_somewhere"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["county", "incident", "known_at"], name="case_known")]


@declare(
    plain="id county valid_at recorded_at decided_by rule command",
    personal="case division_code reason",
    health="class_code severity findings",
    governed_by="division_code",
    because=WHERE_FOUND,
)
class Classification(models.Model):
    """The class and severity of a case from an instant on, as learned at another. Never changed, never removed."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    case = models.ForeignKey(Case, models.PROTECT, related_name="classifications")
    division_code = models.BigIntegerField()
    class_code = models.CharField(max_length=40)
    severity = models.CharField(max_length=12, null=True)
    findings = models.JSONField(default=list)
    rule = models.CharField(max_length=80, blank=True, help_text="empty when a person decided beside the pack's rules")
    reason = models.CharField(max_length=200)
    decided_by = models.UUIDField()
    command = models.UUIDField(null=True)
    valid_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(reason=""), name="classification_reason"),
            models.CheckConstraint(
                condition=Q(severity__isnull=True) | Q(severity__in=SEVERITIES), name="classification_severity"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["case", "valid_at", "recorded_at"], name="classification_time")]


@declare(
    plain="id county reported_at recorded_at reported_by number",
    personal="case division_code",
    health="class_code",
    governed_by="division_code",
    because=WHERE_FOUND,
)
class CaseReport(models.Model):
    """The entry of a case, in one class, in the national direct-report network."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    case = models.ForeignKey(Case, models.PROTECT, related_name="reports")
    division_code = models.BigIntegerField()
    class_code = models.CharField(max_length=40)
    number = models.CharField(max_length=40, blank=True, help_text="card number in the network")
    reported_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    reported_by = models.UUIDField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["case", "class_code"], name="case_report_once")]


@declare(
    plain="id county stage valid_at recorded_at investigator",
    personal="case division_code summary",
    governed_by="division_code",
    because=WHERE_FOUND,
)
class Investigation(models.Model):
    """A stage of a case's investigation finished, with what it found; a later row of the same stage corrects it."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    case = models.ForeignKey(Case, models.PROTECT, related_name="investigations")
    division_code = models.BigIntegerField()
    stage = models.CharField(max_length=24)
    summary = models.TextField()
    valid_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    investigator = models.UUIDField()

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(stage__in=STAGES), name="investigation_stage")]


@declare(
    plain="id county recorded_at investigator",
    personal="case division_code place_code place place_text since until note replaces",
    governed_by="division_code place_code",
    because="the community of the case and the one it went to both need to know",
)
class TrajectoryEntry(models.Model):
    """A stay of a case somewhere, from an instant until another; ``replaces`` names the entry it corrects."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    case = models.ForeignKey(Case, models.PROTECT, related_name="trajectory")
    division_code = models.BigIntegerField()
    place_code = models.BigIntegerField(null=True)
    place = models.UUIDField(null=True)
    place_text = models.CharField(max_length=200)
    since = models.DateTimeField()
    until = models.DateTimeField()
    note = models.CharField(max_length=200, blank=True)
    replaces = models.OneToOneField("self", models.PROTECT, null=True, related_name="replaced_by")
    recorded_at = models.DateTimeField()
    investigator = models.UUIDField()

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(until__gte=F("since")), name="trajectory_forward")]
        indexes: ClassVar = [models.Index(fields=["case", "since"], name="trajectory_time")]


@declare(
    plain="id county incident name place since until note valid_at recorded_at decided_by",
    personal="case division_code",
    governed_by="division_code",
    because="a risk site concerns the community where it is",
)
class RiskSite(models.Model):
    """A place where a case may have infected others, between two instants."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    incident = models.UUIDField()
    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="risk_sites")
    division_code = models.BigIntegerField()
    place = models.UUIDField(null=True)
    name = models.CharField(max_length=200)
    since = models.DateTimeField()
    until = models.DateTimeField()
    note = models.CharField(max_length=200, blank=True)
    valid_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    decided_by = models.UUIDField()

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(until__gte=F("since")), name="risk_site_forward")]


@declare(
    plain="id county incident protocol determined_at determined_by recorded_at status",
    personal="resident division_code tier case via relation category first_exposure_at last_exposure_at placed_at",
    governed_by="division_code",
    because=WHERE_FOUND,
)
class Contact(models.Model):
    """A person exposed to a case, or to a contact: one open row per incident, person and tier.

    Further determinations move ``last_exposure_at`` and stand in the history with their own links.
    """

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    incident = models.UUIDField()
    resident = models.UUIDField()
    division_code = models.BigIntegerField()
    protocol = models.CharField(max_length=120)
    tier = models.CharField(max_length=40)
    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="contacts")
    via = models.ForeignKey("self", models.PROTECT, null=True, related_name="contacts")
    relation = models.CharField(max_length=60, blank=True)
    category = models.CharField(max_length=40, blank=True)
    first_exposure_at = models.DateTimeField(null=True)
    last_exposure_at = models.DateTimeField()
    determined_at = models.DateTimeField()
    determined_by = models.UUIDField()
    status = models.CharField(max_length=12, default="active")
    placed_at = models.DateTimeField(null=True, help_text="when quarantine began")
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(status__in=CONTACT_STATES), name="contact_status"),
            models.CheckConstraint(condition=Q(case__isnull=True) | Q(via__isnull=True), name="contact_one_link"),
            models.CheckConstraint(
                condition=~Q(tier="close_contact") | Q(case__isnull=False), name="close_contact_has_case"
            ),
            models.CheckConstraint(
                condition=Q(first_exposure_at__isnull=True) | Q(first_exposure_at__lte=F("last_exposure_at")),
                name="contact_exposures",
            ),
            models.UniqueConstraint(
                fields=["incident", "resident", "tier"], condition=Q(status="active"), name="contact_active_once"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["county", "incident", "tier", "status"], name="contact_tier")]


@declare(
    plain="id county status valid_at recorded_at decided_by command upgraded_to",
    personal="contact division_code case via last_exposure_at reason",
    governed_by="division_code",
    because=WHERE_FOUND,
)
class ContactHistory(models.Model):
    """A determination, upgrade or withdrawal of a contact. Never changed, never removed."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    contact = models.ForeignKey(Contact, models.PROTECT, related_name="history")
    division_code = models.BigIntegerField()
    status = models.CharField(max_length=12)
    upgraded_to = models.CharField(max_length=40, blank=True)
    case = models.ForeignKey(Case, models.PROTECT, null=True, related_name="+")
    via = models.ForeignKey(Contact, models.PROTECT, null=True, related_name="+")
    last_exposure_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, blank=True)
    decided_by = models.UUIDField()
    command = models.UUIDField(null=True)
    valid_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(status__in=CONTACT_STATES), name="contact_history_status"),
            models.CheckConstraint(condition=Q(status="active") | ~Q(reason=""), name="contact_history_reason"),
        ]
        indexes: ClassVar = [models.Index(fields=["contact", "valid_at", "recorded_at"], name="contact_history_time")]
