"""What phones ask about field work, and when somebody sees a hazard."""

from lianfang.core.duties.rules import attempt_of
from lianfang.kit.forms import (
    After,
    Field,
    Form,
    Json,
    ask,
    chosen,
    filled,
    given,
    new_one,
    of_duty,
    of_subject,
    value,
)
from lianfang.response.tasks.permissions import (
    RECORD_CLEAN_UP,
    RECORD_DELIVERY,
    RECORD_FIXED,
    RECORD_INSPECTION,
    RECORD_PATROL,
    REPORT_HAZARD,
    TELL_REPORTER,
)
from lianfang.response.tasks.rules import CATEGORIES, HAZARDS

PEOPLE: Field = ask("people", "number", "几个人干的", "how many people", min=1, max=1000, step=1, default=1)
HOURS: Field = ask(
    "hours", "number", "用了几小时", "hours it took", min=0, max=72, step=0.5, hint=("可不填", "May stay empty")
)
NOTE: Field = ask("note", "text", "情况说明", "note")
PHOTO: Field = ask("photo", "photo", "照片（可不拍）", "photo (optional)", hint=("不拍人脸", "No faces"))
HANDED = (("in_person", "当面交", "in person"), ("at_the_door", "放门口并告知", "at the door, and told"),
          ("neighbour", "请邻居转交", "with a neighbour"))  # fmt: skip
MEASURES = (("none", "没有", "none"), ("closed", "当场停业", "closed"), ("put_off", "推迟举办", "put off"),
            ("made_small", "缩小规模", "made small"))  # fmt: skip
HAZARD_OPTIONS = tuple((code, zh, en) for code, (zh, en, _) in HAZARDS.items())
CATEGORY_OPTIONS = tuple((code, zh, en) for code, (zh, en, _) in CATEGORIES.items())
TURN: dict[str, Json] = {"task": of_duty("subject"), "period": of_duty("period"), "note": given("note")}
OUTSIDE = ("no_access", "not_found", "unsafe", "no_vehicle", "no_supplies", "other")
WRONG = filled("wrong")

FORMS: tuple[Form, ...] = (
    Form(
        code="patrol", zh="巡查", en="patrol", icon="guide-o", duties=("patrol",), command="record_patrol",
        permission=RECORD_PATROL,
        fields=(ask("points", "number", "巡了几个点", "points passed", required=True, min=0, step=1), PEOPLE, HOURS, NOTE, PHOTO),
        payload={**TURN, "points": value("points"), "people": given("people"), "hours": given("hours")},
        could_not=attempt_of("no_access", "unsafe", "cannot_come", "other"),
    ),
    Form(
        code="clean_up", zh="清运消杀", en="clean-up and disinfection", icon="delete-o", duties=("clean_up",),
        command="record_clean_up", permission=RECORD_CLEAN_UP,
        fields=(
            ask("points", "number", "清了几个垃圾点", "waste points cleared", required=True, min=0, step=1),
            ask("disinfected", "flag", "已消杀", "disinfected", required=True),
            PEOPLE, HOURS, NOTE, PHOTO,
        ),
        payload={**TURN, "points": value("points"), "disinfected": value("disinfected"), "people": given("people"),
                 "hours": given("hours")},
        could_not=attempt_of(*OUTSIDE),
    ),
    Form(
        code="delivery", zh="配送", en="delivery", icon="gift-o", duties=("delivery",), command="record_delivery",
        permission=RECORD_DELIVERY,
        fields=(
            ask("free", "note", "上门不收钱；东西少了、坏了写在说明里", "No money is taken at the door; say below what was missing or broken"),
            ask("handed", "choice", "怎么交的", "how it was handed over", required=True, options=HANDED, default="at_the_door"),
            NOTE,
        ),
        payload={**TURN, "handed": value("handed")},
        could_not=attempt_of("no_answer", "not_home", "moved", "refused", "no_access", "no_supplies", "no_vehicle", "other"),
    ),
    Form(
        code="field_inspection", zh="督查", en="inspection", icon="passed", duties=("field_inspection",),
        command="record_inspection", permission=RECORD_INSPECTION,
        fields=(
            ask("category", "choice", "查的是哪类场所", "kind of place", required=True, options=CATEGORY_OPTIONS,
                default=of_subject("category")),
            ask("checked", "choices", "看了哪些", "looked at", options_from=of_subject("checklist")),
            ask("wrong", "choices", "哪些不到位", "what is not in order", options_from=of_subject("checklist"),
                hint=("都到位就不选", "Leave empty if all is in order")),
            ask("text", "text", "具体问题", "what exactly", required=True, when=WRONG),
            ask("must_fix_by", "time", "整改期限", "to be put right by", when=WRONG, hint=("当场改好就不填", "Leave empty if it was put right at once")),
            ask("measure", "choice", "当场措施", "measure on the spot", options=MEASURES, default="none"),
            NOTE, PHOTO,
        ),
        payload={
            **TURN, "category": value("category"), "checked": given("checked"), "measure": given("measure"),
            "findings": {"$each": value("wrong"), "give": {
                "item": {"$item": 1}, "text": value("text"), "must_fix_by": given("must_fix_by")}},
        },
        could_not=attempt_of("closed", "no_access", "not_found", "unsafe", "other"),
        after=(
            After(when=filled("must_fix_by"), tone="info", zh="发出后，这些问题会成为当地的整改任务",
                  en="Once sent, these become duties of the place to put right"),
        ),
    ),
    Form(
        code="fix_finding", zh="问题整改", en="finding put right", icon="setting-o", duties=("fix_finding",),
        command="record_fixed", permission=RECORD_FIXED,
        fields=(ask("note", "text", "怎么改的", "what was done", required=True), PHOTO),
        payload={"finding": of_duty("subject"), "note": value("note")},
        could_not=attempt_of("no_access", "closed", "refused", "no_supplies", "other"),
    ),
    Form(
        code="tell_reporter", zh="回告上报人", en="word to whoever reported a hazard", icon="phone-o",
        duties=("tell_reporter",), command="record_reporter_told", permission=TELL_REPORTER,
        fields=(
            ask("say", "note", "告诉上报人处理结果，谢谢他", "Tell them what came of it, and thank them"),
            ask("note", "text", "对方怎么说", "what they said"),
        ),
        payload={"hazard": of_duty("subject"), "note": given("note")},
        could_not=attempt_of("no_answer", "not_found", "other"),
    ),
    Form(
        code="report_hazard", zh="隐患上报", en="report of a hazard", icon="warning-o", alone=True, command="report_hazard",
        permission=REPORT_HAZARD,
        fields=(
            ask("kind", "choice", "什么隐患", "what hazard", required=True, options=HAZARD_OPTIONS),
            ask("where", "place", "在哪里", "where", required=True, hint=("写清路名、楼号或标志物", "Street, building or landmark")),
            ask("text", "text", "情况", "what it is", required=True, when=chosen("kind", "other")),
            ask("more", "text", "补充", "more", when={"not": chosen("kind", "other")}),
            PHOTO,
        ),
        payload={"id": new_one(1), "kind": value("kind"), "division_code": value("where.division_code"),
                 "place": value("where.text"), "lon": given("where.lon"), "lat": given("where.lat"),
                 "text": {"$if": chosen("kind", "other"), "then": value("text"), "else": {"$if": filled("more"), "then": value("more"), "else": ""}}},
        after=(After(when=filled("kind"), tone="info", zh="发出后就派人处理，办完会告诉你",
                     en="Once sent somebody is given the work; you hear when it is done"),),
    ),
)  # fmt: skip
