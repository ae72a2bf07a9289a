"""What becomes of a parcel: the table of conflicts, the sentences of receipts, what a photo may be. Pure."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from lianfang.core.access.rules import CommandIdTaken, NotPermitted, NotYetSo
from lianfang.kit.refusals import Conflict, NotFound, Refusal

#: what a parcel kept here is
STATES = ("applied", "noted", "held", "set_aside")
#: what a receipt says; ``refused`` and ``later`` are not kept here, the phone keeps the parcel
Status = Literal["applied", "repeated", "noted", "held", "refused", "later"]


class ParcelIsOnesOwn(Conflict):
    """Nobody decides what they brought in themselves."""


class ParcelUnknown(NotFound):
    """There is no such parcel in the actor's area."""


class ParcelDecided(Conflict):
    """Somebody decided the parcel before, or it never waited for anybody."""


class ParcelCannotBeApplied(Refusal):
    """The rules refuse a held parcel now too, or nobody can say whose it is."""


class ParcelFileRefused(Refusal):
    """A file is not what a phone saves, or nothing in it can be read."""


class PhotoRefused(Refusal):
    """What was sent is no JPEG as it is taken here."""


class PhotoUnknown(NotFound):
    """There is no such photo in the actor's area, or it has been deleted."""


@dataclass(frozen=True)
class Outcome:
    """What becomes of a parcel: its state, and the rule that says so ("" for a plain one)."""

    state: str
    code: str = ""


@dataclass(frozen=True)
class Rule:
    """One line of the table of conflicts: when, what becomes of the parcel, and what its receipt says."""

    state: str
    code: str
    when: str
    zh: str
    en: str


