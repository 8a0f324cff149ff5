-- name: lock
SELECT pg_try_advisory_xact_lock(hashtext('agenciaos_jobs.run_hours'))

-- name: due_days
SELECT day::date FROM generate_series($1::date, $2::date, interval '1 day') AS day
WHERE NOT EXISTS (SELECT FROM jobs.counted_ai_days AS counted WHERE counted.day = day.day::date)
ORDER BY 1 LIMIT $3

-- name: count_ai
-- A day ($1) from $2 up to before $3.
WITH counted AS (INSERT INTO jobs.counted_ai_days (day) VALUES ($1))
INSERT INTO jobs.ai_days (day, agency_id, model, generations, unpriced, cost)
SELECT $1, agency_id, model, count(*), count(*) FILTER (WHERE cost IS NULL), coalesce(sum(cost), 0)
FROM jobs.ai_generations WHERE created_at >= $2 AND created_at < $3 GROUP BY agency_id, model

-- name: spend
-- From a day ($1) on: up to before another day ($2) as it was counted, and from that day's midnight ($3) on as it is.
-- The $4 agencies that spent most, each by model; and all together by model, which is a row without an agency.
WITH total AS (
  SELECT agency_id, model, sum(generations)::bigint AS generations, sum(unpriced)::bigint AS unpriced, sum(cost) AS cost FROM (
    SELECT agency_id, model, generations, unpriced, cost FROM jobs.ai_days WHERE day >= $1 AND day < $2
    UNION ALL
    SELECT agency_id, model, count(*), count(*) FILTER (WHERE cost IS NULL), coalesce(sum(cost), 0)
    FROM jobs.ai_generations WHERE created_at >= $3 GROUP BY agency_id, model) AS part
  GROUP BY agency_id, model
), spender AS (
  SELECT agency_id, count(*) OVER () AS agencies FROM total GROUP BY agency_id ORDER BY sum(cost) DESC, agency_id LIMIT $4
)
SELECT agency_id, agency.name AS agency, model, generations, unpriced, cost, agencies
FROM total JOIN spender USING (agency_id) LEFT JOIN public.agencies AS agency ON agency.id = agency_id
UNION ALL
SELECT NULL, NULL, model, sum(generations)::bigint, sum(unpriced)::bigint, sum(cost), 0 FROM total GROUP BY model
ORDER BY cost DESC, agency_id, model

-- name: counted_until
-- The first day from $1 on that is not counted.
SELECT day::date FROM generate_series($1::date, $2::date, interval '1 day') AS day
WHERE NOT EXISTS (SELECT FROM jobs.counted_ai_days AS counted WHERE counted.day = day.day::date)
ORDER BY 1 LIMIT 1

-- name: of_period
SELECT coalesce(sum(cost), 0) FROM jobs.ai_generations WHERE created_at >= $1 AND created_at < $2
