-- Wait tokens: what a run waits for until a person or another system completes it.

CREATE TABLE jobs.wait_tokens (
  id text COLLATE "C" PRIMARY KEY,
  idempotency_key text UNIQUE,
  key_expires_at timestamptz,
  tags text[] NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL,
  timeout_at timestamptz,
  completed_at timestamptz,
  output jsonb
);

CREATE TABLE jobs.wait_token_runs (
  token_id text COLLATE "C" NOT NULL REFERENCES jobs.wait_tokens ON DELETE CASCADE,
  run_id text COLLATE "C" NOT NULL,
  until timestamptz,
  PRIMARY KEY (token_id, run_id)
);

COMMENT ON TABLE jobs.wait_tokens IS 'COMPLETED if completed_at is set, TIMED_OUT if timeout_at has passed, else WAITING.';
COMMENT ON TABLE jobs.wait_token_runs IS 'The runs that wait for a token, each until a time of its own if one is set.';
