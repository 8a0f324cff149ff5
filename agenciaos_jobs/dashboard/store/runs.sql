-- name: listing
SELECT run.id, task, status, agency_id, agency.name AS agency, source, tags, attempt, max_attempts, created_at, due_at,
       started_at, attempt_started_at, finished_at, left(error ->> 'message', 300) AS error
FROM jobs.runs AS run LEFT JOIN public.agencies AS agency ON agency.id = agency_id
WHERE run.id = ANY (ARRAY(SELECT jobs.find_runs($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)))
ORDER BY run.id DESC

-- name: matching
SELECT id FROM jobs.find_runs($1, $2, $3, $4, $5, $6, $7, $8, true, $9) AS id

-- name: neighbours
SELECT (SELECT id FROM jobs.find_runs(greatest($1, $9::text || '0'), $2, $3, $4, $5, $6, $7, $8, false, 1) AS id) AS newer,
       (SELECT id FROM jobs.find_runs($1, least($2, $9), $3, $4, $5, $6, $7, $8, true, 1) AS id) AS older

-- name: agencies
SELECT id, name FROM public.agencies ORDER BY name, id LIMIT 500
