"""Steps that migrations of all rooms use to put tables under scope and make them append-only."""

import os

from django.db import migrations

#: the two logins that answer requests and run jobs; the suffix tells installations on one server apart
SERVING = ", ".join(f"lianfang_{login}{os.environ.get('LIANFANG_ROLE_SUFFIX', '')}" for login in ("app", "worker"))


class UnderScope(migrations.RunSQL):
    """Force row-level security on a table: a row is seen and written only where a division code lies in the scope.

    ``columns``: one column of 15-digit codes, or several of which one must lie inside; ``line``: only grants of
    these lines of work pass (blank-separated), for instance the discipline line.
    """

    def __init__(self, table: str, *columns: str, line: str = "") -> None:
        self.table, self.columns, self.line = table, columns or ("division_code",), line
        inside = " OR ".join(f"{column} BETWEEN (SELECT scope_lo()) AND (SELECT scope_hi())" for column in self.columns)
        if line:
            lines = ", ".join(f"'{one}'" for one in line.split())
            inside = f"({inside}) AND (SELECT scope_line()) IN ({lines})"
        super().__init__(
            [
                f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
                f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
                f"CREATE POLICY scope ON {table} USING ({inside}) WITH CHECK ({inside})",
            ],
            [f"DROP POLICY scope ON {table}", f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY"],
        )

    def deconstruct(self):  # type: ignore[no-untyped-def]
        return self.__class__.__name__, [self.table, *self.columns], {"line": self.line}


class AppendOnly(migrations.RunSQL):
    """Take UPDATE, DELETE and TRUNCATE on a table away from the app and worker logins."""

    def __init__(self, table: str) -> None:
        self.table = table
        super().__init__(
            [f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {SERVING}"],
            [f"GRANT UPDATE, DELETE ON {table} TO {SERVING}"],
        )

    def deconstruct(self):  # type: ignore[no-untyped-def]
        return self.__class__.__name__, [self.table], {}
