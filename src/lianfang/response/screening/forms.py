"""What phones ask when somebody missing in a round is visited."""

from lianfang.core.duties.rules import AT_THE_DOOR, reasons
from lianfang.kit.forms import (
    CouldNot,
    Form,
    Json,
    ask,
    choose,
    chosen,
    filled,
    given,
    new_one,
    of_duty,
    value,
)
from lianfang.response.screening.permissions import RECORD_VISITS

OUTCOMES = (
    ("appointment", "约好再采", "appointment made"),
    ("found_elsewhere", "在别处采过或在别处", "sampled or found elsewhere"),
    ("excluded", "不用采", "need not be sampled"),
)
EXCUSES = (
    ("away", "外出", "away"), ("quarantined", "隔离中", "in quarantine"), ("infant", "婴幼儿", "infant"),
    ("medical", "医学原因", "medical reason"), ("sampled_elsewhere", "别处采过", "sampled elsewhere"),
    ("deceased", "已去世", "deceased"), ("moved_out", "已搬走", "moved out"),
    ("duplicate_record", "重复登记", "registered twice"),
)  # fmt: skip
#: another visit at a time that was agreed on is an appointment
MISSED: Json = {
    "id": new_one(1), "resident": of_duty("subject"), "note": value("reason_text"),
    "outcome": choose(filled("again_at"), "appointment", "could_not"), "appointment_at": given("again_at"),
}  # fmt: skip

FORMS: tuple[Form, ...] = (
    Form(
        code="round_visit", zh="漏检上门", en="visit to somebody missing in a round", icon="home-o",
        duties=("round_visit",), command="record_visits", permission=RECORD_VISITS,
        fields=(
            ask("sampled", "note", "当场能采就用“采样”采，这条会自动完成", "If a swab can be taken now, use “sampling”: this ends by itself"),
            ask("outcome", "choice", "上门结果", "what came of it", required=True, options=OUTCOMES),
            ask("appointment_at", "time", "约在什么时候", "appointment at", required=True, when=chosen("outcome", "appointment")),
            ask("reason", "choice", "为什么不用采", "why not", required=True, when=chosen("outcome", "excluded"), options=EXCUSES,
                sensitive=True),
            ask("where", "text", "在哪里", "where they are", when={"any": [chosen("outcome", "excluded"), chosen("outcome", "found_elsewhere")]}),
            ask("note", "text", "备注", "note"),
        ),
        payload={"round": of_duty("source"), "people": [{
            "id": new_one(1), "resident": of_duty("subject"), "outcome": value("outcome"), "reason": given("reason"),
            "where": given("where"), "appointment_at": given("appointment_at"), "note": given("note"),
        }]},
        could_not=CouldNot(reasons=reasons(*AT_THE_DOOR), command="record_visits",
                           payload={"round": of_duty("source"), "people": [MISSED]}),
    ),
)  # fmt: skip
