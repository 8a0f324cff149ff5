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
