-- Queues that an operator has paused, or whose concurrency limit is overridden. Any other queue needs no row.

CREATE TABLE jobs.queues (
  name text PRIMARY KEY,
  paused_at timestamptz,
  paused_by text,
  concurrency_limit integer CHECK (concurrency_limit BETWEEN 0 AND 100000),
  overridden_at timestamptz,
  overridden_by text
);

CREATE INDEX runs_parked_unkeyed ON jobs.runs (id) WHERE parked AND concurrency_key IS NULL;

COMMENT ON TABLE jobs.queues IS 'name is a caller''s queue, or task/<task> for a task''s own. Paused: no run of it starts.';
COMMENT ON COLUMN jobs.queues.concurrency_limit IS 'Counts instead of the limits of the queue''s runs: for each concurrency key, or all runs without one.';
