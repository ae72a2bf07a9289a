"""Every sentence with which a room refuses something is there in Chinese, whole and without English left in it."""

import ast
import re

import pytest
from source_tree import ROOT, SOURCE

from lianfang.kit.sentences import in_chinese

FLOORS = ("engines", "core", "response", "workflows", "surfaces")
#: modules whose sentences no user of the house reads, and why
TOLD_TO_PROGRAMMERS = {
    "surfaces/field/openapi.py": "the description of the interface",
    "core/access/scope.py": "a program that reads without saying for whom",
    "core/access/audit.py": "a mistake of a program that writes to the audit",
    "engines/protocol/overreach.py": "the check of a pack's file, told with file and line to whoever writes packs",
    "engines/protocol/merging.py": "the same",
    "engines/protocol/yaml_file.py": "the same",
    "engines/protocol/sense.py": "the same",
}
#: arguments by which a program is described or a record explained to an auditor, not a user refused
DESCRIBED = ("description", "summary", "examples", "because", "help_text")
#: raised for programs: pydantic reports them as a field of “The request cannot be read”, or they never reach a user
FOR_PROGRAMS = ("ValueError", "TypeError", "AssertionError", "LookupError", "IndexError")
#: the log of the server is read by whoever keeps it
LOGGED = ("debug", "info", "warning", "error", "exception")
#: these are translated by the console's catalogue, which test_languages.py holds complete
CATALOGUE = ("_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy")
SENTENCE = re.compile(r"[A-Z“{].*[a-z”}] [a-z“{].*[.!]", re.DOTALL)
#: the other form of the house: what is wrong, then after a colon or semicolon what to do
CLAUSE = re.compile(r"[^A-Z].*[a-z”\d] \S*[a-z”\d)][;:] [a-z].{8,}|X1 .*[a-z”\d] \S*[a-z”\d)][;:] [a-z].{8,}")
#: a fault that a rule returns, to be put into a sentence
FAULT = re.compile(r"\S*[a-zX1“”]+( \S+){2,}")
CHINESE = re.compile(r"[\u4e00-\u9fff]")
#: what stands in a gap while the table is asked
GAP = "X1"
#: Latin words that Chinese sentences of the field keep: names of formats and of what a program sends
LATIN = {GAP, "JSON", "CSV", "XLSX", "UTF", "GB", "Ct", "MB", "kB", "JPEG", "base", "gzip", "Content", "Type", "application",
         "json", "POST", "api", "docs", "sign", "in", "Bearer", "csv", "xlsx", "C", "s", "X", "T", "limit"}  # fmt: skip


def files():
    found = [path for floor in FLOORS for path in (SOURCE / floor).rglob("*.py") if "migrations" not in path.parts]
    return [path for path in sorted(found) if str(path.relative_to(SOURCE)) not in TOLD_TO_PROGRAMMERS]


def text_of(node):
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(part.value if isinstance(part, ast.Constant) else GAP for part in node.values)
    return ""


def name_of(call):
    return call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")


def refusals():
    """Names of all classes that are refusals, through whatever stands between."""
    bases = {}
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                bases[node.name] = {getattr(base, "id", getattr(base, "attr", "")) for base in node.bases}
    found = {"Refusal"}
    while more := {name for name, above in bases.items() if above & found} - found:
        found |= more
    return found - {"PackInvalid"}  # told with file and line, to whoever writes packs


REFUSALS = refusals()


def inside(nodes):
    return {id(one) for node in nodes for one in ast.walk(node)}


def beside_chinese(tree):
    """Texts that stand in a call or a row together with a Chinese one: said in both languages at one place."""
    for node in ast.walk(tree):
        parts = node.args if isinstance(node, ast.Call) else getattr(node, "elts", None)
        if isinstance(parts, list) and any(CHINESE.search(text_of(part)) for part in parts):
            yield from (part for part in parts if text_of(part))
        if isinstance(node, ast.Call) and any(CHINESE.search(text_of(key.value)) for key in node.keywords):
            yield from (key.value for key in node.keywords)


