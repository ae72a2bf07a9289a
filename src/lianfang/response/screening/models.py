"""Rounds, their frozen rosters, who was found and who left, visits to the missing, sign-off.

Roster rows are written once and never changed; what changes later stands beside them with its reason. Keys begin with
the county and nothing points a foreign key at the roster.
"""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from lianfang.core.access.privacy import declare
from lianfang.kit.ids import new_id
from lianfang.response.screening.paper import KINDS
from lianfang.response.screening.rules import FOUND_REASONS, MODES, NEEDS_WHERE, REASONS, VISIT_OUTCOMES


@declare(
    plain="id county incident area_code number title pack opened_at target_at visit_within visits_from frozen"
    " recorded_at recorded_by closed_at closed_recorded_at closed_by accepted_by accepted_title remaining"
)
class Round(models.Model):
    """A round of area testing (轮次), numbered within the unit ``area_code`` of its incident.

    ``frozen`` is the size of its roster; from ``visits_from`` on the missing are visited, each within ``visit_within``;
    whoever accepted the ``remaining`` at sign-off answers for them.
    """

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    incident = models.UUIDField()
    area_code = models.BigIntegerField()
    number = models.SmallIntegerField()
    title = models.CharField(max_length=120)
    pack = models.CharField(max_length=60)
    opened_at = models.DateTimeField()
    target_at = models.DateTimeField()
    visit_within = models.DurationField()
    visits_from = models.DateTimeField()
    frozen = models.IntegerField()
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()
    closed_at = models.DateTimeField(null=True)
    closed_recorded_at = models.DateTimeField(null=True)
    closed_by = models.UUIDField(null=True)
    accepted_by = models.UUIDField(null=True)
    accepted_title = models.CharField(max_length=120, blank=True)
    remaining = models.IntegerField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["county", "incident", "area_code", "number"], name="round_number_once"),
            models.CheckConstraint(condition=Q(number__gte=1, frozen__gte=1), name="round_counts"),
            models.CheckConstraint(
                condition=Q(target_at__gt=F("opened_at"), visits_from__lte=F("target_at")), name="round_times"
            ),
            models.CheckConstraint(
                condition=Q(
                    closed_at__isnull=True, closed_recorded_at__isnull=True, closed_by__isnull=True,
                    remaining__isnull=True,
                )
                | Q(
                    closed_at__isnull=False, closed_recorded_at__isnull=False, closed_by__isnull=False,
                    remaining__gte=0,
                ),
                name="round_closed_whole",
            ),
            models.CheckConstraint(
                condition=~Q(remaining__gt=0) | Q(accepted_by__isnull=False), name="round_remainder_accepted"
            ),
        ]  # fmt: skip


@declare(plain="id round code_lo code_hi zone_level mode pool")
class RoundArea(models.Model):
    """One range of codes of a round, with how its people are sampled there."""

    round = models.ForeignKey(Round, models.CASCADE, related_name="areas")
    code_lo = models.BigIntegerField()
    code_hi = models.BigIntegerField()
    zone_level = models.CharField(max_length=20, null=True)
    mode = models.CharField(max_length=10)
    pool = models.SmallIntegerField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(code_hi__gte=F("code_lo")), name="round_area_range"),
            models.CheckConstraint(condition=Q(mode__in=MODES, pool__gte=1), name="round_area_mode"),
        ]


@declare(
    plain="county round",
    personal="resident division_code household",
    governed_by="division_code",
    because="a roster is worked down where its people live",
)
class RosterEntry(models.Model):
    """Somebody a round must sample, frozen when it opened: the grid of residence (of stay, for guests), the household."""

    pk = models.CompositePrimaryKey("county", "round", "resident")
    county = models.IntegerField()
    round = models.UUIDField()
    resident = models.UUIDField()
    division_code = models.BigIntegerField()
    household = models.UUIDField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["county", "round", "division_code"], name="roster_place")]


@declare(plain="county round division_code frozen sampled")
class RosterTally(models.Model):
    """How many people of a grid stand on a round's roster, and how many of them have a sample that was counted.

    A summary that can be made anew from roster and samples; what is not in it yet stands in `RosterSlip`.
    """

    pk = models.CompositePrimaryKey("county", "round", "division_code")
    county = models.IntegerField()
    round = models.UUIDField()
    division_code = models.BigIntegerField()
    frozen = models.IntegerField(default=0)
    sampled = models.IntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(sampled__gte=0, sampled__lte=F("frozen")), name="roster_tally_counts")
        ]


@declare(plain="id county round division_code people")
class RosterSlip(models.Model):
    """How many people of a grid one statement sampled for the first time in a round, until `RosterTally` takes it up.

    The database writes it with the samples; tally and slips together are the account at every instant.
    """

    id = models.BigAutoField(primary_key=True)
    county = models.IntegerField()
    round = models.UUIDField()
    division_code = models.BigIntegerField()
    people = models.IntegerField()

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(people__gt=0), name="roster_slip_people")]


