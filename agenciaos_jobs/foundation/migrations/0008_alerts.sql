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

CREATE INDEX runs_failed_by_time ON jobs.runs (finished_at) WHERE error_group IS NOT NULL;

-- What operators are told.

CREATE TABLE jobs.alerts (
  id text COLLATE "C" PRIMARY KEY,
  kind text NOT NULL,
  key text NOT NULL,
  subjects text[] NOT NULL,
  details jsonb NOT NULL,
  since timestamptz NOT NULL,
  raised_at timestamptz NOT NULL,
  raised bigint NOT NULL,
  pending bigint NOT NULL,
  pending_since timestamptz,
  told_at timestamptz,
  told bigint NOT NULL DEFAULT 0,
  ended_at timestamptz,
  UNIQUE (kind, key)
);

COMMENT ON TABLE jobs.alerts IS 'One row a kind and key: what was raised, and what of it was told. See core/alert.py.';
COMMENT ON COLUMN jobs.alerts.since IS 'When the present episode began; raised and told count from there.';
COMMENT ON COLUMN jobs.alerts.pending IS 'Raised since it was last told.';
COMMENT ON COLUMN jobs.alerts.ended_at IS 'When a condition was over; null while it lasts, and for what merely happens.';

CREATE INDEX alerts_pending ON jobs.alerts (kind, key) WHERE pending > 0;
CREATE INDEX alerts_by_time ON jobs.alerts (raised_at DESC);

CREATE TABLE jobs.alert_notices (
  id text COLLATE "C" PRIMARY KEY,
  alert_id text COLLATE "C" NOT NULL,
  kind text NOT NULL,
  channel text NOT NULL,
  telling text NOT NULL,
  message jsonb NOT NULL,
  run_id text COLLATE "C" NOT NULL,
  created_at timestamptz NOT NULL,
  sent_at timestamptz,
  error text,
  failed_at timestamptz
);

COMMENT ON TABLE jobs.alert_notices IS 'One row an alert that is told on a channel; delivered by the run.';
COMMENT ON COLUMN jobs.alert_notices.error IS 'Why the last try to send it failed.';

CREATE INDEX alert_notices_unsent ON jobs.alert_notices (created_at) WHERE sent_at IS NULL;
CREATE INDEX alert_notices_by_alert ON jobs.alert_notices (alert_id, created_at);

CREATE TABLE jobs.alert_channels (
  channel text PRIMARY KEY,
  last_sent_at timestamptz,
  last_error text,
  last_error_at timestamptz
);

ALTER TABLE jobs.workers ADD COLUMN lost_at timestamptz;
COMMENT ON COLUMN jobs.workers.lost_at IS 'When the worker was found to have lost its lease.';

CREATE TABLE jobs.alert_rounds (
  name text PRIMARY KEY,
  last_at timestamptz NOT NULL
);

COMMENT ON TABLE jobs.alert_rounds IS 'When conditions were last looked at, by whichever process did.';

INSERT INTO jobs.alert_rounds (name, last_at) VALUES ('conditions', '-infinity'), ('budget', '-infinity');
