-- name: page
-- Declared schedules first, then by task, each with its newest run.
SELECT schedule.*, run.id AS run_id, run.status AS run_status, run.created_at AS run_at FROM (
  SELECT * FROM jobs.schedules WHERE $1::text IS NULL OR (type, task, id) > ($1, $2::text, $3::text)
  ORDER BY type, task, id LIMIT $4) AS schedule
LEFT JOIN LATERAL (
  SELECT id, status, created_at FROM jobs.runs WHERE schedule_id = schedule.id ORDER BY id DESC LIMIT 1) AS run ON true
ORDER BY schedule.type, schedule.task, schedule.id
