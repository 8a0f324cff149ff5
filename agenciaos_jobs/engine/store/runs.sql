-- name: insert
-- The runs are text, because a caller's own connection may encode JSON in another way.
-- A run is skipped if its request has made one before, or if another run, which has not failed, holds its key.
WITH incoming AS (
  SELECT * FROM jsonb_to_recordset($1::text::jsonb) AS run (
    id text, task text, status text, payload jsonb, agency_id text, source text, tags text[], idempotency_key text,
    key_digest text, payload_hash text, key_expires_at timestamptz, request_id text, schedule_id text, replay_of text,
    priority integer, concurrency_key text, concurrency_limit integer, max_attempts integer, max_duration integer,
    due_at timestamptz, expires_at timestamptz, queue text, metadata jsonb, batch_id text, is_test boolean,
    request_digest text, request_expires_at timestamptz, traceparent text, parent_id text)
), requested AS (
  INSERT INTO jobs.request_keys AS held (key_digest, run_id, expires_at)
  SELECT request_digest, id, request_expires_at
  FROM incoming WHERE request_digest IS NOT NULL
  ORDER BY request_digest
  ON CONFLICT (key_digest) DO UPDATE SET run_id = excluded.run_id, expires_at = excluded.expires_at
    WHERE held.expires_at <= $2
  RETURNING run_id
), keyed AS (
  INSERT INTO jobs.idempotency_keys AS held (task, key_digest, run_id, payload_hash, expires_at)
  SELECT task, key_digest, id, payload_hash, key_expires_at
  FROM incoming
  WHERE key_digest IS NOT NULL AND (request_digest IS NULL OR id IN (SELECT run_id FROM requested))
  ORDER BY task, key_digest
  ON CONFLICT (task, key_digest) DO UPDATE
    SET run_id = excluded.run_id, payload_hash = excluded.payload_hash, expires_at = excluded.expires_at
    WHERE held.expires_at <= $2 OR EXISTS (
      SELECT FROM jobs.runs AS run WHERE run.id = held.run_id
      AND run.status IN ('FAILED', 'EXPIRED', 'CRASHED', 'TIMED_OUT', 'SYSTEM_FAILURE'))
  RETURNING run_id
), new AS (
  SELECT * FROM incoming
  WHERE (request_digest IS NULL OR id IN (SELECT run_id FROM requested))
    AND (key_digest IS NULL OR id IN (SELECT run_id FROM keyed))
), tagged AS (
  INSERT INTO jobs.run_tags (tag, run_id) SELECT DISTINCT unnest(tags), id FROM new WHERE tags <> '{}'
)
INSERT INTO jobs.runs (id, task, status, payload, agency_id, source, tags, idempotency_key, request_id, schedule_id,
                       replay_of, priority, concurrency_key, concurrency_limit, max_attempts, max_duration,
                       created_at, updated_at, due_at, delayed_until, expires_at, queue, metadata, batch_id, is_test,
                       traceparent, parent_id)
SELECT id, task, status, payload, agency_id, source, tags, idempotency_key, request_id, schedule_id,
       replay_of, priority, concurrency_key, concurrency_limit, max_attempts, max_duration,
       $2, $2, due_at, CASE WHEN status = 'DELAYED' THEN due_at END, expires_at, queue, metadata, batch_id, is_test,
       traceparent, parent_id
FROM new
RETURNING id

-- name: claim
-- The ids come through a join, not "= ANY": with an array Postgres plans the statement anew each time, which takes as long
-- as executing it. Runs of a queue that is paused or overridden are left to
-- park_paused and claim_keyed.
UPDATE jobs.runs AS run
SET status = 'EXECUTING', attempt = attempt + 1, worker_id = $2, woken = false,
    attempt_started_at = CASE WHEN standing_by THEN attempt_started_at ELSE $3 END,
    started_at = coalesce(started_at, $3), updated_at = $3
