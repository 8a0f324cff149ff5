-- name: add
-- A disabled user is enabled again, with the new role and password.
INSERT INTO jobs.dashboard_users (name, role, password_hash, created_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE
SET role = excluded.role, password_hash = excluded.password_hash, created_at = excluded.created_at, disabled_at = NULL
WHERE dashboard_users.disabled_at IS NOT NULL
RETURNING true

-- name: add_viewer
INSERT INTO jobs.dashboard_users (name, role, password_hash, created_at) VALUES ($1, 'viewer', $2, $3)
ON CONFLICT DO NOTHING

-- name: change_role
UPDATE jobs.dashboard_users SET role = $2 WHERE name = $1 AND disabled_at IS NULL RETURNING true

-- name: change_password
WITH ended AS (DELETE FROM jobs.dashboard_sessions WHERE user_name = $1)
UPDATE jobs.dashboard_users SET password_hash = $2 WHERE name = $1 AND disabled_at IS NULL RETURNING true

-- name: disable
WITH ended AS (DELETE FROM jobs.dashboard_sessions WHERE user_name = $1)
UPDATE jobs.dashboard_users SET disabled_at = $2 WHERE name = $1 AND disabled_at IS NULL RETURNING true

-- name: enabled
SELECT name, role, password_hash FROM jobs.dashboard_users WHERE name = $1 AND disabled_at IS NULL

-- name: any_enabled
SELECT EXISTS (SELECT FROM jobs.dashboard_users WHERE disabled_at IS NULL)

-- name: all
SELECT name, role, created_at, disabled_at FROM jobs.dashboard_users ORDER BY disabled_at IS NOT NULL, name