#: every line of the table, in the order in which they are asked (docs/states/parcel.md is written from it)
TABLE: tuple[Rule, ...] = (
    Rule("refused", "damaged", "the bytes are cut off, altered or under another id",
         "封包已损坏，服务器没有留存。请让值班台查看这部手机。",
         "The parcel is damaged and the server has not kept it. Show this phone to your duty desk."),
    Rule("refused", "unknown_key", "sealed to a key that this server does not have",
         "封包是为另一台服务器封存的，这里打不开，也没有留存。请把手机交回原单位值班台。",
         "The parcel is sealed for another server: it cannot be opened here and was not kept. Take the phone to the desk that"
         " enrolled it."),
    Rule("later", "too_much", "the device's allowance is used up",
         "发送过快，请稍后自动重发。", "Too much at once: the phone sends it again by itself."),
    Rule("later", "busy", "the database does not answer just now, or an earlier parcel of the batch must come first",
         "服务器繁忙，稍后自动重发。", "The server is busy: the phone sends it again by itself."),
    Rule("held", "old_form", "the content cannot be read as this version reads it (an older app, an unknown command)",
         "内容由旧版应用填写，已收到，由值班台人工录入。",
         "It was filled in with an older version of the app. It is received; your desk decides."),
    Rule("held", "id_taken", "another content came under the same id before",
         "同一编号先前收到过不同内容，已收到，由值班台裁定。",
         "Other content came under the same id before. It is received; your desk decides."),
    Rule("held", "token_unknown", "nobody can say whose it is: the sign-in inside is not one of this server",
         "无法确认由谁完成，已收到，由值班台裁定。", "It cannot be told whose work this is. It is received; your desk decides."),
    Rule("held", "other_device", "done on another device than the one that sends it",
         "完成与发送不是同一部手机，已收到，由值班台裁定。",
         "It was done on another phone than the one that sends it. It is received; your desk decides."),
    Rule("held", "device_revoked", "done after the device was out of hand",
         "手机停用之后完成的，已收到，由值班台裁定。",
         "It was done after this phone was reported lost. It is received; your desk decides."),
    Rule("held", "after_session", "done outside of the twelve hours of its sign-in",
         "超出本次登录的12小时，已收到，由值班台裁定。",
         "It was done outside of the twelve hours of its sign-in. It is received; your desk decides."),
    Rule("held", "after_grant", "done when the post was over, or had not begun",
         "完成时岗位授权已结束，已收到，由值班台裁定。",
         "The post had ended when it was done. It is received; your desk decides."),
    Rule("noted", "duty_done", "somebody finished the duty before, with the same outcome",
         "他人已先完成，结果一致。您的记录已留存，无需再做。",
         "Somebody did it before you, with the same outcome. Yours is kept beside it; nothing is left to do."),
    Rule("held", "duty_done", "somebody finished the duty before, with another outcome",
         "他人已先完成，结果与您的不同。已收到，由值班台裁定。",
         "Somebody did it before you, with another outcome. Yours is received; your desk decides."),
    Rule("noted", "tried_in_vain", "the duty was done, cancelled or waived meanwhile, and the worker could not do it",
         "任务已由他人完成或已取消；您的未完成说明已留存。",
         "The duty was done or cancelled meanwhile; that you could not do it is kept beside it."),
    Rule("applied", "alarming", "somebody finished the duty before, with another outcome, and this finding is alarming",
         "他人先记录的结果不同；您的异常发现已立即记录并处理。",
         "Somebody did it before you, with another outcome; what you found is alarming and recorded at once."),
    Rule("applied", "duty_done", "the duty is done, and what the parcel records exists by itself (a tube, a passage)",
         "任务已由他人完成，您登记的内容另行记录。", "The duty was done by somebody else; what you registered is recorded too."),
    Rule("applied", "duty_cancelled", "the duty was cancelled or waived, and the command stands by itself",
         "任务已取消，您的结果仍已记录。", "The duty was cancelled meanwhile; what you found is recorded all the same."),
    Rule("held", "duty_cancelled", "the duty was cancelled or waived, and the command cannot stand without it",
         "任务已取消，您的结果已收到，由值班台裁定。",
         "The duty was cancelled meanwhile. What you found is received; your desk decides."),
    Rule("applied", "person_moved", "the duty was the worker's, and its person lives in another grid now",
         "该人员已搬到别处，结果已记在其名下，现住网格可见。",
         "The person lives elsewhere now: it is recorded with them, where they live now."),
    Rule("held", "person_moved", "the same, and the command is refused there",
         "该人员已搬到别处，已收到，由值班台裁定。", "The person lives elsewhere now. It is received; your desk decides."),
    Rule("applied", "person_merged", "the person was registered twice, and the records were merged",
         "该人员的重复档案已合并，结果记在保留的档案上。",
         "The person had been registered twice: it is recorded with the record that stays."),
    Rule("held", "contradicts", "the command contradicts what is on record",
         "与已有记录矛盾，已收到，由值班台裁定。", "It contradicts what is on record. It is received; your desk decides."),
    Rule("held", "not_allowed", "the post may not do this, or not there",
         "此岗位无权办理或不在辖区内，已收到，由值班台裁定。",
         "Your post may not do this, or not there. It is received; your desk decides."),
    Rule("held", "not_found", "what it is about is not there, or not in the worker's area",
         "找不到对应的记录，已收到，由值班台裁定。", "What it is about is not found. It is received; your desk decides."),
    Rule("held", "clock_wrong", "it is to have held at a time still to come, or long ago",
         "手机时间不对，已收到，由值班台裁定。", "The phone's clock was wrong. It is received; your desk decides."),
    Rule("held", "against_rules", "a rule refuses it for another reason",
         "规则不允许直接记录，已收到，由值班台裁定。", "A rule refuses it. It is received; your desk decides."),
    Rule("held", "broken", "something broke on our side",
         "服务器处理时出错，已收到，由值班台处理。", "Something broke on our side. It is received; your desk looks after it."),
    Rule("applied", "", "nothing stands against it", "已记录。", "Recorded."),
    Rule("repeated", "", "the command had come in another way before", "先前已记录。", "It had been recorded before."),
    Rule("applied", "decided", "a human decided: as the worker meant it", "值班台已裁定：按您的结果记录。",
         "Your desk decided: it is recorded as you meant it."),
    Rule("set_aside", "set_aside", "a human decided: set aside, with a reason", "值班台已裁定：不予采用，原因已注明。",
         "Your desk decided: it is set aside, with a reason."),
)  # fmt: skip

