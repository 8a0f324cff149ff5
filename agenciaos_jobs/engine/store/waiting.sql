-- name: release
-- Runs that have something else to wait for, a free slot of their concurrency key, keep their turn there.
UPDATE jobs.runs AS run SET waits_for = NULL, due_at = released.due_at
FROM (
  SELECT waiting.id, turn.due_at
  FROM (SELECT id, row_number() OVER (ORDER BY waits_since, id) AS position
        FROM jobs.runs WHERE status = 'QUEUED' AND NOT parked AND waits_for ->> 'key' = $1
        ORDER BY waits_since, id LIMIT cardinality($2::timestamptz[])) AS waiting
  JOIN unnest($2::timestamptz[]) WITH ORDINALITY AS turn (due_at, position) USING (position)) AS released
WHERE run.id = released.id AND run.status = 'QUEUED' AND run.waits_for ->> 'key' = $1
RETURNING run.id, run.task, run.due_at, run.priority

-- name: restate
UPDATE jobs.runs SET waits_for = $2
WHERE status = 'QUEUED' AND NOT parked AND waits_for ->> 'key' = $1 AND waits_for <> $2::jsonb

