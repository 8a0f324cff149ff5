-- name: plan_each_time
-- Plans the transaction's next statement for its actual filters.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true)

-- name: page
SELECT event.*, agency.name AS agency FROM (
  SELECT * FROM jobs.payment_events
  WHERE ($1::text IS NULL OR agency_id = $1) AND ($2::text IS NULL OR action = $2) AND ($3::text IS NULL OR source = $3)
    AND ($4::bigint IS NULL OR id < $4)
  ORDER BY id DESC LIMIT $5) AS event
LEFT JOIN public.agencies AS agency ON agency.id = event.agency_id
ORDER BY event.id DESC

-- name: same_event
-- The newest 20 other deliveries of the same event.
SELECT * FROM jobs.payment_events WHERE source = $1 AND event_id = $2 AND id <> $3 ORDER BY id DESC LIMIT 20
