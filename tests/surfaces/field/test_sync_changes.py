"""After anything that may happen, a phone that followed step by step holds what a new phone is sent."""

import random
from datetime import timedelta

import pytest
from phones import Phone, one_more_home, open_duties, phone

from conftest import JIANGNAN, XINZHU
from lianfang.config.kinds import KINDS
from lianfang.core.access.scope import acting
from lianfang.core.access.sign_in import actor_of_token
from lianfang.core.duties.actions import declare_kinds, finish_duty, reconcile
from lianfang.core.duties.rules import Desired
from lianfang.core.people.actions import issue_codes, record_presence
from lianfang.core.people.models import Household
from lianfang.kit.clock import clock_at
from lianfang.kit.codes import code_range
from lianfang.kit.ids import new_id
from lianfang.response.screening.actions import open_sites
from lianfang.response.screening.rules import SiteEntry
from lianfang.response.specimens.rules import SampleEntry, TubeEntry
from lianfang.workflows.positive_pool import register_tubes
from making import make_resident
from surfaces.console.scene import NOW, county_hand, two_villages

pytestmark = pytest.mark.django_db
GRID, ELSEWHERE = XINZHU * 1000 + 11, JIANGNAN * 1000 + 11
ROLES = ("community", "grid_worker", "sampler", "volunteer", "checkpoint")
NOTHING = "SELECT NULL, NULL::uuid, NULL, NULL, NULL::bigint, NULL, NULL::uuid, NULL, NULL::uuid, NULL::timestamptz, NULL::timestamptz WHERE false"


@pytest.fixture(scope="module", autouse=True)
def kinds(django_db_setup, django_db_blocker):
    with django_db_blocker.unblock():
        declare_kinds(KINDS)


class Village:
    """What happens in a village, one thing after another."""

    def __init__(self, seed):
        self.chance, self.by, self.now, self.tubes = random.Random(seed), county_hand(), NOW, 0
        self.ours, self.theirs = two_villages()
        self.people = list(self.ours.people)
        self.phones = [phone(XINZHU, role) for role in ROLES]

    def somebody(self):
        return self.chance.choice(self.people)

    def a_duty_opens(self):
        about = [("round_visit", "resident", self.somebody(), GRID + self.chance.randrange(3))]
        open_duties(self.chance.choice(ROLES), about, self.now, self.now + timedelta(hours=self.chance.randrange(1, 9)))

    def a_duty_is_dropped(self):
        dropped = Desired(("round_visit",), NOTHING, {}, [self.somebody()], "no longer required")
        reconcile(dropped, by=self.by, county=469021, valid_at=self.now, cause=new_id())

    def a_duty_is_done(self):
        one = self.chance.choice(self.phones)
        mine = [
            row
            for row in one.rows("duties")
            if row["kind"] in ("round_visit", "visit") and row["state"] == "outstanding"
        ]
        doer = self.chance.choice([actor_of_token(one.token), self.by])
        for row in mine[:1]:
            one.sync()
            if row["id"] in {found["id"] for found in one.rows("duties") if found["state"] == "outstanding"}:
                finish_duty(row["id"], by=doer, outcome="could_not", valid_at=self.now)

    def somebody_is_registered(self):
        grid = GRID + self.chance.randrange(3)
        self.people.append(make_resident(by=self.by, grid=grid, household=one_more_home(grid)).id)

    def somebody_goes_elsewhere(self):
        code = self.chance.choice([GRID, ELSEWHERE])
        record_presence(self.somebody(), code=code, place="亲戚家", by=self.by, since=self.now)

    def a_home_is_written_anew(self):
        with acting(self.by):
            home = self.chance.choice(list(Household.objects.filter(division_code__range=(GRID, GRID + 3))))
            Household.objects.filter(id=home.id).update(address=f"新址{self.chance.randrange(9)}号")

    def a_tube_is_filled(self):
        self.tubes += 1
        swab = (SampleEntry(new_id(), self.chance.choice(self.ours.people), self.now),)
        entry = TubeEntry(
            new_id(), f"SYNC{self.tubes:08}", "single", 1, "area_screening", GRID, self.now, swab, round=self.ours.round
        )
        register_tubes([entry], by=self.by, valid_at=self.now, accept="samples")

    def a_site_opens(self):
        site = SiteEntry(new_id(), f"采样点{self.chance.random()}", GRID, 1, 1)
        open_sites(self.ours.round, [site], by=self.by, valid_at=self.now)

    def cards_are_issued(self):
        issue_codes(by=self.by, residents=[self.somebody()], within=code_range(XINZHU), valid_at=self.now)

    def time_goes_by(self):
        self.now += timedelta(hours=self.chance.choice([1, 1, 1, 13]))


@pytest.mark.parametrize("seed", range(6))
def test_step_by_step_is_the_same_as_all_at_once(seed):
    with clock_at(NOW):
        village = Village(seed)
    happenings = [
        getattr(village, name)
        for name in sorted(vars(Village))
        if name.startswith(("a_", "somebody_", "cards_", "time_"))
    ]
    assert len(happenings) == 10
    changes = 0
    for _ in range(25):
        with clock_at(village.now):
            village.chance.choice(happenings)()
            for one in village.phones:
                if village.chance.random() < 0.4:
                    changes += len(one.sync()["changed"])
    assert changes > 10
    with clock_at(village.now):
        for one in village.phones:
            one.sync()
            fresh = Phone(one.token)
            fresh.sync()
            assert one.buckets == fresh.buckets
