"""The size budgets hold, and are seen to fail."""

import pytest
from source_tree import ROOT, copied_source, plant, run

LONG = "def planted() -> int:\n" + "    total = 0\n" * 65 + "    return total"


@pytest.fixture
def source(tmp_path):
    return copied_source(tmp_path)


def budgets(folder):
    shown = run(folder, "python", str(ROOT / "scripts/size_budgets.py"), "--root", str(folder))
    return shown.returncode, shown.stdout + shown.stderr


def test_the_source_keeps_its_budgets():
    code, words = budgets(ROOT)
    assert code == 0, words


def test_a_long_function_is_named(tmp_path, source):
    plant(source / "kit/planted.py", LONG)
    code, words = budgets(tmp_path)
    assert code == 1
    assert "src/lianfang/kit/planted.py::planted: 67 lines, past 60" in words


def test_a_method_of_an_inner_class_is_measured(tmp_path, source):
    body = LONG.replace("\n", "\n        ").replace("def planted()", "def planted(self)")
    plant(source / "kit/planted.py", f"class Outer:\n    class Inner:\n        {body}")
    assert "kit/planted.py::Outer.Inner.planted: 67 lines" in budgets(tmp_path)[1]


@pytest.mark.parametrize("name", ["kit/planted.py", "surfaces/console/templates/planted.html"])
def test_a_long_file_is_named(tmp_path, source, name):
    path = source / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("# line\n" * 601)
    code, words = budgets(tmp_path)
    assert code == 1
    assert f"src/lianfang/{name}: 601 lines, past 600" in words


def test_an_explained_exception_passes(tmp_path, source):
    plant(source / "kit/planted.py", LONG)
    explain(tmp_path, "src/lianfang/kit/planted.py::planted", "one table of the statute, read from top to bottom")
    code, words = budgets(tmp_path)
    assert code == budgets(ROOT)[0] == 0, words


def test_an_exception_without_a_reason_is_refused(tmp_path, source):
    plant(source / "kit/planted.py", LONG)
    explain(tmp_path, "src/lianfang/kit/planted.py::planted", "long")
    code, words = budgets(tmp_path)
    assert code == 1
    assert "needs a reason" in words


def test_an_exception_no_longer_needed_is_refused(tmp_path, source):
    explain(tmp_path, "src/lianfang/kit/codes.py::ancestors", "it used to be a very long function indeed")
    code, words = budgets(tmp_path)
    assert code == 1
    assert "within its budget now" in words


def explain(folder, name, reason):
    path = folder / "scripts/size_exceptions.toml"
    path.write_text(f'[[allowed]]\nname = "{name}"\nreason = "{reason}"\n')
