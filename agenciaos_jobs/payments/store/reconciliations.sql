-- name: done
SELECT agency_id, comparison FROM jobs.reconciliation_progress WHERE run_id = $1 ORDER BY agency_id

-- name: note
INSERT INTO jobs.reconciliation_progress (run_id, agency_id, comparison, compared_at) VALUES ($1, $2, $3, $4)
ON CONFLICT DO NOTHING

-- name: drop
DELETE FROM jobs.reconciliation_progress WHERE run_id = $1 OR compared_at < $2
