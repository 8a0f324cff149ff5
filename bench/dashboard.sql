-- $RUNS runs over 30 days, a tenth of them in the last day, as a busy agency's month would leave them.

SELECT jobs.ensure_partitions(now() - interval '31 days', 2);

CREATE TEMPORARY TABLE moment AS
SELECT n, CASE WHEN n % 10 = 0 THEN now() - random() * interval '1 day' ELSE now() - interval '1 day' - random() * interval '29 days' END AS at
FROM generate_series(1, $RUNS) AS n;

-- In the order of time, as they would have come.
CREATE TEMPORARY TABLE made AS
SELECT n, at, jobs.id_floor('run', at) || substr(md5(n::text), 1, 16) AS id, random() AS luck, random() AS kind FROM moment ORDER BY at;

ALTER TABLE jobs.runs DISABLE TRIGGER USER;
INSERT INTO jobs.runs (id, task, status, payload, output, error, agency_id, source, tags, max_attempts, max_duration, attempt,
                       created_at, updated_at, due_at, delayed_until, started_at, attempt_started_at, finished_at, error_group)
SELECT id,
  CASE WHEN kind < 0.6 THEN 'generate-ai-content' WHEN kind < 0.95 THEN 'process-payment-webhook' ELSE 'generate-monthly-reports' END,
  CASE WHEN luck < 0.001 AND n % 10 = 0 THEN 'QUEUED' WHEN luck < 0.002 THEN 'DELAYED' WHEN luck < 0.95 THEN 'COMPLETED'
       WHEN luck < 0.96 THEN 'CANCELED' WHEN luck < 0.99 THEN 'FAILED' ELSE 'TIMED_OUT' END,
  jsonb_build_object('agencyId', 'agency-' || n % 300, 'agentType', 'META_ADS_COPY', 'input', jsonb_build_object('produto', repeat('Smartphone ', 8))),
  CASE WHEN luck BETWEEN 0.002 AND 0.95 THEN jsonb_build_object('success', true, 'text', repeat('palavra ', 40)) END,
  CASE WHEN luck >= 0.96 THEN jsonb_build_object('type', 'GiveUp', 'code', 'fault_' || n % 40, 'message', 'the provider said no to request ' || n) END,
  'agency-' || n % 300, CASE WHEN n % 3 = 0 THEN 'sdk' ELSE 'api' END,
  CASE WHEN n % 50 = 0 THEN ARRAY['campanha-' || n % 20] ELSE '{}'::text[] END, 3, 300,
  CASE WHEN luck < 0.002 THEN 0 ELSE 1 END, at, at, CASE WHEN luck < 0.002 AND NOT (luck < 0.001 AND n % 10 = 0) THEN now() + interval '1 day' ELSE at END,
  NULL, CASE WHEN luck >= 0.002 THEN at + luck * interval '200 milliseconds' END, CASE WHEN luck >= 0.002 THEN at + luck * interval '200 milliseconds' END,
  CASE WHEN luck >= 0.002 THEN at + kind * interval '9 seconds' END,
  CASE WHEN luck >= 0.96 THEN 'group_' || n % 40 END
FROM made;
ALTER TABLE jobs.runs ENABLE TRIGGER USER;

INSERT INTO jobs.run_tags (tag, run_id) SELECT unnest(tags), id FROM jobs.runs WHERE tags <> '{}' ON CONFLICT DO NOTHING;
INSERT INTO jobs.attempts (run_id, number, status, started_at, finished_at)
SELECT id, 1, CASE WHEN status = 'COMPLETED' THEN 'COMPLETED' ELSE 'FAILED' END, started_at, finished_at
FROM jobs.runs WHERE attempt = 1;
INSERT INTO jobs.run_logs (run_id, attempt, logged_at, level, message, fields)
SELECT id, 1, finished_at, 'info', 'content_generated', '{"model": "gpt-6-luna"}' FROM jobs.runs WHERE status = 'COMPLETED' AND task = 'generate-ai-content';
INSERT INTO jobs.ai_generations (run_id, attempt, agency_id, agent_type, status, model, requests, input_tokens, cached_tokens,
                                 output_tokens, reasoning_tokens, cost, created_at)
SELECT id, 1, agency_id, (ARRAY['META_ADS_COPY', 'BLOG_ARTICLE', 'INSTAGRAM_CAPTION', 'WHATSAPP_SALES_SCRIPT', 'CRM_FOLLOW_UP', 'YOUTUBE_SCRIPT'])[1 + n % 6],
  'completed', CASE WHEN kind < 0.5 THEN 'gpt-6-luna' ELSE 'gpt-6-sol' END, 1, 800, 0, 400, 0, 0.00123 * luck, finished_at
FROM jobs.runs JOIN made USING (id) WHERE status = 'COMPLETED' AND task = 'generate-ai-content' ORDER BY id;
INSERT INTO jobs.error_groups (fingerprint, task, type, code, message, count, first_seen_at, last_seen_at, last_run_id)
SELECT error_group, min(task), 'GiveUp', 'fault_' || split_part(error_group, '_', 2), 'the provider said no', count(*), min(finished_at), max(finished_at), max(id)
FROM jobs.runs WHERE error_group IS NOT NULL GROUP BY error_group;
INSERT INTO users (id, email, role, "updatedAt") SELECT 'owner-' || n, n || '@bench.example', 'OWNER', now() FROM generate_series(0, 299) AS n;
INSERT INTO agencies (id, name, slug, plan, "ownerId", "updatedAt")
SELECT 'agency-' || n, 'Agência ' || n, 'agency-' || n, 'PRO', 'owner-' || n, now() FROM generate_series(0, 299) AS n
ON CONFLICT DO NOTHING;
INSERT INTO jobs.ai_reservations (run_id, agency_id, month, reserved_at)
SELECT run_id, agency_id, date_trunc('month', created_at AT TIME ZONE 'America/Sao_Paulo'), created_at FROM jobs.ai_generations;
INSERT INTO jobs.ai_quotas (agency_id, month, used_before) SELECT DISTINCT agency_id, month, 0 FROM jobs.ai_reservations;
INSERT INTO jobs.payment_events (run_id, source, event_id, event, status, customer_id, agency_id, product_id, amount, occurred_at,
                                 recorded_at, action, reason, plan_before, plan_after, payload)
SELECT id, 'guru', 'event-' || id, 'transaction', 'approved', agency_id, CASE WHEN status = 'COMPLETED' THEN agency_id END, 'pro-monthly', 97,
  created_at, created_at, CASE WHEN status = 'COMPLETED' THEN 'renewed' WHEN id < (SELECT max(id) FROM jobs.runs WHERE created_at < now() - interval '29 days') THEN 'unmatched' ELSE 'rejected' END,
  'as measured', 'PRO', 'PRO', jsonb_build_object('contact', jsonb_build_object('email', 'paula@bench.example', 'note', repeat('texto ', 60)))
FROM jobs.runs WHERE task = 'process-payment-webhook' AND finished_at IS NOT NULL ORDER BY id;
INSERT INTO jobs.monthly_reports
SELECT agency.id, month::date, n, n / 2, n / 2, 0.5, n, n / 2, n / 2, 0, 0, 0, n / 3, 0.33,
  '[{"category": "Social", "amount": "100"}]', '[{"category": "Salários", "amount": "50"}]', 40, 1.5, now()
FROM (SELECT id, 1000 + row_number() OVER () * 37 AS n FROM agencies) AS agency
CROSS JOIN generate_series(date_trunc('month', now()) - interval '24 months', date_trunc('month', now()), interval '1 month') AS month;
ANALYZE;
