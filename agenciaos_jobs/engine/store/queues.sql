-- name: all
-- Every queue with open runs or a setting of its own, besides the given ones.
WITH counted AS (
  SELECT coalesce(queue, 'task/' || task) AS name, count(*) FILTER (WHERE status = 'EXECUTING') AS running,
         count(*) FILTER (WHERE status = 'QUEUED') AS queued,
         max(concurrency_limit) FILTER (WHERE concurrency_limit < 100000) AS base
  FROM jobs.runs WHERE status IN ('DELAYED', 'QUEUED', 'EXECUTING') GROUP BY 1
), named AS (
  SELECT unnest($1::text[]) AS name UNION SELECT name FROM counted UNION SELECT name FROM jobs.queues
)
SELECT named.name, coalesce(counted.running, 0) AS running, coalesce(counted.queued, 0) AS queued, counted.base,
       managed.paused_at, managed.paused_by, managed.concurrency_limit AS override, managed.overridden_at, managed.overridden_by
FROM named LEFT JOIN counted USING (name) LEFT JOIN jobs.queues AS managed USING (name)
ORDER BY named.name NOT LIKE 'task/%', named.name

-- name: pause
INSERT INTO jobs.queues AS queue (name, paused_at, paused_by) VALUES ($1, $2, $3)
ON CONFLICT (name) DO UPDATE SET paused_at = coalesce(queue.paused_at, excluded.paused_at),
                                 paused_by = coalesce(queue.paused_by, excluded.paused_by)

-- name: resume
UPDATE jobs.queues SET paused_at = NULL, paused_by = NULL WHERE name = $1

-- name: override
INSERT INTO jobs.queues (name, concurrency_limit, overridden_at, overridden_by) VALUES ($1, $2, $3, $4)
ON CONFLICT (name) DO UPDATE SET concurrency_limit = excluded.concurrency_limit, overridden_at = excluded.overridden_at,
                                 overridden_by = excluded.overridden_by

-- name: reset
UPDATE jobs.queues SET concurrency_limit = NULL, overridden_at = NULL, overridden_by = NULL WHERE name = $1

-- name: drop_unmanaged
DELETE FROM jobs.queues WHERE name = $1 AND paused_at IS NULL AND concurrency_limit IS NULL

-- name: park_paused
-- Parks the runs of paused queues. What an attempt has begun goes on, though it stands by.
UPDATE jobs.runs AS run SET status = 'QUEUED', parked = true, updated_at = $2
FROM jobs.queues AS managed
WHERE run.id = ANY ($1::text[]) AND run.status IN ('QUEUED', 'DELAYED') AND run.due_at <= $2 AND NOT run.standing_by
  AND (run.expires_at IS NULL OR run.expires_at > $2 OR run.started_at IS NOT NULL)
  AND managed.name = coalesce(run.queue, 'task/' || run.task) AND managed.paused_at IS NOT NULL
RETURNING run.id

-- name: unpark_resumed
-- Parked runs without a concurrency key, whose queue is not paused.
UPDATE jobs.runs AS run SET parked = false
FROM (SELECT id FROM jobs.runs AS waiting
      WHERE parked AND concurrency_key IS NULL
        AND NOT EXISTS (SELECT FROM jobs.queues AS managed
                        WHERE managed.name = coalesce(waiting.queue, 'task/' || waiting.task) AND managed.paused_at IS NOT NULL)
      ORDER BY id LIMIT 1000 FOR UPDATE SKIP LOCKED) AS resumed
WHERE run.id = resumed.id
RETURNING run.id, run.task, run.due_at, run.priority
