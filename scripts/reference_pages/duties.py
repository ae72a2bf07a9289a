"""Every kind of duty that the rooms declare."""

from reference_pages.tables import code, table

INTRODUCTION = """# Kinds of duty

What the ledger may hold. *Rank* orders overdue duties, the lowest first. A duty is finished by the
command that records the work; another command that records the same fact finishes it too. A kind without a command would be
finished by `finish_duty` with one of the outcomes.
"""


def page() -> str:
    """Return the page."""
    from lianfang.config.kinds import KINDS

    rows = [
        (str(kind.rank), f"`{kind.code}`", kind.zh, kind.en, kind.room, code(kind.outcomes), f"`{kind.command}`" if kind.command else "–")
        for kind in sorted(KINDS, key=lambda kind: (kind.rank, kind.code))
    ]  # fmt: skip
    return f"{INTRODUCTION}\n{table(['rank', 'kind', '中文', 'English', 'room', 'outcomes', 'command'], rows)}\n"
