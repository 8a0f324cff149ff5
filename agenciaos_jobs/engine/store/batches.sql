-- name: free_expired_key
UPDATE jobs.batches SET key_digest = NULL WHERE key_digest = $1 AND key_expires_at <= $2

-- name: insert
INSERT INTO jobs.batches (id, run_count, idempotency_key, key_digest, key_expires_at, created_at)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (key_digest) DO NOTHING
RETURNING id

-- name: get
SELECT id, run_count, idempotency_key, created_at, sealed_at FROM jobs.batches WHERE id = $1

-- name: with_key
SELECT id, run_count, idempotency_key, created_at, sealed_at FROM jobs.batches WHERE key_digest = $1

-- name: hold
SELECT id, run_count, idempotency_key, created_at, sealed_at FROM jobs.batches WHERE id = $1 FOR UPDATE

-- name: seal
UPDATE jobs.batches SET sealed_at = $2 WHERE id = $1

-- name: add_items
INSERT INTO jobs.batch_items (batch_id, position, run_id, is_cached)
SELECT $1, position, run_id, is_cached
FROM unnest($2::integer[], $3::text[], $4::boolean[]) AS item (position, run_id, is_cached)

-- name: items
SELECT position, run_id, is_cached FROM jobs.batch_items WHERE batch_id = $1 ORDER BY position

-- name: progress
SELECT max(run.updated_at) AS updated_at,
       count(*) FILTER (WHERE run.status IN ('DELAYED', 'QUEUED', 'EXECUTING')) AS unfinished
FROM jobs.batch_items AS item JOIN jobs.runs AS run ON run.id = item.run_id
WHERE item.batch_id = $1

-- name: drop_old
DELETE FROM jobs.batches WHERE id < jobs.id_floor('batch', $1)
