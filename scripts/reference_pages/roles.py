"""Roles, lines of work and permissions, read from roles.yaml and the rooms' permissions."""

from reference_pages.tables import code, permissions, table

INTRODUCTION = """# Roles and permissions

A grant (授权) is a role × a line of work × one range of division codes × a time. The role says what may be done, the range
where, and the line which tables beyond that are open (the audit to `audit`, accounts and grants to `administration`).
Roles are data: `src/lianfang/core/access/roles.yaml`.
"""


def page() -> str:
    """Return the page."""
    from lianfang.core.access.actions import read_roles

    data, known = read_roles(), permissions()
    holders = {name: [code for code, role in data["roles"].items() if name in role["may"]] for name in known}
    return "\n".join(
        [
            INTRODUCTION,
            "## Roles\n",
            table(
                ["role", "中文", "English", "may"],
                [
                    (f"`{name}`", role["zh"], role["en"], code(sorted(role["may"])))
                    for name, role in data["roles"].items()
                ],
            ),
            "\n## Permissions\n",
            table(
                ["permission", "中文", "English", "roles that hold it"],
                [(f"`{name}`", *known[name], code(holders[name])) for name in sorted(known)],
            ),
            "\n## Lines of work (条块)\n",
            table(["line", "中文", "English"], [(f"`{line}`", *names) for line, names in data["lines"].items()]),
            "",
        ]
    )
