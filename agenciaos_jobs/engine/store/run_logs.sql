-- name: insert
INSERT INTO jobs.run_logs (run_id, attempt, logged_at, level, message, fields)
SELECT run_id, attempt, logged_at, level, message, fields::jsonb
FROM unnest($1::text[], $2::integer[], $3::timestamptz[], $4::text[], $5::text[], $6::text[])
  AS line (run_id, attempt, logged_at, level, message, fields)

-- name: count_dropped
WITH dropped AS (
  SELECT * FROM unnest($1::text[], $2::integer[], $3::timestamptz[], $4::bigint[]) AS dropped (run_id, attempt, logged_at, lines)
), known AS (
  UPDATE jobs.run_logs AS line SET fields = jsonb_build_object('lines', dropped.lines)
  FROM dropped
  WHERE line.run_id = dropped.run_id AND line.attempt = dropped.attempt AND line.logged_at = dropped.logged_at
    AND line.level = 'warning' AND line.message = 'log_lines_dropped'
  RETURNING line.run_id, line.attempt
)
INSERT INTO jobs.run_logs (run_id, attempt, logged_at, level, message, fields)
SELECT run_id, attempt, logged_at, 'warning', 'log_lines_dropped', jsonb_build_object('lines', lines)
FROM dropped WHERE (run_id, attempt) NOT IN (SELECT run_id, attempt FROM known)

-- name: of_run
SELECT attempt, logged_at, level, message, fields FROM jobs.run_logs WHERE run_id = $1 AND level <> 'span' ORDER BY logged_at, attempt
