-- name: page
SELECT id, kind, key, subjects, details, since, raised_at, raised, pending, pending_since, told_at AS notified_at,
       told AS notifications, ended_at
FROM jobs.alerts
WHERE ($1::text IS NULL OR kind = $1) AND ($2::timestamptz IS NULL OR (raised_at, id) < ($2, $3::text))
ORDER BY raised_at DESC, id DESC LIMIT $4

-- name: one
SELECT id, kind, key, subjects, details, since, raised_at, raised, pending, pending_since, told_at AS notified_at,
       told AS notifications, ended_at
FROM jobs.alerts WHERE id = $1

-- name: notices
SELECT channel, telling, message ->> 'title' AS title, run_id, created_at, sent_at, error, failed_at
FROM jobs.alert_notices WHERE alert_id = $1 ORDER BY created_at DESC, id DESC LIMIT $2
