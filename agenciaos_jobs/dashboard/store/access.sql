-- name: open
INSERT INTO jobs.dashboard_access (signing_key) VALUES ($1) ON CONFLICT DO NOTHING

-- name: store_password_once
-- Only the first server's password is stored.
UPDATE jobs.dashboard_access SET password_hash = $1 WHERE password_hash IS NULL RETURNING true

-- name: read_keys
SELECT signing_key, password_hash FROM jobs.dashboard_access

-- name: has_ended
SELECT EXISTS (SELECT FROM jobs.dashboard_logouts WHERE session_id = $1)

-- name: end_session
WITH forgotten AS (DELETE FROM jobs.dashboard_logouts WHERE expires_at <= $3)
INSERT INTO jobs.dashboard_logouts (session_id, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING

-- name: failures
SELECT count(*) AS everyone, count(*) FILTER (WHERE address = $1) AS own, min(failed_at) FILTER (WHERE address = $1) AS first
FROM jobs.dashboard_failures WHERE failed_at > $2

-- name: record_attempt
WITH forgotten AS (DELETE FROM jobs.dashboard_failures WHERE failed_at <= $3)
INSERT INTO jobs.dashboard_failures (address, failed_at)
SELECT $1, $2 WHERE (SELECT count(*) FROM jobs.dashboard_failures WHERE address = $1 AND failed_at > $3) < $4
RETURNING true

-- name: clear_failures
DELETE FROM jobs.dashboard_failures WHERE address = $1
