-- name: days
-- What each day cost from $1 up to before $2, of an agency ($3), an agent ($4) and a model ($5); and all agents and models.
SELECT day, agent_type, model, coalesce(sum(generations) FILTER (WHERE matches), 0)::bigint AS generations,
       coalesce(sum(unpriced) FILTER (WHERE matches), 0)::bigint AS unpriced, coalesce(sum(cost) FILTER (WHERE matches), 0) AS cost
FROM (
  SELECT *, ($3::text IS NULL OR agency_id = $3) AND ($4::text IS NULL OR agent_type = $4) AND ($5::text IS NULL OR model = $5) AS matches
  FROM jobs.ai_spend($1, $2)) AS spent
GROUP BY GROUPING SETS ((day), (agent_type), (model)) ORDER BY day, agent_type, model

-- name: rows
-- By what $6 names: what the month ($7) cost, the month before ($1) up to before $8, and the days from $9 up to before $10.
-- Sorted by $12, upwards ($13) or not; a forecast adds $11 times those days. From the $16th row on, or after a row ($14).
WITH spent AS (
  SELECT CASE WHEN 'agency' = ANY ($6::text[]) THEN agency_id ELSE '' END AS agency_id,
         CASE WHEN 'agent' = ANY ($6::text[]) THEN agent_type ELSE '' END AS agent_type,
         CASE WHEN 'model' = ANY ($6::text[]) THEN model ELSE '' END AS model,
         coalesce(sum(generations) FILTER (WHERE day >= $7), 0)::bigint AS generations,
         coalesce(sum(unpriced) FILTER (WHERE day >= $7), 0)::bigint AS unpriced,
         coalesce(sum(cost) FILTER (WHERE day >= $7), 0) AS cost,
         coalesce(sum(cost) FILTER (WHERE day < $8), 0) AS previous,
         coalesce(sum(cost) FILTER (WHERE day >= $9 AND day < $10), 0) AS recent
  FROM jobs.ai_spend($1, $2)
  WHERE ($3::text IS NULL OR agency_id = $3) AND ($4::text IS NULL OR agent_type = $4) AND ($5::text IS NULL OR model = $5)
  GROUP BY 1, 2, 3
  HAVING bool_or(day >= $7 OR day < $8 OR day >= $9 AND day < $10)
), named AS (
  SELECT spent.*, agency.name AS agency, count(*) OVER () AS count,
         CASE WHEN $13::boolean THEN 1 ELSE -1 END * CASE $12::text
           WHEN 'generations' THEN spent.generations WHEN 'cost' THEN spent.cost WHEN 'previous' THEN spent.previous
           WHEN 'change' THEN spent.cost / nullif(spent.previous, 0) WHEN 'forecast' THEN spent.cost + $11::numeric * spent.recent
         END AS place
  FROM spent LEFT JOIN public.agencies AS agency ON agency.id = spent.agency_id
)
SELECT agency_id, agency, agent_type, model, generations, unpriced, cost, previous, recent, count FROM named
WHERE $14::text[] IS NULL OR (agency_id, agent_type, model) > ($14[1], $14[2], $14[3])
ORDER BY place NULLS LAST,
         CASE WHEN $12 = 'name' AND $13 THEN concat_ws(' ', coalesce(agency, agency_id), agent_type, model) END,
         CASE WHEN $12 = 'name' AND NOT $13 THEN concat_ws(' ', coalesce(agency, agency_id), agent_type, model) END DESC,
         agency_id, agent_type, model
LIMIT $15 OFFSET $16

-- name: first_day
SELECT (min(created_at) AT TIME ZONE 'America/Sao_Paulo')::date FROM jobs.ai_generations

-- name: near_limits
-- The agencies that have used a share ($4) of what their plan ($2) allows ($3) in a month ($1), the largest share first. An
-- agency has a quota from its first generation of the month on. What is used beyond the limit is not counted.
WITH counted AS MATERIALIZED (
  SELECT agency.id, agency.name, agency.plan::text AS plan, plan.allowed, least(plan.allowed, quota.used_before + (
           SELECT count(*) FROM (SELECT FROM jobs.ai_reservations AS kept
                                 WHERE kept.agency_id = agency.id AND kept.month = $1 LIMIT plan.allowed) AS first)) AS used
  FROM jobs.ai_quotas AS quota
  JOIN public.agencies AS agency ON agency.id = quota.agency_id
  JOIN unnest($2::text[], $3::integer[]) AS plan (name, allowed) ON plan.name = agency.plan::text AND plan.allowed > 0
  WHERE quota.month = $1
)
SELECT id, name, plan, allowed, used, count(*) FILTER (WHERE used >= allowed) OVER () AS exhausted, count(*) OVER () AS count
FROM counted WHERE used >= allowed * $4::numeric ORDER BY used::numeric / allowed DESC, name, id LIMIT $5