FROM unnest($1::text[]) AS wanted (id)
WHERE run.id = wanted.id AND status IN ('QUEUED', 'DELAYED') AND due_at <= $3
  AND (expires_at IS NULL OR expires_at > $3 OR started_at IS NOT NULL) AND concurrency_key IS NULL AND losses <= $4
  AND (standing_by OR NOT EXISTS (SELECT FROM jobs.queues AS managed WHERE managed.name = coalesce(queue, 'task/' || task)))
RETURNING run.id, task, payload, agency_id, attempt, max_attempts, max_duration, created_at, due_at, attempt_started_at,
          tags, request_id, concurrency_key, losses, traceparent, waits_since, waits_since IS NOT NULL AND waits_for IS NULL AS is_released

-- name: lock_keys
-- One claim at a time for each concurrency key, so that two workers never count the same free slot. No key is empty; the
-- coalesce makes Postgres find the runs by their ids, rather than through the index of all queued runs. Runs without a key,
-- of a queue whose limit is overridden, get the queue's name as theirs; without the override its limit is out of reach.
WITH keyed AS (
  UPDATE jobs.runs AS run SET concurrency_key = managed.name, concurrency_limit = 100000
  FROM jobs.queues AS managed
  WHERE run.id = ANY ($1::text[]) AND run.status IN ('QUEUED', 'DELAYED') AND run.concurrency_key IS NULL
    AND managed.name = coalesce(run.queue, 'task/' || run.task) AND managed.concurrency_limit IS NOT NULL
  RETURNING run.concurrency_key AS key
), wanted AS (
  SELECT concurrency_key AS key FROM jobs.runs
  WHERE id = ANY ($1::text[]) AND status IN ('QUEUED', 'DELAYED') AND coalesce(concurrency_key, '') <> ''
)
SELECT pg_advisory_xact_lock(hashtextextended('agenciaos_jobs.concurrency:' || key, 0))
FROM (SELECT key FROM keyed UNION SELECT key FROM wanted ORDER BY 1) AS keys

-- name: lock_named_keys
SELECT pg_advisory_xact_lock(hashtextextended('agenciaos_jobs.concurrency:' || key, 0))
FROM (SELECT DISTINCT unnest($1::text[]) AS key ORDER BY 1) AS keys

-- name: claim_keyed
-- FIFO within a concurrency key: a run is claimed if its key has a free slot for it after all runs ahead of it, of which
-- those of paused queues do not count.
WITH paused AS (
  SELECT name FROM jobs.queues WHERE paused_at IS NOT NULL
), overridden AS (
  SELECT name, concurrency_limit AS slots FROM jobs.queues WHERE concurrency_limit IS NOT NULL
), wanted AS (
  SELECT id, concurrency_key AS key, coalesce(overridden.slots, concurrency_limit) AS slots, jobs.turn(due_at, priority) AS turn
  FROM jobs.runs LEFT JOIN overridden ON overridden.name = coalesce(queue, 'task/' || task)
  WHERE id = ANY ($1::text[]) AND status IN ('QUEUED', 'DELAYED') AND due_at <= $3
    AND (expires_at IS NULL OR expires_at > $3 OR started_at IS NOT NULL) AND coalesce(concurrency_key, '') <> '' AND losses <= $4
    AND (standing_by OR coalesce(queue, 'task/' || task) NOT IN (SELECT name FROM paused))
), requested_key AS (
  SELECT key, max(slots) AS slots, max(turn) AS last_turn FROM wanted GROUP BY key
), line AS (
  SELECT next.id, min(next.slots - next.position) OVER (PARTITION BY requested_key.key ORDER BY next.position) >= taken.slots AS has_slot
  FROM requested_key
  CROSS JOIN LATERAL (
    SELECT count(*) AS slots FROM jobs.runs WHERE status = 'EXECUTING' AND concurrency_key = requested_key.key) AS taken
  CROSS JOIN LATERAL (
    SELECT id, coalesce(overridden.slots, concurrency_limit) AS slots, row_number() OVER (ORDER BY jobs.turn(due_at, priority), id) AS position
    FROM jobs.runs LEFT JOIN overridden ON overridden.name = coalesce(queue, 'task/' || task)
    WHERE concurrency_key = requested_key.key AND status IN ('QUEUED', 'DELAYED') AND due_at <= $3
      AND jobs.turn(due_at, priority) <= requested_key.last_turn AND (expires_at IS NULL OR expires_at > $3 OR started_at IS NOT NULL)
      AND (standing_by OR coalesce(queue, 'task/' || task) NOT IN (SELECT name FROM paused))
    ORDER BY jobs.turn(due_at, priority), id LIMIT greatest(requested_key.slots - taken.slots, 0)) AS next
), granted AS (
  SELECT id FROM line WHERE has_slot AND id IN (SELECT id FROM wanted)
), blocked AS (
  UPDATE jobs.runs SET status = 'QUEUED', parked = true, updated_at = $3
  WHERE id IN (SELECT id FROM wanted EXCEPT SELECT id FROM granted)
)
UPDATE jobs.runs
SET status = 'EXECUTING', attempt = attempt + 1, worker_id = $2, woken = false,
    attempt_started_at = CASE WHEN standing_by THEN attempt_started_at ELSE $3 END,
    started_at = coalesce(started_at, $3), updated_at = $3, parked = false
