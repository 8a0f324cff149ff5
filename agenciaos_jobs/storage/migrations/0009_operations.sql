-- What runs the service day and night: answers that are written while no worker waits, and what is kept how long.

ALTER TABLE jobs.runs ADD COLUMN standing_by boolean NOT NULL DEFAULT false;
ALTER TABLE jobs.runs ADD COLUMN woken boolean NOT NULL DEFAULT false;

COMMENT ON COLUMN jobs.runs.standing_by IS 'The attempt waits for something outside, or has: the next claim goes on with it.';
COMMENT ON COLUMN jobs.runs.woken IS 'What the run stands by for has come since it was claimed.';

CREATE TABLE jobs.ai_responses (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  run_id text COLLATE "C" NOT NULL,
  attempt integer NOT NULL,
  round integer NOT NULL,
  agency_id text NOT NULL,
  user_id text,
  agent_type text NOT NULL,
  asked_at timestamptz NOT NULL,
  response_id text,
  answer jsonb,
  abandoned boolean NOT NULL DEFAULT false,
  tried_at timestamptz
);

COMMENT ON TABLE jobs.ai_responses IS 'Responses that OpenAI writes in the background, from before they are asked for until they are billed.';
COMMENT ON COLUMN jobs.ai_responses.response_id IS 'OpenAI''s id; null until its answer to the request is committed.';
COMMENT ON COLUMN jobs.ai_responses.answer IS 'What came of it, once it is known.';
COMMENT ON COLUMN jobs.ai_responses.abandoned IS 'Nobody waits for it any more: it is canceled upstream, billed and deleted.';
COMMENT ON COLUMN jobs.ai_responses.tried_at IS 'When it was last tried to cancel it.';

CREATE UNIQUE INDEX ai_responses_open ON jobs.ai_responses (run_id, round) WHERE NOT abandoned;
CREATE UNIQUE INDEX ai_responses_by_response ON jobs.ai_responses (response_id);
