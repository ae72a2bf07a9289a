"""Every change that may enter from outside, in one table: console, phone, API, import and replay use the same."""

import uuid
from collections.abc import Callable
from typing import Any

from django.db import DataError, IntegrityError
from pydantic import AwareDatetime, Field, ValidationError

from lianfang.core.access import schemas as access
from lianfang.core.access.commands import CommandHandler, Commands, Envelope, Payload, Receipt, apply_command, calls
from lianfang.core.access.rules import Actor
from lianfang.core.duties.actions import finish_duty, record_attempt, waive_duties
from lianfang.core.duties.permissions import FINISH_DUTY
from lianfang.core.duties.queries import command_of
from lianfang.core.duties.rules import DutyHasItsCommand
from lianfang.core.intake import schemas as intake
from lianfang.core.notices import schemas as notices
from lianfang.core.people import schemas as people
from lianfang.core.people.permissions import READ_PEOPLE
from lianfang.kit.refusals import Conflict, Refusal
from lianfang.response.cases import schemas as cases
from lianfang.response.checkpoints import schemas as checkpoints
from lianfang.response.command import schemas as command
from lianfang.response.quarantine import schemas as quarantine
from lianfang.response.sampling import schemas as sampling
from lianfang.response.screening import schemas as screening
from lianfang.response.specimens import schemas as specimens
from lianfang.response.tasks import schemas as tasks
from lianfang.response.workforce import schemas as workforce
from lianfang.response.zones import schemas as zones
from lianfang.workflows import open_zone_round, positive_pool, register_scanned
from lianfang.workflows.roll_day import roll_day

#: how many faults of one payload are said
MOST_FAULTS = 5


class UnknownCommand(Refusal):
    """No such command exists."""


class PayloadRefused(Refusal):
    """The payload of a command is not what its kind needs: which field, and why."""


class RecordContradicted(Conflict):
    """The database does not take what a command would write: two records exclude each other, or a record itself."""


class RollDay(Payload):
    county: int


class FinishDuty(Payload):
    duty: int
    outcome: str
    detail: dict[str, Any] | None = None


class RecordAttempt(Payload):
    id: uuid.UUID | None = None
    duty: int
    reason: str
    note: str = Field(default="", max_length=200)
    next_at: AwareDatetime | None = None


class WaiveDuties(Payload):
    duties: list[int]
    reason: str
    authority: str


def _finish_duty(by: Actor, envelope: Envelope, payload: FinishDuty) -> dict[str, Any]:
    by.require(FINISH_DUTY)
    own = command_of(payload.duty, by=by)
    if own:
        raise _has_its_command(by, own)
    finish_duty(
        payload.duty,
        by=by,
        outcome=payload.outcome,
        valid_at=envelope.valid_at,
        detail=payload.detail,
        cause=envelope.id,
    )
    return {"duty": payload.duty}


def _has_its_command(by: Actor, own: str) -> DutyHasItsCommand:
    if by.may(READ_PEOPLE):
        return DutyHasItsCommand(f"This duty is finished by recording the work itself: send “{own}”.")
    # the command tells what somebody has; this role knows the duty under its plain name alone
    return DutyHasItsCommand("This duty is finished by recording the work itself: open it in the phone app.")


def _followed(
    room: Commands, kind: str, follow: Callable[[CommandHandler], CommandHandler]
) -> tuple[type[Payload], CommandHandler]:
    model, handler = room[kind]
    return model, follow(handler)


COMMANDS: dict[str, tuple[type[Payload], CommandHandler]] = {
    "finish_duty": (FinishDuty, _finish_duty),
    "record_attempt": (RecordAttempt, calls(record_attempt)),
    "waive_duties": (WaiveDuties, calls(waive_duties, "waived")),
    "roll_day": (RollDay, calls(roll_day)),
    **access.COMMANDS,
    **people.COMMANDS,
    **intake.COMMANDS,
    **notices.COMMANDS,
    **command.COMMANDS,
    **workforce.COMMANDS,
    **checkpoints.COMMANDS,
    **specimens.COMMANDS,
    **cases.COMMANDS,
    **quarantine.COMMANDS,
    **screening.COMMANDS,
    **sampling.COMMANDS,
    **zones.COMMANDS,
    **tasks.COMMANDS,
    **open_zone_round.COMMANDS,
    **register_scanned.COMMANDS,
    # A finding of the laboratory, or a sample that comes late, concerns more than the room of specimens.
    "record_results": (specimens.RecordResults, calls(positive_pool.record_results)),
    "correct_result": (specimens.CorrectResult, calls(positive_pool.correct_result, "number")),
    "register_tubes": (specimens.RegisterTubes, calls(positive_pool.register_tubes)),
    "import_results": _followed(specimens.COMMANDS, "import_results", positive_pool.after_import),
    "move_sample": _followed(specimens.COMMANDS, "move_sample", positive_pool.after_moving),
    "declare_incident": _followed(command.COMMANDS, "declare_incident", positive_pool.after_declaring),
}


def submit(envelope: Envelope, *, by: Actor) -> Receipt:
    """Apply one command of any kind exactly once and return its receipt.

    Raises a `Refusal` with a sentence when the kind is unknown, the payload does not fit or the action refuses;
    then nothing was written and the id may be used again.
    """
    if envelope.kind not in COMMANDS:
        raise UnknownCommand(f"There is no command “{envelope.kind}”. Known: {', '.join(sorted(COMMANDS))}.")
    model, handler = COMMANDS[envelope.kind]
    payload = _read(model, envelope)
    try:
        return apply_command(envelope, lambda by, envelope: handler(by, envelope, payload), by=by)
    except DataError as error:
        raise PayloadRefused(
            f"The command {envelope.kind} carries a value that does not fit ({_first_line(error)}). "
            "Shorten or correct it and send the command again."
        ) from error
    except IntegrityError as error:
        # Without what the database adds below the first line: it may quote a person's row.
        raise RecordContradicted(
            f"The command {envelope.kind} contradicts what is on record, or itself ({_first_line(error)}). "
            "Refresh, correct it and send it again."
        ) from error


def people_in(payload: dict[str, Any]) -> int:
    """Count the people that a payload of any kind records, whether or not it is well made: samples, people, results."""
    tubes = _entries(payload, "tubes")
    samples = sum(len(_entries(tube, "samples")) for tube in tubes if isinstance(tube, dict))
    if isinstance(payload.get("tube"), dict):
        samples += len(_entries(payload, "samples"))
    return samples + len(_entries(payload, "people")) + len(_entries(payload, "results"))


def _entries(holder: dict[str, Any], name: str) -> list[Any]:
    found = holder.get(name)
    return found if isinstance(found, list) else []


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


def _read(model: type[Payload], envelope: Envelope) -> Payload:
    try:
        return model.model_validate(envelope.payload)
    except ValidationError as error:
        raise PayloadRefused(f"The command {envelope.kind} cannot be read: {_faults(error)}.") from None


def _faults(error: ValidationError) -> str:
    """Return the first faults of a payload: thousands of them help nobody, and putting them into words takes time."""
    found = error.errors(include_url=False, include_input=False)
    said = [f"{('.'.join(map(str, one['loc'])) or 'payload')[:80]}: {one['msg'][:200]}" for one in found[:MOST_FAULTS]]
    return "; ".join([*said, *([f"and {len(found) - MOST_FAULTS} more"] if len(found) > MOST_FAULTS else [])])