WHERE id IN (SELECT id FROM granted)
RETURNING id, task, payload, agency_id, attempt, max_attempts, max_duration, created_at, due_at, attempt_started_at,
          tags, request_id, concurrency_key, losses, traceparent, waits_since, waits_since IS NOT NULL AND waits_for IS NULL AS is_released

-- name: block_behind
-- Blocks all due runs behind a blocked run at once, instead of dequeuing them one by one.
UPDATE jobs.runs AS run SET parked = true, updated_at = $2
FROM (SELECT next.id
      FROM (SELECT DISTINCT ON (concurrency_key) concurrency_key AS key, jobs.turn(due_at, priority) AS turn, id
            FROM jobs.runs WHERE id = ANY ($1::text[]) AND parked
            ORDER BY concurrency_key, jobs.turn(due_at, priority), id) AS first
      CROSS JOIN LATERAL (
        SELECT id FROM jobs.runs
        WHERE status = 'QUEUED' AND NOT parked AND due_at <= $2 AND concurrency_key = first.key
          AND (jobs.turn(due_at, priority), id) > (first.turn, first.id)
        FOR UPDATE SKIP LOCKED) AS next) AS behind
WHERE run.id = behind.id
RETURNING run.id

-- name: poison_candidates
SELECT id FROM jobs.runs
WHERE id = ANY ($1::text[]) AND status IN ('QUEUED', 'DELAYED') AND due_at <= $2 AND losses >= $3

-- name: unblock_next
-- The next blocked run of each key, once for each time that the key is given.
UPDATE jobs.runs SET parked = false
WHERE id IN (
  SELECT next.id FROM (SELECT key, count(*) AS slots FROM unnest($1::text[]) AS key GROUP BY key) AS freed
  CROSS JOIN LATERAL (
    SELECT id FROM jobs.runs WHERE concurrency_key = freed.key AND parked
      AND coalesce(queue, 'task/' || task) NOT IN (SELECT name FROM jobs.queues WHERE paused_at IS NOT NULL)
    ORDER BY jobs.turn(due_at, priority), id LIMIT freed.slots FOR UPDATE SKIP LOCKED) AS next)
RETURNING id, task, due_at, priority

