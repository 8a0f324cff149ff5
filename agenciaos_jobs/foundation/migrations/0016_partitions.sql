-- A new month's partitions want all of their tables for a moment. Whoever waits for that keeps everybody waiting who comes
-- later, for as long as a backup reads; so it is asked for in a moment's time, all at once, or not at all.
CREATE OR REPLACE FUNCTION jobs.ensure_partitions(present timestamptz, months_ahead integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  parent text;
  first_day timestamp;
  name text;
  made integer := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('agenciaos_jobs.partitions'));
  PERFORM set_config('lock_timeout', '300ms', true);
  FOR month IN 0..months_ahead LOOP
    first_day := date_trunc('month', present AT TIME ZONE 'UTC') + make_interval(months => month);
    FOR parent IN SELECT tables.parent FROM jobs.monthly_tables() AS tables LOOP
      name := parent || to_char(first_day, '_YYYY_MM');
      CONTINUE WHEN to_regclass('jobs.' || name) IS NOT NULL;
      IF made = 0 THEN
        EXECUTE (SELECT 'LOCK TABLE ' || string_agg(format('jobs.%I', tables.parent), ', ') || ' IN ACCESS EXCLUSIVE MODE'
                 FROM jobs.monthly_tables() AS tables);
      END IF;
      EXECUTE format('CREATE TABLE jobs.%I PARTITION OF jobs.%I FOR VALUES FROM (%L) TO (%L)', name, parent,
                     jobs.id_floor('run', first_day AT TIME ZONE 'UTC'),
                     jobs.id_floor('run', (first_day + interval '1 month') AT TIME ZONE 'UTC'));
      made := made + 1;
    END LOOP;
  END LOOP;
  RETURN made;
END $$;
