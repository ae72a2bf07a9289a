"""What phones ask when somebody turns up for a shift."""

from lianfang.core.duties.rules import attempt_of
from lianfang.kit.forms import NOW, Form, ask, given, new_one, of_duty, of_subject
from lianfang.response.workforce.permissions import CHECK_IN

FORMS: tuple[Form, ...] = (
    Form(
        code="shift_check_in", zh="到岗签到", en="shift check-in", icon="clock-o", duties=("shift_attendance",),
        subject_kinds=("shift_assignment",), command="check_in", permission=CHECK_IN,
        fields=(
            ask("people", "number", "来了几个人", "how many came", min=1, step=1, default=of_subject("people"),
                hint=("一个人值守就不用改", "Leave it as it is if you came alone")),
        ),
        payload={"checks": [{"assignment": of_duty("subject"), "at": NOW, "people": given("people"), "id": new_one(1)}]},
        could_not=attempt_of("cannot_come", "unsafe", "other"),
    ),
)  # fmt: skip
