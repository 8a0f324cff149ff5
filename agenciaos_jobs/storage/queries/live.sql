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
FROM (SELECT $1::integer AS number, $2::text[] AS tags, $3::timestamptz AS since, $4::text::pg_snapshot AS seen) AS asked
LEFT JOIN LATERAL (
  SELECT * FROM jobs.live_runs AS live
  WHERE live.tags @> asked.tags AND live.id >= jobs.id_floor('run', asked.since)
    AND (asked.seen IS NULL OR jobs.changed_since(live.written_by, asked.seen))
  ORDER BY live.id DESC LIMIT CASE WHEN asked.seen IS NULL THEN 1000 END
) AS run ON true

-- name: tags_of
SELECT DISTINCT tag FROM jobs.runs AS run CROSS JOIN LATERAL unnest(run.tags) AS tag
WHERE run.id = ANY ($1::text[]) AND run.tags && $2::text[] AND tag = ANY ($2::text[])
