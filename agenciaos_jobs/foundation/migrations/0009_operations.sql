-- What runs the service day and night: answers that are written while no worker waits, and what is kept how long.

ALTER TABLE jobs.runs ADD COLUMN standing_by boolean NOT NULL DEFAULT false;
ALTER TABLE jobs.runs ADD COLUMN woken boolean NOT NULL DEFAULT false;

ALTER TABLE jobs.runs ADD COLUMN traceparent text;

COMMENT ON COLUMN jobs.runs.traceparent IS 'The span that the run goes on from, in W3C''s form.';
COMMENT ON COLUMN jobs.runs.standing_by IS 'The attempt waits for something outside, or has: the next claim goes on with it.';
COMMENT ON COLUMN jobs.runs.woken IS 'What the run stands by for has come since it was claimed.';

CREATE TABLE jobs.ai_responses (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_id text COLLATE "C" NOT NULL,
  attempt integer NOT NULL,
  round integer NOT NULL,
  agency_id text NOT NULL,
  user_id text,
  agent_type text NOT NULL,
  asked_at timestamptz NOT NULL,
  response_id text,
  answer jsonb,
  abandoned boolean NOT NULL DEFAULT false,
  tried_at timestamptz
);

COMMENT ON TABLE jobs.ai_responses IS 'Responses that OpenAI writes in the background, from before they are asked for until they are billed.';
COMMENT ON COLUMN jobs.ai_responses.response_id IS 'OpenAI''s id; null until its answer to the request is committed.';
COMMENT ON COLUMN jobs.ai_responses.answer IS 'What came of it, once it is known.';
COMMENT ON COLUMN jobs.ai_responses.abandoned IS 'Nobody waits for it any more: it is canceled upstream, billed and deleted.';
COMMENT ON COLUMN jobs.ai_responses.tried_at IS 'When it was last tried to cancel it.';

CREATE UNIQUE INDEX ai_responses_open ON jobs.ai_responses (run_id, round) WHERE NOT abandoned;
CREATE UNIQUE INDEX ai_responses_by_response ON jobs.ai_responses (response_id);

-- Retention: whole months are dropped. A month of which something must stay is replaced by a smaller one.

CREATE FUNCTION jobs.is_expired(status text, finished_at timestamptz, completed_before timestamptz, failed_before timestamptz)
RETURNS boolean LANGUAGE sql IMMUTABLE AS $$
  SELECT coalesce(CASE
    WHEN status IN ('COMPLETED', 'CANCELED') THEN finished_at < completed_before
    WHEN status IN ('FAILED', 'CRASHED', 'TIMED_OUT', 'EXPIRED', 'SYSTEM_FAILURE') THEN finished_at < failed_before
  END, false)
$$;

CREATE FUNCTION jobs.monthly_tables() RETURNS TABLE (parent text, key text) LANGUAGE sql STABLE AS $$
  SELECT relname, attname FROM pg_partitioned_table JOIN pg_class ON pg_class.oid = partrelid
  JOIN pg_attribute ON attrelid = partrelid AND attnum = partattrs[0]
  WHERE relnamespace = 'jobs'::regnamespace ORDER BY relname <> 'runs', relname
$$;

COMMENT ON FUNCTION jobs.monthly_tables IS 'Tables whose partitions are months of runs, runs itself first, and the column that holds the run''s id.';

CREATE FUNCTION jobs.month_counts(completed_before timestamptz, failed_before timestamptz)
RETURNS TABLE (month text, held bigint, expired bigint, bytes bigint) LANGUAGE plpgsql AS $$
DECLARE
  ended_before timestamptz := greatest(completed_before, failed_before);
BEGIN
  FOR month IN
    SELECT substr(child.relname, 6) FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid
    WHERE inhparent = 'jobs.runs'::regclass AND child.relname ~ '^runs_\d{4}_\d{2}$'
      AND (to_date(substr(child.relname, 6), 'YYYY_MM') + interval '1 month') AT TIME ZONE 'UTC' <= ended_before
    ORDER BY 1
  LOOP
    EXECUTE format('SELECT count(*), count(*) FILTER (WHERE jobs.is_expired(status, finished_at, $1, $2)) FROM jobs.%I',
                   'runs_' || month)
      INTO held, expired USING completed_before, failed_before;
    SELECT sum(pg_total_relation_size(to_regclass(format('jobs.%I', parent || '_' || month)))) INTO bytes
      FROM jobs.monthly_tables();
    RETURN NEXT;
  END LOOP;
END $$;

