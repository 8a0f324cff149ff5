-- name: give
INSERT INTO jobs.ai_feedback (run_id, author, agency_id, agent_type, is_good, word, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (run_id, author) DO UPDATE SET is_good = excluded.is_good, word = excluded.word, created_at = excluded.created_at

-- name: withdraw
DELETE FROM jobs.ai_feedback WHERE run_id = $1 AND author = $2

-- name: of_runs
SELECT run_id, author, agency_id, agent_type, is_good, word, created_at
FROM jobs.ai_feedback WHERE run_id = ANY ($1::text[]) ORDER BY created_at DESC, author

-- name: verdicts
SELECT agency_id, agent_type, count(*) FILTER (WHERE is_good) AS good, count(*) FILTER (WHERE NOT is_good) AS bad
FROM jobs.ai_feedback WHERE created_at >= $1 AND created_at < $2 GROUP BY agency_id, agent_type ORDER BY agent_type, agency_id
