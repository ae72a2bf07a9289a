"""The running of a site as it comes from outside: one command after the other, each with its receipt."""

from datetime import timedelta

import pytest

from lianfang.core.access.commands import Envelope
from lianfang.core.duties.queries import duties
from lianfang.kit.clock import clock_at
from lianfang.kit.ids import new_id
from lianfang.response.sampling.queries import slots
from lianfang.workflows.commands import PayloadRefused, submit
from making import make_resident
from response.sampling.site_making import GRID, NOON, county_actor, opened, settled, site

pytestmark = pytest.mark.django_db


def sent(by, kind, at=NOON, **payload):
    with clock_at(at):
        return submit(Envelope(new_id(), kind, at, payload), by=by).result


def test_a_site_is_run_by_commands():
    by = county_actor()
    settled(by)
    frail = make_resident(by=by, grid=GRID).id
    round = opened(by)
    post = str(site(by, round.id, tables=2))
    order = {"id": str(new_id()), "resident": str(frail), "reason": "bedridden"}
    assert sent(by, "order_home_sampling", round=str(round.id), people=[order])["people"] == 1
    lanes = [{"kind": "ordinary", "tables": 1}, {"kind": "symptomatic", "tables": 1}]
    assert sent(by, "open_lanes", site=post, lanes=lanes) == {"lanes": 2}
    made = sent(by, "plan_slots", round=str(round.id), starts_at=NOON.isoformat())
    assert (made["sites"], made["people"]) == (1, 96), "whoever is sampled at home is not called"
    assert sent(by, "confirm_slots", plan=made["plan"]) == made
    first = slots(post, by=by, at=NOON)[0]
    assert sent(by, "call_slot", slot=str(first.id))["called_at"].startswith("2022-07-14")
    later = NOON + timedelta(minutes=9)
    assert sent(by, "record_queue", at=later, site=post, waiting=50)["id"]
    again = sent(by, "replan_slots", at=later, site=post, reason="one table closed")
    assert again["people"] == 96 - first.people
    attempt = {"id": str(new_id()), "resident": str(frail), "outcome": "could_not", "note": "in hospital today"}
    assert sent(by, "record_home_sampling", at=later, round=str(round.id), people=[attempt])["people"] == 1
    assert [duty.outcome for duty in duties(by=by, kind="home_sampling", state="done")] == ["could_not"]


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("record_queue", {"site": str(new_id()), "waiting": -1}),
        ("open_lanes", {"site": str(new_id()), "lanes": [{"kind": "fast", "tables": 1}]}),
        ("order_home_sampling", {"round": str(new_id()), "people": []}),
        ("plan_slots", {"round": str(new_id()), "starts_at": "2022-07-14T12:00:00"}),
    ],
)
def test_a_payload_that_does_not_fit_is_refused(kind, payload):
    with pytest.raises(PayloadRefused):
        sent(county_actor(), kind, **payload)
