-- name: read_runs
-- For each question at least one row: its snapshot, whether its mark is another database's, and the run if it changed.
SELECT asked.number, pg_current_snapshot()::text AS snapshot,
       asked.seen IS NOT NULL AND pg_snapshot_xmax(asked.seen) > pg_snapshot_xmax(pg_current_snapshot()) AS is_foreign, run.*
FROM (SELECT number, run_id, seen::pg_snapshot AS seen
      FROM unnest($1::integer[], $2::text[], $3::text[]) AS given (number, run_id, seen)) AS asked
LEFT JOIN LATERAL (
  SELECT * FROM jobs.live_runs AS live
  WHERE live.id = asked.run_id AND (asked.seen IS NULL OR jobs.changed_since(live.written_by, asked.seen))
) AS run ON true

-- name: read_tagged
-- The same for the runs that have all tags of a list and are no older than a moment; the newest thousand at first.
SELECT asked.number, pg_current_snapshot()::text AS snapshot,
       asked.seen IS NOT NULL AND pg_snapshot_xmax(asked.seen) > pg_snapshot_xmax(pg_current_snapshot()) AS is_foreign, run.*
FROM (SELECT 0 AS number, $1::text[] AS tags, jobs.id_floor('run', $2) AS since, $3::text::pg_snapshot AS seen) AS asked
LEFT JOIN LATERAL (
  SELECT * FROM jobs.live_runs AS live
  WHERE live.id IN (SELECT run_id FROM jobs.run_tags WHERE tag = ANY (asked.tags) AND run_id >= asked.since
                    GROUP BY run_id HAVING count(*) = cardinality(asked.tags))
    AND (asked.seen IS NULL OR jobs.changed_since(live.written_by, asked.seen))
  ORDER BY live.id DESC LIMIT CASE WHEN asked.seen IS NULL THEN 1000 END
) AS run ON true

-- name: read_batch
-- The same for the runs of a batch, those too that were there before and have joined it since.
SELECT asked.number, pg_current_snapshot()::text AS snapshot,
       asked.seen IS NOT NULL AND pg_snapshot_xmax(asked.seen) > pg_snapshot_xmax(pg_current_snapshot()) AS is_foreign, run.*
FROM (SELECT 0 AS number, $1::text AS batch_id, $2::text::pg_snapshot AS seen) AS asked
LEFT JOIN LATERAL (
  SELECT live.* FROM jobs.batch_items AS item JOIN jobs.live_runs AS live ON live.id = item.run_id
  WHERE item.batch_id = asked.batch_id
    AND (asked.seen IS NULL OR jobs.changed_since(live.written_by, asked.seen) OR jobs.changed_since(item.xmin, asked.seen))
  ORDER BY item.position
) AS run ON true

-- name: touched
-- Those of the followed tags and batches that one of the runs belongs to.
SELECT 'tag:' || tag AS name FROM jobs.run_tags WHERE tag = ANY ($2::text[]) AND run_id = ANY ($1::text[])
UNION
SELECT 'batch:' || batch_id FROM jobs.batch_items WHERE batch_id = ANY ($3::text[]) AND run_id = ANY ($1::text[])
