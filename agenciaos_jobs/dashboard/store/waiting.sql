-- name: facts
SELECT managed.paused_at, managed.paused_by, coalesce(managed.concurrency_limit, run.concurrency_limit) AS key_limit,
       taken.count AS key_taken, ahead_of_key.count AS key_ahead, ahead.count AS ahead, workers.*, busy.count AS busy,
       run.waits_for, run.waits_since
FROM jobs.runs AS run
LEFT JOIN jobs.queues AS managed ON managed.name = coalesce(run.queue, 'task/' || run.task)
CROSS JOIN LATERAL (
  SELECT count(*) FROM jobs.runs WHERE status = 'EXECUTING' AND concurrency_key = run.concurrency_key) AS taken
CROSS JOIN LATERAL (
  SELECT count(*) FROM (
    SELECT FROM jobs.runs WHERE concurrency_key = run.concurrency_key AND status IN ('QUEUED', 'DELAYED') AND due_at <= $2
      AND (jobs.turn(due_at, priority), id) < (jobs.turn(run.due_at, run.priority), run.id) LIMIT $3) AS before) AS ahead_of_key
CROSS JOIN LATERAL (
  SELECT count(*) FROM (
    SELECT FROM jobs.runs WHERE status IN ('QUEUED', 'DELAYED') AND NOT parked AND due_at <= $2
      AND (jobs.turn(due_at, priority), id) < (jobs.turn(run.due_at, run.priority), run.id) LIMIT $3) AS before) AS ahead
CROSS JOIN (
  SELECT count(*) AS workers, count(*) FILTER (WHERE draining_since IS NOT NULL) AS draining,
         sum(slots) FILTER (WHERE draining_since IS NULL) AS slots
  FROM jobs.workers WHERE lease_until > $2) AS workers
CROSS JOIN (SELECT count(*) FROM jobs.runs WHERE status = 'EXECUTING') AS busy
WHERE run.id = $1

-- name: key_holders
SELECT id, task, attempt_started_at AS since FROM jobs.runs
WHERE status = 'EXECUTING' AND concurrency_key = $1 ORDER BY attempt_started_at, id LIMIT $2

-- name: tokens
-- The tokens that a run waits for and nobody has completed, in the order of their creation.
SELECT token.* FROM jobs.wait_token_runs AS waiting JOIN jobs.wait_tokens AS token ON token.id = waiting.token_id
WHERE waiting.run_id = $1 AND completed_at IS NULL AND (timeout_at IS NULL OR timeout_at > $2) AND (until IS NULL OR until > $2)
ORDER BY token.id
