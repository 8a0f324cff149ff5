-- name: read_runs
-- At least one row for each request: its snapshot, whether its cursor is ahead of this database, and the run if it changed.
SELECT request.number, pg_current_snapshot()::text AS snapshot,
       request.seen IS NOT NULL AND pg_snapshot_xmax(request.seen) > pg_snapshot_xmax(pg_current_snapshot()) AS is_from_the_future, run.*
FROM (SELECT number, run_id, seen::pg_snapshot AS seen
      FROM unnest($1::integer[], $2::text[], $3::text[]) AS given (number, run_id, seen)) AS request
LEFT JOIN LATERAL (
  SELECT * FROM jobs.live_runs AS live
  WHERE live.id = request.run_id AND (request.seen IS NULL OR jobs.changed_since(live.written_by, request.seen))
) AS run ON true

-- name: newest_tagged
-- The newest thousand runs created since a moment that have all tags of a list, and the snapshot that they are read in.
SELECT 0 AS number, pg_current_snapshot()::text AS snapshot, false AS is_from_the_future, run.*
FROM (SELECT $1::text[] AS tags, jobs.id_floor('run', $2) AS first) AS request
LEFT JOIN LATERAL (
  SELECT live.* FROM jobs.run_tags AS tagged JOIN jobs.live_runs AS live ON live.id = tagged.run_id
  WHERE tagged.tag = request.tags[1] AND tagged.run_id >= request.first AND live.id >= request.first
    AND (cardinality(request.tags) = 1 OR live.tags @> request.tags)
  ORDER BY tagged.run_id DESC LIMIT 1000
) AS run ON true

-- name: read_tagged
-- The same as read_runs for tagged runs, with one query for all requests. The age of a run's last transaction is compared
-- first, because that is far cheaper than changed_since. A cursor too old for that counts as ahead of this database.
WITH request AS (
  SELECT number, jobs.id_floor('run', since) AS first, seen, age(pg_snapshot_xmin(seen)::xid) AS age
  FROM unnest($2::integer[], $3::timestamptz[], $4::text[]) AS given (number, since, cursor)
  CROSS JOIN LATERAL (SELECT cursor::pg_snapshot AS seen) AS read
), changed AS MATERIALIZED (
  SELECT run.id, run.xmin AS written_by FROM jobs.run_tags AS tagged JOIN jobs.runs AS run ON run.id = tagged.run_id
  WHERE tagged.tag = ($1::text[])[1] AND tagged.run_id >= (SELECT min(first) FROM request)
    AND (cardinality($1) = 1 OR run.tags @> $1)
    AND age(run.xmin) <= (SELECT max(age) FROM request)
)
SELECT request.number, pg_current_snapshot()::text AS snapshot,
       request.age < 0 OR pg_snapshot_xmax(request.seen) > pg_snapshot_xmax(pg_current_snapshot()) AS is_from_the_future, run.*
FROM request
LEFT JOIN LATERAL (
  SELECT live.* FROM changed JOIN jobs.live_runs AS live USING (id)
  WHERE changed.id >= request.first AND jobs.changed_since(changed.written_by, request.seen)
  ORDER BY changed.id DESC
) AS run ON true

-- name: read_batch
-- The same for the runs of a batch, including existing runs that were added to it since.
SELECT request.number, pg_current_snapshot()::text AS snapshot,
       request.seen IS NOT NULL AND pg_snapshot_xmax(request.seen) > pg_snapshot_xmax(pg_current_snapshot()) AS is_from_the_future, run.*
FROM (SELECT 0 AS number, $1::text AS batch_id, $2::text::pg_snapshot AS seen) AS request
LEFT JOIN LATERAL (
  SELECT live.* FROM jobs.batch_items AS item JOIN jobs.live_runs AS live ON live.id = item.run_id
  WHERE item.batch_id = request.batch_id
    AND (request.seen IS NULL OR jobs.changed_since(live.written_by, request.seen) OR jobs.changed_since(item.xmin, request.seen))
  ORDER BY item.position
) AS run ON true

-- name: touched
-- Those of the followed tags and batches that any of the runs belongs to.
SELECT 'tag:' || tag AS name FROM jobs.run_tags WHERE tag = ANY ($2::text[]) AND run_id = ANY ($1::text[])
UNION
SELECT 'batch:' || batch_id FROM jobs.batch_items WHERE batch_id = ANY ($3::text[]) AND run_id = ANY ($1::text[])
