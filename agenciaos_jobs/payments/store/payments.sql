-- name: lock_agency
SELECT pg_advisory_xact_lock(hashtextextended('agenciaos_jobs.subscription:' || $1, 0))

-- name: subscription
SELECT plan, status, product_id, last_event_id, last_event_at, source, code, period_end, due_at
FROM jobs.subscriptions WHERE agency_id = $1

-- name: is_decided
SELECT EXISTS (
  SELECT FROM jobs.payment_events
  WHERE source = $1 AND event_id = $2 AND action IN ('activated', 'deactivated', 'renewed', 'unchanged', 'outdated'))

-- name: was_notified
-- Whether an event, or with $4 any of its customer's, had this result before.
SELECT EXISTS (
  SELECT FROM jobs.payment_events
  WHERE action = $1 AND code = $2 AND (event_id = $3 OR customer_id = $4) AND source = $5)

-- name: save_subscription
INSERT INTO jobs.subscriptions (agency_id, plan, status, product_id, last_event_id, last_event_at, source, code, period_end,
                                due_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (agency_id) DO UPDATE
SET plan = excluded.plan, status = excluded.status, product_id = excluded.product_id,
    last_event_id = excluded.last_event_id, last_event_at = excluded.last_event_at, source = excluded.source,
    code = excluded.code, period_end = excluded.period_end, due_at = excluded.due_at, updated_at = excluded.updated_at

-- name: add
INSERT INTO jobs.payment_events (run_id, source, event, occurred_at, recorded_at, action, reason, payload, event_id, status,
                                 customer_id, agency_id, product_id, amount, plan_before, plan_after, contract_id, email,
                                 code, cycle, period_end, due_at, currency, is_capped)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)

-- name: get
SELECT * FROM jobs.payment_events WHERE id = $1

-- name: history
SELECT * FROM jobs.payment_events WHERE agency_id = $1 ORDER BY id

-- name: last_run
SELECT run_id FROM jobs.payment_events WHERE contract_id = $1 ORDER BY id DESC LIMIT 1

-- name: newest
SELECT * FROM jobs.payment_events
WHERE ($1::text IS NULL OR agency_id = $1) AND ($2::text IS NULL OR action = $2) AND ($3::bigint IS NULL OR id < $3)
ORDER BY id DESC LIMIT $4

-- name: waiting
-- Events whose latest record has this action.
SELECT * FROM jobs.payment_events AS event
WHERE action = $1 AND recorded_at <= $2 AND NOT EXISTS (
  SELECT FROM jobs.payment_events AS later
  WHERE later.source = event.source AND later.event_id = event.event_id AND later.id > event.id)
ORDER BY id

-- name: name_agency
UPDATE jobs.runs SET agency_id = $2 WHERE id = $1
