-- name: of_report
SELECT sentences FROM jobs.report_insights WHERE agency_id = $1 AND month = $2 AND revision = $3

-- name: keep
INSERT INTO jobs.report_insights (agency_id, month, revision, sentences, created_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT DO NOTHING
