-- name: renew
-- Also sends the watcher its own id, and deletes watchers expired for an hour. Returns whether the lease was still held.
WITH before AS (
  SELECT lease_until > clock_timestamp() AS held FROM jobs.watchers WHERE id = $1
), forgotten AS (
  DELETE FROM jobs.watchers WHERE id <> $1 AND lease_until < clock_timestamp() - interval '1 hour'
), echo AS (
  SELECT pg_notify($3, $1)
)
INSERT INTO jobs.watchers (id, lease_until) SELECT $1, clock_timestamp() + $2::interval FROM echo
ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until
RETURNING coalesce((SELECT held FROM before), false)

-- name: leave
DELETE FROM jobs.watchers WHERE id = $1

-- name: next_transaction
SELECT pg_snapshot_xmax(pg_current_snapshot())::text

-- name: all_ended_before
SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::text::xid8

-- name: ping
SELECT 1

-- name: notify
SELECT pg_notify($1, '')

-- name: snapshot
SELECT pg_current_snapshot()::text
