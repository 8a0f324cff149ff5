-- name: plan_each_time
-- Plans the transaction's next statements for their actual filters, and prefers a filter's own index over a scan of all
-- runs by id: such a scan may have to skip any number of runs before a page is full.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true), set_config('random_page_cost', '1.1', true)

-- name: older
SELECT id, task, status, tags, idempotency_key, is_test, standing_by AS is_snoozed, woken AS resume_requested, metadata, created_at, updated_at,
       delayed_until, expires_at, started_at, finished_at
FROM jobs.runs
WHERE id >= $1 AND id < $2 AND created_at >= $3 AND created_at <= $4
  AND jobs.is_among(status, $5) AND jobs.is_among(task, $6) AND jobs.is_among(queue, $7)
  AND ($8::text IS NULL OR schedule_id = $8) AND ($9::boolean IS NULL OR is_test = $9) AND ($10::text[] IS NULL OR id = ANY ($10))
ORDER BY id DESC LIMIT $11

-- name: newer
SELECT id, task, status, tags, idempotency_key, is_test, standing_by AS is_snoozed, woken AS resume_requested, metadata, created_at, updated_at,
       delayed_until, expires_at, started_at, finished_at
FROM jobs.runs
WHERE id >= $1 AND id < $2 AND created_at >= $3 AND created_at <= $4
  AND jobs.is_among(status, $5) AND jobs.is_among(task, $6) AND jobs.is_among(queue, $7)
  AND ($8::text IS NULL OR schedule_id = $8) AND ($9::boolean IS NULL OR is_test = $9) AND ($10::text[] IS NULL OR id = ANY ($10))
ORDER BY id LIMIT $11

-- name: older_tagged
-- Merges one page of each tag's own list of runs.
SELECT DISTINCT ON (id) found.*
FROM unnest($12::text[]) AS wanted (tag)
CROSS JOIN LATERAL (
  SELECT id, task, status, tags, idempotency_key, is_test, standing_by AS is_snoozed, woken AS resume_requested, metadata, created_at, updated_at,
         delayed_until, expires_at, started_at, finished_at
  FROM jobs.run_tags AS tagged JOIN jobs.runs AS run ON run.id = tagged.run_id
  WHERE jobs.is_among(tagged.tag, $12) AND tagged.tag = wanted.tag AND tagged.run_id >= $1 AND tagged.run_id < $2 AND id >= $1 AND id < $2
    AND created_at >= $3 AND created_at <= $4
    AND jobs.is_among(status, $5) AND jobs.is_among(task, $6) AND jobs.is_among(queue, $7)
    AND ($8::text IS NULL OR schedule_id = $8) AND ($9::boolean IS NULL OR is_test = $9) AND ($10::text[] IS NULL OR id = ANY ($10))
  ORDER BY tagged.run_id DESC LIMIT $11) AS found
ORDER BY id DESC LIMIT $11

-- name: newer_tagged
SELECT DISTINCT ON (id) found.*
FROM unnest($12::text[]) AS wanted (tag)
CROSS JOIN LATERAL (
  SELECT id, task, status, tags, idempotency_key, is_test, standing_by AS is_snoozed, woken AS resume_requested, metadata, created_at, updated_at,
         delayed_until, expires_at, started_at, finished_at
  FROM jobs.run_tags AS tagged JOIN jobs.runs AS run ON run.id = tagged.run_id
  WHERE jobs.is_among(tagged.tag, $12) AND tagged.tag = wanted.tag AND tagged.run_id >= $1 AND tagged.run_id < $2 AND id >= $1 AND id < $2
    AND created_at >= $3 AND created_at <= $4
    AND jobs.is_among(status, $5) AND jobs.is_among(task, $6) AND jobs.is_among(queue, $7)
    AND ($8::text IS NULL OR schedule_id = $8) AND ($9::boolean IS NULL OR is_test = $9) AND ($10::text[] IS NULL OR id = ANY ($10))
  ORDER BY tagged.run_id LIMIT $11) AS found
ORDER BY id LIMIT $11

-- name: runs_of_batch
SELECT run_id FROM jobs.batch_items WHERE batch_id = $1

-- name: worked
-- The duration of each run's attempts, and their cost in US dollars.
SELECT run.id, coalesce(took.time, interval '0') AS time, coalesce(paid.cost, 0) AS cost
FROM unnest($1::text[]) AS run (id)
LEFT JOIN LATERAL (SELECT sum(finished_at - started_at) AS time FROM jobs.attempts WHERE run_id = run.id) AS took ON true
LEFT JOIN LATERAL (SELECT sum(cost) AS cost FROM jobs.ai_generations WHERE run_id = run.id) AS paid ON true
