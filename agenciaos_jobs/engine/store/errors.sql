-- name: record
-- Locks the runs first and then the groups in the order of their fingerprints, so that transactions can't deadlock.
WITH ended AS (
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
    AS run (run_id, fingerprint, task, type, code, message)
), grouped AS (
  SELECT DISTINCT ON (fingerprint) fingerprint, task, type, code, message, run_id,
         count(*) OVER (PARTITION BY fingerprint) AS cases
  FROM ended ORDER BY fingerprint, run_id DESC
), marked AS (
  UPDATE jobs.runs AS run SET error_group = ended.fingerprint FROM ended WHERE run.id = ended.run_id
)
INSERT INTO jobs.error_groups AS known (fingerprint, task, type, code, message, count, first_seen_at, last_seen_at, last_run_id)
SELECT fingerprint, task, type, code, message, cases, $7, $7, run_id FROM grouped ORDER BY fingerprint
ON CONFLICT (fingerprint) DO UPDATE SET
  count = known.count + excluded.count, type = excluded.type, message = excluded.message,
  last_run_id = excluded.last_run_id, last_seen_at = greatest(known.last_seen_at, excluded.last_seen_at),
  reopened_at = CASE WHEN known.resolved_at IS NULL THEN known.reopened_at ELSE excluded.last_seen_at END,
  resolved_at = NULL
RETURNING fingerprint, xmax = 0 AS is_new, coalesce(reopened_at = $7, false) AS is_back

-- name: excess
-- The new groups that would exceed the limit of open groups of their task and type.
SELECT fingerprint FROM (
  SELECT new.fingerprint, row_number() OVER (PARTITION BY task, type ORDER BY new.fingerprint) AS number,
         (SELECT count(*) FROM jobs.error_groups AS open
          WHERE open.task = new.task AND open.type = new.type AND open.resolved_at IS NULL) AS open
  FROM unnest($1::text[], $2::text[], $3::text[]) AS new (fingerprint, task, type)
  WHERE NOT EXISTS (SELECT FROM jobs.error_groups AS known WHERE known.fingerprint = new.fingerprint)) AS counted
WHERE open + number > $4

-- name: groups
SELECT * FROM jobs.error_groups
WHERE ($1::text IS NULL OR task = $1) AND ($2::boolean IS NULL OR (resolved_at IS NOT NULL) = $2)
  AND ($3::timestamptz IS NULL OR (last_seen_at, fingerprint) < ($3, $4::text))
ORDER BY last_seen_at DESC, fingerprint DESC LIMIT $5

-- name: group
SELECT * FROM jobs.error_groups WHERE fingerprint = $1

-- name: trends
-- Runs of each group by time: the first bucket begins at $2 and each is $3 wide. Reads group by group, so that no plan
-- scans all failures of the period.
SELECT wanted.name AS error_group, floor(extract(epoch FROM finished_at - $2) / extract(epoch FROM $3::interval))::integer AS bucket,
       count(*) AS runs
FROM unnest($1::text[]) AS wanted (name)
CROSS JOIN LATERAL (
  SELECT finished_at FROM jobs.runs
  WHERE error_group = wanted.name AND finished_at >= $2 AND finished_at < $4 OFFSET 0) AS run
GROUP BY 1, 2

-- name: agency_counts
SELECT error_group, count(DISTINCT agency_id) AS agencies FROM jobs.runs
WHERE error_group = ANY ($1::text[]) AND finished_at >= $2 GROUP BY 1

-- name: resolve
UPDATE jobs.error_groups SET resolved_at = $2 WHERE fingerprint = ANY ($1::text[]) AND resolved_at IS NULL
RETURNING fingerprint

-- name: reopen
UPDATE jobs.error_groups SET resolved_at = NULL WHERE fingerprint = ANY ($1::text[]) AND resolved_at IS NOT NULL
RETURNING fingerprint
