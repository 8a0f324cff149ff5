-- Public tokens that may trigger once: which of them have been used, until they expire.

CREATE TABLE jobs.spent_tokens (
  digest bytea PRIMARY KEY,
  request_key text,
  expires_at timestamptz NOT NULL
);

CREATE INDEX spent_tokens_expiry ON jobs.spent_tokens (expires_at);

COMMENT ON TABLE jobs.spent_tokens IS 'Single-use public tokens that have triggered. digest is the token''s SHA-256; the request with request_key may be repeated.';
