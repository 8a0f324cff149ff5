-- name: reserve
SELECT * FROM jobs.reserve_generation($1, $2, $3, $4, $5, $6, $7, $8)

-- name: release
DELETE FROM jobs.ai_reservations WHERE run_id = ANY ($1::text[])

-- name: record_generation
-- Beside it the application's row, of what came to something: one a generation, under the run's id, with all that the run's
-- attempts consumed.
WITH generation AS (
  INSERT INTO jobs.ai_generations (run_id, attempt, agency_id, user_id, agent_type, status, error_code, content, model,
                                   service_tier, requests, input_tokens, cached_tokens, output_tokens, reasoning_tokens, cost,
                                   created_at, cache_write_tokens, usage_incomplete)
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)
  RETURNING input_tokens, output_tokens, cost
), consumed AS (
  SELECT * FROM generation
  UNION ALL SELECT input_tokens, output_tokens, cost FROM jobs.ai_generations WHERE run_id = $1
)
INSERT INTO public.ai_usage (id, "agencyId", "agentType", "tokensUsed", cost, "createdAt")
SELECT $1, agency.id, $5, sum(input_tokens + output_tokens), coalesce(sum(consumed.cost), 0), $17::timestamptz AT TIME ZONE 'UTC'
FROM consumed, public.agencies AS agency WHERE agency.id = $3 AND $6 = 'completed' GROUP BY agency.id
ON CONFLICT (id) DO NOTHING

-- name: cost_of
SELECT coalesce(sum(cost), 0) FROM jobs.ai_generations WHERE run_id = $1
