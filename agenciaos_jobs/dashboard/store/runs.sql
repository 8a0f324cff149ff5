-- name: listing
-- With an excerpt of the input of what is no payment: a provider's webhook is mostly about the payer.
SELECT run.id, task, run.status, run.agency_id, agency.name AS agency, run.source, tags, attempt, max_attempts, run.created_at, run.due_at,
       started_at, attempt_started_at, finished_at, left(error ->> 'message', 300) AS error,
       run.payload ->> 'agentType' AS agent, run.payload ->> 'month' AS month,
       CASE WHEN payment.run_id IS NULL AND task NOT LIKE 'process-%-webhook' AND pg_column_size(run.payload) < 100000 THEN
         left(jobs.text_of(coalesce(run.payload -> 'input', run.payload - '{agencyId,userId,agentType,month}'::text[])), 160) END AS excerpt,
       (SELECT sum(cost) FROM jobs.ai_generations WHERE run_id = run.id) AS cost, payment.amount, payment.currency, payment.product
FROM jobs.runs AS run LEFT JOIN public.agencies AS agency ON agency.id = run.agency_id
LEFT JOIN LATERAL (
  SELECT run_id, amount, currency, product_id AS product FROM jobs.payment_events WHERE run_id = run.id ORDER BY id LIMIT 1) AS payment ON true
WHERE run.id = ANY (ARRAY(SELECT jobs.search_runs($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)))
ORDER BY run.id DESC

-- name: matching
SELECT id FROM jobs.search_runs($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, true, $11) AS id

-- name: neighbours
SELECT (SELECT id FROM jobs.search_runs(greatest($1, $11::text || '0'), $2, $3, $4, $5, $6, $7, $8, $9, $10, false, 1) AS id) AS newer,
       (SELECT id FROM jobs.search_runs($1, least($2, $11), $3, $4, $5, $6, $7, $8, $9, $10, true, 1) AS id) AS older

-- name: agencies
SELECT id, name FROM public.agencies ORDER BY name, id LIMIT 500
