"""What can be wrong with a pack, each named after the fact."""

from dataclasses import dataclass

from lianfang.kit.refusals import Refusal


@dataclass(frozen=True)
class Problem:
    """One thing wrong in a file: which file, line and field, why, and what to do."""

    file: str
    line: int
    path: str
    why: str
    remedy: str

    def __str__(self) -> str:
        where = f"{self.file} line {self.line}" + (f", {self.path}" if self.path else "")
        return f"{where}: {self.why}. {self.remedy}."


class PackError(Refusal):
    """Anything that keeps a pack from being used."""


class PackNotFound(PackError):
    """No pack or overlay has this name."""


class PackNotInForce(PackError):
    """The pack was asked for on a day on which it is not in force."""


class PackInvalid(PackError):
    """The files of a pack do not hold together; ``problems`` lists everything found."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


class PackSilent(PackError):
    """The pack says nothing about what was asked."""


class AnchorMissing(PackError):
    """The instant that days are counted from was not given."""
