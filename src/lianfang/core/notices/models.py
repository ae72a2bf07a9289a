"""Notices, the numbers text messages go to, and the messages that wait or were sent."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from lianfang.core.access.privacy import declare
from lianfang.kit.ids import new_id

TEXT_STATES = ("waiting", "sent", "given_up")


@declare(plain="id account kind key duty params at created_at read_at text")
class Notice(models.Model):
    """Something an account is told once: a kind whose words stand in the code, its parameters, the duty it leads to."""

    id = models.BigIntegerField(primary_key=True)
    account = models.UUIDField()
    kind = models.CharField(max_length=40)
    key = models.CharField(max_length=80)
    duty = models.BigIntegerField(null=True)
    params = models.JSONField(default=dict)
    at = models.DateTimeField(help_text="by the response clock")
    created_at = models.DateTimeField(help_text="by the machine's")
    read_at = models.DateTimeField(null=True)
    text = models.UUIDField(null=True, help_text="the text message that told of it")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "kind", "key"], name="notice_once")]
        indexes: ClassVar = [
            models.Index(fields=["account", "id"], name="notice_list"),
            models.Index(
                fields=["created_at"], condition=Q(text__isnull=True, read_at__isnull=True), name="notice_untold"
            ),
        ]


@declare(
    plain="account county set_by set_at",
    personal="division_code",
    identifier="number",
    governed_by="division_code",
    because="a number is set and cleared by whoever administers the unit in which the account serves, or by its owner",
)
class NoticePhone(models.Model):
    """The number an account wants text messages on, sealed with the county's key; optional."""

    account = models.UUIDField(primary_key=True)
    county = models.IntegerField()
    division_code = models.BigIntegerField()
    number = models.BinaryField(max_length=80)
    set_by = models.UUIDField()
    set_at = models.DateTimeField()


@declare(plain="id account counts alarm state tries next_at created_at finished_at")
class TextMessage(models.Model):
    """A text message to one account: so many new duties, overdue ones and answers. The id goes to the gateway with each try."""

    id = models.UUIDField(primary_key=True, default=new_id)
    account = models.UUIDField()
    counts = models.JSONField(default=dict)
    alarm = models.BooleanField(default=False)
    state = models.CharField(max_length=12, default="waiting")
    tries = models.SmallIntegerField(default=0)
    next_at = models.DateTimeField()
    created_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=Q(state__in=TEXT_STATES), name="text_state"),
            models.CheckConstraint(
                condition=Q(state="waiting", finished_at__isnull=True)
                | ~Q(state="waiting") & Q(finished_at__isnull=False),
                name="text_finished",
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["next_at"], condition=Q(state="waiting"), name="text_waiting")]
