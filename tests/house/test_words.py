"""No file names a package source, somebody's machine or a key."""

import pytest
from source_tree import ROOT, run


def words(folder):
    shown = run(folder, "python", str(ROOT / "scripts/house_words.py"), "--root", str(folder))
    return shown.returncode, shown.stdout + shown.stderr


def test_the_repository_is_clean():
    assert words(ROOT) == (0, "no address, machine path or key in any file\n")


@pytest.mark.parametrize(
    "parts",
    [
        ("https://", "registry.example.org/left-pad"),
        ("https://files.", "pythonhosted.org/x.whl"),
        ("pip install --", "index-url https://mirror.example"),
        ('"reso', 'lved": "x"'),
        ("see /ro", "ot/notes.txt"),
        ("open('/ho", "me/li/data.csv')"),
        ("-----BEGIN RSA ", "PRIVATE KEY-----"),
    ],
)
def test_a_planted_one_is_named_with_its_line(tmp_path, parts):
    (tmp_path / "notes.md").write_text(f"first line\n{''.join(parts)}\n")
    code, found = words(tmp_path)
    assert code == 1
    assert found.startswith("notes.md:2: ")


@pytest.mark.parametrize("text", ["https://github.com/htmx", "/proc/1/stat", "a/root/b", "../work/x", "/etc/fonts"])
def test_other_addresses_pass(tmp_path, text):
    (tmp_path / "notes.md").write_text(text)
    assert words(tmp_path)[0] == 0
