-- name: open
INSERT INTO jobs.dashboard_access (signing_key) VALUES ($1) ON CONFLICT DO NOTHING

-- name: store_password_once
-- Only the first server's password is stored.
UPDATE jobs.dashboard_access SET password_hash = $1 WHERE password_hash IS NULL RETURNING true

-- name: read_keys
SELECT signing_key, password_hash FROM jobs.dashboard_access

-- name: open_session
-- None for a user whose password was changed, or who was disabled, while the given one was verified.
WITH forgotten AS (DELETE FROM jobs.dashboard_sessions WHERE expires_at <= $4)
INSERT INTO jobs.dashboard_sessions (id, user_name, address, opened_at, seen_at, expires_at)
SELECT $1, $2, $3, $4, $4, $5
WHERE $6::text IS NULL
  OR EXISTS (SELECT FROM jobs.dashboard_users WHERE name = $2 AND password_hash = $6 AND disabled_at IS NULL)
RETURNING true

-- name: session
-- One that an older release opened has no row.
SELECT EXISTS (SELECT FROM jobs.dashboard_logouts WHERE session_id = asked.id) AS has_ended,
  sessions.user_name, sessions.seen_at, users.role
FROM (VALUES ($1)) AS asked (id)
LEFT JOIN jobs.dashboard_sessions AS sessions ON sessions.id = asked.id
LEFT JOIN jobs.dashboard_users AS users ON users.name = sessions.user_name AND users.disabled_at IS NULL

-- name: touch
UPDATE jobs.dashboard_sessions SET seen_at = $2 WHERE id = $1

-- name: open_sessions
SELECT id, user_name, address, opened_at, seen_at, expires_at FROM jobs.dashboard_sessions
WHERE expires_at > $1 ORDER BY seen_at DESC, id LIMIT $2

-- name: end_session
-- The row of dashboard_logouts is for sessions of the shared password, which are valid without a row.
WITH forgotten AS (DELETE FROM jobs.dashboard_logouts WHERE expires_at <= $3),
ended AS (DELETE FROM jobs.dashboard_sessions WHERE id = $1),
recorded AS (INSERT INTO jobs.dashboard_logouts (session_id, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING)
SELECT EXISTS (SELECT FROM jobs.dashboard_sessions WHERE id = $1)

-- name: failures
SELECT count(*) AS everyone, count(*) FILTER (WHERE address = $1) AS own, min(failed_at) FILTER (WHERE address = $1) AS first
FROM jobs.dashboard_failures WHERE failed_at > $2

-- name: record_attempt
WITH forgotten AS (DELETE FROM jobs.dashboard_failures WHERE failed_at <= $3)
INSERT INTO jobs.dashboard_failures (address, failed_at, user_name)
SELECT $1, $2, $5 WHERE (SELECT count(*) FROM jobs.dashboard_failures WHERE address = $1 AND failed_at > $3) < $4
RETURNING true

-- name: clear_failures
DELETE FROM jobs.dashboard_failures WHERE address = $1 AND user_name = $2