def not_told(tree):
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    aside = [node.value for node in ast.walk(tree) if isinstance(node, ast.Expr) and text_of(node.value)]
    aside += [key.value for call in calls for key in call.keywords if key.arg in DESCRIBED]
    aside += [arg for call in calls if name_of(call) in (*FOR_PROGRAMS, *LOGGED, *CATALOGUE) for arg in call.args]
    aside += [part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values]
    return inside([*aside, *beside_chinese(tree)])


def sentences(tree):
    """What a module tells whoever it refuses: whole sentences, clauses, and whatever a refusal or a rule is given."""
    aside = not_told(tree)
    raised = [
        arg for call in ast.walk(tree) if isinstance(call, ast.Call) and name_of(call) in REFUSALS for arg in call.args
    ]
    faults = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and "fault" in node.name]
    given, judged = {id(node) for node in raised}, inside(faults)
    for node in ast.walk(tree):
        text = text_of(node)
        if id(node) in aside or "\n" in text or len(text) < 12 or CHINESE.search(text):
            continue
        whole = len(text) > 24 and (SENTENCE.fullmatch(text) or CLAUSE.fullmatch(text))
        if whole or id(node) in given or (id(node) in judged and FAULT.fullmatch(text)):
            yield node.lineno, text


def untranslated(path):
    for line, text in sorted(sentences(ast.parse(path.read_text()))):
        # a rule may begin with a name it was given, such as the tube's
        told = in_chinese(text) or (in_chinese(f"Tube {text}") if text.startswith(f"{GAP} ") else None)
        if told is None:
            yield f"{path.name}:{line}: {text}"
        elif left := set(re.findall(r"X1|[A-Za-z]+", told)) - LATIN - {"Tube"}:
            yield f"{path.name}:{line}: {text} leaves {sorted(left)} in {told}"


@pytest.mark.parametrize("path", files(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_every_refusal_is_there_in_chinese(path):
    assert list(untranslated(path)) == []


def test_a_new_sentence_is_noticed(tmp_path):
    planted = tmp_path / "rules.py"
    planted.write_text(
        'def f(tube):\n    """Return why a tube is refused, as a sentence."""\n    return f"Tube {tube} is on fire: run away."\n'
        'def g(who):\n    raise NotFit(f"{who} burns too")\n'
        'def heat_fault(tube):\n    return "is much too hot"\n'
        'def h(tube):\n    return Rule("on fire", "着火了。", "It is on fire: run away.")\n'
    )
    assert list(untranslated(planted)) == [
        "rules.py:3: Tube X1 is on fire: run away.", "rules.py:5: X1 burns too", "rules.py:7: is much too hot",
    ]  # fmt: skip
    assert ROOT in SOURCE.parents


def test_what_is_put_together_from_several_sentences_is_chinese_throughout():
    said = (
        "3 of 9 entries cannot be taken: entry 2: 0190 is not on duty in your area; register them first; entry 4: 王五 is not "
        "surely 18 yet; send somebody else; entry 7: “甲班”: a shift needs at least one person; and 2 more. Nothing was written: "
        "correct them and send the list again."
    )
    assert in_chinese(said) == (
        "9 项中有 3 项不能接收：第 2 项：0190 不是您辖区的在岗人员，请先登记；第 4 项：王五可能不满 18 岁，请另派他人；"
        "第 7 项：“甲班”：班次至少要有一人；另有 2 项。没有写入任何内容：请更正后重新发送整份名单。"
    )
    rest = "王五 would be on two shifts at once at 07-14 08:00; 李四 would work 14 h from 07-14 08:00 without 8 h of rest (at most 12 h)"
    assert in_chinese(f"{rest}. Assign somebody else, or waive the rule with a reason.") == (
        "王五 在 07-14 08:00 将同时在两个班次；李四 自 07-14 08:00 起将工作 14 小时，中间没有 8 小时休息（最多 12 小时）。"
        "请安排他人，或写明原因后破例。"
    )
    task = "Entry 2 of 3: say which kind of place is inspected: community, market, employer. Nothing of the list was given."
    assert (
        in_chinese(task) == "第 2 项（共 3 项）：请选择督查哪类场所：村居小区、集贸市场、企业工地。整份清单都没有派发。"
    )
