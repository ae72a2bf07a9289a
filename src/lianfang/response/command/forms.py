"""What phones ask about directives."""

from lianfang.kit.forms import Form, ask, of_duty, value
from lianfang.response.command.permissions import ACKNOWLEDGE_DIRECTIVE
from lianfang.response.command.rules import COMPLETED, NOT_POSSIBLE, UNDER_WAY

STATES = (
    (COMPLETED, "已完成", "completed"),
    (UNDER_WAY, "正在办", "under way"),
    (NOT_POSSIBLE, "办不到", "not possible"),
)

FORMS: tuple[Form, ...] = (
    Form(
        code="directive_receipt", zh="签收调度令", en="acknowledge a directive", icon="description",
        duties=("directive_receipt",), command="acknowledge_directive", permission=ACKNOWLEDGE_DIRECTIVE,
        fields=(ask("read", "note", "读完再签收", "Read it, then acknowledge"),),
        payload={"recipient": of_duty("subject")},
    ),
    Form(
        code="directive_feedback", zh="反馈调度令", en="report back on a directive", icon="description",
        duties=("directive_feedback",), command="report_back", permission=ACKNOWLEDGE_DIRECTIVE,
        fields=(
            ask("state", "choice", "办得怎么样", "how far it is", required=True, options=STATES,
                hint=("办不到就说办不到，写明原因", "Not possible is an answer too: say why")),
            ask("text", "text", "说明", "what was done, or why not", required=True),
        ),
        payload={"recipient": of_duty("subject"), "state": value("state"), "text": value("text")},
    ),
)  # fmt: skip
