"""What phones ask for sampling at home, and at a site about its line."""

from lianfang.core.duties.rules import AT_THE_DOOR, reasons
from lianfang.kit.forms import (
    CouldNot,
    Form,
    Json,
    ask,
    choose,
    filled,
    given,
    new_one,
    of_duty,
    of_me,
    value,
)
from lianfang.response.sampling.permissions import RECORD_HOME_SAMPLING, RECORD_QUEUE

#: another visit at a time that was agreed on is an appointment
MISSED: Json = {
    "id": new_one(1), "resident": of_duty("subject"), "note": value("reason_text"),
    "outcome": choose(filled("again_at"), "appointment", "could_not"), "appointment_at": given("again_at"),
}  # fmt: skip

FORMS: tuple[Form, ...] = (
    Form(
        code="home_sampling", zh="上门采样", en="sampling at home", icon="wap-home-o", duties=("home_sampling",),
        layout="sampling", command="register_tubes", permission=RECORD_HOME_SAMPLING,
        fields=(
            ask("tube", "scan", "采样管", "tube", required=True, accept=("tube", "box"), sensitive=True,
                hint=("一户一管", "One tube for the household")),
            ask("people", "scan", "被采的人", "who is sampled", many=True, accept=("resident_code", "id_card"), sensitive=True),
        ),
        payload={"tubes": value("tubes")},
        could_not=CouldNot(reasons=reasons(*AT_THE_DOOR), command="record_home_sampling",
                           payload={"round": of_duty("source"), "people": [MISSED]}),
    ),
    Form(
        code="queue", zh="登记排队人数", en="how many people wait", icon="friends-o", alone=True, command="record_queue",
        permission=RECORD_QUEUE,
        fields=(
            ask("site", "choice", "采样点", "site", required=True, options_from=of_me("sites")),
            ask("waiting", "number", "排队多少人", "people waiting", required=True, min=0, step=1),
        ),
        payload={"id": new_one(1), "site": value("site"), "waiting": value("waiting")},
    ),
)  # fmt: skip
