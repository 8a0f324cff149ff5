-- name: lock
SELECT pg_try_advisory_xact_lock(hashtext('agenciaos_jobs.run_hours'))

-- name: due_days
-- From the first generation's day up to $1.
SELECT (began.day + number)::date AS day
FROM (SELECT (min(created_at) AT TIME ZONE 'America/Sao_Paulo')::date AS day FROM jobs.ai_generations) AS began
CROSS JOIN LATERAL generate_series(0, $1::date - began.day) AS number
WHERE NOT EXISTS (SELECT FROM jobs.counted_ai_agent_days AS counted WHERE counted.day = began.day + number)
ORDER BY 1 LIMIT $2

-- name: is_counted
SELECT EXISTS (SELECT FROM jobs.counted_ai_agent_days WHERE day = $1)

-- name: count_day
-- A day ($1) from $2 up to before $3.
WITH counted AS (INSERT INTO jobs.counted_ai_agent_days (day) VALUES ($1))
INSERT INTO jobs.ai_agent_days (day, agency_id, agent_type, model, generations, unpriced, cost)
SELECT $1, agency_id, agent_type, model, count(*), count(*) FILTER (WHERE cost IS NULL), coalesce(sum(cost), 0)
FROM jobs.ai_generations WHERE created_at >= $2 AND created_at < $3 GROUP BY agency_id, agent_type, model

-- name: spend
-- From a day ($1) up to before another ($2): the $3 agencies that spent most, each by model; and all together by model,
-- which is a row without an agency.
WITH total AS (
  SELECT agency_id, model, sum(generations)::bigint AS generations, sum(unpriced)::bigint AS unpriced, sum(cost) AS cost
  FROM jobs.ai_spend($1, $2) GROUP BY agency_id, model
), spender AS (
  SELECT agency_id, count(*) OVER () AS agencies FROM total GROUP BY agency_id ORDER BY sum(cost) DESC, agency_id LIMIT $3
)
SELECT agency_id, agency.name AS agency, model, generations, unpriced, cost, agencies
FROM total JOIN spender USING (agency_id) LEFT JOIN public.agencies AS agency ON agency.id = agency_id
UNION ALL
SELECT NULL, NULL, model, sum(generations)::bigint, sum(unpriced)::bigint, sum(cost), 0 FROM total GROUP BY model
ORDER BY cost DESC, agency_id, model

-- name: of_period
SELECT coalesce(sum(cost), 0) FROM jobs.ai_generations WHERE created_at >= $1 AND created_at < $2
