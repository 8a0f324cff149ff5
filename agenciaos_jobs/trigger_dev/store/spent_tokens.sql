-- name: spend
INSERT INTO jobs.spent_tokens AS spent (digest, request_key, expires_at) VALUES ($1, $2, $3)
ON CONFLICT (digest) DO UPDATE SET expires_at = excluded.expires_at WHERE spent.request_key = excluded.request_key
RETURNING true

-- name: is_spent
SELECT EXISTS (SELECT FROM jobs.spent_tokens WHERE digest = $1)

-- name: drop_expired
DELETE FROM jobs.spent_tokens WHERE expires_at <= $1
