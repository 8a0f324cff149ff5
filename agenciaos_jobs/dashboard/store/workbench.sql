-- name: history
-- The beginnings of the inputs show what a content is about. A content whose run is pruned is shown without.
SELECT made.run_id, made.agent_type, made.created_at, coalesce(run.input, '{}') AS input, coalesce(run.is_variation, false) AS is_variation,
       coalesce(run.tags, '{}') AS tags, said.good, said.bad
FROM (
  SELECT run_id, agent_type, created_at FROM jobs.ai_generations
  WHERE agency_id = $1 AND status = 'completed' AND ($2::text IS NULL OR agent_type = $2)
    AND ($3::text IS NULL OR EXISTS (SELECT FROM jobs.run_tags WHERE tag = $3 AND run_tags.run_id = ai_generations.run_id))
  ORDER BY created_at DESC LIMIT $4) AS made
LEFT JOIN LATERAL (
  SELECT tags, payload ? 'variation' AS is_variation,
         (SELECT jsonb_object_agg(name, left(value, 100))
          FROM jsonb_each_text(CASE WHEN jsonb_typeof(payload -> 'input') = 'object' THEN payload -> 'input' END)
            AS given (name, value)) AS input
  FROM jobs.runs WHERE id = made.run_id) AS run ON true
CROSS JOIN LATERAL (
  SELECT count(*) FILTER (WHERE is_good) AS good, count(*) FILTER (WHERE NOT is_good) AS bad
  FROM jobs.ai_feedback WHERE run_id = made.run_id) AS said
ORDER BY made.created_at DESC

-- name: previous
SELECT run_id FROM jobs.ai_generations
WHERE agency_id = $1 AND agent_type = $2 AND status = 'completed' AND run_id < $3 ORDER BY created_at DESC LIMIT 1

-- name: clients
SELECT id, coalesce(nullif(company, ''), name) AS name FROM public.clients WHERE "agencyId" = $1 ORDER BY 2, 1 LIMIT $2
