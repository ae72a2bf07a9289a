"""What phones ask when a sealed zone's needs are checked."""

from lianfang.core.duties.rules import attempt_of
from lianfang.kit.forms import Form, ask, given, of_duty, of_subject, value
from lianfang.response.zones.permissions import CHECK_ZONE

FORMS: tuple[Form, ...] = (
    Form(
        code="zone_needs_check", zh="封控需求核查", en="check of needs in a sealed zone", icon="notes-o",
        duties=("zone_needs_check",), command="check_zone", permission=CHECK_ZONE,
        fields=(
            ask("look", "note", "逐栋看出口：门能从里面打开，消防通道没有堵", "Go from building to building: doors open from inside, fire exits are free"),
            ask("looked", "choices", "看过的楼栋", "buildings looked at", required=True, options_from=of_subject("buildings")),
            ask("blocked", "choices", "出口不通的楼栋", "buildings with a blocked exit", options_from=of_subject("buildings"),
                hint=("没有就不选；选中的要马上打通", "Leave empty if there are none; these are opened at once")),
            ask("medical_plan", "text", "就医需求怎么保障", "how medical needs are met", sensitive=True,
                hint=("透析、孕产、长期用药：谁送、送到哪", "Dialysis, pregnancy, medicine: who takes them, where to")),
        ),
        payload={"zone": of_duty("subject"), "areas": of_subject("areas"), "buildings": value("looked"),
                 "blocked": given("blocked"), "medical_plan": given("medical_plan")},
        could_not=attempt_of("no_access", "unsafe", "other"),
    ),
)  # fmt: skip
