"""Phones of a test: what one of a role carries, kept as a phone keeps it."""

import json
import uuid
from dataclasses import dataclass, field
from itertools import count

from django.test import Client
from field_scene import device_and_token

from conftest import make_actor
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import reconcile
from lianfang.core.duties.rules import Desired
from lianfang.core.people.models import Household
from lianfang.kit.ids import new_id

OPENED = """
SELECT w.subject_kind, w.subject, w.kind, 'test', w.code, %(role)s, NULL::uuid, w.rule, w.subject, %(opens)s::timestamptz, %(due)s::timestamptz
FROM unnest(%(kinds)s::text[], %(subject_kinds)s::text[], %(ids)s::uuid[], %(codes)s::bigint[], %(rules)s::text[])
     AS w (kind, subject_kind, subject, code, rule)
"""


numbers = count(100_000)


@dataclass
class Phone:
    """A phone as it keeps what it was sent: the rows of each bucket, by what changed since it asked last."""

    token: str
    buckets: dict = field(default_factory=dict)
    answer: dict = field(default_factory=dict)

    def sync(self):
        """Bring it up to date; returns the last answer."""
        while True:
            have = {name: bucket["digest"] for name, bucket in self.buckets.items()}
            got = Client().post(
                "/api/field/sync", json.dumps({"have": have}), content_type="application/json",
                headers={"Authorization": f"Bearer {self.token}"},
            )  # fmt: skip
            assert got.status_code == 200, got.content
            self.answer = got.json()
            self.buckets |= self.answer["changed"]
            for name in self.answer["gone"]:
                self.buckets.pop(name)
            if not self.answer["more"]:
                return self.answer

    def rows(self, head):
        """The rows of all buckets that begin with a word, as dictionaries."""
        return [
            dict(zip(bucket["columns"], row, strict=True))
            for name, bucket in sorted(self.buckets.items()) if name.partition(":")[0] == head for row in bucket["rows"]
        ]  # fmt: skip

    @property
    def text(self):
        """Everything on it."""
        return json.dumps(self.buckets, ensure_ascii=False)


def phone(scope, role):
    """A new phone of somebody of a role, brought up to date once."""
    made = Phone(device_and_token(str(scope), role))
    made.sync()
    return made


def open_duties(role, wanted, now, later, rule="covid19-cn-ed9 tiers.close_contact.legs.0.checks_per_day"):
    """Open one duty of each (kind, subject_kind, subject, code) for a role."""
    by = make_actor()
    columns = list(zip(*wanted, strict=True))
    params = {
        "role": role, "opens": now, "due": later, "kinds": list(columns[0]), "subject_kinds": list(columns[1]),
        "ids": list(columns[2]), "codes": list(columns[3]), "rules": [rule] * len(wanted),
    }  # fmt: skip
    with acting(by):
        reconcile(
            Desired(tuple(set(columns[0])), OPENED, params, list(columns[2])),
            by=by,
            county=469021,
            valid_at=now,
            cause=new_id(),
        )


def subjects(village) -> dict[str, uuid.UUID]:
    """Somebody or something of each kind that a duty may be about, in one village of the scene."""
    from lianfang.response.cases.models import Contact
    from lianfang.response.checkpoints.models import Checkpoint

    by = make_actor()
    with acting(by):
        return {
            "resident": village.people[2], "order": village.order, "case": village.case, "zone": village.zone,
            "contact": Contact.objects.get(resident=village.people[1]).id,
            "checkpoint": Checkpoint.objects.get(division_code=village.code * 1000 + 11).id,
        }  # fmt: skip


def one_more_home(grid: int) -> uuid.UUID:
    """A household without anybody in it yet."""
    with acting(make_actor()):
        return Household.objects.create(county=469021, number=next(numbers), division_code=grid).id
