-- The bench's month with names and failures that a reader of the pictures can understand.

UPDATE agencies SET name = (ARRAY['Aurora', 'Bem-te-vi', 'Caju', 'Dendê', 'Ipê', 'Jangada', 'Lume', 'Maré', 'Norte', 'Orvalho'])[1 + n % 10]
  || ' ' || (ARRAY['Digital', 'Comunicação', 'Propaganda', 'Mídia', 'Criativa', 'Marketing'])[1 + n / 10 % 6]
  || CASE WHEN n >= 60 THEN ' ' || 1 + n / 60 ELSE '' END
FROM (SELECT id, substr(id, 8)::integer AS n FROM agencies WHERE id ~ '^agency-[0-9]+$' AND slug = id) AS numbered
WHERE agencies.id = numbered.id;

UPDATE jobs.runs SET error = error || jsonb_build_object(
  'code', CASE WHEN task = 'process-payment-webhook' THEN 'unknown_product' WHEN n % 3 = 0 THEN 'upstream_unavailable' ELSE 'plan_limit_reached' END,
  'message', CASE WHEN task = 'process-payment-webhook' THEN 'no plan for the product "Mentoria"' WHEN n % 3 = 0 THEN 'OpenAI responded 503'
                  ELSE 'plan FREE allows 20 generations a month' END)
FROM (SELECT id AS run_id, hashtext(id) AS n FROM jobs.runs) AS numbered WHERE run_id = id AND error IS NOT NULL;

UPDATE jobs.error_groups AS grouped SET code = run.error ->> 'code', message = run.error ->> 'message', task = run.task
FROM jobs.runs AS run WHERE run.id = grouped.last_run_id;

UPDATE jobs.runs SET payload = jsonb_build_object('agencyId', agency_id, 'agentType', agent_type, 'input', jsonb_build_object(
  'produto', (ARRAY['Curso de inglês para adultos', 'Pizzaria no bairro', 'Clínica odontológica', 'Loja de roupas infantis'])[1 + abs(hashtext(id)) % 4]))
FROM (SELECT run_id, agent_type FROM jobs.ai_generations) AS generation WHERE run_id = id;

ALTER TABLE jobs.payment_events DISABLE TRIGGER USER;
UPDATE jobs.payment_events SET currency = 'BRL';
ALTER TABLE jobs.payment_events ENABLE TRIGGER USER;
