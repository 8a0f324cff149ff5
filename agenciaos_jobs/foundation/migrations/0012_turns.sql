-- First come, first served among the runs of a concurrency key, by whichever worker they are taken.

CREATE FUNCTION jobs.turn(due_at timestamptz, priority integer) RETURNS timestamptz
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
  RETURN due_at - make_interval(secs => priority);
END $$;

COMMENT ON FUNCTION jobs.turn IS 'Runs of one concurrency key start in the order of their turns; of equal ones by their ids.';

CREATE INDEX runs_turns ON jobs.runs (concurrency_key, jobs.turn(due_at, priority), id)
  WHERE status IN ('QUEUED', 'DELAYED') AND concurrency_key IS NOT NULL;

-- The old index goes last: until the end of the transaction nobody can read the table then.
CREATE INDEX runs_parked_by_turn ON jobs.runs (concurrency_key, jobs.turn(due_at, priority), id) WHERE parked;
DROP INDEX jobs.runs_parked;
