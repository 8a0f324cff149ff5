-- People who use the dashboard: named users, their sessions, and the audit of what they and the command line change.

CREATE TABLE jobs.dashboard_users (
  name text PRIMARY KEY,
  role text NOT NULL CHECK (role IN ('viewer', 'operator', 'admin')),
  password_hash text NOT NULL,
  created_at timestamptz NOT NULL,
  disabled_at timestamptz
);

CREATE TABLE jobs.dashboard_sessions (
  id text COLLATE "C" PRIMARY KEY,
  user_name text NOT NULL,
  address text NOT NULL,
  opened_at timestamptz NOT NULL,
  seen_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL
);

CREATE INDEX dashboard_sessions_by_user ON jobs.dashboard_sessions (user_name);

COMMENT ON TABLE jobs.dashboard_sessions IS 'Open sessions. One of a named user is valid only while its row is here.';
COMMENT ON COLUMN jobs.dashboard_sessions.seen_at IS 'The last request, to within five minutes.';

ALTER TABLE jobs.dashboard_failures ADD COLUMN user_name text NOT NULL DEFAULT '';

COMMENT ON COLUMN jobs.dashboard_failures.user_name IS 'The user whose password was wrong; empty if there is no such user.';

CREATE TABLE jobs.audit (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  acted_at timestamptz NOT NULL,
  actor text NOT NULL,
  origin text NOT NULL CHECK (origin IN ('dashboard', 'cli')),
  address text NOT NULL,
  action text NOT NULL,
  subject text NOT NULL,
  detail text NOT NULL
);

CREATE INDEX audit_by_subject ON jobs.audit (subject, id);

COMMENT ON TABLE jobs.audit IS 'What people did, written before it is done. Rows are only ever added.';
COMMENT ON COLUMN jobs.audit.address IS 'The client''s address; of the command line, the name of the host.';

CREATE TABLE jobs.audit_results (
  audit_id bigint PRIMARY KEY REFERENCES jobs.audit,
  ended_at timestamptz NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('done', 'asked', 'refused', 'failed')),
  led_to text NOT NULL
);

COMMENT ON TABLE jobs.audit_results IS 'What came of it; no row if the process ended meanwhile. Rows are only ever added.';
COMMENT ON COLUMN jobs.audit_results.led_to IS 'Ids of the runs, or the page of the dashboard, that the action led to.';

CREATE TRIGGER audit_is_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON jobs.audit
  FOR EACH STATEMENT EXECUTE FUNCTION jobs.refuse_change();
CREATE TRIGGER audit_results_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON jobs.audit_results
  FOR EACH STATEMENT EXECUTE FUNCTION jobs.refuse_change();
