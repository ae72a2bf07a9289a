"""What a notice says, what a text message may say, and when one is sent: pure."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, Literal

from lianfang.kit.clock import LOCAL, at_local, local_date
from lianfang.kit.refusals import Refusal


class PhoneRefused(Refusal):
    """A text is no mobile number, or somebody else's number may not be set by the actor."""


@dataclass(frozen=True)
class NoticeKind:
    """A kind of notice: its words with places for parameters, how it looks, and what it counts as in a text message.

    ``text``: counted among the new or overdue duties, or answers, of a text message; "" is told in the app only.
    ``alarm``: sent at once, in quiet hours too.
    """

    code: str
    zh: str
    en: str
    tone: Literal["info", "alarm"] = "info"
    text: Literal["", "new", "overdue", "answer"] = ""
    alarm: bool = False


KINDS = {
    kind.code: kind
    for kind in (
        NoticeKind("duty_given", "新任务：{zh}，{due}前完成", "New duty: {en}, by {due}", text="new"),
        NoticeKind("duty_overdue", "已逾期：{zh}，应在{due}前完成", "Overdue: {en}, was due {due}", "alarm", "overdue"),
        NoticeKind("duties_overdue", "你那一片有{count}项任务已逾期", "{count} duties of your area are overdue", "alarm", "overdue"),
        NoticeKind("parcel_accepted", "你上报的记录已采纳", "A record of yours was accepted", text="answer"),
        NoticeKind("parcel_declined", "你上报的记录未采纳，原因见“已上报”", "A record of yours was not accepted: see Sent for why", "alarm", "answer"),
        NoticeKind("call_desk", "请与值班台联系", "Please call the duty desk", "alarm", "answer", alarm=True),
        NoticeKind("device_wiped", "这台手机的资料已按指令清除，已完成的记录都已上报或留待上报", "This phone was wiped by order; what was done is sent or waits to be sent", "alarm"),
        NoticeKind("wipe_confirmed", "“{title}”已按您的指令清除，能读的资料都没有了", "“{title}” has wiped itself as you ordered: nothing readable is left on it"),
    )
}  # fmt: skip


@dataclass(frozen=True)
class NewNotice:
    """A notice to one account. ``key`` tells it from others of its kind: the same key is told once.

    ``params`` hold what the kind's words name: numbers, times (ISO) and words of catalogues, never a person.
    """

    account: uuid.UUID
    kind: str
    key: str
    duty: int | None = None
    params: Mapping[str, Any] = field(default_factory=dict)


def words(kind: str, params: Mapping[str, Any]) -> tuple[str, str]:
    """Return a notice in Chinese and English."""
    known = KINDS[kind]
    return (
        known.zh.format(**{name: _shown(value, "{0.month}月{0.day}日{0:%H:%M}") for name, value in params.items()}),
        known.en.format(**{name: _shown(value, "{0:%d %b %H:%M}") for name, value in params.items()}),
    )


def _shown(value: Any, form: str) -> Any:
    if isinstance(value, str) and value[10:11] == "T":
        return form.format(datetime.fromisoformat(value).astimezone(LOCAL))
    return value


def text_of(counts: Mapping[str, int]) -> str:
    """Return the text message for so many new duties, overdue duties and answers: one message, naming nobody."""
    zh = {"new": "{}项新任务", "overdue": "{}项逾期任务", "answer": "{}条答复"}
    en = {"new": "{} new", "overdue": "{} overdue", "answer": "{} answered"}
    told = [name for name in zh if counts.get(name)]
    chinese = "、".join(zh[name].format(counts[name]) for name in told)
    english = ", ".join(en[name].format(counts[name]) for name in told)
    return f"【联防】您有{chinese}，请打开联防。{english}: open Lianfang."


@dataclass(frozen=True)
class QuietHours:
    """The hours of the night, by the wall clock in China, in which nothing but alarms is sent."""

    begin: time
    end: time

    @classmethod
    def read(cls, text: str) -> "QuietHours | None":
        """Read ``22:00-07:00``; nothing means none. Raises ``ValueError`` with a sentence."""
        if not text.strip():
            return None
        begin, _, end = text.partition("-")
        try:
            return cls(time.fromisoformat(begin.strip()), time.fromisoformat(end.strip()))
        except ValueError:
            raise ValueError(f"{text!r} are no hours: write them like 22:00-07:00") from None

    def until(self, now: datetime) -> datetime | None:
        """Return when the quiet hours around an instant end, or none outside of them."""
        clock = now.astimezone(LOCAL).time()
        over_midnight = self.begin > self.end
        inside = clock >= self.begin or clock < self.end if over_midnight else self.begin <= clock < self.end
        if not inside:
            return None
        day = local_date(now) + timedelta(days=1 if over_midnight and clock >= self.begin else 0)
        return at_local(day, self.end)


#: seconds after each failed try; a gateway that is down for a night is still tried the next morning
WAITS = (30, 60, 120, 300, 900, 1800, 3600, 7200, 14400, 28800)


def wait_after(tries: int) -> timedelta | None:
    """Return how long to wait after so many failed tries, or none when it is given up."""
    return timedelta(seconds=WAITS[tries - 1]) if tries <= len(WAITS) else None
