-- name: hold
-- The run of a key, locked for the transaction: the given one, unless another is there.
INSERT INTO jobs.debounced AS held (task, key, run_id, first_at) VALUES ($1, $2, $3, $4)
ON CONFLICT (task, key) DO UPDATE SET run_id = held.run_id
RETURNING run_id, first_at

-- name: replace
UPDATE jobs.debounced SET run_id = $3, first_at = $4 WHERE task = $1 AND key = $2

-- name: push_back
UPDATE jobs.runs SET due_at = $2, delayed_until = $2, expires_at = expires_at + ($2 - due_at), updated_at = $3
WHERE id = $1 AND status = 'DELAYED'
RETURNING id, task, due_at, priority

-- name: overwrite
WITH untagged AS (
  DELETE FROM jobs.run_tags WHERE run_id = $1 AND tag <> ALL ($4::text[])
), tagged AS (
  INSERT INTO jobs.run_tags (tag, run_id) SELECT DISTINCT unnest($4::text[]), $1 ON CONFLICT DO NOTHING
)
UPDATE jobs.runs SET payload = $2, metadata = $3, tags = $4, max_attempts = $5, max_duration = $6, agency_id = $7,
                     concurrency_key = $8, concurrency_limit = $9
WHERE id = $1

-- name: drop_old
DELETE FROM jobs.debounced AS held
WHERE first_at <= $1 AND NOT EXISTS (SELECT FROM jobs.runs AS run WHERE run.id = held.run_id AND run.status = 'DELAYED')
