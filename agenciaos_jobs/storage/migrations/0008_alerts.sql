-- Errors by what they have in common.

CREATE TABLE jobs.error_groups (
  fingerprint text PRIMARY KEY,
  task text NOT NULL,
  type text NOT NULL,
  code text,
  message text NOT NULL,
  count bigint NOT NULL,
  first_seen_at timestamptz NOT NULL,
  last_seen_at timestamptz NOT NULL,
  last_run_id text COLLATE "C" NOT NULL,
  resolved_at timestamptz,
  reopened_at timestamptz
);

COMMENT ON TABLE jobs.error_groups IS 'One row a fault that has ended runs: see core/fingerprint.py.';
COMMENT ON COLUMN jobs.error_groups.message IS 'Of the newest run, as it was.';
COMMENT ON COLUMN jobs.error_groups.reopened_at IS 'When it last came back after somebody had resolved it.';

CREATE INDEX error_groups_by_last_seen ON jobs.error_groups (last_seen_at DESC);

ALTER TABLE jobs.runs ADD COLUMN error_group text;
COMMENT ON COLUMN jobs.runs.error_group IS 'The fingerprint of the fault that ended the run; null where none did.';

CREATE INDEX runs_by_error_group ON jobs.runs (error_group, finished_at) WHERE error_group IS NOT NULL;
