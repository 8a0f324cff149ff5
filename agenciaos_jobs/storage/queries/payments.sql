-- name: lock_agency
SELECT pg_advisory_xact_lock(hashtextextended('agenciaos_jobs.subscription:' || $1, 0))

-- name: subscription
SELECT plan, status, product_id, last_event_id, last_event_at FROM jobs.subscriptions WHERE agency_id = $1

-- name: is_decided
SELECT EXISTS (
  SELECT FROM jobs.payment_events
  WHERE source = $1 AND event_id = $2 AND action IN ('activated', 'deactivated', 'unchanged', 'outdated'))

-- name: save_subscription
INSERT INTO jobs.subscriptions (agency_id, plan, status, product_id, last_event_id, last_event_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (agency_id) DO UPDATE
SET plan = excluded.plan, status = excluded.status, product_id = excluded.product_id,
    last_event_id = excluded.last_event_id, last_event_at = excluded.last_event_at, updated_at = excluded.updated_at

-- name: record_event
INSERT INTO jobs.payment_events (run_id, source, event_id, event, status, customer_id, agency_id, product_id, amount,
                                 occurred_at, recorded_at, action, reason, plan_before, plan_after, payload)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
