-- name: try_claim_maintenance
-- A claim that lies ahead was made while the clock was wrong, and does not count.
INSERT INTO jobs.housekeeping AS last (chore, done_at) VALUES ($1, $2)
ON CONFLICT (chore) DO UPDATE SET done_at = excluded.done_at
  WHERE last.done_at <= $3 OR last.done_at > $2::timestamptz + interval '1 minute'
RETURNING chore

-- name: release_maintenance
DELETE FROM jobs.housekeeping WHERE chore = $1

-- name: last_done
SELECT done_at FROM jobs.housekeeping WHERE chore = $1

-- name: month_counts
SELECT month, held, expired, bytes FROM jobs.month_counts($1, $2)

-- name: drop_month
SELECT jobs.drop_month($1)

-- name: copy_month
SELECT jobs.copy_month($1, $2, $3)

-- name: swap_month
SELECT jobs.swap_month($1, $2)

-- name: drop_expired_keys
WITH gone AS (
  DELETE FROM jobs.idempotency_keys WHERE (task, key_digest) IN (
    SELECT task, key_digest FROM jobs.idempotency_keys WHERE expires_at <= $1 LIMIT 5000 FOR UPDATE SKIP LOCKED)
  RETURNING 1)
SELECT count(*) FROM gone

-- name: forget_contents
-- The cost stays, and the verdict without its word.
WITH blanked AS (
  UPDATE jobs.ai_generations SET content = NULL WHERE ctid IN (
    SELECT ctid FROM jobs.ai_generations WHERE content IS NOT NULL AND created_at < $1 LIMIT 5000 FOR UPDATE SKIP LOCKED)
  RETURNING 1
), muted AS (
  UPDATE jobs.ai_feedback SET word = NULL WHERE (run_id, author) IN (
    SELECT run_id, author FROM jobs.ai_feedback WHERE word IS NOT NULL AND created_at < $1 LIMIT 5000 FOR UPDATE SKIP LOCKED)
  RETURNING 1)
SELECT (SELECT count(*) FROM blanked) + (SELECT count(*) FROM muted)
