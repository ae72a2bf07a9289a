"""Sessions whose table tells nobody how to be somebody else.

Django keeps a session under the very key that the browser holds, so that whoever reads the table could sign in with it.
Here the table knows only the key's hash, and what a session says is signed together with its key: a row copied to another
key says nothing.
"""

import hashlib
from typing import Any

from django.contrib.sessions.backends import db
from django.contrib.sessions.base_session import AbstractBaseSession


def hidden(session_key: str) -> str:
    """Return what the table knows of a session's key: 40 hexadecimal digits of its SHA-256."""
    return hashlib.sha256(session_key.encode()).hexdigest()[:40]


class SessionStore(db.SessionStore):
    """Django's store in the database, with hidden keys."""

    @property
    def key_salt(self) -> str:
        return f"lianfang.session.{self.session_key}"

    def _get_session_from_db(self) -> AbstractBaseSession | None:
        shown, self._session_key = self._session_key, hidden(self._session_key or "")
        try:
            found: AbstractBaseSession | None = super()._get_session_from_db()  # type: ignore[misc]
        finally:
            self._session_key = shown if self._session_key is not None else None
        return found

    def exists(self, session_key: str) -> bool:
        return bool(super().exists(hidden(session_key)))

    def create_model_instance(self, data: dict[str, Any]) -> AbstractBaseSession:
        made = super().create_model_instance(data)
        made.session_key = hidden(made.session_key)
        return made

    def delete(self, session_key: str | None = None) -> None:
        key = session_key or self.session_key
        if key is not None:
            super().delete(hidden(key))
