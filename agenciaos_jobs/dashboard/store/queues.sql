-- name: figures
-- What is due and waits, and how long the newest runs of the last hour have waited to start, or have waited so far.
WITH due AS (
  SELECT coalesce(queue, 'task/' || task) AS name, count(*) AS waiting, min(due_at) AS oldest
  FROM jobs.runs WHERE status IN ('QUEUED', 'DELAYED') AND due_at <= $1 GROUP BY 1
), newest AS (
  SELECT coalesce(queue, 'task/' || task) AS name, created_at, coalesce(started_at, finished_at, $1) - coalesce(delayed_until, created_at) AS wait
  FROM jobs.runs WHERE id >= jobs.id_floor('run', $1::timestamptz - interval '1 hour') ORDER BY id DESC LIMIT 20000
), recent AS (
  SELECT name, count(*) * 3600 / extract(epoch FROM $1 - stretch.start) AS rate,
         percentile_disc(0.95) WITHIN GROUP (ORDER BY wait) FILTER (WHERE wait >= interval '0') AS slow_wait
  FROM newest CROSS JOIN (
    SELECT CASE WHEN count(*) < 20000 THEN $1 - interval '1 hour' ELSE least(min(created_at), $1 - interval '1 second') END AS start
    FROM newest) AS stretch
  GROUP BY name, stretch.start
)
SELECT name, coalesce(due.waiting, 0) AS waiting, due.oldest, coalesce(recent.rate, 0)::float8 AS rate, recent.slow_wait
FROM due FULL JOIN recent USING (name)

-- name: workers
-- Those whose leases hold, and those whose leases have run out within an hour; each with the newest of its runs.
SELECT worker.id, host, pid, worker.started_at, seen_at, lease_until > $1 AS is_alive, slots, version, memory, draining_since, draining_by,
       busy.count AS executing, busy.run_ids, busy.tasks, busy.since
FROM jobs.workers AS worker
CROSS JOIN LATERAL (
  SELECT count(*), (array_agg(id ORDER BY attempt_started_at))[:$2] AS run_ids,
         (array_agg(task ORDER BY attempt_started_at))[:$2] AS tasks,
         (array_agg(attempt_started_at ORDER BY attempt_started_at))[:$2] AS since
  FROM jobs.runs WHERE worker_id = worker.id AND status = 'EXECUTING') AS busy
WHERE lease_until > $1::timestamptz - interval '1 hour'
ORDER BY lease_until <= $1, host, worker.started_at, worker.id

-- name: paused
SELECT name, paused_at FROM jobs.queues WHERE paused_at IS NOT NULL ORDER BY paused_at, name

-- name: paused_runs
SELECT count(*) FROM (
  SELECT FROM jobs.runs WHERE status IN ('QUEUED', 'DELAYED') AND due_at <= $2 AND NOT standing_by
    AND coalesce(queue, 'task/' || task) = ANY ($1::text[]) LIMIT $3) AS held

-- name: open_circuits
SELECT model, since, waiting FROM jobs.open_circuits($1)
