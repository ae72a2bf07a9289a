"""The rule behind a duty as a sentence, made of what the protocol pack says in both languages."""

import hashlib
from collections.abc import Mapping
from datetime import date
from functools import cache, lru_cache

from lianfang.engines.protocol import Pack, PackError, all_files, pack_of_protocol

#: what a value of a pack obliges to, by the last word of its path; {value} is the pack's own
LEAVES = {
    "checks_per_day": ("每天健康监测 {value} 次", "health checks a day: {value}"),
    "test_days": ("第 {value} 天采样", "sampled on day {value}"),
    "on_entry": ("开始时上门告知", "a visit at the beginning"),
    "days": ("{value} 天，期满由人决定", "{value} days, then a person decides"),
    "release": ("每日对照解除条件", "the conditions of its end are looked at each day"),
}
#: rules that no pack states
HOUSE = {
    "screening.targets": ("本轮核酸不落一人", "nobody is missed in this round"),
    "clocks.tube_missing": ("采样管缺失或多出须查清", "a tube missing or extra is cleared up"),
    "clocks.result_told": ("结果须在时限内告知", "a finding is told within its time"),
    "shift to be filled": ("班次须有人到岗", "the shift must be filled"),
    "roster": ("按值班表到岗", "on duty by the roster"),
    "an order does not extend itself": ("命令到期不自动延长", "an order does not extend itself"),
    "nothing extends itself": ("到期不自动延长", "nothing extends itself"),
    "abnormal check": ("监测异常，立即送医", "something was found at a check: to hospital at once"),
    "emergency sealing": ("紧急封控后须查需求", "needs are checked after a zone was sealed in an emergency"),
    "ends unless renewed": ("期满不续即止", "ends unless renewed"),
    "daily and nil report": ("日报告、零报告", "a report each day, nil included"),
    "at_once": ("立即", "at once"),
    "field work given by a desk": ("指挥部交办", "given by a desk"),
    "hazard reported": ("有人上报隐患", "somebody reported a hazard"),
    "inspection finding": ("督查发现，限期整改", "found by an inspection, to be put right in time"),
    "appeal_decision": ("申诉须在时限内答复", "an appeal is answered within its time"),
}

#: what somebody under an order does
LEGS = {
    "testing_only": ("只做检测", "testing only"),
    "home_monitoring": ("居家健康监测", "home health monitoring"),
    "home_quarantine": ("居家隔离", "home quarantine"),
    "medical_observation": ("医学观察", "medical observation"),
    "central_quarantine": ("集中隔离", "central quarantine"),
}


@cache
def edition() -> str:
    """Return what changes whenever these words do."""
    said = repr((LEAVES, HOUSE, LEGS)).encode() + b"".join(path.read_bytes() for path in sorted(all_files()))
    return hashlib.sha256(said).hexdigest()


@lru_cache(maxsize=4096)
def rule_words(rule: str) -> tuple[str, str]:
    """Return a duty's rule as one short sentence, Chinese and English; a rule nobody has words for as it stands."""
    protocol, _, path = rule.partition(" ")
    try:
        pack = pack_of_protocol(protocol) if path else None
    except (PackError, ValueError):
        pack = None
    if pack is None:
        zh, en = HOUSE.get(rule, (rule, rule))
        return (zh, en) if not rule.startswith("directive ") else (f"调度令第 {path} 号", f"directive no. {path}")
    zh, en = _said(pack, path)
    return f"{pack.zh}：{zh}", f"{pack.title}: {en}"


def member_words(resident: str, name: str, leg: str | None, last_day: str | None) -> dict[str, str]:
    """Return somebody behind a door with what they are under and until which day, as an entry of a form's list."""
    if leg is None or last_day is None:
        return {"code": resident, "zh": name, "en": name}
    day, (zh, en) = date.fromisoformat(last_day), LEGS[leg]
    until = f"{day.month}月{day.day}日"
    return {"code": resident, "zh": f"{name}：{zh}，至{until}", "en": f"{name}: {en} until {day.day} {day:%b}"}


def zone_words(level: str, name: str) -> tuple[str, str]:
    """Return a zone as its protocol calls its level (``protocol level``), with the name it was given, in both languages."""
    protocol, _, code = level.partition(" ")
    try:
        found = pack_of_protocol(protocol).zones.get(code)
    except PackError:
        found = None
    zh, en = found.zh if found else "", f"{code.replace('_risk', '-risk').replace('_', ' ')} zone"
    name = name.removeprefix("zone ")
    return _with(zh, name), _with(en, name)


def round_words(number: int, title: str) -> tuple[str, str]:
    """Return a round by its number, with the title it was given where that says more, in both languages."""
    zh, en = f"第{number}轮", f"round {number}"
    more = "" if title.lower() in (zh, en) else title
    return more if "轮" in more else _with(zh, more), _with(en, more)


def _with(what: str, name: str) -> str:
    return name if what.lower() in name.lower() else f"{what} {name}".strip()


def _said(pack: Pack, path: str) -> tuple[str, str]:
    if path in HOUSE:
        return HOUSE[path]
    name = path.removeprefix("clocks.")
    if name in pack.clocks:
        one = pack.clocks[name]
        return f"{one.zh}，{one.hours:g} 小时内", f"{name.replace('_', ' ')}, within {one.hours:g} h"
    *way, leaf = path.split(".")
    value: object = pack
    for step in path.split("."):
        value = _below(value, step)
    tier = pack.tiers.get(way[1]) if len(way) > 1 and way[0] == "tiers" else None
    words = LEAVES.get(leaf)
    if words is None:
        return path, path
    zh, en = (text.format(value=_text(value, between)) for text, between in zip(words, ("、", ", "), strict=True))
    return (f"{tier.zh}{zh}", f"{way[1].replace('_', ' ')}, {en}") if tier else (zh, en)


def _below(value: object, step: str) -> object:
    if isinstance(value, Mapping):
        return value.get(step)
    if isinstance(value, tuple | list):
        return value[int(step)] if step.isdigit() and int(step) < len(value) else None
    return getattr(value, step, None)


def _text(value: object, between: str) -> str:
    return between.join(str(one) for one in value) if isinstance(value, tuple | list) else str(value)
