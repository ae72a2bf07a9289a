"""Parcels that came in, each with what became of it; photos, encrypted, for some days."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from lianfang.core.access.privacy import declare
from lianfang.core.intake.rules import CAPTIONS, STATES
from lianfang.kit.ids import new_id


@declare(
    plain="id sent_as county device account_id grant_id kind form duty valid_at made_at received_at state code urgent fingerprint"
    " result decided_at decided_by",
    personal="division_code reason",
    health="sealed note",
    governed_by="division_code",
    because="a parcel is seen where the worker's post is, or the device's unit when nobody can say whose it is",
)
class Parcel(models.Model):
    """A parcel and its receipt. Only one that was not applied keeps its content, as it came: sealed to the server's key.

    ``note`` (encrypted) is what the rules said to it. ``fingerprint`` tells other content under the same id.
    """

    id = models.UUIDField(primary_key=True)
    #: the id on the phone, where another content had taken it before
    sent_as = models.UUIDField(null=True)
    county = models.IntegerField()
    division_code = models.BigIntegerField()
    device = models.UUIDField()
    account_id = models.UUIDField(null=True)
    grant_id = models.UUIDField(null=True)
    kind = models.CharField(max_length=60)
    form = models.CharField(max_length=60)
    duty = models.BigIntegerField(null=True)
    valid_at = models.DateTimeField(null=True)
    made_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField()
    state = models.CharField(max_length=10)
    code = models.CharField(max_length=20)
    urgent = models.BooleanField(default=False)
    fingerprint = models.BinaryField(max_length=32)
    result = models.JSONField(default=dict)
    sealed = models.BinaryField(null=True)
    note = models.BinaryField(null=True)
    decided_at = models.DateTimeField(null=True)
    decided_by = models.UUIDField(null=True)
    reason = models.CharField(max_length=200, default="")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(state__in=STATES), name="parcel_state"),
            models.CheckConstraint(
                condition=Q(state="applied", sealed__isnull=True, note__isnull=True)
                | ~Q(state="applied") & Q(sealed__isnull=False),
                name="parcel_kept_until_applied",
            ),
            models.CheckConstraint(
                condition=Q(decided_at__isnull=True, decided_by__isnull=True, reason="")
                | Q(decided_at__isnull=False, decided_by__isnull=False) & ~Q(reason=""),
                name="parcel_decided_whole",
            ),
            models.CheckConstraint(
                condition=Q(state="set_aside", decided_at__isnull=False)
                | Q(state="applied")
                | Q(state__in=["held", "noted"], decided_at__isnull=True),
                name="parcel_set_aside_by_somebody",
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["division_code", "received_at"], condition=~Q(state="applied"), name="parcel_kept"),
            models.Index(
                fields=["account_id", "decided_at"], condition=Q(decided_at__isnull=False), name="parcel_decided"
            ),
            models.Index(fields=["sent_as"], condition=Q(sent_as__isnull=False), name="parcel_sent_as"),
        ]


@declare(
    plain="id county duty subject account_id caption taken_at recorded_at",
    personal="division_code",
    health="sealed",
    governed_by="division_code",
    because="a photo is seen where the duty is that it belongs to",
)
class Photo(models.Model):
    """A photo of a place, a notice or a hazard, never of a face: encrypted, beside a duty or a record, for some days."""

    id = models.UUIDField(primary_key=True, default=new_id)
    county = models.IntegerField()
    division_code = models.BigIntegerField()
    duty = models.BigIntegerField(null=True)
    subject = models.UUIDField(null=True)
    account_id = models.UUIDField()
    caption = models.CharField(max_length=20)
    taken_at = models.DateTimeField()
    recorded_at = models.DateTimeField()
    sealed = models.BinaryField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(caption__in=CAPTIONS), name="photo_caption"),
            models.CheckConstraint(
                condition=Q(duty__isnull=False) | Q(subject__isnull=False), name="photo_belongs_somewhere"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["county", "duty"], condition=Q(duty__isnull=False), name="photo_duty"),
            models.Index(fields=["subject"], condition=Q(subject__isnull=False), name="photo_subject"),
            models.Index(fields=["recorded_at"], name="photo_age"),
        ]
