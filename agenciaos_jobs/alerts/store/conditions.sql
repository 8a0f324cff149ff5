-- name: try_start_interval
-- Of all processes one at a time, and only if the last time was before $3, or lies ahead because a clock was wrong.
UPDATE jobs.alert_rounds SET last_at = $2
WHERE name = $1 AND (last_at <= $3 OR last_at > $2::timestamptz + interval '1 minute') RETURNING name

-- name: set_active
-- Conditions that hold now. One that begins, or begins again, is pending; one that goes on has newer details.
INSERT INTO jobs.alerts AS known (id, kind, key, subjects, details, since, raised_at, raised, pending, pending_since)
SELECT id, kind, key, '{}', details, $2, $2, 1, 1, $2
FROM jsonb_to_recordset($1) AS new (id text, kind text, key text, details jsonb)
ORDER BY kind, key
ON CONFLICT (kind, key) DO UPDATE SET
  details = excluded.details, raised_at = $2, ended_at = NULL,
  since = CASE WHEN known.ended_at IS NULL THEN known.since ELSE $2 END,
  raised = CASE WHEN known.ended_at IS NULL THEN known.raised
                WHEN known.raised_at < $2 - $3::interval THEN 1 ELSE known.raised + 1 END,
  pending = known.pending + CASE WHEN known.ended_at IS NULL THEN 0 ELSE 1 END,
  pending_since = CASE WHEN known.ended_at IS NULL OR known.pending > 0 THEN known.pending_since ELSE $2 END

-- name: end
-- Conditions of these kinds that hold no more.
UPDATE jobs.alerts AS alert SET ended_at = $4
WHERE alert.kind = ANY ($1::text[]) AND alert.ended_at IS NULL
  AND NOT EXISTS (SELECT FROM unnest($2::text[], $3::text[]) AS held (kind, key)
                  WHERE held.kind = alert.kind AND held.key = alert.key)

-- name: overdue_schedules
SELECT count(*) FROM jobs.schedules WHERE active AND next_slot <= $1

-- name: failures
SELECT run.task, count(*) AS failed
FROM jobs.runs AS run JOIN jobs.error_groups AS fault ON fault.fingerprint = run.error_group
WHERE run.error_group IS NOT NULL AND run.finished_at >= $1 AND coalesce(fault.code <> ALL ($2::text[]), true) AND run.task <> $3
GROUP BY run.task HAVING count(*) >= $4

-- name: ended
-- All runs of some tasks that ended in a window, as far as they were made not long before it.
SELECT task, count(*) AS ended FROM jobs.runs
WHERE id >= jobs.id_floor('run', $1::timestamptz - interval '1 hour') AND task = ANY ($2::text[]) AND finished_at >= $1
GROUP BY task

-- name: lose_workers
UPDATE jobs.workers SET lost_at = $1 WHERE lease_until <= $1 AND lost_at IS NULL RETURNING host, pid, seen_at
