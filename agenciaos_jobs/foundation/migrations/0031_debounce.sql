-- Debouncing: the run that triggers with the same key push back while it is delayed.

CREATE TABLE jobs.debounced (
  task text NOT NULL,
  key text NOT NULL,
  run_id text COLLATE "C" NOT NULL,
  first_at timestamptz NOT NULL,
  PRIMARY KEY (task, key)
);

CREATE INDEX debounced_age ON jobs.debounced (first_at);

COMMENT ON COLUMN jobs.debounced.first_at IS 'When the run was first triggered, from which maxDelay counts.';
