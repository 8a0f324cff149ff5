-- name: insert
-- A key that is held by a run that still counts keeps its run: the new one is not inserted.
WITH incoming AS (
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::jsonb[], $5::text[], $6::text[], $7::text[], $8::text[],
                       $9::text[], $10::text[], $11::timestamptz[], $12::text[], $13::text[], $14::integer[],
                       $15::integer[], $16::timestamptz[])
    AS run (id, task, status, payload, agency_id, source, tags, idempotency_key,
            key_digest, payload_hash, key_expires_at, request_id, schedule_id, max_attempts, max_duration,
            due_at)
), keyed AS (
  INSERT INTO jobs.idempotency_keys AS held (task, key_digest, run_id, payload_hash, expires_at)
  SELECT task, key_digest, id, payload_hash, key_expires_at
  FROM incoming WHERE key_digest IS NOT NULL
  ORDER BY task, key_digest
  ON CONFLICT (task, key_digest) DO UPDATE
    SET run_id = excluded.run_id, payload_hash = excluded.payload_hash, expires_at = excluded.expires_at
    WHERE held.expires_at <= $17 OR EXISTS (
      SELECT FROM jobs.runs AS run WHERE run.id = held.run_id
      AND run.status IN ('FAILED', 'EXPIRED', 'CRASHED', 'TIMED_OUT', 'SYSTEM_FAILURE'))
  RETURNING run_id
)
INSERT INTO jobs.runs (id, task, status, payload, agency_id, source, tags, idempotency_key, request_id, schedule_id,
                       max_attempts, max_duration, created_at, updated_at, due_at, delayed_until)
SELECT id, task, status, payload, agency_id, source, ARRAY(SELECT jsonb_array_elements_text(tags::jsonb)), idempotency_key,
       request_id, schedule_id, max_attempts, max_duration, $17, $17, due_at,
       CASE WHEN status = 'DELAYED' THEN due_at END
FROM incoming
WHERE idempotency_key IS NULL OR id IN (SELECT run_id FROM keyed)
RETURNING id

-- name: holder_of_key
SELECT run_id, payload_hash FROM jobs.idempotency_keys WHERE task = $1 AND key_digest = $2

-- name: claim
UPDATE jobs.runs
SET status = 'EXECUTING', attempt = attempt + 1, worker_id = $2, attempt_started_at = $3,
    started_at = coalesce(started_at, $3), updated_at = $3
WHERE id = ANY ($1::text[]) AND status IN ('QUEUED', 'DELAYED') AND due_at <= $3
RETURNING id, task, payload, agency_id, attempt, max_attempts, max_duration, created_at, due_at, attempt_started_at,
          tags, request_id

-- name: hold
SELECT FROM jobs.runs WHERE id = $1 AND attempt = $2 AND worker_id = $3 AND status = 'EXECUTING' FOR UPDATE

-- name: finish
WITH ended AS (
  UPDATE jobs.runs
  SET status = $4, output = $5, error = $6, finished_at = $7, updated_at = $7
  WHERE id = $1 AND attempt = $2 AND worker_id = $3 AND status = 'EXECUTING'
  RETURNING id, attempt, worker_id, attempt_started_at
)
INSERT INTO jobs.attempts (run_id, number, status, worker_id, started_at, finished_at, error)
SELECT id, attempt, CASE $4 WHEN 'COMPLETED' THEN 'COMPLETED' WHEN 'CANCELED' THEN 'CANCELED' ELSE 'FAILED' END,
       worker_id, attempt_started_at, $7, $6
FROM ended
RETURNING run_id

-- name: retry
WITH ended AS (
  UPDATE jobs.runs
  SET status = 'QUEUED', due_at = $4, updated_at = $6
  WHERE id = $1 AND attempt = $2 AND worker_id = $3 AND status = 'EXECUTING'
  RETURNING id, attempt, worker_id, attempt_started_at
)
INSERT INTO jobs.attempts (run_id, number, status, worker_id, started_at, finished_at, error)
SELECT id, attempt, 'FAILED', worker_id, attempt_started_at, $6, $5 FROM ended
RETURNING run_id

-- name: hand_back
UPDATE jobs.runs
SET status = 'QUEUED', attempt = attempt - 1, due_at = $4, updated_at = $4
WHERE id = $1 AND attempt = $2 AND worker_id = $3 AND status = 'EXECUTING'
RETURNING id

-- name: take_back_lost
-- Runs of workers whose lease ran out: queued again, or crashed where no attempt is left.
WITH lost AS (
  SELECT run.id, run.worker_id, run.attempt, run.attempt_started_at, run.task,
         run.attempt < run.max_attempts AS has_attempts
  FROM jobs.runs AS run
  LEFT JOIN jobs.workers AS worker ON worker.id = run.worker_id
  WHERE run.status = 'EXECUTING' AND (worker.id IS NULL OR worker.lease_until <= $1)
  ORDER BY run.id
  LIMIT 1000
  FOR UPDATE OF run SKIP LOCKED
), ended AS (
  UPDATE jobs.runs AS run
  SET status = CASE WHEN lost.has_attempts THEN 'QUEUED' ELSE 'CRASHED' END,
      due_at = $1, updated_at = $1,
      error = CASE WHEN lost.has_attempts THEN run.error ELSE $2::jsonb END,
      finished_at = CASE WHEN lost.has_attempts THEN NULL ELSE $1 END
  FROM lost WHERE run.id = lost.id
), noted AS (
  INSERT INTO jobs.attempts (run_id, number, status, worker_id, started_at, finished_at, error)
  SELECT id, attempt, 'FAILED', worker_id, attempt_started_at, $1, $2::jsonb FROM lost
)
SELECT id, task, has_attempts FROM lost

-- name: waiting
-- Due runs after a given id: one page of what the queue should hold.
SELECT id, task, due_at FROM jobs.runs
WHERE status IN ('QUEUED', 'DELAYED') AND due_at <= $1 AND id > $2
ORDER BY id LIMIT $3

-- name: release_due
UPDATE jobs.runs SET status = 'QUEUED', updated_at = $1 WHERE status = 'DELAYED' AND due_at <= $1

-- name: get
SELECT * FROM jobs.runs WHERE id = $1

-- name: attempts
SELECT * FROM jobs.attempts WHERE run_id = $1 ORDER BY number

-- name: newest
SELECT * FROM jobs.runs
WHERE ($1::text IS NULL OR task = $1) AND ($2::text IS NULL OR status = $2) AND ($3::text IS NULL OR agency_id = $3)
ORDER BY id DESC LIMIT $4

-- name: queue_depth
SELECT task, count(*) AS depth, min(due_at) AS oldest_due_at FROM jobs.runs
WHERE status IN ('QUEUED', 'DELAYED') AND due_at <= $1 GROUP BY task

-- name: drop_expired_keys
DELETE FROM jobs.idempotency_keys
WHERE (task, key_digest) IN (SELECT task, key_digest FROM jobs.idempotency_keys WHERE expires_at <= $1 LIMIT 1000)
