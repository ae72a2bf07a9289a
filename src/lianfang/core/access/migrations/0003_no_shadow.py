"""The scope key is read from its own table, whatever a session has put into its temporary schema."""

from django.db import migrations

# An unlisted pg_temp is searched first, for tables and for types: a temporary `scope_key` with pads of one's own made
# every scope look sealed. The table is named with its schema, and pg_temp comes last.
SCOPE_PART = """
CREATE OR REPLACE FUNCTION scope_part(part int) RETURNS text
LANGUAGE plpgsql STABLE SECURITY DEFINER PARALLEL RESTRICTED SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    token text := current_setting('lianfang.scope', true);
    body text := split_part(token, '#', 1);
    key record;
BEGIN
    IF token IS NULL OR token = '' THEN
        RAISE EXCEPTION 'no scope is set: open the transaction with acting(actor)' USING ERRCODE = 'insufficient_privilege';
    END IF;
    SELECT inner_pad, outer_pad INTO key FROM public.scope_key;
    IF encode(sha256(key.outer_pad || sha256(key.inner_pad || convert_to(body, 'UTF8'))), 'hex')
           IS DISTINCT FROM split_part(token, '#', 2)
       OR split_part(body, '|', 5) IS DISTINCT FROM pg_backend_pid()::text THEN
        RAISE EXCEPTION 'the scope is not one that this server sealed for this connection' USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN split_part(body, '|', part);
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("access", "0002_scope")]
    operations = [
        migrations.RunSQL(SCOPE_PART, migrations.RunSQL.noop),
    ]
