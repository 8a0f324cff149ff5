-- name: plan_each_time
-- The next statements of the transaction are planned for the filters they get, not for any.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true)

-- name: older
SELECT run.id, task, status, agency_id, agency.name AS agency, source, tags, attempt, max_attempts, created_at, due_at,
       started_at, attempt_started_at, finished_at, left(error ->> 'message', 300) AS error
FROM jobs.runs AS run LEFT JOIN public.agencies AS agency ON agency.id = agency_id
WHERE run.id >= $1 AND run.id < $2
  AND ($3::text IS NULL OR task = $3) AND ($4::text[] IS NULL OR status = ANY ($4)) AND ($5::text IS NULL OR agency_id = $5)
  AND ($6::text IS NULL OR EXISTS (SELECT FROM jobs.run_tags AS tagged WHERE tag = $6 AND tagged.run_id = run.id)) AND ($7::text IS NULL OR source = $7)
  AND ($8::text IS NULL OR run.id = $8 OR (error IS NOT NULL AND error ->> 'message' ILIKE $9))
ORDER BY run.id DESC LIMIT $10

-- name: newer
SELECT run.id, task, status, agency_id, agency.name AS agency, source, tags, attempt, max_attempts, created_at, due_at,
       started_at, attempt_started_at, finished_at, left(error ->> 'message', 300) AS error
FROM jobs.runs AS run LEFT JOIN public.agencies AS agency ON agency.id = agency_id
WHERE run.id >= $1 AND run.id < $2
  AND ($3::text IS NULL OR task = $3) AND ($4::text[] IS NULL OR status = ANY ($4)) AND ($5::text IS NULL OR agency_id = $5)
  AND ($6::text IS NULL OR EXISTS (SELECT FROM jobs.run_tags AS tagged WHERE tag = $6 AND tagged.run_id = run.id)) AND ($7::text IS NULL OR source = $7)
  AND ($8::text IS NULL OR run.id = $8 OR (error IS NOT NULL AND error ->> 'message' ILIKE $9))
ORDER BY run.id LIMIT $10

-- name: count_newer
SELECT count(*) FROM (
  SELECT FROM jobs.runs AS run
  WHERE run.id >= $1 AND run.id < $2
    AND ($3::text IS NULL OR task = $3) AND ($4::text[] IS NULL OR status = ANY ($4)) AND ($5::text IS NULL OR agency_id = $5)
    AND ($6::text IS NULL OR EXISTS (SELECT FROM jobs.run_tags AS tagged WHERE tag = $6 AND tagged.run_id = run.id)) AND ($7::text IS NULL OR source = $7)
    AND ($8::text IS NULL OR run.id = $8 OR (error IS NOT NULL AND error ->> 'message' ILIKE $9))
  LIMIT $10) AS fresh

-- name: agencies
SELECT id, name FROM public.agencies ORDER BY name, id LIMIT 500

-- name: matching
SELECT run.id FROM jobs.runs AS run
WHERE run.id >= $1 AND run.id < $2
  AND ($3::text IS NULL OR task = $3) AND ($4::text[] IS NULL OR status = ANY ($4)) AND ($5::text IS NULL OR agency_id = $5)
  AND ($6::text IS NULL OR EXISTS (SELECT FROM jobs.run_tags AS tagged WHERE tag = $6 AND tagged.run_id = run.id)) AND ($7::text IS NULL OR source = $7)
  AND ($8::text IS NULL OR run.id = $8 OR (error IS NOT NULL AND error ->> 'message' ILIKE $9))
ORDER BY run.id DESC LIMIT $10
