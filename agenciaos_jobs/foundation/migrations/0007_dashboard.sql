-- Who may see the dashboard.

CREATE TABLE jobs.dashboard_access (
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  signing_key bytea NOT NULL,
  password_hash text
);

COMMENT ON TABLE jobs.dashboard_access IS 'One row for all servers: the key that signs sessions, and the generated password''s argon2 hash.';
COMMENT ON COLUMN jobs.dashboard_access.password_hash IS 'Null while every server so far had DASHBOARD_PASSWORD.';

CREATE TABLE jobs.dashboard_logouts (
  session_id text PRIMARY KEY,
  expires_at timestamptz NOT NULL
);

COMMENT ON TABLE jobs.dashboard_logouts IS 'Sessions that were ended before their time.';

CREATE TABLE jobs.dashboard_failures (
  address text NOT NULL,
  failed_at timestamptz NOT NULL
);

COMMENT ON TABLE jobs.dashboard_failures IS 'Attempts at logging in with a wrong password.';

CREATE INDEX dashboard_failures_by_time ON jobs.dashboard_failures (failed_at);

-- What came of a run, and the errors that a search looks through.
CREATE INDEX runs_by_origin ON jobs.runs (replay_of) WHERE replay_of IS NOT NULL;
CREATE INDEX runs_with_error ON jobs.runs (id) WHERE error IS NOT NULL;

-- Hours that are over, counted once. An hour is the ids that were made in it.
CREATE TABLE jobs.run_hours (
  hour timestamptz NOT NULL,
  task text NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('good', 'bad', 'off', 'open')),
  runs bigint NOT NULL,
  PRIMARY KEY (hour, task, outcome)
);

CREATE TABLE jobs.run_hour_times (
  hour timestamptz NOT NULL,
  task text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('wait', 'duration')),
  bucket integer NOT NULL,
  runs bigint NOT NULL,
  PRIMARY KEY (hour, task, kind, bucket)
);

COMMENT ON COLUMN jobs.run_hour_times.bucket IS 'Times from 2^(bucket/4) ms to less than 2^((bucket+1)/4) ms; 0 holds the shorter ones too.';

CREATE TABLE jobs.counted_hours (
  hour timestamptz PRIMARY KEY,
  open bigint NOT NULL
);

COMMENT ON COLUMN jobs.counted_hours.open IS 'Runs that were under way when the hour was counted; where their number has changed, it is counted anew.';

-- Hour by hour, so that each one's stretch of ids is known when it is planned.
CREATE FUNCTION jobs.count_run_hours(hours timestamptz[])
RETURNS TABLE (hour timestamptz, task text, outcome text, runs bigint)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  start timestamptz;
BEGIN
  FOREACH start IN ARRAY hours LOOP
    RETURN QUERY EXECUTE format(
      'SELECT %L::timestamptz, task,
              CASE WHEN status = ''COMPLETED'' THEN ''good'' WHEN status = ''CANCELED'' THEN ''off''
                   WHEN status IN (''DELAYED'', ''QUEUED'', ''EXECUTING'') THEN ''open'' ELSE ''bad'' END, count(*)
       FROM jobs.runs WHERE id >= %L AND id < %L GROUP BY 2, 3',
      start, jobs.id_floor('run', start), jobs.id_floor('run', start + interval '1 hour'));
  END LOOP;
END $$;

CREATE FUNCTION jobs.count_run_hour_times(hours timestamptz[])
RETURNS TABLE (hour timestamptz, task text, kind text, bucket integer, runs bigint)
LANGUAGE plpgsql STABLE AS $$
DECLARE
  start timestamptz;
BEGIN
  FOREACH start IN ARRAY hours LOOP
    RETURN QUERY EXECUTE format(
      'SELECT %L::timestamptz, task, kind,
              floor(4 * ln(greatest(1, seconds * 1000)) / ln(2::double precision))::integer, count(*)
       FROM jobs.runs CROSS JOIN LATERAL (VALUES
         (''wait'', date_part(''epoch'', started_at - coalesce(delayed_until, created_at))),
         (''duration'', date_part(''epoch'', finished_at - started_at))) AS time (kind, seconds)
       WHERE id >= %L AND id < %L AND seconds IS NOT NULL GROUP BY 2, 3, 4',
      start, jobs.id_floor('run', start), jobs.id_floor('run', start + interval '1 hour'));
  END LOOP;
END $$;

-- What AI cost on days that are over, counted once: bills are never changed.
CREATE TABLE jobs.ai_days (
  day date NOT NULL,
  agency_id text NOT NULL,
  model text NOT NULL,
  generations bigint NOT NULL,
  unpriced bigint NOT NULL,
  cost numeric NOT NULL,
  PRIMARY KEY (day, agency_id, model)
);

CREATE TABLE jobs.counted_ai_days (day date PRIMARY KEY);

COMMENT ON COLUMN jobs.ai_days.day IS 'In São Paulo.';

-- What it costs today, out of the index alone.
CREATE INDEX ai_generations_spend ON jobs.ai_generations (created_at) INCLUDE (agency_id, model, cost);

