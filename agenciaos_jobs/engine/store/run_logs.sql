-- name: insert
INSERT INTO jobs.run_logs (run_id, attempt, logged_at, level, message, fields)
SELECT * FROM unnest($1::text[], $2::integer[], $3::timestamptz[], $4::text[], $5::text[], $6::jsonb[])

-- name: of_run
SELECT attempt, logged_at, level, message, fields FROM jobs.run_logs WHERE run_id = $1 ORDER BY logged_at, attempt