RULES: Mapping[tuple[str, str], Rule] = {(rule.state, rule.code): rule for rule in TABLE}

#: what a desk does that takes parcels in from a file: by state and rule, else by state alone
NEXT_STEP: Mapping[tuple[str, str], tuple[str, str]] = {
    ("refused", "damaged"): (
        "在手机“已上报”里重新导出，再上传一次；仍然损坏，就请当事人口述，由值班台补录。",
        "Save the file on the phone's “Sent” page once more and take it in again; if this one is still damaged, ask the worker and record it by hand."),
    ("refused", "unknown_key"): (
        "把文件和手机交给原来登记这部手机的单位。", "Give the file and the phone to the unit that enrolled the phone."),
    ("later", ""): ("过一分钟再上传同一个文件，已收到的不会重复。",
                    "Take the same file in again in a minute: what is here already is not recorded twice."),
    ("held", ""): ("到“现场封包”里裁定。", "Decide it in the list of parcels."),
}  # fmt: skip


def next_step(state: str, code: str) -> tuple[str, str]:
    """Return what a desk still has to do about a parcel of a file, Chinese and English; nothing is two empty texts."""
    return NEXT_STEP.get((state, code)) or NEXT_STEP.get((state, "")) or ("", "")


#: what these commands record exists in the world by itself, whoever did the duty: a tube, a box, a passage, a person found
STANDS_BY_ITSELF = frozenset(
    {
        "register_tubes", "register_scanned", "seal_tubes", "void_samples", "move_sample", "pack_box", "hand_over_tubes", "receive_tubes",
        "record_tube_found", "record_found", "register_walk_in", "call_slot", "record_queue", "record_passages",
        "record_transport", "file_appeal", "attach_photo", "check_in", "check_out",
        "report_hazard",
    }
)  # fmt: skip

#: commands that say that nothing was found: beside a duty that is done or gone there is nothing to decide
FOUND_NOTHING = frozenset({"record_attempt"})

#: outcomes that wait for nobody: a second finding of this kind is recorded at once, beside the other
ALARMING = frozenset({"abnormal", "positive"})


def code_of_refusal(error: Refusal) -> str:
    """Return the rule under which a parcel is held whose command was refused."""
    for kind, code in (
        (CommandIdTaken, "id_taken"), (NotYetSo, "clock_wrong"), (NotPermitted, "not_allowed"), (NotFound, "not_found"),
        (Conflict, "contradicts"),
    ):  # fmt: skip
        if isinstance(error, kind):
            return code
    return "against_rules"


def with_survivors(value: Any, survivors: Mapping[str, str]) -> Any:
    """Return a payload in which the ids of merged records are those of the records that stayed."""
    if isinstance(value, dict):
        return {key: with_survivors(one, survivors) for key, one in value.items()}
    if isinstance(value, list):
        return [with_survivors(one, survivors) for one in value]
    return survivors.get(value.lower(), value) if isinstance(value, str) else value


def ids_in(value: Any) -> set[uuid.UUID]:
    """Return every id that a payload names, at any depth."""
    if isinstance(value, dict | list):
        return set().union(*map(ids_in, value.values() if isinstance(value, dict) else value))
    if isinstance(value, str) and len(value) == 36:
        try:
            return {uuid.UUID(value)}
        except ValueError:
            return set()
    return set()


#: under which words a command names the duty that it is for, or the duty's subject
NAMING = frozenset(
    {"duty", "order", "order_id", "resident", "contact", "case", "positive", "member", "person", "task", "finding"}
)


def speaks_only_of(payload: Mapping[str, Any], subject: uuid.UUID, duty: int) -> bool:
    """Say whether each entry of a payload names a duty or its subject, and nothing names anybody or any place besides.

    Ids under ``id`` are those of the records that it makes.
    """
    meant = {str(subject), str(duty)}
    lists = [value for value in payload.values() if isinstance(value, list)]
    entries = [one for value in lists for one in value if isinstance(one, dict)] or [dict(payload)]
    return _named(payload) <= meant and all(meant & {str(one.get(key)).lower() for key in NAMING} for one in entries)


