-- Runs that wait to begin, the brake of each model's calls, and what cache writes and incomplete counts cost.

ALTER TABLE jobs.runs ADD COLUMN waits_for jsonb;
ALTER TABLE jobs.runs ADD COLUMN waits_since timestamptz;

COMMENT ON COLUMN jobs.runs.waits_for IS 'What the run waits for before it can begin: a key, and the reason in two languages. Null: nothing.';
COMMENT ON COLUMN jobs.runs.waits_since IS 'When this attempt first had to wait to begin.';

CREATE TABLE jobs.ai_brakes (
  model text PRIMARY KEY,
  rate double precision,
  tokens double precision NOT NULL,
  counted_at timestamptz NOT NULL,
  paused_until timestamptz,
  lowered_at timestamptz,
  raised_at timestamptz,
  ceiling double precision,
  failures integer NOT NULL DEFAULT 0,
  open_since timestamptz,
  probed_at timestamptz,
  probe text,
  waited_at timestamptz
);

COMMENT ON TABLE jobs.ai_brakes IS 'How fast each model may be called, by what its answers have shown. Losing it costs some calls that are refused.';
COMMENT ON COLUMN jobs.ai_brakes.rate IS 'Calls a second; null: as many as there are.';
COMMENT ON COLUMN jobs.ai_brakes.tokens IS 'Calls that may begin at counted_at; below zero where calls were promised in advance.';
COMMENT ON COLUMN jobs.ai_brakes.ceiling IS 'The rate that was refused last: the brake comes near it slowly.';
COMMENT ON COLUMN jobs.ai_brakes.open_since IS 'Since when the circuit is open: the model does not answer, and one run probes it from time to time.';
COMMENT ON COLUMN jobs.ai_brakes.waited_at IS 'When a run last had to wait.';

ALTER TABLE jobs.ai_generations ADD COLUMN cache_write_tokens integer NOT NULL DEFAULT 0;
ALTER TABLE jobs.ai_generations ADD COLUMN usage_incomplete boolean NOT NULL DEFAULT false;

COMMENT ON COLUMN jobs.ai_generations.cache_write_tokens IS 'Of the input tokens, those written to the model''s cache, which cost more.';
COMMENT ON COLUMN jobs.ai_generations.usage_incomplete IS 'The server did not report all that it counted: the figures are the least that was used.';
