-- name: lock
SELECT pg_advisory_xact_lock(hashtextextended('agenciaos_jobs.contract:' || $1, 0))

-- name: find
-- Only if the agency still exists.
SELECT contract.id, contract.agency_id, contract.source FROM jobs.contracts AS contract
JOIN public.agencies AS agency ON agency.id = contract.agency_id
WHERE contract.id = ANY ($1::text[]) OR contract.uuid = ANY ($1::text[]) ORDER BY contract.id LIMIT 1

-- name: of_agency
SELECT id, source, facts FROM jobs.contracts WHERE agency_id = $1
UNION ALL
SELECT 'api', 'api', facts FROM jobs.application_purchases WHERE agency_id = $1

-- name: save
INSERT INTO jobs.contracts (id, uuid, agency_id, facts, updated_at, source) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (id) DO UPDATE
SET uuid = coalesce(excluded.uuid, jobs.contracts.uuid), agency_id = excluded.agency_id, facts = excluded.facts,
    updated_at = excluded.updated_at

-- name: move
UPDATE jobs.contracts SET agency_id = $2, updated_at = $3 WHERE id = $1

-- name: save_application
INSERT INTO jobs.application_purchases (agency_id, facts, updated_at) VALUES ($1, $2, $3)
ON CONFLICT (agency_id) DO UPDATE SET facts = excluded.facts, updated_at = excluded.updated_at

-- name: plans_of_products
SELECT product, plan FROM jobs.product_plans

-- name: give_plan
INSERT INTO jobs.product_plans (product, plan, assigned_at) VALUES ($1, $2, $3)
ON CONFLICT (product) DO UPDATE SET plan = excluded.plan, assigned_at = excluded.assigned_at

-- name: known_customers
SELECT DISTINCT agency_id FROM jobs.known_customers WHERE customer = ANY ($1::text[])

-- name: associate
INSERT INTO jobs.known_customers (customer, agency_id, assigned_at) SELECT unnest($1::text[]), $2, $3
ON CONFLICT (customer) DO UPDATE SET agency_id = excluded.agency_id, assigned_at = excluded.assigned_at

-- name: due
SELECT agency_id FROM jobs.subscriptions WHERE due_at <= $1 ORDER BY due_at, agency_id LIMIT $2

-- name: is_due
SELECT EXISTS (SELECT FROM jobs.subscriptions WHERE due_at <= $1)

-- name: clear_due
UPDATE jobs.subscriptions SET due_at = NULL WHERE agency_id = $1

-- name: to_compare
-- Agencies that have a plan through a provider in $1, or had an event since $3. The base plan is $2.
SELECT DISTINCT contract.agency_id FROM jobs.contracts AS contract
JOIN public.agencies AS agency ON agency.id = contract.agency_id
JOIN jobs.subscriptions AS subscription ON subscription.agency_id = contract.agency_id
WHERE contract.source = ANY ($1::text[]) AND subscription.source <> 'api'
  AND (agency.plan::text <> $2 OR subscription.plan <> $2 OR contract.updated_at > $3)
ORDER BY contract.agency_id