COMMENT ON FUNCTION jobs.month_counts IS 'Months that are old enough to hold expired runs: how many runs, how many of them expired, and their size.';

CREATE FUNCTION jobs.lock_months() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  parent text;
BEGIN
  PERFORM set_config('lock_timeout', '2s', true);
  FOR parent IN SELECT tables.parent FROM jobs.monthly_tables() AS tables LOOP
    EXECUTE format('LOCK TABLE jobs.%I IN ACCESS EXCLUSIVE MODE', parent);
  END LOOP;
END $$;

CREATE FUNCTION jobs.drop_month(month text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  parent text;
BEGIN
  PERFORM jobs.lock_months();
  FOR parent IN SELECT tables.parent FROM jobs.monthly_tables() AS tables LOOP
    EXECUTE format('DROP TABLE IF EXISTS jobs.%I', parent || '_' || month);
  END LOOP;
END $$;

CREATE FUNCTION jobs.copy_month(month text, completed_before timestamptz, failed_before timestamptz) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
  floor text := jobs.id_floor('run', to_date(month, 'YYYY_MM')::timestamp AT TIME ZONE 'UTC');
  ceiling text := jobs.id_floor('run', (to_date(month, 'YYYY_MM') + interval '1 month') AT TIME ZONE 'UTC');
  parent text;
  key text;
  kept text;
  unfinished text[];
BEGIN
  EXECUTE format('SELECT coalesce(array_agg(id), ''{}'') FROM jobs.%I WHERE finished_at IS NULL', 'runs_' || month)
    INTO unfinished;
  FOR parent, key IN SELECT * FROM jobs.monthly_tables() LOOP
    CONTINUE WHEN to_regclass('jobs.' || parent || '_' || month) IS NULL;
    kept := parent || '_' || month || '_kept';
    EXECUTE format('DROP TABLE IF EXISTS jobs.%I', kept);
    EXECUTE format('CREATE TABLE jobs.%I (LIKE jobs.%I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE)',
                   kept, parent);
    IF parent = 'runs' THEN
      EXECUTE format('INSERT INTO jobs.%I SELECT * FROM jobs.runs WHERE id >= %L AND id < %L AND finished_at IS NOT NULL
                        AND NOT jobs.is_expired(status, finished_at, $1, $2) AND id <> ALL ($3)',
                     kept, floor, ceiling) USING completed_before, failed_before, unfinished;
    ELSE
      EXECUTE format('INSERT INTO jobs.%I SELECT * FROM jobs.%I WHERE %I >= %L AND %I < %L AND %I IN (SELECT id FROM jobs.%I)',
                     kept, parent, key, floor, key, ceiling, key, 'runs_' || month || '_kept');
    END IF;
  END LOOP;
  RETURN unfinished;
END $$;

COMMENT ON FUNCTION jobs.copy_month IS 'Copies what must stay of a month aside, without a lock; returns the runs that may still change.';

CREATE FUNCTION jobs.swap_month(month text, unfinished text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  first_day timestamp := to_date(month, 'YYYY_MM');
  parent text;
  key text;
  name text;
BEGIN
  PERFORM jobs.lock_months();
  FOR parent, key IN SELECT * FROM jobs.monthly_tables() LOOP
    name := parent || '_' || month;
    CONTINUE WHEN to_regclass('jobs.' || name) IS NULL;
    EXECUTE format('INSERT INTO jobs.%I SELECT * FROM jobs.%I WHERE %I = ANY ($1)', name || '_kept', parent, key)
      USING unfinished;
    EXECUTE format('DROP TABLE jobs.%I', name);
    EXECUTE format('ALTER TABLE jobs.%I RENAME TO %I', name || '_kept', name);
    EXECUTE format('ALTER TABLE jobs.%I ATTACH PARTITION jobs.%I FOR VALUES FROM (%L) TO (%L)', parent, name,
                   jobs.id_floor('run', first_day AT TIME ZONE 'UTC'),
                   jobs.id_floor('run', (first_day + interval '1 month') AT TIME ZONE 'UTC'));
  END LOOP;
END $$;

COMMENT ON FUNCTION jobs.swap_month IS 'Puts what was copied in the place of the month, with the runs that may have changed since.';

CREATE TABLE jobs.housekeeping (
  chore text PRIMARY KEY,
  done_at timestamptz NOT NULL
);

COMMENT ON TABLE jobs.housekeeping IS 'When each chore was last begun, so that one worker a time does it.';

CREATE INDEX ai_generations_with_content ON jobs.ai_generations (created_at) WHERE content IS NOT NULL;
