-- name: read
SELECT * FROM jobs.ai_brakes WHERE model = $1

-- name: create
INSERT INTO jobs.ai_brakes (model, rate, tokens, counted_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING

-- name: lock
SELECT * FROM jobs.ai_brakes WHERE model = $1 FOR UPDATE

-- name: lock_waited_for
SELECT * FROM jobs.ai_brakes WHERE waited_at >= $1 ORDER BY model FOR UPDATE SKIP LOCKED

-- name: save
UPDATE jobs.ai_brakes
SET counted_at = $2, rate = $3, tokens = $4, paused_until = $5, lowered_at = $6, raised_at = $7, ceiling = $8,
    failures = $9, open_since = $10, probed_at = $11, probe = $12, waited_at = $13
WHERE model = $1

-- name: outages
SELECT substr(model, length($1) + 1) AS name, since, waiting FROM jobs.open_circuits($2) WHERE starts_with(model, $1)
