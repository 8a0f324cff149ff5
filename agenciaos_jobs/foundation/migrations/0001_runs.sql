-- Runs and what belongs to them. Big tables are partitioned by month of their run's id, which sorts by time.

CREATE FUNCTION jobs.id_floor(prefix text, moment timestamptz) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT AS $$
DECLARE
  digits constant text := '0123456789abcdefghjkmnpqrstvwxyz';
  rest bigint := floor(extract(epoch FROM moment) * 1000)::bigint;
  encoded text := '';
BEGIN
  FOR digit IN 1..10 LOOP
    encoded := substr(digits, (rest & 31)::int + 1, 1) || encoded;
    rest := rest >> 5;
  END LOOP;
  RETURN prefix || '_' || encoded;
END $$;

COMMENT ON FUNCTION jobs.id_floor IS 'No id made at or after this moment sorts before this text.';

CREATE TABLE jobs.runs (
  id text COLLATE "C" PRIMARY KEY,
  task text NOT NULL,
  status text NOT NULL CHECK (status IN ('DELAYED', 'QUEUED', 'EXECUTING', 'COMPLETED', 'CANCELED', 'FAILED', 'CRASHED',
                                         'TIMED_OUT', 'EXPIRED', 'SYSTEM_FAILURE')),
  payload jsonb NOT NULL,
  output jsonb,
  error jsonb,
  agency_id text,
  source text NOT NULL,
  tags text[] NOT NULL DEFAULT '{}',
  idempotency_key text,
  request_id text,
  schedule_id text,
  replay_of text,
  priority integer NOT NULL DEFAULT 0,
  concurrency_key text,
  concurrency_limit integer,
  parked boolean NOT NULL DEFAULT false,
  attempt integer NOT NULL DEFAULT 0,
  losses integer NOT NULL DEFAULT 0,
  max_attempts integer NOT NULL,
  max_duration integer NOT NULL,
  worker_id text,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  due_at timestamptz NOT NULL,
  delayed_until timestamptz,
  expires_at timestamptz,
  started_at timestamptz,
  attempt_started_at timestamptz,
  finished_at timestamptz
) PARTITION BY RANGE (id);

COMMENT ON COLUMN jobs.runs.max_duration IS 'Seconds that one attempt may take.';
COMMENT ON COLUMN jobs.runs.due_at IS 'No attempt starts before: after a delay, or after the wait for a retry.';
COMMENT ON COLUMN jobs.runs.attempt IS 'The number of the current or last attempt; also the fence that a late worker fails at.';

COMMENT ON COLUMN jobs.runs.priority IS 'Seconds by which the run is ahead of others that were due at the same time.';
COMMENT ON COLUMN jobs.runs.parked IS 'Queued, but kept out of Redis until another run with its concurrency key has ended.';
COMMENT ON COLUMN jobs.runs.losses IS 'Attempts that ended with their worker.';
COMMENT ON COLUMN jobs.runs.expires_at IS 'A run not started by then never starts.';

CREATE INDEX runs_waiting ON jobs.runs (id) WHERE status IN ('QUEUED', 'DELAYED') AND NOT parked;
CREATE INDEX runs_parked ON jobs.runs (concurrency_key, due_at, id) WHERE parked;
CREATE INDEX runs_delayed ON jobs.runs (due_at) WHERE status = 'DELAYED';
CREATE INDEX runs_expiring ON jobs.runs (expires_at) WHERE status IN ('QUEUED', 'DELAYED') AND expires_at IS NOT NULL;
CREATE INDEX runs_executing ON jobs.runs (worker_id) WHERE status = 'EXECUTING';
CREATE INDEX runs_executing_keys ON jobs.runs (concurrency_key) WHERE status = 'EXECUTING' AND concurrency_key IS NOT NULL;

CREATE TABLE jobs.attempts (
  run_id text COLLATE "C" NOT NULL,
  number integer NOT NULL,
  status text NOT NULL CHECK (status IN ('COMPLETED', 'FAILED', 'CANCELED')),
  worker_id text,
  started_at timestamptz NOT NULL,
  finished_at timestamptz NOT NULL,
  error jsonb,
  PRIMARY KEY (run_id, number)
) PARTITION BY RANGE (run_id);

CREATE TABLE jobs.run_logs (
  run_id text COLLATE "C" NOT NULL,
  attempt integer NOT NULL,
  logged_at timestamptz NOT NULL,
  level text NOT NULL,
  message text NOT NULL,
  fields jsonb NOT NULL DEFAULT '{}'
) PARTITION BY RANGE (run_id);

CREATE INDEX run_logs_by_run ON jobs.run_logs (run_id, logged_at);

-- What no month's partition takes.
CREATE TABLE jobs.runs_default PARTITION OF jobs.runs DEFAULT;
CREATE TABLE jobs.attempts_default PARTITION OF jobs.attempts DEFAULT;
CREATE TABLE jobs.run_logs_default PARTITION OF jobs.run_logs DEFAULT;

CREATE FUNCTION jobs.ensure_partitions(present timestamptz, months_ahead integer) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
  parent text;
  first_day timestamp;
  name text;
  made integer := 0;
BEGIN
  PERFORM pg_advisory_xact_lock(hashtext('agenciaos_jobs.partitions'));
  FOR month IN 0..months_ahead LOOP
    first_day := date_trunc('month', present AT TIME ZONE 'UTC') + make_interval(months => month);
    FOREACH parent IN ARRAY ARRAY['runs', 'attempts', 'run_logs'] LOOP
      name := parent || to_char(first_day, '_YYYY_MM');
      CONTINUE WHEN to_regclass('jobs.' || name) IS NOT NULL;
      EXECUTE format('CREATE TABLE jobs.%I PARTITION OF jobs.%I FOR VALUES FROM (%L) TO (%L)', name, parent,
                     jobs.id_floor('run', first_day AT TIME ZONE 'UTC'),
                     jobs.id_floor('run', (first_day + interval '1 month') AT TIME ZONE 'UTC'));
      made := made + 1;
    END LOOP;
  END LOOP;
  RETURN made;
END $$;

COMMENT ON FUNCTION jobs.ensure_partitions IS 'Makes the partitions of this month and the ones ahead that are missing; returns how many.';

CREATE TABLE jobs.idempotency_keys (
  task text NOT NULL,
  key_digest text NOT NULL,
  run_id text NOT NULL,
  payload_hash text NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (task, key_digest)
);

CREATE INDEX idempotency_keys_expiry ON jobs.idempotency_keys (expires_at);

CREATE TABLE jobs.workers (
  id text PRIMARY KEY,
  host text NOT NULL,
  pid integer NOT NULL,
  started_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  lease_until timestamptz NOT NULL
);

COMMENT ON COLUMN jobs.workers.lease_until IS 'The lease on every run this worker executes; past it the worker is lost.';

CREATE TABLE jobs.schedules (
  id text PRIMARY KEY,
  task text NOT NULL,
  cron text NOT NULL,
  timezone text NOT NULL,
  created_at timestamptz NOT NULL,
  last_slot timestamptz NOT NULL
);

COMMENT ON COLUMN jobs.schedules.last_slot IS 'The last slot that made a run; a slot at or before it never makes another.';

-- Counters that workers add to, so that any server can show them: see adapters/metrics.py.
CREATE TABLE jobs.metric_totals (
  sample text NOT NULL,
  labels jsonb NOT NULL,
  value double precision NOT NULL,
  PRIMARY KEY (sample, labels)
);
