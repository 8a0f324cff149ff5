-- name: open
SELECT id, round, asked_at, response_id, answer FROM jobs.ai_responses WHERE run_id = $1 AND NOT abandoned

-- name: mark_lost
UPDATE jobs.ai_responses SET abandoned = true WHERE id = $1

-- name: begin
INSERT INTO jobs.ai_responses (run_id, attempt, round, agency_id, user_id, agent_type, asked_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (run_id, round) WHERE NOT abandoned DO NOTHING
RETURNING id

-- name: record_submission
UPDATE jobs.ai_responses SET response_id = $2, answer = $3 WHERE id = $1

-- name: record_answer
UPDATE jobs.ai_responses SET answer = $2 WHERE id = $1

-- name: drop
DELETE FROM jobs.ai_responses WHERE id = $1

-- name: finish
-- What was answered is billed by the caller; what was not is nobody's any more.
WITH billed AS (DELETE FROM jobs.ai_responses WHERE run_id = $1 AND answer IS NOT NULL)
UPDATE jobs.ai_responses SET abandoned = true WHERE run_id = $1 AND answer IS NULL

-- name: abandon
UPDATE jobs.ai_responses SET abandoned = true WHERE run_id = ANY ($1::text[])

-- name: run_of
SELECT run_id FROM jobs.ai_responses WHERE response_id = $1 AND NOT abandoned

-- name: claim_abandoned
-- Also those whose run has ended without a word about them; each is tried once a lease.
UPDATE jobs.ai_responses AS response SET tried_at = $1
FROM (
  SELECT asked.id, coalesce(lower(run.status), 'deleted') AS outcome
  FROM jobs.ai_responses AS asked LEFT JOIN jobs.runs AS run ON run.id = asked.run_id
  WHERE (asked.tried_at IS NULL OR asked.tried_at <= $2)
    AND (asked.abandoned OR run.id IS NULL OR run.status NOT IN ('DELAYED', 'QUEUED', 'EXECUTING'))
  ORDER BY asked.id LIMIT 20 FOR UPDATE OF asked SKIP LOCKED) AS taken
WHERE response.id = taken.id
RETURNING response.id, response.run_id, response.attempt, response.agency_id, response.user_id, response.agent_type,
          response.asked_at, response.response_id, response.answer, taken.outcome

-- name: close
DELETE FROM jobs.ai_responses WHERE id = $1 RETURNING id
