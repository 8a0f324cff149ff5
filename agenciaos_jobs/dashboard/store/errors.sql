-- name: agencies
SELECT run.agency_id, agency.name, run.runs, run.last_seen_at FROM (
  SELECT agency_id, count(*) AS runs, max(finished_at) AS last_seen_at FROM jobs.runs
  WHERE error_group = $1 AND finished_at >= $2 AND finished_at < $3 AND agency_id IS NOT NULL
  GROUP BY agency_id ORDER BY 2 DESC, 1 LIMIT $4) AS run
LEFT JOIN public.agencies AS agency ON agency.id = run.agency_id
ORDER BY run.runs DESC, run.agency_id

-- name: latest
SELECT run.id, run.agency_id, agency.name AS agency, run.status, run.attempt, run.finished_at,
       left(run.error ->> 'message', 300) AS message,
       EXISTS (SELECT FROM jobs.runs AS again WHERE again.replay_of = run.id) AS is_replayed
FROM jobs.runs AS run LEFT JOIN public.agencies AS agency ON agency.id = run.agency_id
WHERE run.error_group = $1 AND run.finished_at >= coalesce($2::timestamptz, '-infinity')
  AND run.finished_at < coalesce($3::timestamptz, 'infinity') AND ($4::text IS NULL OR run.agency_id = $4)
ORDER BY run.finished_at DESC LIMIT $5

-- name: unreplayed
-- A replay is a run of its own: if it fails again, it is listed itself, in place of its original.
SELECT run.id FROM jobs.runs AS run
WHERE run.error_group = $1 AND run.finished_at >= coalesce($2::timestamptz, '-infinity')
  AND run.finished_at < coalesce($3::timestamptz, 'infinity') AND ($4::text IS NULL OR run.agency_id = $4)
  AND NOT EXISTS (SELECT FROM jobs.runs AS again WHERE again.replay_of = run.id)
ORDER BY run.finished_at DESC LIMIT $5
