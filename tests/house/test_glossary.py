"""The glossary is whole, and the names of rooms and records are made of its words."""

import ast
import re

import pytest
import yaml
from source_tree import ROOT, SOURCE, run

GLOSSARY = yaml.safe_load((ROOT / "docs/glossary.yaml").read_text())
ENTRIES = [*GLOSSARY["terms"], *GLOSSARY["words"]]
WORDS = {word for entry in ENTRIES for word in entry["id"].split("_")}
#: rooms are named in the plural or by their line of work
ROOMS_EXPLAINED = {
    "access": "accounts, roles and scope",
    "territory": "divisions, places and boundaries",
    "people": "households and residents",
    "aid": "what residents are helped with",
    "workforce": "everybody on duty",
    "bulletins": "what the public is told",
    "oversight": "inspection and discipline",
}


#: what a models module may hold beside records
NOT_RECORDS = re.compile(r"Choices|Manager|QuerySet|Error|Exception|Protocol|NamedTuple")


def record_names(text):
    """The records of a models module, their names split in words: ``QuarantineLeg`` → quarantine, leg."""
    for node in ast.parse(text).body:
        if not isinstance(node, ast.ClassDef) or "abstract = True" in ast.unparse(node):
            continue
        if node.bases and not NOT_RECORDS.search(ast.unparse(node.bases[0])):
            yield node.name, [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z][a-z]+", node.name)]


def unknown_records(source):
    """Sentences naming each record with a word that the glossary lacks."""
    for path in [*source.rglob("models.py"), *source.rglob("models/*.py")]:
        for name, words in record_names(path.read_text()):
            for word in words:
                if word not in WORDS and word.removesuffix("s") not in WORDS:
                    yield f"{path.relative_to(source)}: {name}: add {word!r} to docs/glossary.yaml or use a word of it"


def test_it_holds_the_terms_of_the_field():
    assert len(GLOSSARY["terms"]) == 90
    assert len({entry["id"] for entry in ENTRIES}) == len(ENTRIES)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry["id"])
def test_each_entry_is_whole(entry):
    assert set(entry) == {"id", "zh", "en", "means"}
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", entry["id"])
    assert re.search(r"[\u4e00-\u9fff]", entry["zh"])
    assert entry["means"].endswith(".")
    assert "|" not in entry["means"] + entry["zh"] + entry["en"]


def test_the_page_is_written_from_it():
    shown = run(ROOT, "python", "scripts/glossary.py", "--check")
    assert shown.returncode == 0, shown.stderr


def test_records_are_named_in_its_words():
    assert list(unknown_records(SOURCE)) == []


def test_a_record_named_otherwise_is_seen(tmp_path):
    (tmp_path / "models.py").write_text(
        "class QuarantineGizmo(Model):\n    pass\n\n\nclass QuarantineLeg(Model):\n    pass\n"
    )
    assert ["gizmo" in line for line in unknown_records(tmp_path)] == [True]


def test_rooms_are_named_in_its_words():
    rooms = {path.name for floor in ["core", "response"] for path in (SOURCE / floor).iterdir() if path.is_dir()}
    named = {room for room in rooms if room.removesuffix("s") in WORDS or room.replace("ies", "y") in WORDS}
    assert rooms - named - set(ROOMS_EXPLAINED) - {"__pycache__"} == set()


#: words of everyday speech that stood beside those of the glossary for the same thing
ASIDE = {"检测机构": "实验室", "就地等候": "留置"}


def second_words(root):
    """Sentences naming each place that says something with another word than the glossary's."""
    kinds = {".py", ".yaml", ".po", ".md", ".html", ".vue", ".ts"}
    for path in sorted((*root.glob("src/**/*"), *root.glob("docs/**/*"), *root.glob("frontend/*/src/**/*"))):
        if path.suffix not in kinds or "static" in path.parts:
            continue
        text = path.read_text()
        for word, right in ASIDE.items():
            if word in text:
                yield f"{path.relative_to(root)}: say {right}, not {word}"


def test_one_thing_has_one_word(tmp_path):
    assert list(second_words(ROOT)) == []
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/planted.md").write_text("检测机构")
    assert list(second_words(tmp_path)) == ["docs/planted.md: say 实验室, not 检测机构"]
