-- name: declare
-- A new schedule begins after the slot before now: slots from before it existed are not caught up.
INSERT INTO jobs.schedules AS known (id, task, cron, timezone, created_at, updated_at, last_slot, next_slot)
VALUES ($1, $2, $3, $4, $5, $5, $6, $7)
ON CONFLICT (id) DO UPDATE
  SET cron = excluded.cron, timezone = excluded.timezone, updated_at = excluded.updated_at,
      last_slot = CASE WHEN known.cron = excluded.cron AND known.timezone = excluded.timezone
                       THEN known.last_slot ELSE excluded.last_slot END,
      next_slot = CASE WHEN known.cron = excluded.cron AND known.timezone = excluded.timezone
                       THEN coalesce(known.next_slot, $8) ELSE excluded.next_slot END
  WHERE known.cron <> excluded.cron OR known.timezone <> excluded.timezone OR known.next_slot IS NULL

-- name: save
-- Created, or updated if the deduplication key exists. Slots are kept unless the cron expression or timezone changes.
INSERT INTO jobs.schedules AS known
  (id, type, task, cron, timezone, external_id, deduplication_key, created_at, updated_at, last_slot, next_slot)
VALUES ($1, 'IMPERATIVE', $2, $3, $4, $5, $6, $7, $7, $8, $9)
ON CONFLICT (deduplication_key) DO UPDATE
  SET task = excluded.task, cron = excluded.cron, timezone = excluded.timezone, external_id = excluded.external_id,
      updated_at = excluded.updated_at,
      last_slot = CASE WHEN known.cron = excluded.cron AND known.timezone = excluded.timezone
                       THEN known.last_slot ELSE excluded.last_slot END,
      next_slot = CASE WHEN known.cron = excluded.cron AND known.timezone = excluded.timezone
                       THEN known.next_slot ELSE excluded.next_slot END
RETURNING *

-- name: update
UPDATE jobs.schedules AS known
SET task = $2, cron = $3, timezone = $4, external_id = $5, updated_at = $6,
    last_slot = CASE WHEN cron = $3 AND timezone = $4 THEN last_slot ELSE $7 END,
    next_slot = CASE WHEN cron = $3 AND timezone = $4 THEN next_slot ELSE $8 END
WHERE id = $1 AND type = 'IMPERATIVE'
RETURNING *

-- name: activate
-- Slots that were due while the schedule was inactive are not caught up.
UPDATE jobs.schedules SET active = true, updated_at = $2, last_slot = greatest(last_slot, $3), next_slot = $4
WHERE id = $1 AND NOT active
RETURNING id

-- name: deactivate
UPDATE jobs.schedules SET active = false, updated_at = $2 WHERE id = $1 AND active AND type = 'IMPERATIVE' RETURNING id

-- name: delete
DELETE FROM jobs.schedules WHERE id = $1 AND type = 'IMPERATIVE' RETURNING id

-- name: get
SELECT * FROM jobs.schedules WHERE id = $1

-- name: list
SELECT * FROM jobs.schedules ORDER BY created_at DESC, id LIMIT $1 OFFSET $2

-- name: count
SELECT count(*) FROM jobs.schedules

-- name: due
SELECT * FROM jobs.schedules WHERE active AND next_slot <= $1 ORDER BY next_slot, id LIMIT 1000

-- name: ahead
SELECT * FROM jobs.schedules WHERE last_slot > $1 ORDER BY id LIMIT 1000

-- name: correct
-- Schedules that are still as they were read continue after $3. Up to the slot that was taken last, slots may have runs.
UPDATE jobs.schedules AS known
SET last_slot = new.last_slot, next_slot = new.next_slot, early_until = greatest(known.early_until, known.last_slot),
    fired_slot = CASE WHEN known.fired_slot <= new.last_slot THEN known.fired_slot END
FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::timestamptz[])
  AS new (id, read_last_slot, last_slot, next_slot)
WHERE known.id = new.id AND known.last_slot = new.read_last_slot
RETURNING known.id

-- name: take_slot
-- Advances a schedule that is still as it was read; returns whether this transaction makes the slot's run. A slot that
-- fired before its time has a run, made while the clock was between the slot and the next one.
WITH read AS (
  SELECT id, last_slot < $5 AND NOT (
    coalesce(early_until >= $5, false) AND EXISTS (
      SELECT FROM jobs.runs AS run WHERE run.schedule_id = $1 AND run.source = 'schedule'
      AND run.id >= jobs.id_floor('run', $5) AND run.id < jobs.id_floor('run', $6))) AS is_free
  FROM jobs.schedules
  WHERE id = $1 AND active AND cron = $2 AND timezone = $3 AND next_slot = $4
  FOR UPDATE
)
UPDATE jobs.schedules AS known
SET last_slot = greatest(known.last_slot, $5), next_slot = $6,
    fired_slot = CASE WHEN known.last_slot < $5 THEN $5 ELSE known.fired_slot END
FROM read WHERE known.id = read.id
RETURNING read.is_free
