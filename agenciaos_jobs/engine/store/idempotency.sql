-- name: holders
SELECT key.task, key.key_digest, key.run_id, key.payload_hash
FROM unnest($1::text[], $2::text[]) AS asked (task, key_digest)
JOIN jobs.idempotency_keys AS key USING (task, key_digest)

-- name: reset
DELETE FROM jobs.idempotency_keys WHERE task = $1 AND key_digest = $2 AND expires_at > $3 RETURNING run_id

-- name: run_of_request
SELECT key.run_id, run.id IS NOT NULL AS is_stored FROM jobs.request_keys AS key
LEFT JOIN jobs.runs AS run ON run.id = key.run_id
WHERE key.key_digest = $1

-- name: set_request_run
UPDATE jobs.request_keys SET run_id = $2 WHERE key_digest = $1

-- name: delete_request
DELETE FROM jobs.request_keys WHERE key_digest = $1 AND run_id = $2

-- name: drop_expired_requests
DELETE FROM jobs.request_keys WHERE expires_at <= $1
