-- name: lock
SELECT pg_try_advisory_xact_lock(hashtext('agenciaos_jobs.run_search'))

-- name: enlist
-- Runs since the last time, up to the moment $1.
WITH page AS (
  SELECT id FROM jobs.runs WHERE id >= (SELECT newest FROM jobs.run_search_progress) AND id < jobs.id_floor('run', $1)
  ORDER BY id LIMIT $2
), enlisted AS (
  INSERT INTO jobs.run_search_queue (run_id, due_at) SELECT id, $1 FROM page ON CONFLICT DO NOTHING
)
UPDATE jobs.run_search_progress SET newest = last.id || '0' FROM (SELECT max(id) AS id FROM page) AS last WHERE last.id IS NOT NULL

-- name: enlist_older
-- Runs of before the search began, the newest first.
WITH page AS (
  SELECT id FROM jobs.runs WHERE id < (SELECT oldest FROM jobs.run_search_progress) ORDER BY id DESC LIMIT $2
), enlisted AS (
  INSERT INTO jobs.run_search_queue (run_id, due_at) SELECT id, $1 FROM page ON CONFLICT DO NOTHING
)
UPDATE jobs.run_search_progress SET oldest = coalesce((SELECT min(id) FROM page), '')
WHERE oldest > ''

-- name: enlist_missed
-- Runs since the moment $1 that a transaction committed, or a clock made, behind the place where queueing stood.
INSERT INTO jobs.run_search_queue (run_id, due_at)
SELECT id, $2 FROM jobs.runs, jobs.run_search_progress
WHERE id >= greatest(oldest, jobs.id_floor('run', $1)) AND id < newest
  AND NOT EXISTS (SELECT FROM jobs.run_search WHERE run_id = id)
ON CONFLICT DO NOTHING

-- name: index
-- Up to $2 runs that are due at $1; returns how many. One that is open is due again after a quarter of its age.
WITH due AS MATERIALIZED (
  SELECT queued.run_id, run.id IS NOT NULL AND run.finished_at IS NULL AS is_open,
         least(greatest(($1 - run.created_at) / 4, interval '5 seconds'), interval '10 minutes') AS pause
  FROM (SELECT run_id FROM jobs.run_search_queue WHERE due_at <= $1 ORDER BY due_at LIMIT $2) AS queued
  LEFT JOIN jobs.runs AS run ON run.id = queued.run_id
), indexed AS (
  INSERT INTO jobs.run_search (run_id, words)
  SELECT run.id, jobs.run_words(run, agency.name) FROM due JOIN jobs.runs AS run ON run.id = due.run_id
  LEFT JOIN public.agencies AS agency ON agency.id = run.agency_id
  WHERE NOT due.is_open
  ON CONFLICT DO NOTHING
), postponed AS (
  UPDATE jobs.run_search_queue AS queued SET due_at = $1::timestamptz + pause FROM due WHERE queued.run_id = due.run_id AND is_open
), removed AS (
  DELETE FROM jobs.run_search_queue AS queued USING due WHERE queued.run_id = due.run_id AND NOT is_open
)
SELECT count(*) FROM due
