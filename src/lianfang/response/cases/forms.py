"""What phones ask for the duties about positives, pools, cases and contacts."""

from lianfang.core.duties.rules import AT_THE_DOOR, attempt_of, reasons
from lianfang.kit.forms import (
    NOW,
    CouldNot,
    Field,
    Form,
    Json,
    ask,
    given,
    new_one,
    of_duty,
    of_subject,
    value,
)
from lianfang.response.cases.permissions import (
    ACKNOWLEDGE_POOL,
    HOLD_PERSON,
    INFORM_POOL,
    PLACE_CONTACT,
    RESAMPLE,
    TRANSFER_CASE,
)

TUBE: tuple[Field, ...] = (
    ask("tube", "scan", "采样管", "tube", required=True, accept=("tube",), sensitive=True,
        hint=("一人一管，先扫管再采样", "One person, one tube: scan it, then swab")),
)  # fmt: skip
SINGLE: Json = {"tubes": [{
    "id": new_one(1), "code": value("tube"), "mode": "single", "capacity": 1, "purpose": "confirmatory_retest",
    "division_code": of_duty("division_code"), "opened_at": NOW, "sealed_at": NOW, "order_id": of_duty("subject"),
    "samples": [{"id": new_one(2), "resident": of_subject("resident"), "taken_at": NOW}],
}]}  # fmt: skip


def _unreached(members: Json) -> Json:
    return {"unreached": {"$each": members, "give": {"member": {"$item": "code"}, "reason": value("reason_text")}}}


FORMS: tuple[Form, ...] = (
    Form(
        code="hold_in_place", zh="就地留置", en="hold in place", icon="location-o", duties=("hold_in_place",),
        command="hold_in_place", permission=HOLD_PERSON,
        fields=(
            ask("place", "text", "在哪里等结果", "where they wait", required=True, default=of_duty("address")),
            ask("reason", "text", "理由", "reason", required=True, default="初筛阳性，等待复核结果",
                hint=("本人看得到", "They can read it")),
            ask("authority", "text", "决定机关", "authority", required=True, default=of_subject("authority")),
            ask("appeal_to", "text", "向谁申诉", "where to object", required=True, default=of_subject("appeal_to")),
            ask("help", "note", "告诉本人：急病先就医，不受留置影响", "Tell them: in an emergency they go to hospital, hold or not"),
        ),
        payload={"positive": of_duty("subject"), "place": value("place"), "reason": value("reason"),
                 "authority": value("authority"), "appeal_to": value("appeal_to")},
        could_not=attempt_of(*AT_THE_DOOR),
    ),
    Form(
        code="pool_resample", zh="混管单采复核", en="single resample of a pool member", icon="coupon-o",
        duties=("pool_resample",), command="register_tubes", permission=RESAMPLE, fields=TUBE, payload=SINGLE,
        could_not=CouldNot(
            reasons=reasons(*AT_THE_DOOR), command="record_resample_attempts",
            payload={"attempts": [{"member": of_duty("subject"), "reason": value("reason_text"),
                                   "next_at": given("again_at"), "id": new_one(1)}]},
        ),
    ),
    Form(
        code="retest_sample", zh="复核采样", en="sample for a confirmatory retest", icon="coupon-o",
        duties=("confirmatory_retest",), command="register_tubes", permission=RESAMPLE, fields=TUBE, payload=SINGLE,
        could_not=attempt_of(*AT_THE_DOOR),
    ),
    Form(
        code="inform_pool_community", zh="告知混管人员", en="tell the people of a pool", icon="volume-o",
        duties=("inform_pool_community",), command="tell_pool_members", permission=INFORM_POOL,
        fields=(
            ask("say", "note", "告诉他们：在原地等单采，由谁上门，多久有结果；急病先就医；不对外说是谁",
                "Tell them: wait where you are for a single sample, who comes, when the result is due; emergencies go first; no names to others"),
            ask("told", "choices", "告知了谁", "who was told", required=True, options_from=of_subject("members"),
                default={"$each": of_subject("members"), "give": {"$item": "code"}}, sensitive=True),
        ),
        payload={"members": value("told")},
        could_not=CouldNot(reasons=reasons(*AT_THE_DOOR), command="tell_pool_members", payload=_unreached(of_subject("members"))),
    ),
    Form(
        code="tell_release", zh="告知解除", en="tell somebody that nothing remains", icon="smile-o",
        duties=("tell_release",), command="tell_pool_members", permission=INFORM_POOL,
        fields=(ask("say", "note", "告诉本人：复核阴性，留置解除，可以正常活动", "Tell them: the retest is negative, the hold is over, nothing remains"),),
        payload={"members": [of_duty("subject")]},
        could_not=CouldNot(reasons=reasons(*AT_THE_DOOR), command="tell_pool_members",
                           payload={"unreached": [{"member": of_duty("subject"), "reason": value("reason_text")}]}),
    ),
    Form(
        code="inform_pool_police", zh="混管协查通报", en="police informed of a pool", icon="shield-o",
        duties=("inform_pool_police",), command="acknowledge_pool", permission=ACKNOWLEDGE_POOL,
        fields=(ask("say", "note", "收到即签收：名单和留置地点已知悉", "Acknowledge: list and places of the hold are known"),),
        payload={"pool": of_duty("subject")},
    ),
    Form(
        code="ride_to_ward", zh="人员转运", en="ride to a ward", icon="logistics",
        duties=("positive_transfer",), command="transfer_case", permission=TRANSFER_CASE,
        fields=(
            ask("hospital", "text", "送到哪家医院", "hospital", required=True),
            ask("vehicle", "scan", "车牌号", "plate", required=True, accept=("plate",)),
        ),
        payload={"case": of_duty("subject"), "hospital": value("hospital"), "vehicle": value("vehicle")},
        could_not=attempt_of("no_answer", "not_home", "refused", "unsafe", "no_vehicle", "other"),
    ),
    Form(
        code="contact_in_quarantine", zh="密接管控到位", en="contact placed in quarantine", icon="friends-o",
        duties=("contact_in_quarantine",), command="record_placed", permission=PLACE_CONTACT,
        fields=(ask("say", "note", "本人已到隔离地点，决定和申诉途径已讲清", "They are in place, and know the order and where to object"),),
        payload={"contacts": [of_duty("subject")]},
        could_not=attempt_of(*AT_THE_DOOR, "no_vehicle"),
    ),
)  # fmt: skip
