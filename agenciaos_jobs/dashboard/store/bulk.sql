-- name: sums
-- The items of an action by their outcome and, where they were replayed, by the status of the new run.
SELECT item.outcome, run.status, count(*) AS items
FROM jobs.bulk_items AS item LEFT JOIN jobs.runs AS run ON run.id = item.new_run_id
WHERE item.bulk_id = $1 GROUP BY 1, 2

-- name: items
-- Items whose new run has one of the statuses of $2, or all: those that could not be acted on first, then those whose new run
-- has one of the statuses of $3, which are failures; newest first. Errors are read only of those that are
-- shown. OFFSET 0 has each new run found by its id: for a filter, Postgres would rather read all runs with its statuses.
SELECT found.run_id, found.outcome, found.problem, found.new_run_id, found.new_status,
       coalesce(run.error ->> 'code', run.error ->> 'type') AS error
FROM (
  SELECT item.*, new.status AS new_status,
         row_number() OVER (ORDER BY item.outcome <> 'failed', coalesce(new.status <> ALL ($3::text[]), true), item.position DESC) AS place
  FROM jobs.bulk_items AS item
  LEFT JOIN LATERAL (SELECT status FROM jobs.runs WHERE id = item.new_run_id OFFSET 0) AS new ON true
  WHERE item.bulk_id = $1 AND item.outcome IS NOT NULL AND ($2::text[] IS NULL OR new.status = ANY ($2))
  ORDER BY place LIMIT $4) AS found
LEFT JOIN jobs.runs AS run ON run.id = found.new_run_id
ORDER BY found.place
