-- name: hold_attempt
SELECT FROM jobs.runs WHERE id = $1 AND attempt = $2 AND status = 'EXECUTING' FOR UPDATE

-- name: reservation
SELECT month FROM jobs.ai_reservations WHERE run_id = $1

-- name: lock_quota
SELECT used_before FROM jobs.ai_quotas WHERE agency_id = $1 AND month = $2 FOR UPDATE

-- name: open_quota
-- Counts once what the application's table already holds of the month; our own rows there bear a run's id.
INSERT INTO jobs.ai_quotas (agency_id, month, used_before)
SELECT $1, $2, (
  SELECT count(*) FROM public.ai_usage
  WHERE "agencyId" = $1 AND "createdAt" >= $3::timestamptz AT TIME ZONE 'UTC' AND "createdAt" < $4::timestamptz AT TIME ZONE 'UTC'
    AND NOT starts_with(id, 'run_'))
ON CONFLICT (agency_id, month) DO NOTHING

-- name: reserved
SELECT count(*) FROM jobs.ai_reservations WHERE agency_id = $1 AND month = $2

-- name: reserve
INSERT INTO jobs.ai_reservations (run_id, agency_id, month, reserved_at) VALUES ($1, $2, $3, $4)

-- name: release
DELETE FROM jobs.ai_reservations WHERE run_id = ANY ($1::text[])

-- name: record_generation
INSERT INTO jobs.ai_generations (run_id, attempt, agency_id, user_id, agent_type, status, error_code, content, model,
                                 service_tier, requests, input_tokens, cached_tokens, output_tokens, reasoning_tokens, cost,
                                 created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)

-- name: record_usage
-- The application's row: one a generation, under the run's id, with all that the run's attempts consumed.
INSERT INTO public.ai_usage (id, "agencyId", "agentType", "tokensUsed", cost, "createdAt")
SELECT run_id, agency.id, agent_type, sum(input_tokens + output_tokens), coalesce(sum(generation.cost), 0),
       $2::timestamptz AT TIME ZONE 'UTC'
FROM jobs.ai_generations AS generation JOIN public.agencies AS agency ON agency.id = generation.agency_id
WHERE run_id = $1 GROUP BY run_id, agency.id, agent_type
ON CONFLICT (id) DO NOTHING

-- name: cost_of
SELECT coalesce(sum(cost), 0) FROM jobs.ai_generations WHERE run_id = $1
