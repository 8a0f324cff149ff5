-- name: declare
-- A new schedule begins with the slot before now: what was due before it existed is not caught up.
INSERT INTO jobs.schedules AS known (id, task, cron, timezone, created_at, last_slot) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (id) DO UPDATE SET cron = excluded.cron, timezone = excluded.timezone, last_slot = excluded.last_slot
  WHERE known.cron <> excluded.cron OR known.timezone <> excluded.timezone

-- name: last_slots
SELECT id, last_slot FROM jobs.schedules

-- name: take_slot
UPDATE jobs.schedules SET last_slot = $2 WHERE id = $1 AND last_slot < $2 RETURNING id
