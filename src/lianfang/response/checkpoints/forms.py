"""What phones ask at a checkpoint: as little as possible, and nobody's name unless a list was hit."""

from lianfang.kit.forms import NOW, After, Form, ask, choose, chosen, given, new_one, of_me, value
from lianfang.response.checkpoints.permissions import RECORD_PASSAGE
from lianfang.response.checkpoints.rules import ADVISED_BACK, FEVER, HANDED_OVER, LET_THROUGH, NEVER_TURNED_BACK

PURPOSES = (
    ("medical", "就医", "to a doctor"), ("emergency", "急救、抢险", "emergency"), ("going_home", "回家", "going home"),
    ("essential_freight", "保供货运", "essential freight"), ("work", "上班、务工", "work"), ("study", "上学", "school"),
    ("visit", "走亲访友", "a visit"), ("transit", "过境", "passing through"), ("leisure", "游玩", "leisure"),
    ("other", "其他", "other"),
)  # fmt: skip
TURNED_BACK_NEVER = {"any": [chosen("purpose", purpose) for purpose in NEVER_TURNED_BACK]}
KEPT = {"any": [chosen("list_hit", True), chosen("outcome", HANDED_OVER)]}
FEVERISH = {"field": "temperature", "at_least": float(FEVER)}
GO_BACK = ((LET_THROUGH, "放行", "let through"), (ADVISED_BACK, "劝返", "advised to turn back"),
           (HANDED_OVER, "移交", "handed over"))  # fmt: skip

FORMS: tuple[Form, ...] = (
    Form(
        code="checkpoint_passage", zh="卡口查验", en="checkpoint passage", icon="guide-o", alone=True, layout="checkpoint",
        command="record_passages", permission=RECORD_PASSAGE,
        fields=(
            ask("checkpoint", "choice", "卡口", "checkpoint", required=True, options_from=of_me("checkpoints")),
            ask("direction", "choice", "方向", "direction", required=True, default="in",
                options=(("in", "进", "in"), ("out", "出", "out"))),
            ask("subject", "choice", "车还是人", "vehicle or person", required=True, default="vehicle",
                options=(("vehicle", "车辆", "vehicle"), ("person", "步行", "on foot"))),
            ask("people", "number", "几个人", "people", required=True, min=1, max=80, step=1, default=1),
            ask("purpose", "choice", "事由", "purpose", required=True, options=PURPOSES),
            ask("temperature", "temperature", "最高体温", "highest temperature", min=30, max=45, step=0.1, unit="°C", sensitive=True),
            ask("list_hit", "flag", "在名单上", "on a list", default=False),
            ask("stays_open", "note", "就医、急救、回家、保供：不劝返，走应急通道", "Patients, emergencies, people going home and essential freight are never turned back",
                when=TURNED_BACK_NEVER),
            ask("outcome", "choice", "怎么处理", "outcome", required=True, default=LET_THROUGH, options=GO_BACK),
            ask("reason", "text", "理由", "reason", required=True, when={"not": chosen("outcome", LET_THROUGH)}),
            ask("destination", "text", "去哪里、交给谁", "where to, to whom", required=True, when={"not": chosen("outcome", LET_THROUGH)}),
            ask("identifier", "scan", "车牌或证件", "plate or ID", accept=("plate", "id_card"), when=KEPT, sensitive=True,
                hint=("只有在名单上或移交时才登记", "Kept only for a list hit or a hand-over")),
        ),
        payload={"passages": [{
            "checkpoint": value("checkpoint"), "at": NOW, "direction": value("direction"), "purpose": value("purpose"),
            "outcome": value("outcome"), "subject": value("subject"), "people": value("people"),
            "temperature": given("temperature"), "list_hit": choose(chosen("list_hit", True), True, False),
            "reason": given("reason"), "destination": given("destination"), "identifier": given("identifier"),
            "id": new_one(1),
        }]},
        after=(
            After(when=FEVERISH, tone="alarm", zh="发热：按病人对待，用车送发热门诊，不劝返",
                  en="Fever: a patient. To a fever clinic by car, never turned back"),
            After(when=chosen("list_hit", True), tone="alarm", zh="在名单上：请到一旁等候，交给接收单位，写明交给谁",
                  en="On a list: ask them to wait aside, hand over, and say to whom"),
        ),
    ),
)  # fmt: skip
