-- name: start
WITH requested AS (INSERT INTO jobs.bulk_actions (id, action, asked_at, name) VALUES ($1, $2, $3, $5))
INSERT INTO jobs.bulk_items (bulk_id, position, run_id)
SELECT $1, position, run_id FROM unnest($4::text[]) WITH ORDINALITY AS chosen (run_id, position)

-- name: take
UPDATE jobs.bulk_items SET taken_at = $2
WHERE bulk_id = $1 AND position IN (
  SELECT position FROM jobs.bulk_items
  WHERE bulk_id = $1 AND outcome IS NULL AND (taken_at IS NULL OR taken_at < $3)
    AND NOT EXISTS (SELECT FROM jobs.bulk_actions WHERE id = $1 AND aborted_at IS NOT NULL)
  ORDER BY position LIMIT $4 FOR UPDATE SKIP LOCKED)
RETURNING position, run_id

-- name: record_results
-- Completes the action with its last item, unless another server records its own last one at the same time.
WITH recorded AS (
  UPDATE jobs.bulk_items AS item SET outcome = done.outcome, new_run_id = done.new_run_id, problem = done.problem
  FROM unnest($2::integer[], $3::text[], $4::text[], $5::text[]) AS done (position, outcome, new_run_id, problem)
  WHERE item.bulk_id = $1 AND item.position = done.position
)
UPDATE jobs.bulk_actions SET completed_at = $6
WHERE id = $1 AND completed_at IS NULL AND NOT EXISTS (
  SELECT FROM jobs.bulk_items WHERE bulk_id = $1 AND outcome IS NULL AND position <> ALL ($2::integer[]))

-- name: unfinished
SELECT id FROM jobs.bulk_actions AS bulk
WHERE aborted_at IS NULL AND EXISTS (SELECT FROM jobs.bulk_items WHERE bulk_id = bulk.id AND outcome IS NULL)

-- name: complete
UPDATE jobs.bulk_actions AS bulk SET completed_at = $2
WHERE id = $1 AND completed_at IS NULL AND NOT EXISTS (SELECT FROM jobs.bulk_items WHERE bulk_id = bulk.id AND outcome IS NULL)

-- name: abort
UPDATE jobs.bulk_actions SET aborted_at = $2 WHERE id = $1 AND aborted_at IS NULL AND completed_at IS NULL

-- name: get
SELECT id, action, asked_at, name, aborted_at, completed_at FROM jobs.bulk_actions WHERE id = $1

-- name: page
-- Newest first: older than $1, or newer than $2 in ascending order.
SELECT id, action, asked_at, name, aborted_at, completed_at FROM jobs.bulk_actions
WHERE ($1::text IS NULL OR id < $1) AND ($2::text IS NULL OR id > $2)
ORDER BY CASE WHEN $2::text IS NULL THEN id END DESC, id LIMIT $3

-- name: progress
SELECT outcome, count(*) AS runs FROM jobs.bulk_items WHERE bulk_id = $1 GROUP BY outcome

-- name: delete_old
DELETE FROM jobs.bulk_actions WHERE asked_at < $1
