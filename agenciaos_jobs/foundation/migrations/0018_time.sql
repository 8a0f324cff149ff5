-- What a wrong clock or a long sleep leaves behind: slots that fired before their time, and rows without their month.

ALTER TABLE jobs.schedules ADD COLUMN early_until timestamptz;

COMMENT ON COLUMN jobs.schedules.early_until IS 'Slots up to this one may have fired before their time, while the clock was ahead. Null: none.';

CREATE INDEX schedules_taken ON jobs.schedules (last_slot);

CREATE FUNCTION jobs.month_of(run_id text) RETURNS timestamp
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
  digits constant text := '0123456789abcdefghjkmnpqrstvwxyz';
  milliseconds bigint := 0;
BEGIN
  IF run_id COLLATE "C" !~ '^run_[0-7][0-9a-hjkmnp-tv-z]{25}$' THEN
    RETURN NULL;
  END IF;
  FOR digit IN 1..10 LOOP
    milliseconds := milliseconds * 32 + strpos(digits, substr(run_id, 4 + digit, 1)) - 1;
  END LOOP;
  RETURN date_trunc('month', to_timestamp(milliseconds / 1000.0) AT TIME ZONE 'UTC');
END $$;

COMMENT ON FUNCTION jobs.month_of IS 'The first day of the month, in UTC, in which a run was made; null for a text that is no run''s id.';

CREATE FUNCTION jobs.outside_months() RETURNS TABLE (parent text, held bigint) LANGUAGE plpgsql STABLE AS $$
BEGIN
  FOR parent IN SELECT tables.parent FROM jobs.monthly_tables() AS tables LOOP
    EXECUTE format('SELECT count(*) FROM jobs.%I', parent || '_default') INTO held;
    RETURN NEXT;
  END LOOP;
END $$;

COMMENT ON FUNCTION jobs.outside_months IS 'How many rows of each table are in its default partition.';

CREATE FUNCTION jobs.stray_months() RETURNS TABLE (parent text, month timestamp) LANGUAGE plpgsql STABLE AS $$
DECLARE
  key text;
  seen text;
  first_id text;
BEGIN
  FOR parent, key IN SELECT * FROM jobs.monthly_tables() LOOP
    seen := '';
    LOOP
      EXECUTE format('SELECT min(%1$I) FROM jobs.%2$I WHERE %1$I >= $1 AND jobs.month_of(%1$I) < ''10000-01-01''',
                     key, parent || '_default') INTO first_id USING seen;
      EXIT WHEN first_id IS NULL;
      month := jobs.month_of(first_id);
      RETURN NEXT;
      seen := jobs.id_floor('run', (month + interval '1 month') AT TIME ZONE 'UTC');
    END LOOP;
  END LOOP;
END $$;

COMMENT ON FUNCTION jobs.stray_months IS 'The months that have rows in a default partition, by table.';

-- Runs that have ended, and what belongs to runs, move without a lock: nobody changes these rows. The others move under the
-- lock that attaching needs, which is asked for a moment at a time. What was made meanwhile moves with them.
CREATE FUNCTION jobs.move_month(parent text, month timestamp) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  key constant text := (SELECT tables.key FROM jobs.monthly_tables() AS tables WHERE tables.parent = move_month.parent);
  name constant text := parent || to_char(month, '_YYYY_MM');
  floor constant text := jobs.id_floor('run', month AT TIME ZONE 'UTC');
  ceiling constant text := jobs.id_floor('run', (month + interval '1 month') AT TIME ZONE 'UTC');
  move constant text := format(
    'WITH moved AS (DELETE FROM jobs.%1$I WHERE %2$I >= %3$L AND %2$I < %4$L %%s RETURNING *)
     INSERT INTO jobs.%5$I SELECT * FROM moved', parent, key, floor, ceiling, name);
  unchanging constant text := CASE parent WHEN 'runs' THEN 'AND finished_at IS NOT NULL' ELSE '' END;
  moved bigint;
  moved_late bigint;
BEGIN
  PERFORM set_config('lock_timeout', '300ms', true);
  PERFORM pg_advisory_xact_lock(hashtext('agenciaos_jobs.partitions'));
  IF to_regclass('jobs.' || name) IS NOT NULL THEN
    RETURN 0;
  END IF;
  EXECUTE format('CREATE TABLE jobs.%I (LIKE jobs.%I INCLUDING ALL)', name, parent);
  EXECUTE format('ALTER TABLE jobs.%I ADD CONSTRAINT in_month CHECK (%I >= %L AND %I < %L)', name, key, floor, key, ceiling);
  EXECUTE format(move, unchanging);
  GET DIAGNOSTICS moved = ROW_COUNT;
  FOR attempt IN REVERSE 10..1 LOOP
    BEGIN
      EXECUTE format('LOCK TABLE jobs.%I IN ACCESS EXCLUSIVE MODE', parent);
      EXIT;
    EXCEPTION WHEN lock_not_available THEN
      IF attempt = 1 THEN
        RAISE;
      END IF;
      PERFORM pg_sleep(0.5);
    END;
  END LOOP;
  EXECUTE format(move, '');
  GET DIAGNOSTICS moved_late = ROW_COUNT;
  EXECUTE format('ALTER TABLE jobs.%I ATTACH PARTITION jobs.%I FOR VALUES FROM (%L) TO (%L)', parent, name, floor, ceiling);
  EXECUTE format('ALTER TABLE jobs.%I DROP CONSTRAINT in_month', name);
  RETURN moved + moved_late;
END $$;

COMMENT ON FUNCTION jobs.move_month IS 'Moves a month''s rows out of the default partition into one of their own; returns how many.';

-- As before, but a month that has rows in a default partition is left to move_month, and no other month waits for it.
CREATE OR REPLACE FUNCTION jobs.ensure_partitions(present timestamptz, months_ahead integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  parent text;
  first_day timestamp;
  name text;
  is_locked boolean := false;
  made integer := 0;
BEGIN
  PERFORM set_config('lock_timeout', '300ms', true);
  PERFORM pg_advisory_xact_lock(hashtext('agenciaos_jobs.partitions'));
  FOR ahead IN 0..months_ahead LOOP
    first_day := date_trunc('month', present AT TIME ZONE 'UTC') + make_interval(months => ahead);
    FOR parent IN SELECT tables.parent FROM jobs.monthly_tables() AS tables LOOP
      name := parent || to_char(first_day, '_YYYY_MM');
      CONTINUE WHEN to_regclass('jobs.' || name) IS NOT NULL;
      IF NOT is_locked THEN
        EXECUTE (SELECT 'LOCK TABLE ' || string_agg(format('jobs.%I', tables.parent), ', ') || ' IN ACCESS EXCLUSIVE MODE'
                 FROM jobs.monthly_tables() AS tables);
        is_locked := true;
      END IF;
      BEGIN
        EXECUTE format('CREATE TABLE jobs.%I PARTITION OF jobs.%I FOR VALUES FROM (%L) TO (%L)', name, parent,
                       jobs.id_floor('run', first_day AT TIME ZONE 'UTC'),
                       jobs.id_floor('run', (first_day + interval '1 month') AT TIME ZONE 'UTC'));
        made := made + 1;
      EXCEPTION WHEN check_violation THEN
        NULL;
      END;
    END LOOP;
  END LOOP;
  RETURN made;
END $$;
