-- name: log
-- The newest lines up to the limit, in chronological order.
SELECT * FROM (
  SELECT attempt, logged_at, level, message, fields FROM jobs.run_logs
  WHERE run_id = $1 AND level <> 'span' AND ($2::text[] IS NULL OR level = ANY ($2))
    AND ($3::text IS NULL OR message ILIKE $3 OR fields::text ILIKE $3)
  ORDER BY logged_at DESC, attempt DESC LIMIT $4) AS line
ORDER BY logged_at, attempt

-- name: calls
-- The calls to other services of the run's attempts.
SELECT attempt, message AS name, logged_at AS start, logged_at + make_interval(secs => (fields ->> 'seconds')::float8) AS end
FROM jobs.run_logs WHERE run_id = $1 AND level = 'span' ORDER BY logged_at

-- name: token_waits
-- The waits of the run for tokens: from the token's creation until it was completed, or the wait timed out.
SELECT token.id, token.created_at AS start, least(token.completed_at, token.timeout_at, waiting.until) AS end
FROM jobs.wait_token_runs AS waiting JOIN jobs.wait_tokens AS token ON token.id = waiting.token_id
WHERE waiting.run_id = $1 ORDER BY token.created_at LIMIT $2

-- name: children
SELECT id, task, status, created_at AS start, finished_at AS end FROM jobs.runs WHERE parent_id = $1 ORDER BY id LIMIT $2

-- name: log_end
SELECT max(logged_at) FROM jobs.run_logs WHERE run_id = $1

-- name: generation
-- The tokens and cost of the run's attempts.
SELECT agent_type, max(model) AS model, sum(requests)::bigint AS requests, sum(input_tokens)::bigint AS input_tokens,
       sum(cached_tokens)::bigint AS cached_tokens, sum(output_tokens)::bigint AS output_tokens, sum(cost) AS cost
FROM jobs.ai_generations WHERE run_id = $1 GROUP BY agent_type

-- name: replays
SELECT id, status, created_at FROM jobs.runs WHERE replay_of = $1 ORDER BY id DESC LIMIT 20

-- name: agency
SELECT name FROM public.agencies WHERE id = $1
