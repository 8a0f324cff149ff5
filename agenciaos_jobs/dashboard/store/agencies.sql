-- name: page
-- Agencies by name, with their use of the month (its first day is $1; it lasts from $2 up to before $3).
-- Before an agency has a quota, its use is what the application itself has counted.
SELECT agency.id, agency.name, agency.plan::text AS plan, paid.status AS subscription, used.used, ai.generations, ai.cost
FROM (
  SELECT id, name, plan FROM public.agencies
  WHERE ($4::text IS NULL OR name ILIKE $4 OR id ILIKE $4) AND ($5::text IS NULL OR plan::text = $5)
    AND ($6::text IS NULL OR (name, id) > ($6, $7::text))
  ORDER BY name, id LIMIT $8) AS agency
LEFT JOIN jobs.subscriptions AS paid ON paid.agency_id = agency.id
LEFT JOIN jobs.ai_quotas AS quota ON quota.agency_id = agency.id AND quota.month = $1
CROSS JOIN LATERAL (
  SELECT coalesce(quota.used_before, (
           SELECT count(*) FROM public.ai_usage
           WHERE "agencyId" = agency.id AND "createdAt" >= $2::timestamptz AT TIME ZONE 'UTC'
             AND "createdAt" < $3::timestamptz AT TIME ZONE 'UTC' AND NOT starts_with(id, 'run_')))
         + (SELECT count(*) FROM jobs.ai_reservations AS kept WHERE kept.agency_id = agency.id AND kept.month = $1) AS used
) AS used
CROSS JOIN LATERAL (
  SELECT count(*) AS generations, coalesce(sum(cost), 0) AS cost FROM jobs.ai_generations AS made
  WHERE made.agency_id = agency.id AND made.created_at >= $2 AND made.created_at < $3) AS ai
ORDER BY agency.name, agency.id

-- name: plans
SELECT plan::text AS plan, count(*) AS agencies FROM public.agencies GROUP BY 1 ORDER BY 1

-- name: one
SELECT agency.id, agency.name, agency.plan::text AS plan, agency."createdAt" AT TIME ZONE 'UTC' AS created_at,
       owner.name AS owner, owner.email AS owner_email,
       (SELECT count(*) FROM public.clients WHERE "agencyId" = agency.id) AS clients,
       (SELECT count(*) FROM public.projects WHERE "agencyId" = agency.id) AS projects
FROM public.agencies AS agency LEFT JOIN public.users AS owner ON owner.id = agency."ownerId" WHERE agency.id = $1

-- name: used
SELECT coalesce(
         (SELECT used_before FROM jobs.ai_quotas WHERE agency_id = $1 AND month = $2),
         (SELECT count(*) FROM public.ai_usage
          WHERE "agencyId" = $1 AND "createdAt" >= $3::timestamptz AT TIME ZONE 'UTC'
            AND "createdAt" < $4::timestamptz AT TIME ZONE 'UTC' AND NOT starts_with(id, 'run_')))
       + (SELECT count(*) FROM jobs.ai_reservations WHERE agency_id = $1 AND month = $2)

-- name: months
-- AI generations and their cost by month, in São Paulo's time zone.
SELECT date_trunc('month', created_at AT TIME ZONE 'America/Sao_Paulo')::date AS month,
       count(*) FILTER (WHERE status = 'completed') AS completed, count(*) FILTER (WHERE status = 'failed') AS failed,
       coalesce(sum(cost), 0) AS cost
FROM jobs.ai_generations WHERE agency_id = $1 AND created_at >= $2 GROUP BY 1 ORDER BY 1

-- name: agents
SELECT agent_type, count(*) AS generations, coalesce(sum(cost), 0) AS cost
FROM jobs.ai_generations WHERE agency_id = $1 AND created_at >= $2 GROUP BY 1 ORDER BY 2 DESC, 1

-- name: subscription
SELECT plan, status, product_id, last_event_at, updated_at FROM jobs.subscriptions WHERE agency_id = $1
