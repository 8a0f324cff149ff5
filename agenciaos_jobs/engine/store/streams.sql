-- name: insert
-- Stores chunks, lists new streams in their runs' metadata, as Trigger.dev's SDKs expect, and wakes the runs' followers.
WITH given AS (
  SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[])
    WITH ORDINALITY AS given (run_id, stream, chunk, written_at, number)
), stored AS (
  INSERT INTO jobs.stream_chunks (run_id, stream, chunk, written_at)
  SELECT run_id, stream, chunk, written_at FROM given ORDER BY number
), named AS (
  SELECT run_id, jsonb_agg(DISTINCT stream) AS streams FROM given GROUP BY run_id
), listed AS (
  UPDATE jobs.runs AS run
  SET metadata = jsonb_set(CASE WHEN jsonb_typeof(run.metadata) = 'object' THEN run.metadata ELSE '{}' END, '{$$streams}',
                           (SELECT jsonb_agg(DISTINCT name)
                            FROM jsonb_array_elements(coalesce(run.metadata -> '$$streams', '[]') || named.streams) AS name))
  FROM named
  WHERE run.id = named.run_id AND NOT coalesce(run.metadata -> '$$streams', '[]') @> named.streams
  RETURNING run.id
)
SELECT pg_notify($5, run_id) FROM named
WHERE run_id NOT IN (SELECT id FROM listed) AND EXISTS (SELECT FROM jobs.watchers WHERE lease_until > clock_timestamp())

-- name: is_over
SELECT finished_at IS NOT NULL FROM jobs.runs WHERE id = $1

-- name: after
SELECT id, chunk, written_at FROM jobs.stream_chunks WHERE run_id = $1 AND stream = $2 AND id > $3 ORDER BY id LIMIT 500

-- name: number_at
SELECT coalesce(max(id), 0)
FROM (SELECT id FROM jobs.stream_chunks WHERE run_id = $1 AND stream = $2 ORDER BY id LIMIT $3::bigint + 1) AS first

-- name: drop_old
DELETE FROM jobs.stream_chunks WHERE written_at <= $1
