"""Daily reports as they were frozen, revision by revision, and the words of press reports beside a count."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from lianfang.core.access.privacy import declare
from lianfang.kit.ids import new_id
from lianfang.surfaces.reports.rules import COMPARATORS, ROLE_OF


@declare(
    plain="county division_code level day revision since as_of frozen_at frozen_by command submitted_at submitted_by"
    " submit_command",
    health="figures nil",
    governed_by="division_code",
    because="a small unit's figures speak of few people, so they are seen by the unit and by those above it",
)
class DailyReport(models.Model):
    """What the records said of a unit's day when it was frozen; what was learned later is another revision.

    ``figures`` holds numbers by figure code, counted over (``since``, ``as_of``] or as it stood at ``as_of``; ``nil``
    says that nothing new happened; ``submitted_…`` is the person who confirmed this revision.
    """

    pk = models.CompositePrimaryKey("county", "day", "division_code", "revision")
    county = models.IntegerField()
    day = models.DateField()
    division_code = models.BigIntegerField()
    revision = models.SmallIntegerField()
    level = models.CharField(max_length=10)
    since = models.DateTimeField()
    as_of = models.DateTimeField()
    figures = models.JSONField()
    nil = models.BooleanField()
    frozen_at = models.DateTimeField()
    frozen_by = models.UUIDField()
    command = models.UUIDField(null=True)
    submitted_at = models.DateTimeField(null=True)
    submitted_by = models.UUIDField(null=True)
    submit_command = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(level__in=list(ROLE_OF)), name="daily_report_level"),
            models.CheckConstraint(condition=Q(revision__gte=1, as_of__gt=F("since")), name="daily_report_period"),
            models.CheckConstraint(
                condition=Q(submitted_at__isnull=True, submitted_by__isnull=True, submit_command__isnull=True)
                | Q(submitted_at__isnull=False, submitted_by__isnull=False),
                name="daily_report_submitted_by_somebody",
            ),
        ]


@declare(plain="id scenario name order quote value comparator count params published_at recorded_at account command")
class Quotation(models.Model):
    """A press report's words on one figure, and the count that they are held against.

    ``value`` is a number or a local time as text; ``count`` names a count of the registry, ``params`` what it is asked.
    """

    id = models.UUIDField(primary_key=True, default=new_id)
    scenario = models.CharField(max_length=60)
    name = models.CharField(max_length=60)
    order = models.SmallIntegerField()
    quote = models.TextField()
    value = models.CharField(max_length=40)
    comparator = models.CharField(max_length=2)
    count = models.CharField(max_length=60)
    params = models.JSONField(default=dict)
    published_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    account = models.UUIDField()
    command = models.UUIDField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["scenario", "name"], name="quotation_once"),
            models.CheckConstraint(condition=Q(comparator__in=COMPARATORS), name="quotation_comparator"),
            models.CheckConstraint(condition=~Q(quote="") & ~Q(value=""), name="quotation_says_something"),
        ]
