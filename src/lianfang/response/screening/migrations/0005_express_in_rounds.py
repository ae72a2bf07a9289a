"""A batch in which nothing needs a decision is written by one call, into rounds that are open, at times that can be meant."""

from django.db import migrations

# One call is one transaction and one trip to the database: who may do this, the command, the tubes, the samples and the
# audit row. It writes all or nothing and decides nothing. Whatever is not plain (a repeat, an unknown person, a second
# sample, another tube of that code, a grant that ended) ends in NULL or an error, and the careful way looks at it.
# It runs with the caller's rights, so that every policy holds; relations are named with their schema, because a temporary
# table must not hide one.
#
# The function is the specimens' own. What it must know of rounds stands here, because rounds stand above specimens: a
# sample for a round that does not exist would be counted nowhere, and one that comes after the sign-off may bring people
# nobody counted. A sample taken before its tube was opened is looked at, so that the tube's own time stands for both.
# Where the roster places each person is written with the sample, so that whoever counts a city need not look again.
REGISTER_PLAIN = """
CREATE FUNCTION specimens_register_plain(
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
                                         division_code, site_code, recorded_at, roster_code)
    SELECT the_county, tube_ids[sent.tube], sent.id, p.id, 'area_screening', rounds[sent.tube], 1, sent.taken_at,
           by_account,
           CASE WHEN p.division_code / 1000000000 = the_county THEN p.division_code ELSE p.present_code END,
           divisions[sent.tube], now_at, coalesce(roster.division_code, 0)
    FROM unnest(sample_tubes, sample_ids, residents, taken) AS sent (tube, id, resident, taken_at)
    JOIN public.people_resident p ON p.id = sent.resident
    LEFT JOIN LATERAL (
        SELECT m.division_code FROM public.screening_rosterentry m
        WHERE m.county = the_county AND m.round = rounds[sent.tube] AND m.resident = sent.resident LIMIT 1) AS roster ON true
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


class Migration(migrations.Migration):
    dependencies = [("screening", "0004_paper_sheets"), ("specimens", "0007_roster_code")]
    operations = [migrations.RunSQL(REGISTER_PLAIN, "DROP FUNCTION specimens_register_plain")]
