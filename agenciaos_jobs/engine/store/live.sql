-- name: read_runs
-- For each question at least one row: its snapshot, whether its mark is another database's, and the run if it changed.
SELECT asked.number, pg_current_snapshot()::text AS snapshot,
       asked.seen IS NOT NULL AND pg_snapshot_xmax(asked.seen) > pg_snapshot_xmax(pg_current_snapshot()) AS is_from_the_future, run.*
FROM (SELECT number, run_id, seen::pg_snapshot AS seen
      FROM unnest($1::integer[], $2::text[], $3::text[]) AS given (number, run_id, seen)) AS asked
LEFT JOIN LATERAL (
  SELECT * FROM jobs.live_runs AS live
  WHERE live.id = asked.run_id AND (asked.seen IS NULL OR jobs.changed_since(live.written_by, asked.seen))
) AS run ON true

-- name: newest_tagged
-- The newest thousand runs that have all tags of a list and are no older than a moment, and the snapshot they are of.
SELECT 0 AS number, pg_current_snapshot()::text AS snapshot, false AS is_from_the_future, run.*
FROM (SELECT $1::text[] AS tags, jobs.id_floor('run', $2) AS first) AS asked
LEFT JOIN LATERAL (
  SELECT live.* FROM jobs.run_tags AS tagged JOIN jobs.live_runs AS live ON live.id = tagged.run_id
  WHERE tagged.tag = asked.tags[1] AND tagged.run_id >= asked.first AND live.id >= asked.first
    AND (cardinality(asked.tags) = 1 OR live.tags @> asked.tags)
  ORDER BY tagged.run_id DESC LIMIT 1000
) AS run ON true

-- name: read_tagged
-- The same as read_runs for such runs, in one look for all who ask. Their number of transactions ago tells first which
-- can be new to anybody: that costs nothing beside changed_since. A mark too old for that counts as another database's.
WITH asked AS (
  SELECT number, jobs.id_floor('run', since) AS first, seen, age(pg_snapshot_xmin(seen)::xid) AS age
  FROM unnest($2::integer[], $3::timestamptz[], $4::text[]) AS given (number, since, mark)
  CROSS JOIN LATERAL (SELECT mark::pg_snapshot AS seen) AS read
), changed AS MATERIALIZED (
  SELECT run.id, run.xmin AS written_by FROM jobs.run_tags AS tagged JOIN jobs.runs AS run ON run.id = tagged.run_id
  WHERE tagged.tag = ($1::text[])[1] AND tagged.run_id >= (SELECT min(first) FROM asked)
    AND (cardinality($1) = 1 OR run.tags @> $1)
    AND age(run.xmin) <= (SELECT max(age) FROM asked)
)
SELECT asked.number, pg_current_snapshot()::text AS snapshot,
       asked.age < 0 OR pg_snapshot_xmax(asked.seen) > pg_snapshot_xmax(pg_current_snapshot()) AS is_from_the_future, run.*
FROM asked
LEFT JOIN LATERAL (
  SELECT live.* FROM changed JOIN jobs.live_runs AS live USING (id)
  WHERE changed.id >= asked.first AND jobs.changed_since(changed.written_by, asked.seen)
  ORDER BY changed.id DESC
) AS run ON true

-- name: read_batch
-- The same for the runs of a batch, those too that were there before and have joined it since.
SELECT asked.number, pg_current_snapshot()::text AS snapshot,
       asked.seen IS NOT NULL AND pg_snapshot_xmax(asked.seen) > pg_snapshot_xmax(pg_current_snapshot()) AS is_from_the_future, run.*
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
