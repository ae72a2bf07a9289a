"""What phones ask for the duties under orders: at the door, each day, in the car."""

from lianfang.core.duties.rules import AT_THE_DOOR, attempt_of, reasons
from lianfang.kit.forms import (
    NOW,
    After,
    CouldNot,
    Field,
    Form,
    Json,
    ask,
    filled,
    given,
    new_one,
    of_duty,
    of_subject,
    value,
)
from lianfang.response.quarantine.permissions import CHECK_PERSON, RECORD_TEST, TRANSPORT_PERSON, VISIT_DOOR
from lianfang.response.quarantine.rules import FEVER

SYMPTOMS = (
    ("cough", "咳嗽", "cough"),
    ("sore_throat", "咽痛", "sore throat"),
    ("fatigue", "乏力", "fatigue"),
    ("breathless", "气促、胸闷", "short of breath"),
    ("taste_or_smell", "嗅觉或味觉减退", "loss of taste or smell"),
    ("muscle_pain", "肌肉酸痛", "muscle pain"),
    ("diarrhoea", "腹泻", "diarrhoea"),
    ("other", "其他不适", "other"),
)
PLEDGE = (("signed", "已签", "signed"), ("refused", "不签", "refused"), ("not_asked", "没有问", "not asked"))

STEPS: tuple[Field, ...] = (
    ask("list", "note", "先看清名单：这一户有谁、在什么决定之下", "Read the list first: who lives here, under which order",
        options_from=of_subject("members")),
    ask("informed", "flag", "已告知决定、期限和要求", "told the order, its end and what it asks", required=True),
    ask("reassured", "flag", "已安抚，有问必答", "reassured; every question answered", required=True),
    ask("test_checked", "flag", "已核对核酸检测安排", "tests checked with them", required=True),
    ask("pledge", "choice", "承诺书", "pledge", options=PLEDGE, default="not_asked",
        hint=("签不签都一样，不签没有任何后果", "Signed or not, nothing follows from it")),
    ask("notice_handed", "flag", "告知书已当面交给本人", "notice handed over in person", required=True,
        hint=("不贴门、不封门，邻居看不到内容", "Nothing on the door, nothing neighbours can read")),
    ask("shopping_asked", "flag", "已问要不要代购", "asked whether shopping is needed", required=True),
    ask("needs", "text", "需要什么", "what they need", when={"field": "shopping_asked", "is": True},
        hint=("米、药、奶粉……没有就空着", "Rice, medicine, formula … or leave it empty")),
    ask("photo", "photo", "照片（可不拍）", "photo (optional)", hint=("不拍人脸，不拍门牌", "No faces, no door numbers")),
)  # fmt: skip

VISIT: dict[str, Json] = {
    "order": of_duty("subject"), "informed": given("informed"), "reassured": given("reassured"),
    "test_checked": given("test_checked"), "pledge": given("pledge"), "notice_handed": given("notice_handed"),
    "shopping_asked": given("shopping_asked"), "needs": given("needs"),
}  # fmt: skip

RIDE: tuple[Field, ...] = (
    ask("destination", "text", "送到哪里", "taken where", required=True),
    ask("vehicle", "scan", "车牌号", "plate", required=True, accept=("plate",)),
)
NO_RIDE = attempt_of("no_answer", "not_home", "refused", "unsafe", "no_vehicle", "other")


def _ride(purpose: str) -> Json:
    return {
        "order": of_duty("subject"),
        "purpose": purpose,
        "destination": value("destination"),
        "vehicle": value("vehicle"),
    }


FORMS: tuple[Form, ...] = (
    Form(
        code="door_visit", zh="上门", en="door visit", icon="home-o", duties=("door_visit",), layout="steps",
        command="record_visit", permission=VISIT_DOOR, fields=STEPS, payload=VISIT, could_not=attempt_of(*AT_THE_DOOR),
    ),
    Form(
        code="missed_test_visit", zh="漏检上门", en="visit after a missed test", icon="home-o", layout="steps",
        duties=("missed_test_visit",), command="record_visit", permission=VISIT_DOOR, fields=STEPS,
        payload={**VISIT, "missed_day": of_duty("period")}, could_not=attempt_of(*AT_THE_DOOR),
    ),
    Form(
        code="daily_check", zh="健康监测", en="daily check", icon="like-o", duties=("daily_check",),
        command="record_checks", permission=CHECK_PERSON,
        fields=(
            ask("temperature", "temperature", "体温", "temperature", required=True, min=34, max=43, step=0.1, unit="°C",
                sensitive=True),
            ask("symptoms", "choices", "有没有不舒服", "any symptoms", options=SYMPTOMS, sensitive=True,
                hint=("没有就不选", "Leave empty if there are none")),
        ),
        payload={"checks": [{"order": of_duty("subject"), "temperature": value("temperature"), "symptoms": given("symptoms"),
                             "id": new_one(1)}]},
        could_not=CouldNot(
            reasons=reasons(*AT_THE_DOOR), command="record_checks",
            payload={"checks": [{"order": of_duty("subject"), "could_not": value("reason_text"), "id": new_one(1)}]},
        ),
        after=(
            After(when={"any": [{"field": "temperature", "at_least": float(FEVER)}, filled("symptoms")]}, tone="alarm",
                  zh="异常：发出后即派车送医。请本人戴口罩在原地等候，不要自行前往。",
                  en="Abnormal: a car is called as soon as this is sent. Ask them to wear a mask, wait and not to go by themselves."),
        ),
    ),
    Form(
        code="quarantine_test", zh="隔离期核酸", en="test in quarantine", icon="coupon-o", duties=("quarantine_test",),
        command="register_tubes", permission=RECORD_TEST,
        fields=(
            ask("tube", "scan", "采样管", "tube", required=True, accept=("tube",), sensitive=True,
                hint=("单人单管，先扫管再采样", "One person, one tube: scan it, then swab")),
        ),
        payload={"tubes": [{
            "id": new_one(1), "code": value("tube"), "mode": "single", "capacity": 1, "purpose": "quarantine",
            "division_code": of_duty("division_code"), "opened_at": NOW, "sealed_at": NOW, "order_id": of_duty("subject"),
            "samples": [{"id": new_one(2), "resident": of_subject("resident"), "taken_at": NOW}],
        }]},
        could_not=attempt_of(*AT_THE_DOOR),
    ),
    Form(
        code="ride_to_hospital", zh="送医", en="ride to hospital", icon="logistics",
        duties=("transfer_to_hospital",), command="record_transport", permission=TRANSPORT_PERSON, fields=RIDE,
        payload=_ride("hospital"), could_not=NO_RIDE,
    ),
    Form(
        code="ride_home", zh="送返", en="ride home", icon="logistics",
        duties=("closed_loop_transfer",), command="record_transport", permission=TRANSPORT_PERSON, fields=RIDE,
        payload=_ride("home"), could_not=NO_RIDE,
    ),
)  # fmt: skip
