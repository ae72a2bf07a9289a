"""A batch in which nothing needs a decision is written by one call, into rounds that are open, at times that can be meant;
whatever writes samples of a round, the database leaves a slip of how many people of which grid they were."""

from django.db import migrations, models

from lianfang.core.access.migration import SERVING, UnderScope

# One call is one transaction and one trip to the database: who may do this, the command, the tubes, the samples and the
# audit row. It writes all or nothing and decides nothing. Whatever is not plain (a repeat, an unknown person, a second
# sample, another tube of that code, a grant that ended) ends in NULL or an error, and the careful way looks at it.
# It runs with the caller's rights, so that every policy holds; relations are named with their schema, because a temporary
# table must not hide one.
#
# The function is the specimens' own. What it must know of rounds stands here, because rounds stand above specimens: a
# sample for a round that does not exist would be counted nowhere, and one that comes after the sign-off may bring people
# nobody counted. A sample taken before its tube was opened is looked at, so that the tube's own time stands for both.
REGISTER_PLAIN = """
CREATE OR REPLACE FUNCTION specimens_register_plain(
    scope text, by_account uuid, by_grant uuid, by_device uuid, the_county int, lo bigint, hi bigint,
    command uuid, held_at timestamptz, machine_at timestamptz, hash bytea, audit uuid, receipt jsonb,
    tube_ids uuid[], codes text[], modes text[], capacities int[], rounds uuid[], divisions bigint[], sites uuid[],
    sizes int[], opened timestamptz[], sealed timestamptz[],
    sample_tubes int[], sample_ids uuid[], residents uuid[], taken timestamptz[]
) RETURNS timestamptz LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    hand record;
    now_at timestamptz;
    written int;
BEGIN
    PERFORM set_config('lianfang.scope', scope, true);
    SELECT g.role_id, g.code_lo INTO hand
    FROM public.access_grant g JOIN public.access_account a ON a.id = g.account_id
    JOIN public.access_role r ON r.code = g.role_id
    WHERE g.id = by_grant AND g.account_id = by_account AND a.is_active AND g.valid_from <= machine_at
      AND (g.valid_until IS NULL OR g.valid_until > machine_at) AND g.code_lo <= lo AND g.code_hi >= hi
      AND r.permissions ? 'specimens.register_tubes' AND EXISTS (
          SELECT FROM public.access_device d WHERE d.id = by_device AND d.revoked_at IS NULL AND d.enrolled_at IS NOT NULL
             AND (d.account_id IS NULL OR d.account_id = by_account));
    IF NOT FOUND THEN RETURN NULL; END IF;

    now_at := machine_at + coalesce((SELECT c.offset_seconds FROM public.access_responseclock c), 0) * interval '1 second';
    IF held_at > now_at + interval '10 minutes' THEN RETURN NULL; END IF;

    IF EXISTS (
        SELECT FROM unnest(rounds, opened, sealed) AS sent (round, opened_at, sealed_at)
        LEFT JOIN public.screening_round r ON r.id = sent.round AND r.county = the_county AND r.closed_at IS NULL
        WHERE r.id IS NULL OR sent.opened_at < r.opened_at - interval '1 day'
           OR coalesce(sent.sealed_at, sent.opened_at) > now_at + interval '10 minutes')
    OR EXISTS (
        SELECT FROM unnest(sample_tubes, taken) AS sent (tube, taken_at)
        WHERE sent.taken_at < opened[sent.tube] OR sent.taken_at > now_at + interval '10 minutes')
    THEN RETURN NULL; END IF;

    INSERT INTO public.access_command (id, kind, account_id, grant_id, division_code, valid_at, recorded_at, received_at,
                                       payload_hash, result)
    VALUES (command, 'register_tubes', by_account, by_grant, hand.code_lo, held_at, now_at, machine_at, hash, receipt)
    ON CONFLICT (id) DO NOTHING;
    IF NOT FOUND THEN RETURN NULL; END IF;

    INSERT INTO public.specimens_tube AS tube (county, id, code, mode, capacity, purpose, round, division_code, site,
                                               filled, opened_at, sealed_at, recorded_at, recorded_by)
    SELECT the_county, sent.id, sent.code, sent.mode, sent.capacity, 'area_screening', sent.round, sent.division_code,
           sent.site, sent.size, sent.opened_at, sent.sealed_at, now_at, by_account
    FROM unnest(tube_ids, codes, modes, capacities, rounds, divisions, sites, sizes, opened, sealed)
         AS sent (id, code, mode, capacity, round, division_code, site, size, opened_at, sealed_at)
    ON CONFLICT (county, id) DO UPDATE SET filled = tube.filled + excluded.filled,
        opened_at = least(tube.opened_at, excluded.opened_at), sealed_at = excluded.sealed_at
    WHERE tube.code = excluded.code AND tube.round = excluded.round AND tube.mode = 'pooled' AND excluded.mode = 'pooled'
      AND tube.capacity = excluded.capacity AND tube.sealed_at IS NULL AND tube.resulted_at IS NULL;
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> cardinality(tube_ids) THEN RAISE EXCEPTION 'not plain' USING ERRCODE = 'LF001'; END IF;

    INSERT INTO public.specimens_sample (county, tube, id, resident, purpose, round, attempt, taken_at, taken_by,
                                         division_code, site_code, recorded_at)
    SELECT the_county, tube_ids[sent.tube], sent.id, p.id, 'area_screening', rounds[sent.tube], 1, sent.taken_at,
           by_account,
           CASE WHEN p.division_code / 1000000000 = the_county THEN p.division_code ELSE p.present_code END,
           divisions[sent.tube], now_at
    FROM unnest(sample_tubes, sample_ids, residents, taken) AS sent (tube, id, resident, taken_at)
    JOIN public.people_resident p ON p.id = sent.resident
    WHERE p.merged_into IS NULL AND (sealed[sent.tube] IS NULL OR sent.taken_at <= sealed[sent.tube]);
    GET DIAGNOSTICS written = ROW_COUNT;
    IF written <> cardinality(sample_ids) THEN RAISE EXCEPTION 'not plain' USING ERRCODE = 'LF001'; END IF;

    IF 'household' = ANY(modes) AND EXISTS (
        SELECT FROM unnest(sample_tubes, residents) AS sent (tube, resident)
        JOIN public.people_resident p ON p.id = sent.resident WHERE modes[sent.tube] = 'household'
        GROUP BY sent.tube
        HAVING count(*) > 1 AND (count(p.household) < count(*) OR count(DISTINCT p.household) > 1))
    THEN RAISE EXCEPTION 'not plain' USING ERRCODE = 'LF001'; END IF;

    INSERT INTO public.access_auditentry (id, verb, account_id, grant_id, role, division_code, subject_kind, subject_id,
                                          count, detail, response_at, machine_at)
    VALUES (audit, 'specimens.register_tubes', by_account, by_grant, hand.role_id, divisions[1], 'tube_batch', command,
            cardinality(sample_ids), jsonb_build_object('device', by_device, 'tubes', cardinality(tube_ids), 'refused', 0, 'round', rounds[1]),
            now_at, machine_at);
    RETURN now_at;
END $$
"""


