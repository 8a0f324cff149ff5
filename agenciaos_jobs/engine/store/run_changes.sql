-- name: hold
SELECT metadata, tags FROM jobs.runs WHERE id = $1 FOR UPDATE

-- name: set_metadata
UPDATE jobs.runs SET metadata = $2, updated_at = $3 WHERE id = $1

-- name: set_tags
WITH tagged AS (
  INSERT INTO jobs.run_tags (tag, run_id) SELECT unnest($2::text[]), $1 ON CONFLICT DO NOTHING
)
UPDATE jobs.runs SET tags = $2, updated_at = $3 WHERE id = $1

-- name: limit_lock_wait
SET LOCAL lock_timeout = '500ms'

-- name: interrupt_completion
-- A lock's key is split into the columns classid and objid: https://www.postgresql.org/docs/current/view-pg-locks.html
SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 1 AND granted
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (classid::bigint << 32) | objid::bigint = hashtextextended('agenciaos_jobs.completing:' || $1, 0)

-- name: cancel
WITH ended AS (
  UPDATE jobs.runs AS run
  SET status = 'CANCELED', finished_at = $2, updated_at = $2, parked = false
  FROM (SELECT id, status FROM jobs.runs WHERE id = $1 FOR UPDATE) AS before
  WHERE run.id = before.id AND before.status IN ('DELAYED', 'QUEUED', 'EXECUTING')
  RETURNING run.*, before.status AS status_before
), recorded AS (
  INSERT INTO jobs.attempts (run_id, number, status, worker_id, started_at, finished_at)
  SELECT id, attempt, 'CANCELED', worker_id, attempt_started_at, $2 FROM ended WHERE status_before = 'EXECUTING'
)
SELECT task, status_before, concurrency_key FROM ended
