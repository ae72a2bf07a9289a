"""Whatever happens in whatever order: nobody in a positive tube is forgotten, and nobody is held for no tube at all."""

from collections import defaultdict

import pytest
from django.db import transaction
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from lianfang.config.kinds import KINDS
from lianfang.core.access.scope import acting
from lianfang.core.duties.actions import declare_kinds
from lianfang.core.people.models import Resident
from lianfang.kit.ids import new_id
from lianfang.kit.refusals import Refusal
from lianfang.response.cases import queries
from lianfang.response.cases.models import Case, Hold, ScreenPositive
from lianfang.response.specimens.models import Result, Sample
from workflows.pool_making import (
    DINGAN,
    HERE,
    HOUR,
    NOON,
    THERE,
    correct,
    county_actor,
    declare,
    people,
    report,
    send,
    tube,
)

pytestmark = pytest.mark.django_db

WHO, WHICH = st.integers(0, 5), st.integers(0, 2)
MEMBERS = st.sets(WHO, min_size=1, max_size=4)
VALUES = st.sampled_from(["positive", "positive", "negative", "indeterminate", "insufficient"])
STEP = st.one_of(
    st.tuples(st.just("fill"), WHICH, MEMBERS),
    st.tuples(st.just("late"), WHICH, WHO),
    st.tuples(st.just("report"), WHICH, VALUES),
    st.tuples(st.just("report"), WHICH, VALUES),
    st.tuples(st.just("correct"), WHICH, VALUES),
    st.tuples(st.just("resample"), WHO, st.none() | VALUES),
    st.tuples(st.just("correct_resample"), WHO, VALUES),
    st.tuples(st.just("release"), WHO, st.none()),
    st.tuples(st.just("case"), WHO, st.none()),
    st.tuples(st.just("hand_over"), WHO, st.none()),
    st.tuples(st.just("in_vain"), WHO, st.none()),
    st.tuples(st.just("by_hand"), WHO, st.none()),
    st.tuples(st.just("merge"), WHO, WHO),
    st.tuples(st.just("again"), st.none(), st.none()),
)


