"""What phones ask about tubes: who is in them, into whose hands they go, where one is, who was told."""

from lianfang.core.duties.rules import attempt_of
from lianfang.kit.forms import Form, ask, chosen, given, of_duty, of_me, value
from lianfang.response.specimens.permissions import (
    FIND_TUBES,
    HAND_OVER_TUBES,
    PACK_BOXES,
    RECORD_TOLD,
    REGISTER_TUBES,
)

CHANNELS = (
    ("phone", "电话", "phone"), ("in_person", "当面", "in person"), ("message", "短信、微信", "message"),
    ("document", "书面", "document"),
)  # fmt: skip
HOLDERS = (("site", "采样点", "site"), ("courier", "转运员", "courier"), ("lab", "实验室", "laboratory"))
SEARCH = attempt_of("no_access", "closed", "unsafe", "other")


def _search(code: str, zh: str, en: str, *ends: tuple[str, str, str]) -> Form:
    wants_reason = {"not": chosen("outcome", "found")}
    return Form(
        code=code, zh=zh, en=en, icon="search", duties=(code,), command="record_tube_found", permission=FIND_TUBES,
        fields=(
            ask("outcome", "choice", "找的结果", "what came of it", required=True, options=ends),
            *((ask("place", "text", "在哪里找到", "found where", required=True, when=chosen("outcome", "found")),)
              if code == "missing_tube" else ()),
            ask("codes", "scan", "扫管", "scan tubes", accept=("tube",), many=True,
                hint=("丢失的逐支扫码或输码，好通知重采", "Scan or type each lost one, so that its people are sampled again")),
            ask("reason", "text", "说明情况", "what happened", required=True, when=wants_reason),
        ),
        payload={"outcome": value("outcome"), "difference": of_duty("subject"), "codes": given("codes"),
                 "reason": given("reason"), **({"place": given("place")} if code == "missing_tube" else {})},
        could_not=SEARCH,
    )  # fmt: skip


FORMS: tuple[Form, ...] = (
    Form(
        code="sampling", zh="采样", en="sampling", icon="scan", alone=True, layout="sampling", command="register_tubes",
        permission=REGISTER_TUBES,
        fields=(
            ask("tube", "scan", "采样管", "tube", required=True, accept=("tube", "box"), sensitive=True),
            ask("people", "scan", "被采的人", "who is sampled", many=True, accept=("resident_code", "id_card"), sensitive=True),
            ask("full", "note", "一管十人，满管即封", "ten to a tube; a full one is sealed"),
        ),
        payload={"tubes": value("tubes")},
    ),
    Form(
        code="handover", zh="样本交接", en="tube hand-over", icon="exchange", alone=True, layout="handover",
        command="hand_over_tubes", permission=HAND_OVER_TUBES,
        fields=(
            ask("giver_kind", "choice", "谁交", "handed over by", required=True, options=HOLDERS, default="site"),
            ask("giver", "text", "交出方", "giver", required=True),
            ask("taker_kind", "choice", "谁接", "taken by", required=True, options=HOLDERS, default="courier"),
            ask("taker", "text", "接收方", "taker", required=True, default=of_me("title")),
            ask("boxes", "scan", "扫箱", "boxes", many=True, accept=("box",)),
            ask("codes", "scan", "散管", "loose tubes", many=True, accept=("tube",)),
            ask("tubes_given", "number", "对方说有几支", "tubes the giver counts", min=0, step=1),
            ask("tubes_counted", "number", "清点几支", "tubes you count", required=True, min=0, step=1),
        ),
        payload={"giver": value("giver"), "taker": value("taker"), "giver_kind": value("giver_kind"),
                 "taker_kind": value("taker_kind"), "boxes": given("boxes"), "codes": given("codes"),
                 "tubes_given": given("tubes_given"), "tubes_counted": value("tubes_counted")},
    ),
    Form(
        code="pack_box", zh="样本装箱", en="packing a box", icon="bag-o", alone=True, layout="handover", command="pack_box",
        permission=PACK_BOXES,
        fields=(
            ask("box", "scan", "转运箱", "box", required=True, accept=("box",)),
            ask("codes", "scan", "装入的管", "tubes packed", required=True, many=True, accept=("tube",)),
            ask("counted", "number", "清点几支", "tubes you count", min=1, step=1),
        ),
        payload={"code": value("box"), "codes": value("codes"), "counted": given("counted")},
    ),
    _search("missing_tube", "查找缺失采样管", "find a missing tube", ("found", "找到了", "found"), ("lost", "确认丢失", "lost"),
            ("miscounted", "清点有误", "miscounted")),
    _search("extra_tube", "核实多出采样管", "explain an extra tube", ("explained", "已弄清来历", "explained"),
            ("returned", "已退回", "returned"), ("miscounted", "清点有误", "miscounted")),
    Form(
        code="tell_result", zh="检测结果告知", en="tell a finding", icon="phone-o", duties=("tell_result",),
        command="record_told", permission=RECORD_TOLD,
        fields=(
            ask("channel", "choice", "怎么告知", "by which way", required=True, options=CHANNELS, default="phone"),
            ask("told_to", "text", "告知了谁（岗位、单位）", "told to (post, unit)", required=True, sensitive=True),
        ),
        payload={"tube": of_duty("source"), "channel": value("channel"), "told_to": value("told_to")},
        could_not=attempt_of("no_answer", "no_access", "other"),
    ),
)  # fmt: skip
