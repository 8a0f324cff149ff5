-- name: lock
SELECT pg_try_advisory_xact_lock(hashtext('agenciaos_jobs.run_hours'))

-- name: due
-- Hours from $1 until before $2 that were never rolled up, or whose number of open runs has changed.
SELECT hour FROM generate_series($1::timestamptz, $2::timestamptz - interval '1 hour', interval '1 hour') AS hour
LEFT JOIN jobs.counted_hours AS counted USING (hour)
WHERE counted.hour IS NULL OR (counted.open > 0 AND counted.open <> (
  SELECT count(*) FROM jobs.runs AS run
  WHERE run.id >= jobs.id_floor('run', hour) AND run.id < jobs.id_floor('run', hour + interval '1 hour')
    AND status IN ('DELAYED', 'QUEUED', 'EXECUTING')))
ORDER BY hour DESC LIMIT $3

-- name: forget_counts
DELETE FROM jobs.run_hours WHERE hour = ANY ($1::timestamptz[])

-- name: forget_times
DELETE FROM jobs.run_hour_times WHERE hour = ANY ($1::timestamptz[])

-- name: count
INSERT INTO jobs.run_hours (hour, task, outcome, runs) SELECT * FROM jobs.count_run_hours($1)

-- name: count_times
INSERT INTO jobs.run_hour_times (hour, task, kind, bucket, runs) SELECT * FROM jobs.count_run_hour_times($1)

-- name: seal
INSERT INTO jobs.counted_hours (hour, open)
SELECT hour, coalesce((SELECT sum(runs) FROM jobs.run_hours AS counted WHERE counted.hour = due.hour AND outcome = 'open'), 0)
FROM unnest($1::timestamptz[]) AS due (hour)
ON CONFLICT (hour) DO UPDATE SET open = excluded.open

-- name: outcomes
-- From hour $1 to hour $2, both included: by hour (task is null) and by task (hour is null).
SELECT hour, task, outcome, sum(runs)::bigint AS runs FROM (
  SELECT * FROM jobs.run_hours WHERE hour >= $1 AND hour <= $2
  UNION ALL
  SELECT * FROM jobs.count_run_hours(ARRAY(
    SELECT hour FROM generate_series($1::timestamptz, $2::timestamptz, interval '1 hour') AS hour
    WHERE NOT EXISTS (SELECT FROM jobs.counted_hours AS counted WHERE counted.hour = hour.hour)))) AS known
GROUP BY GROUPING SETS ((hour, outcome), (task, outcome))

-- name: times
SELECT task, kind, bucket, sum(runs)::bigint AS runs FROM (
  SELECT * FROM jobs.run_hour_times WHERE hour >= $1 AND hour <= $2
  UNION ALL
  SELECT * FROM jobs.count_run_hour_times(ARRAY(
    SELECT hour FROM generate_series($1::timestamptz, $2::timestamptz, interval '1 hour') AS hour
    WHERE NOT EXISTS (SELECT FROM jobs.counted_hours AS counted WHERE counted.hour = hour.hour)))) AS known
GROUP BY task, kind, bucket

-- name: executing
SELECT count(*) FROM jobs.runs WHERE status = 'EXECUTING'
