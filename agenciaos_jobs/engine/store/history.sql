-- name: get
SELECT *, standing_by AS is_snoozed, woken AS resume_requested FROM jobs.runs WHERE id = $1

-- name: attempts
SELECT * FROM jobs.attempts WHERE run_id = $1 ORDER BY number

-- name: newest
SELECT *, standing_by AS is_snoozed, woken AS resume_requested FROM jobs.runs
WHERE ($1::text IS NULL OR task = $1) AND ($2::text IS NULL OR status = $2) AND ($3::text IS NULL OR agency_id = $3)
  AND ($4::text IS NULL OR tags @> ARRAY[$4]) AND id >= $5
ORDER BY id DESC LIMIT $6

-- name: queue_depth
SELECT task, count(*) AS depth, min(due_at) AS oldest_due_at FROM jobs.runs
WHERE status IN ('QUEUED', 'DELAYED') AND NOT parked AND due_at <= $1 GROUP BY task ORDER BY task