-- name: unblock_stuck
-- Blocked runs whose key has a free slot that no end of a run has announced, or whose queue has been resumed.
UPDATE jobs.runs SET parked = false
WHERE id IN (
  SELECT next.id
  FROM (SELECT concurrency_key AS key, max(coalesce(managed.concurrency_limit, run.concurrency_limit)) AS slots
        FROM jobs.runs AS run LEFT JOIN jobs.queues AS managed ON managed.name = coalesce(run.queue, 'task/' || run.task)
        WHERE parked AND concurrency_key IS NOT NULL AND managed.paused_at IS NULL GROUP BY 1) AS waiting
  LEFT JOIN LATERAL (
    SELECT count(*) AS slots FROM jobs.runs WHERE status = 'EXECUTING' AND concurrency_key = waiting.key) AS taken ON true
  CROSS JOIN LATERAL (
    SELECT id FROM jobs.runs WHERE concurrency_key = waiting.key AND parked
      AND coalesce(queue, 'task/' || task) NOT IN (SELECT name FROM jobs.queues WHERE paused_at IS NOT NULL)
    ORDER BY jobs.turn(due_at, priority), id LIMIT greatest(waiting.slots - taken.slots, 0) FOR UPDATE SKIP LOCKED) AS next)
RETURNING id, task, due_at, priority

-- name: hold
WITH held AS (
  SELECT id FROM jobs.runs WHERE id = $1 AND attempt = $2 AND worker_id = $3 AND status = 'EXECUTING' FOR UPDATE
)
SELECT pg_try_advisory_xact_lock_shared(hashtextextended('agenciaos_jobs.completing:' || id, 0)) FROM held

-- name: finish
WITH ended AS (
  UPDATE jobs.runs
  SET status = $4, output = $5::text::jsonb, error = $6, finished_at = $7, updated_at = $7
  WHERE id = $1 AND attempt = $2 AND worker_id = $3 AND status = 'EXECUTING'
  RETURNING id, attempt, worker_id, attempt_started_at
)
INSERT INTO jobs.attempts (run_id, number, status, worker_id, started_at, finished_at, error)
SELECT id, attempt, CASE $4 WHEN 'COMPLETED' THEN 'COMPLETED' WHEN 'CANCELED' THEN 'CANCELED' ELSE 'FAILED' END,
       worker_id, attempt_started_at, $7, $6
FROM ended
RETURNING run_id

-- name: complete
-- Any number of successes that change only their own rows.
WITH ended AS (
  UPDATE jobs.runs AS run
  SET status = 'COMPLETED', output = done.output::jsonb, error = NULL, finished_at = $5, updated_at = $5
  FROM unnest($1::text[], $2::integer[], $4::text[]) AS done (id, attempt, output)
  WHERE run.id = done.id AND run.attempt = done.attempt AND run.worker_id = $3 AND run.status = 'EXECUTING'
  RETURNING run.id, run.attempt, run.worker_id, run.attempt_started_at
)
INSERT INTO jobs.attempts (run_id, number, status, worker_id, started_at, finished_at)
SELECT id, attempt, 'COMPLETED', worker_id, attempt_started_at, $5 FROM ended
RETURNING run_id

-- name: retry
WITH ended AS (
  UPDATE jobs.runs
  SET status = 'QUEUED', due_at = $4, updated_at = $6, error = $5, standing_by = false, waits_for = NULL, waits_since = NULL
  WHERE id = $1 AND attempt = $2 AND worker_id = $3 AND status = 'EXECUTING'
  RETURNING id, attempt, worker_id, attempt_started_at
)
INSERT INTO jobs.attempts (run_id, number, status, worker_id, started_at, finished_at, error)
SELECT id, attempt, 'FAILED', worker_id, attempt_started_at, $6, $5 FROM ended
RETURNING run_id

-- name: hand_back
UPDATE jobs.runs
SET status = 'QUEUED', attempt = attempt - 1, due_at = $4, updated_at = $5
WHERE id = $1 AND attempt = $2 AND worker_id = $3 AND status = 'EXECUTING'
RETURNING id

