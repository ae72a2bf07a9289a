"""The scope functions, and what the app and worker logins may touch."""

from django.db import migrations

from lianfang.core.access.migration import SERVING, AppendOnly, UnderScope

SCOPE_FUNCTIONS = f"""
CREATE TABLE scope_key (only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row), inner_pad bytea NOT NULL, outer_pad bytea NOT NULL);
REVOKE ALL ON scope_key FROM PUBLIC, {SERVING};

CREATE FUNCTION scope_part(part int) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, public AS $$
DECLARE
    token text := current_setting('lianfang.scope', true);
    body text := split_part(token, '#', 1);
    key record;
BEGIN
    IF token IS NULL OR token = '' THEN
        RAISE EXCEPTION 'no scope is set: open the transaction with acting(actor)' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT inner_pad, outer_pad INTO key FROM scope_key;
    IF encode(sha256(key.outer_pad || sha256(key.inner_pad || convert_to(body, 'UTF8'))), 'hex') <> split_part(token, '#', 2)
       OR split_part(body, '|', 5) <> pg_backend_pid()::text THEN
        RAISE EXCEPTION 'the scope is not one that this server sealed for this connection' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN split_part(body, '|', part);
END $$;

CREATE FUNCTION scope_lo() RETURNS bigint LANGUAGE sql STABLE PARALLEL RESTRICTED AS $$ SELECT scope_part(1)::bigint $$;
CREATE FUNCTION scope_hi() RETURNS bigint LANGUAGE sql STABLE PARALLEL RESTRICTED AS $$ SELECT scope_part(2)::bigint $$;
CREATE FUNCTION scope_line() RETURNS text LANGUAGE sql STABLE PARALLEL RESTRICTED AS $$ SELECT scope_part(3) $$;
CREATE FUNCTION scope_account() RETURNS uuid LANGUAGE sql STABLE PARALLEL RESTRICTED AS $$ SELECT scope_part(4)::uuid $$;
"""

AUDIT = """
ALTER TABLE access_auditentry ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY;
ALTER TABLE access_auditentry ALTER COLUMN xid SET DEFAULT pg_current_xact_id()::text::bigint;
ALTER TABLE access_auditentry ENABLE ROW LEVEL SECURITY;
ALTER TABLE access_auditentry FORCE ROW LEVEL SECURITY;
CREATE POLICY own_hand ON access_auditentry FOR INSERT WITH CHECK (account_id = (SELECT scope_account()));
CREATE POLICY auditors ON access_auditentry FOR SELECT
    USING (division_code BETWEEN (SELECT scope_lo()) AND (SELECT scope_hi()) AND (SELECT scope_line()) = 'audit');
"""

ADMINISTRATION = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY read_all ON {table} FOR SELECT USING (true);
CREATE POLICY administration ON {table} FOR ALL USING ((SELECT scope_line()) = 'administration' AND {inside})
    WITH CHECK ((SELECT scope_line()) = 'administration' AND {inside});
"""


def administered(table: str, inside: str) -> migrations.RunSQL:
    """Everybody may read the table; only the administration line may write it, inside its own range."""
    return migrations.RunSQL(ADMINISTRATION.format(table=table, inside=inside), migrations.RunSQL.noop)


class Migration(migrations.Migration):
    dependencies = [("access", "0001_initial")]
    operations = [
        migrations.RunSQL(
            SCOPE_FUNCTIONS,
            "DROP FUNCTION scope_account(), scope_line(), scope_hi(), scope_lo(), scope_part(int); DROP TABLE scope_key",
        ),
        UnderScope("access_command"),
        migrations.RunSQL(AUDIT, migrations.RunSQL.noop),
        AppendOnly("access_auditentry"),
        AppendOnly("access_auditseal"),
        AppendOnly("access_role"),
        AppendOnly("access_lineofwork"),
        administered("access_grant", "code_lo >= (SELECT scope_lo()) AND code_hi <= (SELECT scope_hi())"),
        administered("access_account", "true"),
        administered("access_post", "division_code >= (SELECT scope_lo()) AND code_hi <= (SELECT scope_hi())"),
        administered("access_responseclock", "true"),
    ]
