-- name: sums
-- The items of an action by their outcome and, where they were replayed, by the status of the new run.
SELECT item.outcome, run.status, count(*) AS items
FROM jobs.bulk_items AS item LEFT JOIN jobs.runs AS run ON run.id = item.new_run_id
WHERE item.bulk_id = $1 GROUP BY 1, 2

-- name: items
-- Items whose new run has one of the statuses of $2, or all: those that could not be acted on first, then those whose new run
-- has one of the statuses of $3, which are failures; newest first.
SELECT item.run_id, item.outcome, item.problem, item.new_run_id, run.status AS new_status,
       coalesce(run.error ->> 'code', run.error ->> 'type') AS error
FROM jobs.bulk_items AS item LEFT JOIN jobs.runs AS run ON run.id = item.new_run_id
WHERE item.bulk_id = $1 AND item.outcome IS NOT NULL AND ($2::text[] IS NULL OR run.status = ANY ($2))
ORDER BY item.outcome <> 'failed', coalesce(run.status <> ALL ($3::text[]), true), item.position DESC LIMIT $4
