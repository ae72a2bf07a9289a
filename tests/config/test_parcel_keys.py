"""Key pairs for parcels: made once, rotated, read anew by who holds them open, and missed loudly."""

import stat
from datetime import timedelta

import pytest
from click.testing import CliRunner

from lianfang.config import doctor
from lianfang.config.commands.keys import keys
from lianfang.config.home import Home, SecretUnreadable
from lianfang.config.parcel_keys import ParcelKeys
from lianfang.kit.ids import new_id
from lianfang.kit.parcels import KeyUnknown, ParcelDamaged, open_parcel, seal


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LIANFANG_HOME", str(tmp_path / "home"))
    home = Home(tmp_path / "home")
    _ = home.secrets
    return home


def test_the_first_is_made_once_and_for_its_owner_alone(home):
    first = ParcelKeys(home).newest()
    assert ParcelKeys(home).newest() == first
    assert stat.S_IMODE(ParcelKeys(home).file.stat().st_mode) == 0o600
    assert first.private.hex() not in repr(first)


def test_what_was_sealed_before_a_rotation_opens_after_it_in_every_process(home):
    here, elsewhere, id = ParcelKeys(home), ParcelKeys(home), new_id()
    old = here.newest()
    sealed = seal(old.public, id, b"done")
    fresh = elsewhere.rotate()
    assert (here.newest().id, [key.id for key in here.all()]) == (fresh.id, [fresh.id, old.id])
    assert open_parcel(sealed, id, here.opening()) == b"done"
    with pytest.raises(KeyUnknown):
        open_parcel(sealed, id, {fresh.id: fresh.private})
    with pytest.raises(ParcelDamaged):
        open_parcel(sealed, new_id(), here.opening())


def test_a_damaged_file_is_told_and_never_replaced(home):
    held = ParcelKeys(home)
    held.newest()
    held.file.write_text("[]")
    with pytest.raises(SecretUnreadable, match="Put the file back"):
        ParcelKeys(home).newest()
    assert held.file.read_text() == "[]"


def test_the_command_shows_ids_and_rotates(home):
    before = CliRunner().invoke(keys, ["show"]).output
    assert "seals and opens" in before
    assert ParcelKeys(home).newest().private.hex() not in before
    assert "Phones seal to" in CliRunner().invoke(keys, ["rotate"]).output
    assert len(CliRunner().invoke(keys, ["show"]).output.splitlines()) == 2


def test_the_doctor_knows_them(home, monkeypatch):
    held = ParcelKeys(home)
    with pytest.raises(doctor.NotChecked):
        doctor.parcel_keys(home)
    held.newest()
    assert doctor.parcel_keys(home).state == "ok"
    later = doctor.machine_now() + timedelta(days=400)
    monkeypatch.setattr(doctor, "machine_now", lambda: later)
    assert doctor.parcel_keys(home).state == "warn"
    held.file.chmod(0o644)
    assert doctor.parcel_keys(home).state == "fail"