@declare(
    plain="county round reason valid_at recorded_at recorded_by",
    personal="resident division_code household",
    governed_by="division_code",
    because="somebody found is sampled where they were found",
)
class FoundEntry(models.Model):
    """Somebody found who is not on the roster, and how that came about."""

    pk = models.CompositePrimaryKey("county", "round", "resident")
    county = models.IntegerField()
    round = models.UUIDField()
    resident = models.UUIDField()
    division_code = models.BigIntegerField()
    household = models.UUIDField(null=True)
    reason = models.CharField(max_length=20)
    valid_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(reason__in=FOUND_REASONS), name="found_reason")]


@declare(
    plain="county round id valid_at recorded_at recorded_by withdrawn_at withdrawn_recorded_at withdrawn_by",
    personal="resident division_code where",
    health="reason",
    governed_by="division_code",
    because="it excuses somebody from the roster of that place",
)
class Exclusion(models.Model):
    """Why somebody on the roster need not be sampled, by whom it was said; ended when a second person finds otherwise."""

    pk = models.CompositePrimaryKey("county", "round", "id")
    county = models.IntegerField()
    round = models.UUIDField()
    id = models.UUIDField()
    resident = models.UUIDField()
    division_code = models.BigIntegerField()
    reason = models.CharField(max_length=20)
    where = models.CharField(max_length=120, blank=True)
    valid_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_recorded_at = models.DateTimeField(null=True)
    withdrawn_by = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["county", "round", "resident"], condition=Q(withdrawn_at__isnull=True), name="exclusion_once"
            ),
            models.CheckConstraint(condition=Q(reason__in=REASONS), name="exclusion_reason"),
            models.CheckConstraint(
                condition=~Q(reason__in=sorted(NEEDS_WHERE)) | ~Q(where=""), name="exclusion_says_where"
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True, withdrawn_recorded_at__isnull=True, withdrawn_by__isnull=True)
                | Q(withdrawn_at__isnull=False, withdrawn_recorded_at__isnull=False, withdrawn_by__isnull=False),
                name="exclusion_withdrawn_whole",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["county", "round", "resident"], name="exclusion_person")]


@declare(
    plain="county round exclusion confirmed valid_at recorded_at recorded_by",
    personal="division_code note",
    governed_by="division_code",
    because="it is read beside the exclusion it checks",
)
class ExclusionRecall(models.Model):
    """A second person's call to somebody excluded, and whether the reason was true."""

    pk = models.CompositePrimaryKey("county", "round", "exclusion")
    county = models.IntegerField()
    round = models.UUIDField()
    exclusion = models.UUIDField()
    division_code = models.BigIntegerField()
    confirmed = models.BooleanField()
    note = models.CharField(max_length=200, blank=True)
    valid_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()


@declare(plain="id round county code_lo code_hi called_at recorded_at recorded_by")
class VisitAssignment(models.Model):
    """An order to visit the missing of a range of codes from now on, before the round's target makes it due anyway."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    round = models.ForeignKey(Round, models.CASCADE, related_name="visit_assignments")
    code_lo = models.BigIntegerField()
    code_hi = models.BigIntegerField()
    called_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(condition=Q(code_hi__gte=F("code_lo")), name="visit_range")]


@declare(
    plain="county round id attempt outcome visited_at appointment_at recorded_at recorded_by",
    personal="resident division_code note",
    governed_by="division_code",
    because="a visit is made where the roster places the person",
)
class Visit(models.Model):
    """One visit to a missing person, and what came of it."""

    pk = models.CompositePrimaryKey("county", "round", "id")
    county = models.IntegerField()
    round = models.UUIDField()
    id = models.UUIDField()
    resident = models.UUIDField()
    division_code = models.BigIntegerField()
    attempt = models.SmallIntegerField()
    outcome = models.CharField(max_length=20)
    visited_at = models.DateTimeField()
    appointment_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["county", "round", "resident", "attempt"], name="visit_attempt_once"),
            models.CheckConstraint(condition=Q(outcome__in=VISIT_OUTCOMES, attempt__gte=1), name="visit_outcome"),
            models.CheckConstraint(
                condition=Q(outcome="appointment", appointment_at__gt=F("visited_at"))
                | (~Q(outcome="appointment") & Q(appointment_at__isnull=True)),
                name="visit_appointment",
            ),
        ]


@declare(
    plain="county round",
    personal="resident division_code",
    governed_by="division_code",
    because="who remains is carried on where they live",
)
class MissingEntry(models.Model):
    """Somebody who was neither sampled nor excluded when the round was signed off."""

    pk = models.CompositePrimaryKey("county", "round", "resident")
    county = models.IntegerField()
    round = models.UUIDField()
    resident = models.UUIDField()
    division_code = models.BigIntegerField()


@declare(
    plain="id county incident area_code proposal not_before rule why decision reason decided_at recorded_at recorded_by"
)
class RoundDecision(models.Model):
    """What the pack proposed after the rounds so far, and what a person decided; never changed, the latest counts."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    incident = models.UUIDField()
    area_code = models.BigIntegerField()
    proposal = models.CharField(max_length=20)
    not_before = models.DateField(null=True)
    rule = models.CharField(max_length=120)
    why = models.CharField(max_length=300)
    decision = models.CharField(max_length=20)
    reason = models.CharField(max_length=300)
    decided_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(decision=F("proposal")) | ~Q(reason=""), name="round_decision_explained")
        ]