-- name: snooze
-- The attempt continues at the next claim, which is due at once if the run was woken while it was still executing.
UPDATE jobs.runs
SET status = 'QUEUED', attempt = attempt - 1, standing_by = $6::jsonb IS NULL, updated_at = $5,
    due_at = CASE WHEN woken THEN $5::timestamptz ELSE $4 END,
    waits_for = $6::jsonb, waits_since = CASE WHEN $6::jsonb IS NOT NULL THEN coalesce(waits_since, $5::timestamptz) END
WHERE id = $1 AND attempt = $2 AND worker_id = $3 AND status = 'EXECUTING'
RETURNING due_at

-- name: wake
-- Makes a snoozed run due now; a run that is still executing will be due as soon as it is snoozed.
UPDATE jobs.runs SET woken = true, due_at = CASE WHEN status = 'QUEUED' THEN least(due_at, $2::timestamptz) ELSE due_at END
WHERE id = $1 AND (status = 'EXECUTING' OR status = 'QUEUED' AND standing_by)
RETURNING id, task, due_at, priority, status = 'QUEUED' AND NOT parked AS waits

-- name: rescue_orphans
-- Runs of other workers than $3 with expired leases: requeued, or CRASHED if no attempt is left or the run has lost
-- three workers.
WITH lost AS (
  SELECT run.id, run.worker_id, run.attempt, run.attempt_started_at, run.task, run.priority,
         run.attempt < run.max_attempts AND run.losses < 2 AS will_retry
  FROM jobs.runs AS run
  LEFT JOIN jobs.workers AS worker ON worker.id = run.worker_id
  WHERE run.status = 'EXECUTING' AND (worker.id IS NULL OR worker.lease_until <= $1 AND worker.id <> $3)
  ORDER BY run.id
  LIMIT 1000
  FOR UPDATE OF run SKIP LOCKED
), ended AS (
  UPDATE jobs.runs AS run
  SET status = CASE WHEN lost.will_retry THEN 'QUEUED' ELSE 'CRASHED' END, losses = run.losses + 1,
      due_at = $1, updated_at = $1, standing_by = false, waits_for = NULL, waits_since = NULL,
      error = CASE WHEN lost.will_retry THEN run.error ELSE $2::jsonb END,
      finished_at = CASE WHEN lost.will_retry THEN NULL ELSE $1 END
  FROM lost WHERE run.id = lost.id
), recorded AS (
  INSERT INTO jobs.attempts (run_id, number, status, worker_id, started_at, finished_at, error)
  SELECT id, attempt, 'FAILED', worker_id, attempt_started_at, $1, $2::jsonb FROM lost
)
SELECT id, task, priority, will_retry, worker_id FROM lost

-- name: waiting
-- A page, after a given id, of the due runs that the queue should hold.
SELECT id, task, due_at, priority FROM jobs.runs
WHERE status IN ('QUEUED', 'DELAYED') AND NOT parked AND due_at <= $1 AND id > $2
ORDER BY id LIMIT $3

-- name: promote_scheduled
-- Statements that change many runs skip locked rows, because waiting for them could deadlock.
UPDATE jobs.runs AS run SET status = 'QUEUED', updated_at = $1
FROM (SELECT id FROM jobs.runs WHERE status = 'DELAYED' AND due_at <= $1 LIMIT 1000 FOR UPDATE SKIP LOCKED) AS due
WHERE run.id = due.id

-- name: expire
UPDATE jobs.runs AS run SET status = 'EXPIRED', finished_at = $1, updated_at = $1, parked = false, error = $2
FROM (SELECT id FROM jobs.runs WHERE status IN ('QUEUED', 'DELAYED') AND expires_at <= $1 AND started_at IS NULL
      LIMIT 1000 FOR UPDATE SKIP LOCKED) AS late
WHERE run.id = late.id
RETURNING run.id, task

-- name: reschedule
UPDATE jobs.runs SET due_at = $2, delayed_until = $2, updated_at = $3,
  expires_at = expires_at + ($2 - due_at)
WHERE id = $1 AND status = 'DELAYED' RETURNING task, priority
