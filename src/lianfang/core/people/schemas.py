"""The payloads of the commands that reach the register from outside, and what each of them does."""

import uuid

from pydantic import Field

from lianfang.core.access.commands import Commands, Payload, calls
from lianfang.core.people import actions
from lianfang.core.people.rules import RevokeReason
from lianfang.kit.codes import CodeRange


class IssueResidentCodes(Payload):
    """People who are to have a printed code: of a range, or some residents."""

    within: CodeRange | None = None
    residents: list[uuid.UUID] | None = Field(default=None, max_length=1000)


class RevokeResidentCode(Payload):
    """A printed code that is not to be taken any longer, and whether its holder gets another."""

    resident: uuid.UUID
    reason: RevokeReason
    reissue: bool = True


COMMANDS: Commands = {
    "issue_resident_codes": (IssueResidentCodes, calls(actions.issue_codes, "issued")),
    "revoke_resident_code": (RevokeResidentCode, calls(actions.revoke_code, "serial")),
}
