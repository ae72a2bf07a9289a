"""A volunteer with one delivery on the first day: shown the way, asked for nothing about anybody's health, free to say no."""

import re

from lianfang.core.access.scope import acting
from lianfang.core.duties.models import Attempt, Duty
from lianfang.kit.clock import response_now
from lianfang.response.tasks.actions import give_tasks
from lianfang.response.tasks.rules import NewTask
from surfaces.console.browsing import NEEDS_CHROMIUM
from surfaces.field_app.field_app import GRID
from surfaces.phone.pocket import HOUR, everyone, readable, records, the_duty, update, village_at_home

pytestmark = NEEDS_CHROMIUM
pytest_plugins = ["surfaces.console.chromium", "surfaces.phone.pocket"]
TELLING = re.compile(r"隔离|阳性|密接|健康监测|体温|核酸|身份证号|quarantine|positive|\b469021\d{12}", re.IGNORECASE)


def test_a_first_delivery_needs_no_manual_and_tells_nothing_of_health(county):
    village_at_home()
    now = response_now()
    rice = NewTask(
        "delivery",
        GRID,
        "送米",
        now - HOUR,
        now + HOUR,
        role="volunteer",
        person="王明一",
        address="1号",
        items=("米",),
    )
    (task,) = give_tasks(by=everyone(), tasks=[rice], valid_at=now)
    duty = the_duty("delivery", task)
    phone = county.phone("volunteer")
    answers = []
    phone.page.on("response", lambda got: answers.append(got) if got.url.endswith("/api/field/sync") else None)
    phone.sees("hint", "点一件任务就能办")
    phone.has(f"duty-{duty}", 1)
    phone.shoot("volunteer-today")
    phone.tap("filter-overdue")
    phone.sees("empty", "没有超期的")
    phone.tap("filter-open")
    update(phone)
    assert answers and not TELLING.search(answers[-1].text())
    assert phone.find("tab-register").count() == 0
    phone.taps = 0
    phone.tap(f"duty-{duty}")
    phone.tap("could-not")
    phone.tap("reason-no_answer")
    assert phone.taps == 3, "to the duty, could not, why: one tap each"
    phone.sees("toast", "已记下")
    (attempt,) = records(lambda: Attempt.objects.all(), 1)
    with acting(everyone()):
        assert Duty.objects.get(id=duty).state == "outstanding", "nothing is held against anybody: it is still to do"
    assert (attempt.duty, attempt.reason) == (duty, "no_answer")
    assert not TELLING.search(readable(phone))
    assert phone.faults == []
