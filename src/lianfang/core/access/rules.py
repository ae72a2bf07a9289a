"""Who an actor is and what a grant allows: pure."""

import uuid
from dataclasses import dataclass

from lianfang.kit.codes import CodeRange
from lianfang.kit.ids import derived_id
from lianfang.kit.refusals import Conflict, Refusal


class NotPermitted(Refusal):
    """The actor's grant does not allow this, here."""


class SignInRefused(Refusal):
    """Wrong name or password, an account that is closed, or no valid grant."""


class AccountRefused(Refusal):
    """An account or grant cannot be made as asked."""


class ScopeNotSet(Exception):
    """Something was read or written outside of any grant."""


class NotYetSo(Refusal):
    """A command says that something held at a time still to come, or long before anything was recorded."""


class CommandIdTaken(Conflict):
    """The id of a command was used before for something else."""


@dataclass(frozen=True)
class Actor:
    """One account acting under one grant: role × line of work × one range of division codes."""

    account_id: uuid.UUID
    grant_id: uuid.UUID
    role: str
    line: str
    scope: CodeRange
    permissions: frozenset[str]
    title: str = ""

    def may(self, permission: str, code: int | None = None) -> bool:
        """Say whether the grant holds a permission, and for the place that a division code names."""
        return permission in self.permissions and (code is None or code in self.scope)

    def require(self, permission: str, code: int | None = None) -> None:
        """Raise `NotPermitted`, with a sentence for the user, unless the grant allows this here."""
        if permission not in self.permissions:
            raise NotPermitted(f"The role “{self.role}” may not do this ({permission}). Ask the duty desk who can.")
        if code is not None and code not in self.scope:
            raise NotPermitted(
                f"Place {code} lies outside this post's area ({self.scope.lo}–{self.scope.hi}). "
                "Hand it over to the unit it belongs to."
            )


@dataclass(frozen=True)
class NewPost:
    """A seat of the response to create: a role on a line of work for one range of codes."""

    role: str
    line: str
    title: str
    scope: CodeRange
    reports_to: uuid.UUID | None = None

    @property
    def id(self) -> uuid.UUID:
        """Return the id that the same seat always gets, so that creating it again is recognised."""
        return derived_id("post", self.role, self.line, self.scope.lo, self.scope.hi, self.title)


@dataclass(frozen=True)
class NewSeat:
    """An account to create on a post; without a password nobody can sign in with it yet."""

    username: str
    post: NewPost
    password: str | None = None

    @property
    def account(self) -> uuid.UUID:
        """Return the id that the account of this name always gets."""
        return derived_id("account", self.username)
