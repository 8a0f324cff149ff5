-- name: renew
INSERT INTO jobs.workers (id, host, pid, started_at, slots, version, seen_at, lease_until, memory)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at, lease_until = excluded.lease_until, memory = excluded.memory, lost_at = NULL
RETURNING draining_since IS NOT NULL

-- name: drain
UPDATE jobs.workers SET draining_since = coalesce(draining_since, $2), draining_by = coalesce(draining_by, $3)
WHERE id = $1 AND slots IS NOT NULL RETURNING id

-- name: end_drain
UPDATE jobs.workers SET draining_since = NULL, draining_by = NULL WHERE id = $1 RETURNING id

-- name: leave
DELETE FROM jobs.workers WHERE id = $1

-- name: delete_lost
DELETE FROM jobs.workers AS worker
WHERE lease_until <= $1::timestamptz - interval '1 day'
  AND NOT EXISTS (SELECT FROM jobs.runs AS run WHERE run.worker_id = worker.id AND run.status = 'EXECUTING')

-- name: alive
SELECT count(*) FROM jobs.workers WHERE lease_until > $1 AND draining_since IS NULL

-- name: owned_attempts
SELECT id, attempt FROM jobs.runs WHERE worker_id = $1 AND status = 'EXECUTING'

-- name: mark_lost
UPDATE jobs.runs SET worker_id = NULL WHERE id = ANY ($2::text[]) AND worker_id = $1 AND status = 'EXECUTING'

-- name: terminate_backends_of_expired
SELECT count(*) FILTER (WHERE pg_terminate_backend(activity.pid, 1000))
FROM jobs.workers AS worker
JOIN pg_stat_activity AS activity ON activity.application_name = 'agenciaos-jobs ' || worker.id
WHERE worker.lease_until <= $1 AND worker.id <> $2 AND activity.xact_start < worker.lease_until
  AND activity.datname = current_database() AND activity.usename = current_user

-- name: try_maintenance_lock
SELECT pg_try_advisory_xact_lock(hashtext('agenciaos_jobs.sweeper'))

-- name: database_time
SELECT clock_timestamp()
