-- name: lock
SELECT pg_try_advisory_xact_lock(hashtext('agenciaos_jobs.run_hours'))

-- name: due
-- Hours from $1 up to before $2 that were never counted, or whose runs under way are not as many as they were.
SELECT hour FROM generate_series($1::timestamptz, $2::timestamptz - interval '1 hour', interval '1 hour') AS hour
LEFT JOIN jobs.counted_hours AS counted USING (hour)
WHERE counted.hour IS NULL OR (counted.open > 0 AND counted.open <> (
  SELECT count(*) FROM jobs.runs AS run
  WHERE run.id >= jobs.id_floor('run', hour) AND run.id < jobs.id_floor('run', hour + interval '1 hour')
    AND status IN ('DELAYED', 'QUEUED', 'EXECUTING')))
ORDER BY hour DESC LIMIT $3

-- name: forget_counts
DELETE FROM jobs.run_hours WHERE hour = ANY ($1::timestamptz[])

-- name: forget_times
DELETE FROM jobs.run_hour_times WHERE hour = ANY ($1::timestamptz[])

-- name: count
INSERT INTO jobs.run_hours (hour, task, outcome, runs) SELECT * FROM jobs.count_run_hours($1)

-- name: count_times
INSERT INTO jobs.run_hour_times (hour, task, kind, bucket, runs) SELECT * FROM jobs.count_run_hour_times($1)

-- name: seal
INSERT INTO jobs.counted_hours (hour, open)
SELECT hour, coalesce((SELECT sum(runs) FROM jobs.run_hours AS counted WHERE counted.hour = due.hour AND outcome = 'open'), 0)
FROM unnest($1::timestamptz[]) AS due (hour)
ON CONFLICT (hour) DO UPDATE SET open = excluded.open

-- name: outcomes
-- From $1 to $2, both the beginning of an hour: by hour (task is null) and by task (hour is null).
SELECT hour, task, outcome, sum(runs)::bigint AS runs FROM (
  SELECT * FROM jobs.run_hours WHERE hour >= $1 AND hour <= $2
  UNION ALL
  SELECT * FROM jobs.count_run_hours(ARRAY(
    SELECT hour FROM generate_series($1::timestamptz, $2::timestamptz, interval '1 hour') AS hour
    WHERE NOT EXISTS (SELECT FROM jobs.counted_hours AS counted WHERE counted.hour = hour.hour)))) AS known
GROUP BY GROUPING SETS ((hour, outcome), (task, outcome))

-- name: times
SELECT task, kind, bucket, sum(runs)::bigint AS runs FROM (
  SELECT * FROM jobs.run_hour_times WHERE hour >= $1 AND hour <= $2
  UNION ALL
  SELECT * FROM jobs.count_run_hour_times(ARRAY(
    SELECT hour FROM generate_series($1::timestamptz, $2::timestamptz, interval '1 hour') AS hour
    WHERE NOT EXISTS (SELECT FROM jobs.counted_hours AS counted WHERE counted.hour = hour.hour)))) AS known
GROUP BY task, kind, bucket

-- name: waiting
-- In two halves, one for each index.
SELECT task, sum(depth)::bigint AS depth, min(oldest_due_at) AS oldest_due_at FROM (
  SELECT task, count(*) AS depth, min(due_at) AS oldest_due_at FROM jobs.runs
  WHERE status IN ('QUEUED', 'DELAYED') AND NOT parked AND due_at <= $1 GROUP BY task
  UNION ALL
  SELECT task, count(*), min(due_at) FROM jobs.runs WHERE parked AND due_at <= $1 GROUP BY task) AS half
GROUP BY task ORDER BY task

-- name: executing
SELECT count(*) FROM jobs.runs WHERE status = 'EXECUTING'

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
