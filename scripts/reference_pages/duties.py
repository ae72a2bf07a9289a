"""Every kind of duty that the rooms declare."""

from reference_pages.tables import code, table

INTRODUCTION = """# Kinds of duty

What the ledger may hold. *Rank* orders overdue duties, the lowest first. A kind with a command is finished by sending that
command, which records the work; the others by `finish_duty` with one of the outcomes, or by the command that records the
same fact.
"""


def page() -> str:
    """Return the page."""
    from lianfang.config.kinds import KINDS

    rows = [
        (str(kind.rank), f"`{kind.code}`", kind.zh, kind.en, kind.room, code(kind.outcomes), f"`{kind.command}`" if kind.command else "–")
        for kind in sorted(KINDS, key=lambda kind: (kind.rank, kind.code))
    ]  # fmt: skip
    return f"{INTRODUCTION}\n{table(['rank', 'kind', '中文', 'English', 'room', 'outcomes', 'command'], rows)}\n"
