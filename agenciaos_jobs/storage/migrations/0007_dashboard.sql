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

CREATE FUNCTION jobs.count_run_hours(hours timestamptz[])
RETURNS TABLE (hour timestamptz, task text, outcome text, runs bigint)
LANGUAGE sql STABLE AS $$
  SELECT hour, run.task,
         CASE WHEN status = 'COMPLETED' THEN 'good' WHEN status = 'CANCELED' THEN 'off'
              WHEN status IN ('DELAYED', 'QUEUED', 'EXECUTING') THEN 'open' ELSE 'bad' END,
         count(*)
  FROM unnest(hours) AS hour
  CROSS JOIN LATERAL (
    SELECT jobs.runs.task, status FROM jobs.runs
    WHERE id >= jobs.id_floor('run', hour) AND id < jobs.id_floor('run', hour + interval '1 hour')) AS run
  GROUP BY 1, 2, 3
$$;

CREATE FUNCTION jobs.count_run_hour_times(hours timestamptz[])
RETURNS TABLE (hour timestamptz, task text, kind text, bucket integer, runs bigint)
LANGUAGE sql STABLE AS $$
  SELECT hour, run.task, time.kind,
         floor(4 * ln(greatest(1, time.seconds * 1000)::double precision) / ln(2::double precision))::integer, count(*)
  FROM unnest(hours) AS hour
  CROSS JOIN LATERAL (
    SELECT jobs.runs.task, created_at, delayed_until, started_at, finished_at FROM jobs.runs
    WHERE id >= jobs.id_floor('run', hour) AND id < jobs.id_floor('run', hour + interval '1 hour')
      AND started_at IS NOT NULL) AS run
  CROSS JOIN LATERAL (VALUES
    ('wait', extract(epoch FROM run.started_at - coalesce(run.delayed_until, run.created_at))),
    ('duration', extract(epoch FROM run.finished_at - run.started_at))) AS time (kind, seconds)
  WHERE time.seconds IS NOT NULL
  GROUP BY 1, 2, 3, 4
$$;

-- What AI cost since the month began, out of the index alone.
CREATE INDEX ai_generations_spend ON jobs.ai_generations (created_at) INCLUDE (agency_id, model, cost);

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