-- Lists. What has ended gets one entry when it ends; what has not is in the engine's own partial indexes.
CREATE INDEX runs_ended_by_agency ON jobs.runs (agency_id, id)
  WHERE agency_id IS NOT NULL
    AND status IN ('COMPLETED', 'CANCELED', 'FAILED', 'CRASHED', 'TIMED_OUT', 'EXPIRED', 'SYSTEM_FAILURE');
CREATE INDEX runs_ended_by_source ON jobs.runs (source, id)
  WHERE status IN ('COMPLETED', 'CANCELED', 'FAILED', 'CRASHED', 'TIMED_OUT', 'EXPIRED', 'SYSTEM_FAILURE');

CREATE FUNCTION jobs.find_runs(
  first text, before text, task text, statuses text[], agency text, tag text, source text, wanted text,
  newest_first boolean, most integer)
RETURNS SETOF text LANGUAGE plpgsql STABLE AS $$
DECLARE
  ended constant text[] := '{COMPLETED,CANCELED,FAILED,CRASHED,TIMED_OUT,EXPIRED,SYSTEM_FAILURE}';
  errors_searched constant integer := 10000;
  stretch constant text := format('id >= %L AND id < %L', first, before);
  tail constant text := format('ORDER BY id %s LIMIT %s', CASE WHEN newest_first THEN 'DESC' ELSE 'ASC' END, most);
  filters text := stretch;
  chosen text[];
BEGIN
  IF task IS NOT NULL THEN filters := filters || format(' AND task = %L', task); END IF;
  IF agency IS NOT NULL THEN filters := filters || format(' AND agency_id = %L', agency); END IF;
  IF source IS NOT NULL THEN filters := filters || format(' AND source = %L', source); END IF;
  IF tag IS NOT NULL THEN
    filters := filters || format(' AND id IN (SELECT run_id FROM jobs.run_tags WHERE tag = %L AND run_%s AND run_%s)', tag,
                                 format('id >= %L', first), format('id < %L', before));
  END IF;
  IF starts_with(wanted, 'run_') THEN
    filters := filters || format(' AND id = %L', wanted);
  ELSIF wanted IS NOT NULL THEN
    filters := filters || format(
      ' AND id IN (SELECT id FROM (SELECT id, error FROM jobs.runs WHERE error IS NOT NULL AND %s %s) AS failed
                   WHERE strpos(lower(error ->> ''message''), lower(%L)) > 0)',
      stretch, replace(tail, 'LIMIT ' || most, 'LIMIT ' || errors_searched), wanted);
  END IF;
  IF wanted IS NOT NULL OR tag IS NOT NULL OR (task IS NULL AND agency IS NULL AND source IS NULL AND statuses IS NULL) THEN
    IF statuses IS NOT NULL THEN filters := filters || format(' AND status = ANY (%L)', statuses); END IF;
    RETURN QUERY EXECUTE format('SELECT id FROM jobs.runs WHERE %s %s', filters, tail);
    RETURN;
  END IF;
  -- One branch for each index: what has ended, what waits, what is parked, what is under way.
  chosen := ARRAY(SELECT unnest(ended) INTERSECT SELECT unnest(coalesce(statuses, ended)));
  RETURN QUERY EXECUTE format(
    'SELECT id FROM (
       (SELECT id FROM jobs.runs WHERE %1$s AND status = ANY (%2$L) %4$s)
       UNION ALL
       (SELECT id FROM jobs.runs WHERE %1$s AND status IN (''QUEUED'', ''DELAYED'') AND NOT parked AND %3$s %4$s)
       UNION ALL
       (SELECT id FROM (SELECT * FROM jobs.runs WHERE parked OFFSET 0) AS parked WHERE %1$s AND %3$s %4$s)
       UNION ALL
       (SELECT id FROM (SELECT * FROM jobs.runs WHERE status = ''EXECUTING'' OFFSET 0) AS running WHERE %1$s AND %3$s %4$s)
     ) AS found %4$s',
    filters, chosen, CASE WHEN statuses IS NULL THEN 'true' ELSE format('status = ANY (%L)', statuses) END, tail);
END $$;

COMMENT ON FUNCTION jobs.find_runs IS 'Ids of runs from first up to before a text, in order, with all that is not null; wanted is a whole id or a part of an error''s message, of which the newest 10,000 are searched.';

-- One thing done to many runs, item by item, so that any server can go on where another one stopped.
CREATE TABLE jobs.bulk_actions (
  id text COLLATE "C" PRIMARY KEY,
  action text NOT NULL CHECK (action IN ('cancel', 'replay')),
  asked_at timestamptz NOT NULL
);

CREATE TABLE jobs.bulk_items (
  bulk_id text COLLATE "C" NOT NULL REFERENCES jobs.bulk_actions ON DELETE CASCADE,
  position integer NOT NULL,
  run_id text COLLATE "C" NOT NULL,
  taken_at timestamptz,
  outcome text CHECK (outcome IN ('canceled', 'over', 'replayed', 'failed')),
  new_run_id text,
  problem text,
  PRIMARY KEY (bulk_id, position)
);

COMMENT ON COLUMN jobs.bulk_items.taken_at IS 'When a server began with it; without an outcome another one takes it over after a while.';

CREATE INDEX bulk_items_left ON jobs.bulk_items (bulk_id, position) WHERE outcome IS NULL;