@pytest.fixture(autouse=True, scope="module")
def kinds(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        declare_kinds(KINDS)


class County:
    """A county in which the steps happen, one quarter of an hour apart; a lost phone sends its last command again."""

    def __init__(self) -> None:
        self.by = county_actor()
        self.incident = declare(self.by)
        self.people = [*people(self.by, 4), *people(self.by, 2, grid=THERE)]
        self.tubes: dict[int, object] = {}
        self.resamples: dict[int, list[object]] = defaultdict(list)
        self.now, self.last = NOON, lambda: None
        self.went: list[str] = []
        self.refused: list[str] = []

    def take(self, step) -> None:
        self.now += HOUR / 4
        kind, what, value = step
        if kind != "again":
            self.last = lambda: getattr(self, kind)(what, value)
        try:
            with transaction.atomic():
                self.last()
            self.went.append(kind)
        except Refusal:
            self.refused.append(kind)

    def fill(self, which, who) -> None:
        if which not in self.tubes:
            self.tubes[which] = tube(self.by, [self.people[one] for one in sorted(who)], self.now, mode="pooled")

    def late(self, which, who) -> None:
        if which in self.tubes:
            tube(self.by, [self.people[who]], self.now, mode="pooled", id=self.tubes[which])

    def report(self, which, value) -> None:
        if which in self.tubes:
            report(self.by, self.tubes[which], value, self.now)

    def correct(self, which, value) -> None:
        if which in self.tubes:
            correct(self.by, self.tubes[which], value, self.now)

    def resample(self, who, value) -> None:
        for positive in self.positives(who):
            made = tube(self.by, [self.people[who]], self.now, purpose="confirmatory_retest", order=positive.id)
            self.resamples[who].append(made)
            if value:
                report(self.by, made, value, self.now)

    def correct_resample(self, who, value) -> None:
        for made in self.resamples[who][-1:]:
            correct(self.by, made, value, self.now)

    def release(self, who, _) -> None:
        for positive in self.positives(who):
            send(self.by, "release_pool_members", self.now, positives=[str(positive.id)])

    def case(self, who, _) -> None:
        send(self.by, "register_case", self.now, incident=str(self.incident.id), resident=str(self.people[who]),
             protocol="covid19-cn-ed9", detected_by="community_screening", class_code="asymptomatic_case", reason="ill",
             sampled_at=NOON.isoformat())  # fmt: skip

    def hand_over(self, who, _) -> None:
        for positive in self.positives(who):
            send(self.by, "hand_over_positive", self.now, positive=str(positive.id), county_name="屯昌县",
                 taken_over_by="值班室", reason="已返回")  # fmt: skip

    def in_vain(self, who, _) -> None:
        with acting(self.by):
            found = list(self.positives(who))
            members = [str(member.id) for positive in found for member in positive.memberships.all()]
        if members:
            attempts = [{"id": str(new_id()), "member": one, "reason": "不在家"} for one in members]
            send(self.by, "record_resample_attempts", self.now, attempts=attempts)

    def by_hand(self, who, _) -> None:
        send(self.by, "report_positive", self.now, incident=str(self.incident.id), resident=str(self.people[who]),
             protocol="covid19-cn-ed9", detected_by="fever_clinic")  # fmt: skip

    def merge(self, who, into) -> None:
        with acting(self.by):
            if who < into and not Resident.objects.filter(id=self.people[into], merged_into__isnull=False).exists():
                Resident.objects.filter(id=self.people[who], merged_into__isnull=True).update(
                    merged_into=self.people[into]
                )

    def positives(self, who):
        with acting(self.by):
            return list(ScreenPositive.objects.filter(resident=self.people[who], status="open"))

    def kin(self, resident):
        """Everybody whom the register takes for the same person: what records were merged into, and from."""
        with acting(self.by):
            into = dict(Resident.objects.values_list("id", "merged_into"))

        def root(one):
            while into.get(one):
                one = into[one]
            return one

        return {one for one in into if root(one) == root(resident)}

    def in_positive_tubes(self):
        """People by the laboratory's word alone, without a look at pools: resident → when their sample was known positive."""
        with acting(self.by):
            latest = {}
            for result in Result.objects.order_by("number"):
                latest[result.tube] = result
            rows = Sample.objects.values_list("resident", "tube")
            return {who for who, tube in rows if tube in latest and latest[tube].value == "positive"}


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(first=MEMBERS, second=MEMBERS, steps=st.lists(STEP, min_size=4, max_size=16))
def test_nobody_in_a_positive_tube_is_forgotten_and_nobody_is_held_for_nothing(first, second, steps):
    with transaction.atomic():
        county = County()
        for step in (("fill", 0, first), ("fill", 1, second), ("report", 0, "positive"), *steps):
            county.take(step)
            assert queries.pool_disagreements(by=county.by, county=DINGAN) == []
        with acting(county.by):
            known = set(ScreenPositive.objects.exclude(status="withdrawn").values_list("resident", flat=True))
            known |= set(Case.objects.values_list("resident", flat=True))
            held = list(Hold.objects.filter(lifted_at__isnull=True).values_list("positive__resident", "positive__status",
                                                                               "positive__pooled"))  # fmt: skip
        positive = county.in_positive_tubes()
        for who in positive:
            assert known & county.kin(who), "somebody in a positive tube is neither held, released nor a case"
        for who, status, pooled in held:
            assert status == "open"
            assert not pooled or positive & county.kin(who), (
                "somebody is held, and no tube of theirs stands as positive"
            )
        for one in set(county.went):
            event(f"{one} went through")
        transaction.set_rollback(True)


def test_the_property_sees_a_forgotten_person():
    county = County()
    county.take(("fill", 0, {0, 1}))
    county.take(("report", 0, "positive"))
    assert county.went == ["fill", "report"]
    with acting(county.by):
        Sample.objects.create(
            county=DINGAN, tube=county.tubes[0], id=new_id(), resident=county.people[2], purpose="mandatory_testing",
            taken_at=NOON, taken_by=new_id(), division_code=HERE, site_code=HERE, recorded_at=NOON,
        )  # fmt: skip
    assert [what for what, *_ in queries.pool_disagreements(by=county.by, county=DINGAN)] == ["not in its pool"]
