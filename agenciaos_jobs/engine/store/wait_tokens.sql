-- name: create
-- A new token, or the one that holds the idempotency key.
INSERT INTO jobs.wait_tokens AS token (id, idempotency_key, key_expires_at, tags, created_at, timeout_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (idempotency_key) DO UPDATE SET idempotency_key = excluded.idempotency_key
RETURNING *

-- name: release_key
UPDATE jobs.wait_tokens SET idempotency_key = NULL, key_expires_at = NULL WHERE idempotency_key = $1 AND key_expires_at <= $2

-- name: get
SELECT * FROM jobs.wait_tokens WHERE id = $1

-- name: wait
INSERT INTO jobs.wait_token_runs AS waiting (token_id, run_id, until) VALUES ($1, $2, $3)
ON CONFLICT (token_id, run_id) DO UPDATE SET until = waiting.until
RETURNING until

-- name: complete
UPDATE jobs.wait_tokens SET completed_at = $2, output = $3::text::jsonb
WHERE id = $1 AND completed_at IS NULL AND (timeout_at IS NULL OR timeout_at > $2)
RETURNING id

-- name: waiting_runs
SELECT run_id FROM jobs.wait_token_runs WHERE token_id = $1 ORDER BY run_id

-- name: page
-- Newest first: older than $7, or newer than $8 in ascending order.
SELECT * FROM jobs.wait_tokens
WHERE ($1::text[] IS NULL OR CASE WHEN completed_at IS NOT NULL THEN 'COMPLETED' WHEN timeout_at <= $2 THEN 'TIMED_OUT' ELSE 'WAITING' END = ANY ($1))
  AND ($3::text IS NULL OR idempotency_key = $3) AND ($4::text[] IS NULL OR tags && $4)
  AND ($5::timestamptz IS NULL OR created_at >= $5) AND ($6::timestamptz IS NULL OR created_at <= $6)
  AND ($7::text IS NULL OR id < $7) AND ($8::text IS NULL OR id > $8)
ORDER BY CASE WHEN $8::text IS NULL THEN id END DESC, id LIMIT $9

-- name: drop_old
DELETE FROM jobs.wait_tokens WHERE coalesce(completed_at, timeout_at, created_at) <= $1
