"""Preliminary positives, holds, cases with their append-only classes, investigations, contacts."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from lianfang.core.access.privacy import declare
from lianfang.kit.ids import new_id
from lianfang.response.cases.rules import CONTACT_STATES, DETECTIONS, POOL_VALUES, POSITIVE_STATES, SEVERITIES, STAGES

WHERE_FOUND = "the community where the person was when the fact was recorded answers for them"


@declare(
    plain="id county incident protocol pooled recorded_at recorded_by",
    personal="resident division_code found_at detected_by retest_sampled_at decided_at handed_to",
    health="sample tube status",
    governed_by="division_code",
    because=WHERE_FOUND,
)
class ScreenPositive(models.Model):
    """A first positive result of one person that awaits its confirmation.

    ``pooled``: found as a member of a positive pool (one person's own tube is a pool of one), whose duties oblige it.
    """

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
    status = models.CharField(max_length=12, default="open")
    pooled = models.BooleanField(default=False)
    retest_sampled_at = models.DateTimeField(null=True)
    decided_at = models.DateTimeField(null=True)
    handed_to = models.CharField(max_length=120, blank=True, help_text="county and post that took the person over")
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
            models.CheckConstraint(
                condition=Q(status="handed_over") & ~Q(handed_to="") | ~Q(status="handed_over") & Q(handed_to=""),
                name="positive_handed_to_somebody",
            ),
            models.UniqueConstraint(
                fields=["incident", "resident"], condition=Q(status="open"), name="positive_open_once"
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["county", "incident", "found_at"], name="positive_found")]


@declare(
    plain="id county held_by recorded_at authority appeal_to lifted_by",
    personal="positive division_code place reason held_at ends_at lifted_at lift_reason",
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
    lifted_by = models.UUIDField(null=True)
    lift_reason = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("held_at")), name="hold_ends"),
            models.CheckConstraint(
                condition=~Q(reason="") & ~Q(authority="") & ~Q(appeal_to=""), name="hold_says_why_and_who"
            ),
        ]


@declare(
    plain="id county incident protocol authority tube number value code mode purpose round division_code reported_at"
    " due_at resample_within withdrawn_at withdrawn_why recorded_at recorded_by",
    because="a pool names nobody, as its tube; who is in it is kept by its members, who are under scope",
)
class Pool(models.Model):
    """A tube reported positive (or indeterminate), with everybody in it: one for each such finding of the laboratory.

    ``number`` is the finding's number among those of the tube; a correction withdraws the pool and a further one opens
    another. ``due_at`` is when everybody's case must be settled, ``resample_within`` how long a single resample may take.
    """

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    incident = models.UUIDField()
    protocol = models.CharField(max_length=120)
    authority = models.CharField(max_length=120, help_text="on whose authority its people are held")
    tube = models.UUIDField()
    number = models.SmallIntegerField()
    value = models.CharField(max_length=14)
    code = models.CharField(max_length=40)
    mode = models.CharField(max_length=10)
    purpose = models.CharField(max_length=24)
    round = models.UUIDField(null=True)
    division_code = models.BigIntegerField(help_text="where the tube was filled")
    reported_at = models.DateTimeField()
    due_at = models.DateTimeField()
    resample_within = models.DurationField()
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_why = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["county", "tube", "number"], name="pool_of_finding"),
            models.CheckConstraint(condition=Q(value__in=POOL_VALUES), name="pool_value"),
            models.CheckConstraint(condition=Q(due_at__gt=F("reported_at")), name="pool_due"),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_why="")
                | Q(withdrawn_at__isnull=False) & ~Q(withdrawn_why=""),
                name="pool_withdrawn_for_a_reason",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["county", "reported_at"], name="pool_reported")]


@declare(
    plain="id county pool sample wave joined_at recorded_at",
    personal="resident division_code positive told_at police_told_at notified_at unreached",
    governed_by="division_code",
    because=WHERE_FOUND,
)
class PoolMember(models.Model):
    """Somebody whose sample is in a pool; without ``positive`` they are a case already, or the pool is indeterminate.

    ``resident`` is whose the sample is by its registration, ``positive`` names who that person is after any merging.
    ``wave`` counts the batches in which members became known: a phone that was offline brings late ones.
    """

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    pool = models.ForeignKey(Pool, models.PROTECT, related_name="members")
    sample = models.UUIDField()
    resident = models.UUIDField()
    positive = models.ForeignKey(ScreenPositive, models.PROTECT, null=True, related_name="memberships")
    division_code = models.BigIntegerField()
    wave = models.SmallIntegerField(default=1)
    joined_at = models.DateTimeField()
    told_at = models.DateTimeField(null=True, help_text="of the hold, by the community")
    police_told_at = models.DateTimeField(null=True, help_text="when the police knew of the hold")
    notified_at = models.DateTimeField(null=True, help_text="that nothing remains, by the community")
    unreached = models.CharField(max_length=200, blank=True, help_text="why nobody could tell them the last time")
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["pool", "sample"], name="pool_member_once"),
            models.CheckConstraint(condition=Q(wave__gte=1), name="pool_member_wave"),
        ]
        indexes: ClassVar = [
            models.Index(fields=["county", "resident"], name="pool_member_person"),
        ]


@declare(
    plain="id county next_at tried_at recorded_at recorded_by",
    personal="member division_code reason",
    governed_by="division_code",
    because=WHERE_FOUND,
)
class ResampleAttempt(models.Model):
    """A squad came for a single resample and could not take it, why, and when somebody comes again."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    member = models.ForeignKey(PoolMember, models.PROTECT, related_name="attempts")
    division_code = models.BigIntegerField()
    reason = models.CharField(max_length=200)
    next_at = models.DateTimeField()
    tried_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=~Q(reason=""), name="resample_attempt_reason"),
            models.CheckConstraint(condition=Q(next_at__gte=F("tried_at")), name="resample_attempt_again"),
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