def _named(value: Any, key: str = "") -> set[str]:
    if isinstance(value, dict):
        return set().union(*(_named(one, name) for name, one in value.items()))
    if isinstance(value, list):
        return set().union(*(_named(one, key) for one in value))
    if isinstance(value, int) and ("code" in key or key.startswith("dut")):
        return {str(value)}
    if isinstance(value, str) and key != "id":
        try:
            return {str(uuid.UUID(value))}  # however it is written
        except ValueError:
            return set()
    return set()


@dataclass(frozen=True)
class ParcelReceipt:
    """What the server says about a parcel; ``retry_after`` (seconds) goes with ``later``."""

    id: uuid.UUID
    status: Status
    code: str
    zh: str
    en: str
    result: dict[str, Any]
    retry_after: float | None = None


def receipt_of(
    id: uuid.UUID, state: str, code: str, result: dict[str, Any] | None = None, retry_after: float | None = None
) -> ParcelReceipt:
    """Return the receipt of a parcel in a state; what was set aside by a human needs nothing more from the phone."""
    rule = RULES[state, code]
    status: Any = "noted" if state == "set_aside" else state
    return ParcelReceipt(id, status, code, rule.zh, rule.en, result or {}, retry_after)


PHOTO_BYTES = 300_000
CAPTIONS = ("place", "door_notice", "goods", "hazard", "before", "after", "vehicle", "document", "other")
SOI, SOS, EOI = b"\xff\xd8", 0xDA, 0xD9
#: markers that stand alone, without a length
ALONE = {0x01, *range(0xD0, 0xD8)}
#: segments that a picture is made of: tables, frames, scans. A camera's words, thumbnails and whatever hides are none of them
PICTURE = {0xC4, 0xDA, 0xDB, 0xDC, 0xDD, *range(0xC0, 0xC8), *range(0xC9, 0xD0)}


def bare_jpeg(data: bytes) -> bytes:
    """Return the picture of a JPEG and nothing that lies beside, between or behind it: place, time, make, other files.

    Raises `PhotoRefused` when it is none, or larger than 300 kB.
    """
    if len(data) > PHOTO_BYTES:
        raise PhotoRefused(f"The photo is larger than {PHOTO_BYTES // 1000} kB: make it smaller before you send it.")
    kept, at, scanned = [SOI], 2, False
    while data[:2] == SOI and at + 2 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker == EOI and scanned:
            return b"".join((*kept, data[at : at + 2]))
        if marker == 0xFF:  # a filling byte
            at += 1
            continue
        length = 0 if marker in ALONE else int.from_bytes(data[at + 2 : at + 4], "big")
        if marker not in ALONE and length < 2:
            break
        end = at + 2 + length
        if marker == SOS:
            end, scanned = _end_of_scan(data, end), True
        if marker in PICTURE:
            kept.append(data[at:end])
        at = end
    raise PhotoRefused("This is no whole JPEG picture: take it again.")


def _end_of_scan(data: bytes, at: int) -> int:
    """Return where the next segment begins behind a scan: a marker that is neither a stuffed byte nor a restart."""
    while (at := data.find(b"\xff", at)) >= 0 and at + 1 < len(data):
        if data[at + 1] != 0 and not 0xD0 <= data[at + 1] <= 0xD7:
            return at
        at += 2
    return len(data)


@dataclass(frozen=True)
class HeldParcel:
    """What a list of parcels shows: why, what kind of work, whose post, where; nothing about any person."""

    id: uuid.UUID
    state: str
    code: str
    kind: str
    division_code: int
    account_id: uuid.UUID | None
    device: uuid.UUID
    duty: int | None
    valid_at: datetime | None
    received_at: datetime
    urgent: bool
    decided_at: datetime | None
    decided_by: uuid.UUID | None
    reason: str
    sent_as: uuid.UUID | None = None
