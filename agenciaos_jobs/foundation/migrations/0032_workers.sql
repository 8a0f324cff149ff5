-- What operators see of workers and do to them, and the tokens that a run waits for.

ALTER TABLE jobs.workers ADD COLUMN slots integer;
ALTER TABLE jobs.workers ADD COLUMN version text;
ALTER TABLE jobs.workers ADD COLUMN memory bigint;
ALTER TABLE jobs.workers ADD COLUMN draining_since timestamptz;
ALTER TABLE jobs.workers ADD COLUMN draining_by text;

COMMENT ON COLUMN jobs.workers.slots IS 'Runs that it executes at once. Null: it is of a release that reads no draining_since.';
COMMENT ON COLUMN jobs.workers.memory IS 'Its resident memory in bytes, at its last renewal; null where the platform does not show it.';
COMMENT ON COLUMN jobs.workers.draining_since IS 'Since when an operator lets it start no further run.';

CREATE INDEX wait_token_runs_by_run ON jobs.wait_token_runs (run_id);

CREATE FUNCTION jobs.open_circuits(most integer) RETURNS TABLE (model text, since timestamptz, waiting bigint)
LANGUAGE plpgsql STABLE AS $$
BEGIN
  IF to_regclass('jobs.ai_brakes') IS NOT NULL THEN
    RETURN QUERY EXECUTE format(
      'SELECT model, open_since, held.count FROM jobs.ai_brakes AS brake
       CROSS JOIN LATERAL (
         SELECT count(*) FROM (
           SELECT FROM jobs.runs WHERE status = ''QUEUED'' AND NOT parked AND waits_for ->> ''key'' = ''openai:'' || brake.model
           LIMIT %s) AS runs) AS held
       WHERE open_since IS NOT NULL ORDER BY open_since', most);
  END IF;
END $$;

COMMENT ON FUNCTION jobs.open_circuits IS 'Models that do not answer, since when, and how many runs wait for each, counted up to most. None without jobs.ai_brakes.';