@declare(
    plain="id county round place name division_code leader_post tables samplers opened_at closed_at recorded_at recorded_by"
)
class SamplingSite(models.Model):
    """A sampling site (采样点) of a round: its place, who leads it, its tables and samplers."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    round = models.ForeignKey(Round, models.PROTECT, related_name="sites")
    place = models.UUIDField(null=True)
    name = models.CharField(max_length=100)
    division_code = models.BigIntegerField()
    leader_post = models.UUIDField(null=True)
    tables = models.SmallIntegerField()
    samplers = models.SmallIntegerField()
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["round", "division_code", "name"], name="sampling_site_once"),
            models.CheckConstraint(condition=Q(tables__gte=1, samplers__gte=1), name="sampling_site_staffed"),
        ]


@declare(
    plain="id county code round number run division_code mode pool tubes lines printed_at recorded_at recorded_by",
    because="a sheet names nobody; who stands on it is kept by its lines, which are under scope",
)
class PaperSheet(models.Model):
    """A paper sheet (纸质登记表) printed from a roster: ``number`` counts within the round, ``code`` stands on it."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    code = models.CharField(max_length=9)
    round = models.UUIDField()
    number = models.IntegerField()
    run = models.UUIDField(help_text="the printing that made it")
    division_code = models.BigIntegerField()
    mode = models.CharField(max_length=10)
    pool = models.SmallIntegerField()
    tubes = models.SmallIntegerField()
    lines = models.SmallIntegerField()
    printed_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["county", "code"], name="sheet_code_once"),
            models.UniqueConstraint(fields=["county", "round", "number"], name="sheet_number_once"),
            models.CheckConstraint(
                condition=Q(mode__in=MODES, pool__gte=1, lines__gte=F("tubes"), tubes__gte=1, number__gte=1),
                name="sheet_counts",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["county", "run"], name="sheet_run")]


@declare(
    plain="county sheet line tube",
    personal="resident division_code household",
    governed_by="division_code",
    because="a sheet is carried where the roster places its people",
)
class SheetLine(models.Model):
    """One printed line of a sheet: a person, and the number of the tube on the sheet that they share."""

    pk = models.CompositePrimaryKey("county", "sheet", "line")
    county = models.IntegerField()
    sheet = models.UUIDField()
    line = models.SmallIntegerField()
    tube = models.SmallIntegerField()
    resident = models.UUIDField()
    division_code = models.BigIntegerField()
    household = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["county", "sheet", "resident"], name="sheet_person_once"),
            models.CheckConstraint(condition=Q(line__gte=1, tube__gte=1), name="sheet_line_numbers"),
        ]


@declare(plain="county sheet kind id total ticked typed_at note recorded_at recorded_by")
class SheetTyping(models.Model):
    """A sheet typed in by one person, typed in again by another, or settled where they differ.

    ``total`` is what stands at the foot of the paper, ``ticked`` the number of lines typed as sampled.
    """

    pk = models.CompositePrimaryKey("county", "sheet", "kind")
    county = models.IntegerField()
    sheet = models.UUIDField()
    kind = models.CharField(max_length=8)
    id = models.UUIDField(default=new_id)
    total = models.SmallIntegerField()
    ticked = models.SmallIntegerField()
    typed_at = models.DateTimeField()
    note = models.CharField(max_length=200, blank=True)
    recorded_at = models.DateTimeField()
    recorded_by = models.UUIDField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["county", "id"], name="sheet_typing_id"),
            models.UniqueConstraint(
                fields=["county", "sheet", "recorded_by"], condition=~Q(kind="settled"), name="sheet_typed_by_two"
            ),
            models.CheckConstraint(condition=Q(kind__in=KINDS, total__gte=0, ticked__gte=0), name="sheet_typing"),
            models.CheckConstraint(condition=~Q(kind="settled") | ~Q(note=""), name="sheet_settled_with_note"),
        ]


@declare(
    plain="county sheet kind line sampled tube_code taken_at",
    personal="resident division_code",
    governed_by="division_code",
    because="it is read beside the sheet's line",
)
class SheetEntry(models.Model):
    """One line as it was typed in; ``resident`` is whom it names, printed or written by hand."""

    pk = models.CompositePrimaryKey("county", "sheet", "kind", "line")
    county = models.IntegerField()
    sheet = models.UUIDField()
    kind = models.CharField(max_length=8)
    line = models.SmallIntegerField()
    resident = models.UUIDField()
    division_code = models.BigIntegerField()
    sampled = models.BooleanField()
    tube_code = models.CharField(max_length=40, blank=True)
    taken_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(sampled=True, taken_at__isnull=False) & ~Q(tube_code="")
                | Q(sampled=False, tube_code="", taken_at__isnull=True),
                name="sheet_entry_whole",
            ),
        ]
