"""The home folder stays private and its secrets are made once."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from lianfang.config.home import Home, HomeNotPrivate, SecretUnreadable, current_home


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "a home")


def test_home_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LIANFANG_HOME", str(tmp_path / "here"))
    assert current_home().path == tmp_path / "here"
    monkeypatch.delenv("LIANFANG_HOME")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    assert current_home().path == tmp_path / "data" / "lianfang"


def test_folder_and_secrets_are_for_the_owner_alone(home: Home) -> None:
    made = home.secrets
    assert home.path.stat().st_mode & 0o777 == 0o700
    assert home.secrets_file.stat().st_mode & 0o777 == 0o600
    keys = {made.scope_key, made.data_key, made.lookup_key, made.sealing_key, made.device_key}
    assert len(keys) == 5
    assert {len(key) for key in keys} == {32}
    assert Home(home.path).secrets == made


def test_secrets_do_not_show_when_printed(home: Home) -> None:
    assert home.secrets.app_password not in repr(home.secrets)
    assert home.secrets.data_key.hex() not in repr(home.secrets)


def test_racing_processes_agree_on_one_set_of_secrets(home: Home) -> None:
    script = "import sys; from lianfang.config.home import *;"
    script += "print(Home(Path(sys.argv[1])).secrets.data_key.hex())"
    command = [sys.executable, "-c", script, str(home.path)]
    racing = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(6)]
    keys = {process.communicate()[0].strip() for process in racing}
    assert keys == {home.secrets.data_key.hex()}
    assert [path.name for path in home.path.iterdir()] == ["secrets.json"]


def test_key_from_a_file_of_the_environment(home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "key").write_text("ab" * 32 + "\n")
    monkeypatch.setenv("LIANFANG_DATA_KEY_FILE", str(tmp_path / "key"))
    assert home.secrets.data_key == bytes.fromhex("ab" * 32)


@pytest.mark.parametrize("text", ["", "ab" * 31, "zz" * 32])
def test_key_of_the_wrong_form_is_refused_by_name(
    home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    (tmp_path / "key").write_text(text)
    monkeypatch.setenv("LIANFANG_DATA_KEY_FILE", str(tmp_path / "key"))
    with pytest.raises(SecretUnreadable, match=r"data_key.*LIANFANG_DATA_KEY_FILE"):
        _ = home.secrets


def test_missing_file_of_the_environment_is_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIANFANG_APP_PASSWORD_FILE", "/nowhere/password")
    with pytest.raises(SecretUnreadable, match="app_password cannot be read from the file /nowhere/password"):
        _ = home.secrets


def test_damaged_or_incomplete_secrets_are_never_replaced(home: Home) -> None:
    _ = home.secrets
    stored = json.loads(home.secrets_file.read_text())
    del stored["data_key"]
    home.secrets_file.write_text(json.dumps(stored))
    with pytest.raises(SecretUnreadable, match="no field data_key"):
        _ = Home(home.path).secrets
    home.secrets_file.write_text('{"data_key": "ab')
    with pytest.raises(SecretUnreadable, match="cannot be read"):
        _ = Home(home.path).secrets
    assert home.secrets_file.read_text() == '{"data_key": "ab'


def test_somebody_elses_open_folder_is_left_as_it_is(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    (shared / "letter").write_text("not ours")
    shared.chmod(0o755)
    with pytest.raises(HomeNotPrivate, match="open to other users"):
        Home(shared).ensure()
    assert shared.stat().st_mode & 0o777 == 0o755


def test_empty_open_folder_is_closed(tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    Home(tmp_path).ensure()
    assert tmp_path.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make a folder of another user's")
def test_home_of_another_user_is_refused(tmp_path: Path) -> None:
    os.chown(tmp_path, 65534, 65534)
    with pytest.raises(HomeNotPrivate, match="belongs to nobody"):
        Home(tmp_path).ensure()


def test_home_that_cannot_be_made_is_explained(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(HomeNotPrivate, match="LIANFANG_HOME"):
        Home(tmp_path / "file" / "home").ensure()