# A statement that writes samples of a round leaves one slip for each grid of the roster they belong to: the tally and its
# slips are the account at every instant, whoever wrote. Who is on no roster is counted where they were found. A
# writer who sees less than the whole county would leave people out, and is stopped.
LEAVE_SLIPS = """
CREATE FUNCTION screening_leave_slips() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM fresh
        WHERE fresh.round IS NOT NULL AND NOT (fresh.county * 1000000000::bigint >= (SELECT public.scope_lo())
           AND fresh.county * 1000000000::bigint + 999999999 <= (SELECT public.scope_hi())))
    THEN RAISE EXCEPTION 'samples of a round are written with the whole county in scope' USING ERRCODE = 'insufficient_privilege';
    END IF;
    INSERT INTO public.screening_rosterslip (county, round, division_code, people)
    SELECT fresh.county, fresh.round, place.division_code, count(*)
    FROM fresh CROSS JOIN LATERAL (
        SELECT m.division_code FROM public.screening_rosterentry m
        WHERE m.county = fresh.county AND m.round = fresh.round AND m.resident = fresh.resident LIMIT 1) AS place
    WHERE fresh.round IS NOT NULL AND fresh.attempt = 1
    GROUP BY 1, 2, 3;
    RETURN NULL;
END $$
"""

SLIPS_ARE_LEFT = """
CREATE TRIGGER leave_slips AFTER INSERT ON specimens_sample REFERENCING NEW TABLE AS fresh
FOR EACH STATEMENT EXECUTE FUNCTION screening_leave_slips()
"""

# Slips come and go many times a second.
SWEPT_OFTEN = """
ALTER TABLE screening_rosterslip SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000)
"""

KEPT = f"REVOKE UPDATE, TRUNCATE ON screening_rosterslip FROM {SERVING}"

# The samples that no tally had counted yet; the owner of the tables is under scope as everybody, but not for this.
COUNT_THE_REST = """
ALTER TABLE specimens_sample NO FORCE ROW LEVEL SECURITY;
ALTER TABLE screening_rosterentry NO FORCE ROW LEVEL SECURITY;
ALTER TABLE screening_rosterslip NO FORCE ROW LEVEL SECURITY;
INSERT INTO screening_rosterslip (county, round, division_code, people)
SELECT s.county, s.round, m.division_code, count(*)
FROM specimens_sample s
JOIN screening_rosterentry m ON m.county = s.county AND m.round = s.round AND m.resident = s.resident
WHERE s.attempt = 1 AND s.xid >= coalesce((SELECT k.xid_until FROM screening_tallymark k), 0)
GROUP BY 1, 2, 3;
ALTER TABLE specimens_sample FORCE ROW LEVEL SECURITY;
ALTER TABLE screening_rosterentry FORCE ROW LEVEL SECURITY;
ALTER TABLE screening_rosterslip FORCE ROW LEVEL SECURITY;
"""


class Migration(migrations.Migration):
    dependencies = [("screening", "0004_paper_sheets"), ("specimens", "0007_roster_code")]
    operations = [
        migrations.CreateModel(
            name="RosterSlip",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("county", models.IntegerField()),
                ("round", models.UUIDField()),
                ("division_code", models.BigIntegerField()),
                ("people", models.IntegerField()),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(people__gt=0), name="roster_slip_people")]
            },
        ),
        UnderScope("screening_rosterslip"),
        migrations.RunSQL(
            [KEPT, SWEPT_OFTEN, COUNT_THE_REST, LEAVE_SLIPS, SLIPS_ARE_LEFT, REGISTER_PLAIN], migrations.RunSQL.noop
        ),
        migrations.DeleteModel("TallyMark"),
    ]
