"""Phones and desks on the line: one connection each, a token, JSON in and out, nothing else."""

import http.client
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from lianfang.kit.ids import new_id

Payload = dict[str, Any]
PAGE = 1000
SECONDS = 60


class Refused(Exception):
    """The server refused: its status, the name of the refusal and the sentence."""

    def __init__(self, status: int, title: str, detail: str) -> None:
        super().__init__(f"{status} {title}: {detail}")
        self.status, self.title, self.detail = status, title, detail


@dataclass
class Command:
    """A command as a phone keeps it until it is acknowledged: sent again it is the same."""

    kind: str
    payload: Payload
    valid_at: str
    id: str = field(default_factory=lambda: str(new_id()))


@dataclass
class Caller:
    """Somebody who is signed in, at a desk or on an enrolled device; ``requests`` counts what was sent."""

    port: int
    name: str
    token: str = ""
    device: str = ""
    requests: int = 0
    line: http.client.HTTPConnection | None = None

    def get(self, path: str, **query: Any) -> Any:
        """Read one address."""
        asked = {name: value for name, value in query.items() if value is not None}
        return self.ask("GET", f"/api/{path}" + (f"?{urlencode(asked)}" if asked else ""))

    def pages(self, path: str, **query: Any) -> list[Any]:
        """Read a list to its end, page by page."""
        found: list[Any] = []
        while page := self.get(path, limit=PAGE, offset=len(found), **query):
            found += page
            if len(page) < PAGE:
                break
        return found

    def post(self, path: str, body: Payload) -> Any:
        """Send something that is no command."""
        return self.ask("POST", f"/api/{path}", body)

    def send(self, command: Command) -> Payload:
        """Send a command and return its receipt."""
        body = {"id": command.id, "valid_at": command.valid_at, "payload": command.payload}
        receipt: Payload = self.ask("POST", f"/api/commands/{command.kind}", body)
        return receipt

    def ask(self, method: str, path: str, body: Payload | None = None) -> Any:
        """Send one request and return the answer; waits when told to, raises `Refused` with the server's sentence."""
        while True:
            status, headers, answer = self._exchange(method, path, body)
            if status != 429:
                break
            time.sleep(float(headers.get("Retry-After", 1)))
        if status >= 400:
            raise Refused(status, answer.get("title", ""), answer.get("detail", ""))
        return answer

    def _exchange(self, method: str, path: str, body: Payload | None) -> tuple[int, Any, Any]:
        data = None if body is None else json.dumps(body, ensure_ascii=False, default=str).encode()
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {self.token}"} if self.token else {}
        )
        self.requests += 1
        for last in (False, True):
            line = self.line = self.line or http.client.HTTPConnection("127.0.0.1", self.port, timeout=SECONDS)
            try:
                line.request(method, path, data, headers)
                answer = line.getresponse()
                return answer.status, answer.headers, json.loads(answer.read() or b"null")
            except (ConnectionError, http.client.HTTPException):
                # the line went dead while it was idle: the same again on a new one
                line.close()
                self.line = None
                if last:
                    raise
        raise AssertionError("unreachable")


def sign_in(port: int, username: str, password: str, device: str = "", secret: str = "") -> Caller:
    """Sign in at a desk, or on an enrolled device, and return who may be acted as."""
    caller = Caller(port, username)
    body = {"username": username, "password": password}
    grants = caller.post("sign-in", body | ({"device": device, "device_secret": secret} if device else {}))
    caller.token, caller.device = grants[0]["token"], device
    return caller


def made_id() -> str:
    """Return an id as the sender makes it."""
    return str(new_id())
