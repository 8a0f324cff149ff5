-- One brake for each upstream, and how far a reconciliation has come that must wait for one.

COMMENT ON TABLE jobs.ai_brakes IS 'How fast each upstream may be called, by what its answers have shown. Losing it costs some calls that are refused.';
COMMENT ON COLUMN jobs.ai_brakes.model IS 'The upstream: openai:<model>, or provider:<name> for the API of a payment provider.';

CREATE OR REPLACE FUNCTION jobs.open_circuits(most integer) RETURNS TABLE (model text, since timestamptz, waiting bigint)
LANGUAGE sql STABLE AS $$
  -- The release before names a brake after the model alone.
  SELECT brake.model, open_since, held.count FROM jobs.ai_brakes AS brake
  CROSS JOIN LATERAL (
    SELECT count(*) FROM (
      SELECT FROM jobs.runs WHERE status = 'QUEUED' AND NOT parked AND waits_for ->> 'key' IN (brake.model, 'openai:' || brake.model)
      LIMIT most) AS runs) AS held
  WHERE open_since IS NOT NULL ORDER BY open_since
$$;

COMMENT ON FUNCTION jobs.open_circuits IS 'Upstreams that do not answer, since when, and how many runs wait for each, counted up to most.';

-- Lost in a crash, like the run's other scratch space: then agencies are compared twice.
CREATE UNLOGGED TABLE jobs.reconciliation_progress (
  run_id text NOT NULL,
  agency_id text NOT NULL,
  comparison jsonb NOT NULL,
  compared_at timestamptz NOT NULL,
  PRIMARY KEY (run_id, agency_id)
);

COMMENT ON TABLE jobs.reconciliation_progress IS 'What a reconciliation found and did for each agency so far: it goes on there after a wait or a failed attempt.';
