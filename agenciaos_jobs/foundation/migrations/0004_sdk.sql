-- What Trigger.dev's SDK asks for besides: batches, metadata, tags that are listed by, repeated requests, packets.

ALTER TABLE jobs.runs
  ADD COLUMN queue text,
  ADD COLUMN metadata jsonb,
  ADD COLUMN batch_id text,
  ADD COLUMN is_test boolean NOT NULL DEFAULT false;

COMMENT ON COLUMN jobs.runs.queue IS 'The caller''s name for what shares a limit; null where the task is its own queue.';

-- One row a tag and run, written once: an index over runs.tags would be written again at each change of status.
CREATE TABLE jobs.run_tags (
  tag text NOT NULL,
  run_id text COLLATE "C" NOT NULL,
  PRIMARY KEY (tag, run_id)
) PARTITION BY RANGE (run_id);

CREATE TABLE jobs.run_tags_default PARTITION OF jobs.run_tags DEFAULT;

-- The run that a request has made, for as long as its caller may repeat it.
CREATE TABLE jobs.request_keys (
  key_digest text PRIMARY KEY,
  run_id text NOT NULL,
  expires_at timestamptz NOT NULL
);

CREATE INDEX request_keys_expiry ON jobs.request_keys (expires_at);

CREATE TABLE jobs.batches (
  id text COLLATE "C" PRIMARY KEY,
  run_count integer NOT NULL,
  idempotency_key text,
  key_digest text UNIQUE,
  key_expires_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL,
  sealed_at timestamptz
);

COMMENT ON COLUMN jobs.batches.sealed_at IS 'When all its items had arrived.';

-- The runs of a batch, those included that an idempotency key had made before.
CREATE TABLE jobs.batch_items (
  batch_id text COLLATE "C" NOT NULL REFERENCES jobs.batches ON DELETE CASCADE,
  position integer NOT NULL,
  run_id text COLLATE "C" NOT NULL,
  is_cached boolean NOT NULL,
  PRIMARY KEY (batch_id, position)
);

-- Payloads of 128 KB and more, which the SDK sends ahead of the trigger.
CREATE TABLE jobs.packets (
  id text PRIMARY KEY,
  content_type text NOT NULL,
  body text NOT NULL,
  expires_at timestamptz NOT NULL
);

CREATE INDEX packets_expiry ON jobs.packets (expires_at);

-- The same for every table that is partitioned by its run's id, run_tags included.
CREATE OR REPLACE FUNCTION jobs.ensure_partitions(present timestamptz, months_ahead integer) RETURNS integer
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
    FOR parent IN SELECT relname FROM pg_class WHERE relkind = 'p' AND relnamespace = 'jobs'::regnamespace ORDER BY 1 LOOP
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

INSERT INTO jobs.run_tags (tag, run_id) SELECT DISTINCT unnest(tags), id FROM jobs.runs WHERE tags <> '{}';

-- Lists. Status changes three times in a run's life, and each change writes every index that holds the row again: so
-- what is open has one small index, which is the engine's too, and what has ended gets its entries when it ends.
DROP INDEX jobs.runs_waiting;
CREATE INDEX runs_open ON jobs.runs (id) WHERE status IN ('DELAYED', 'QUEUED', 'EXECUTING');
CREATE INDEX runs_ended_by_task ON jobs.runs (task, id)
  WHERE status IN ('COMPLETED', 'CANCELED', 'FAILED', 'CRASHED', 'TIMED_OUT', 'EXPIRED', 'SYSTEM_FAILURE');
CREATE INDEX runs_unsuccessful ON jobs.runs (status, id)
  WHERE status IN ('CANCELED', 'FAILED', 'CRASHED', 'TIMED_OUT', 'EXPIRED', 'SYSTEM_FAILURE');
CREATE INDEX runs_by_queue ON jobs.runs (queue, id) WHERE queue IS NOT NULL;
CREATE INDEX runs_by_schedule ON jobs.runs (schedule_id, id) WHERE schedule_id IS NOT NULL;
