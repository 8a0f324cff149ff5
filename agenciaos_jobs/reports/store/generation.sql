-- name: draft
-- Every agency's month ($1), computed in one pass over the bookkeeping and kept where it differs from the current revision.
-- Records carry a calendar date at midnight UTC and are compared as they stand, up to before $5, in cents. AI use, plan
-- changes and new clients are moments, and belong to the month in the reports' time zone ($3 to $4).
WITH agency AS MATERIALIZED (
  SELECT id AS agency_id, name, plan::text AS plan, row_number() OVER (ORDER BY id) AS position
  FROM public.agencies WHERE ($2::text IS NULL OR id = $2) AND "createdAt" < $4::timestamptz AT TIME ZONE 'UTC'
), earned AS (
  -- Thirteen months, oldest first. OFFSET 0: the place of a record is computed once, and not once a month.
  SELECT agency_id, ARRAY[
    coalesce(jobs.total(amount) FILTER (WHERE place = 1), 0.00), coalesce(jobs.total(amount) FILTER (WHERE place = 2), 0.00),
    coalesce(jobs.total(amount) FILTER (WHERE place = 3), 0.00), coalesce(jobs.total(amount) FILTER (WHERE place = 4), 0.00),
    coalesce(jobs.total(amount) FILTER (WHERE place = 5), 0.00), coalesce(jobs.total(amount) FILTER (WHERE place = 6), 0.00),
    coalesce(jobs.total(amount) FILTER (WHERE place = 7), 0.00), coalesce(jobs.total(amount) FILTER (WHERE place = 8), 0.00),
    coalesce(jobs.total(amount) FILTER (WHERE place = 9), 0.00), coalesce(jobs.total(amount) FILTER (WHERE place = 10), 0.00),
    coalesce(jobs.total(amount) FILTER (WHERE place = 11), 0.00), coalesce(jobs.total(amount) FILTER (WHERE place = 12), 0.00),
    coalesce(jobs.total(amount) FILTER (WHERE place = 13), 0.00)] AS months,
    jobs.total(amount) FILTER (WHERE place = 13 AND amount < 0) AS adjustments,
    jobs.total(amount) FILTER (WHERE place = 13 AND recurring) AS recurring,
    jobs.total(amount) FILTER (WHERE recurring) AS contracted
  FROM (SELECT "agencyId" AS agency_id, width_bucket(date, $10::timestamp[]) AS place, "isRecurring" AS recurring,
               round(amount, 2) AS amount
        FROM public.revenues WHERE date < $5::date AND ($2::text IS NULL OR "agencyId" = $2) OFFSET 0) AS revenue
  GROUP BY agency_id
), spent AS (
  SELECT agency_id, ARRAY[
    coalesce(jobs.total(amount) FILTER (WHERE place = 1), 0.00), coalesce(jobs.total(amount) FILTER (WHERE place = 2), 0.00),
    coalesce(jobs.total(amount) FILTER (WHERE place = 3), 0.00), coalesce(jobs.total(amount) FILTER (WHERE place = 4), 0.00),
    coalesce(jobs.total(amount) FILTER (WHERE place = 5), 0.00), coalesce(jobs.total(amount) FILTER (WHERE place = 6), 0.00),
    coalesce(jobs.total(amount) FILTER (WHERE place = 7), 0.00), coalesce(jobs.total(amount) FILTER (WHERE place = 8), 0.00),
    coalesce(jobs.total(amount) FILTER (WHERE place = 9), 0.00), coalesce(jobs.total(amount) FILTER (WHERE place = 10), 0.00),
    coalesce(jobs.total(amount) FILTER (WHERE place = 11), 0.00), coalesce(jobs.total(amount) FILTER (WHERE place = 12), 0.00),
    coalesce(jobs.total(amount) FILTER (WHERE place = 13), 0.00)] AS months,
    jobs.total(amount) FILTER (WHERE place = 13 AND amount < 0) AS adjustments
  FROM (SELECT "agencyId" AS agency_id, width_bucket(date, $10::timestamp[]) AS place, round(amount, 2) AS amount
        FROM public.expenses
        WHERE date >= ($10::timestamp[])[1] AND date < $5::date AND ($2::text IS NULL OR "agencyId" = $2) OFFSET 0) AS expense
  GROUP BY agency_id
), entry AS MATERIALIZED (
  SELECT "agencyId" AS agency_id, 'revenue_categories' AS section, category, "clientId" AS client_id,
         "projectId" AS project_id, round(amount, 2) AS amount
  FROM public.revenues WHERE date >= $1::date AND date < $5::date AND ($2::text IS NULL OR "agencyId" = $2)
  UNION ALL
  SELECT "agencyId", 'expense_categories', category, NULL, NULL, round(amount, 2)
  FROM public.expenses WHERE date >= $1::date AND date < $5::date AND ($2::text IS NULL OR "agencyId" = $2)
), spelling AS MATERIALIZED (
  -- Of several spellings the one with the most accents is shown, and rather in small letters; the rank goes before it.
  SELECT category, folded, to_char(octet_length(name) - char_length(name), 'FM00') || name COLLATE "C" AS ranked
  FROM (SELECT category, btrim(regexp_replace(normalize(category, NFC), '\s+', ' ', 'g')) AS name,
               jobs.fold(category) AS folded
        FROM (SELECT DISTINCT category FROM entry) AS distinct_category) AS spelled
), line AS (
  SELECT agency_id, section, 40 AS limited, substr(max(ranked), 3) AS name, jobs.total(amount) AS amount
  FROM entry JOIN spelling USING (category) GROUP BY agency_id, section, folded
  UNION ALL
  SELECT entry.agency_id, 'clients', 10, coalesce(nullif(btrim(min(client.company)), ''), min(client.name)) COLLATE "C",
         jobs.total(entry.amount)
  FROM entry LEFT JOIN public.projects AS project ON project.id = entry.project_id
  LEFT JOIN public.clients AS client ON client.id = coalesce(entry.client_id, project."clientId")
  WHERE section = 'revenue_categories' AND (entry.client_id IS NOT NULL OR entry.project_id IS NOT NULL)
  GROUP BY entry.agency_id, client.id
  UNION ALL
  SELECT entry.agency_id, 'projects', 10, min(project.name) COLLATE "C", jobs.total(entry.amount)
  FROM entry JOIN public.projects AS project ON project.id = entry.project_id
  GROUP BY entry.agency_id, project.id
), section AS (
  SELECT agency_id, jsonb_object_agg(section, lines || rest) AS sections FROM (
    SELECT agency_id, section,
           jsonb_agg(jsonb_object(ARRAY['category', coalesce(name, ''), 'amount', amount::text]) ORDER BY amount DESC, name)
             FILTER (WHERE place <= limited) AS lines,
           CASE WHEN count(*) > min(limited) THEN jsonb_build_array(jsonb_build_object(
             'others', count(*) - min(limited), 'amount', (jobs.total(amount) FILTER (WHERE place > limited))::text))
             ELSE '[]' END AS rest
    FROM (SELECT *, row_number() OVER (PARTITION BY agency_id, section ORDER BY amount DESC, name) AS place FROM line) AS ranked
    GROUP BY agency_id, section) AS listed
  GROUP BY agency_id
), ai AS (
  SELECT agency_id, sum(generations)::integer AS generations, sum(cost) AS cost,
         jsonb_agg(jsonb_build_object('agent', agent_type, 'generations', generations, 'cost', trim_scale(cost)::text)
                   ORDER BY generations DESC, agent_type) AS agents
  FROM (SELECT agency_id, agent_type, count(*) FILTER (WHERE status = 'completed') AS generations,
               coalesce(sum(cost), 0) AS cost
        FROM jobs.ai_generations WHERE created_at >= $3 AND created_at < $4 GROUP BY agency_id, agent_type) AS agent
  GROUP BY agency_id
), project AS MATERIALIZED (
  SELECT "agencyId" AS agency_id, "clientId" AS client_id,
         coalesce("startDate", "createdAt" AT TIME ZONE 'UTC' AT TIME ZONE 'America/Sao_Paulo') AS begins,
         CASE WHEN status IN ('COMPLETED', 'CANCELLED')
              THEN coalesce("endDate", "updatedAt" AT TIME ZONE 'UTC' AT TIME ZONE 'America/Sao_Paulo') END AS ends
  FROM public.projects WHERE $2::text IS NULL OR "agencyId" = $2
), project_count AS (
  SELECT agency_id, jsonb_build_object(
    'begun', count(*) FILTER (WHERE begins >= $1::date AND begins < $5::date),
    'active', count(*) FILTER (WHERE begins < $5::date AND (ends IS NULL OR ends >= $1::date)),
    'ended', count(*) FILTER (WHERE ends >= $1::date AND ends < $5::date)) AS projects
  FROM project GROUP BY agency_id
), engaged AS (
  SELECT agency_id, client_id, bool_or(begins < $5::date AND (ends IS NULL OR ends >= $1::date)) AS is_active,
         bool_or(ends >= $1::date AND ends < $5::date)
           AND NOT bool_or(begins < $5::date AND (ends IS NULL OR ends >= $5::date)) AS is_ended
  FROM project GROUP BY agency_id, client_id
), paying AS (
  SELECT DISTINCT client_id FROM entry WHERE client_id IS NOT NULL
), client_count AS (
  SELECT client."agencyId" AS agency_id, jsonb_build_object(
    'begun', count(*) FILTER (WHERE "createdAt" >= $3::timestamptz AT TIME ZONE 'UTC'),
    'active', count(*) FILTER (WHERE engaged.is_active OR paying.client_id IS NOT NULL),
    'ended', count(*) FILTER (WHERE engaged.is_ended)) AS clients
  FROM public.clients AS client
  LEFT JOIN engaged ON engaged.client_id = client.id LEFT JOIN paying ON paying.client_id = client.id
  WHERE "createdAt" < $4::timestamptz AT TIME ZONE 'UTC' AND ($2::text IS NULL OR client."agencyId" = $2)
  GROUP BY client."agencyId"
), board AS (
  SELECT board.id, project."agencyId" AS agency_id, project.status IN ('COMPLETED', 'CANCELLED') AS is_closed,
         jobs.fold(board.name) ~ '^(conclu|feit|finaliz|entreg|pront|done|complete)' AS is_done
  FROM public.boards AS board JOIN public.projects AS project ON project.id = board."projectId"
  WHERE $2::text IS NULL OR project."agencyId" = $2
), task_count AS (
  SELECT agency_id, jsonb_build_object(
    'done', count(*) FILTER (WHERE is_done AND "updatedAt" >= $3::timestamptz AT TIME ZONE 'UTC'
                               AND "updatedAt" < $4::timestamptz AT TIME ZONE 'UTC'),
    'overdue', count(*) FILTER (WHERE NOT is_done AND NOT is_closed AND "dueDate" < $5::date)) AS tasks
  FROM public.tasks AS task JOIN board ON board.id = task."boardId" GROUP BY agency_id
), plan_change AS (
  SELECT agency_id, jsonb_agg(jsonb_build_object('at', occurred_at, 'before', plan_before, 'after', plan_after)
                              ORDER BY occurred_at) AS changes
  FROM jobs.payment_events
  WHERE occurred_at >= $3 AND occurred_at < $4 AND action IN ('activated', 'deactivated') AND plan_before <> plan_after
  GROUP BY agency_id
), present AS (
  SELECT DISTINCT ON (agency_id) agency_id, revision, covers_until, figures, snapshot
  FROM jobs.monthly_report_revisions
  WHERE month = $1 AND ($2::text IS NULL OR agency_id = $2) ORDER BY agency_id, revision DESC
), figure AS MATERIALIZED (
  SELECT position, agency_id, name, plan, coalesce(earned.months, array_fill(0.00, ARRAY[13])) AS earned,
         coalesce(spent.months, array_fill(0.00, ARRAY[13])) AS spent,
         earned.adjustments AS revenue_adjustments, spent.adjustments AS expense_adjustments, recurring, contracted,
         coalesce(ai.generations, 0) AS generations, coalesce(ai.cost, 0) AS cost, ai.agents
  FROM agency LEFT JOIN earned USING (agency_id) LEFT JOIN spent USING (agency_id) LEFT JOIN ai USING (agency_id)
), made AS (
  SELECT position, figure.agency_id, name, present.revision, present.covers_until AS present_until,
    nullif($5::date, ($1::date + interval '1 month')::date) - 1 AS covers_until, present.figures AS present_figures,
    to_jsonb(computed) AS figures,
    CASE WHEN present.covers_until IS NULL AND present.snapshot IS NOT NULL THEN present.snapshot ELSE jsonb_build_object(
      'plan', plan, 'plan_changes', coalesce(plan_change.changes, '[]'), 'clients', client_count.clients,
      'projects', project_count.projects, 'tasks', task_count.tasks,
      'usd_brl', ($7::numeric)::text, 'tax_rate', ($8::numeric)::text) END AS snapshot
  FROM figure
  LEFT JOIN section USING (agency_id) LEFT JOIN client_count USING (agency_id)
  LEFT JOIN project_count USING (agency_id) LEFT JOIN task_count USING (agency_id) LEFT JOIN plan_change USING (agency_id)
  LEFT JOIN present USING (agency_id)
  LEFT JOIN jobs.monthly_reports AS before ON before.agency_id = figure.agency_id
    AND before.month = ($1::date - interval '1 month')::date AND before.generated_at >= $3
  CROSS JOIN LATERAL (
    SELECT earned[13]::text AS revenue, spent[13]::text AS expenses,
           coalesce(before.revenue::numeric(1000, 2), earned[12])::text AS previous_revenue,
           coalesce(before.expenses::numeric(1000, 2), spent[12])::text AS previous_expenses,
           coalesce(revenue_adjustments, 0.00)::text AS revenue_adjustments,
           coalesce(expense_adjustments, 0.00)::text AS expense_adjustments,
           coalesce(recurring, 0.00)::text AS recurring, coalesce(contracted, 0.00)::text AS contracted,
           array_to_string(earned, ' ') AS earned, array_to_string(spent, ' ') AS spent, section.sections AS sections,
           agents, generations AS ai_generations, trim_scale(cost)::text AS ai_cost) AS computed
), drafted AS (
  INSERT INTO jobs.report_drafts
    (run_id, month, position, agency_id, agency_name, revision, is_first, covers_until, figures, snapshot, changes)
  SELECT $6, $1, position, agency_id, name, coalesce(revision, 0) + 1,
         covers_until IS NULL AND (revision IS NULL OR present_until IS NOT NULL), covers_until, figures, snapshot,
         CASE WHEN revision IS NOT NULL AND present_until IS NULL THEN (
           SELECT jsonb_object_agg(key, jsonb_build_array(present_figures -> key, value))
           FROM jsonb_each(figures) WHERE value IS DISTINCT FROM present_figures -> key) END
  FROM made
  WHERE revision IS NULL OR present_until IS DISTINCT FROM covers_until OR figures IS DISTINCT FROM present_figures
  RETURNING 1
)
INSERT INTO jobs.report_progress (run_id, month, totals, drafted, began_at)
SELECT $6, $1, jsonb_build_object(
    'agencies', count(*), 'without_movement', count(*) FILTER (WHERE earned[13] = 0 AND spent[13] = 0),
    'revenue', trim_scale(coalesce(sum(earned[13]), 0))::text, 'expenses', trim_scale(coalesce(sum(spent[13]), 0))::text,
    'profit', trim_scale(coalesce(sum(earned[13] - spent[13]), 0))::text,
    'ai_generations', coalesce(sum(generations), 0), 'ai_cost', trim_scale(coalesce(sum(cost), 0))::text),
  (SELECT count(*) FROM drafted), $9
FROM figure
RETURNING totals, drafted, created, updated

-- name: lock
-- Keeps the attempts of a run apart: that of a frozen worker may go on beside the one that replaced it.
SELECT pg_advisory_xact_lock(hashtextextended('agenciaos_jobs.reports:' || $1, 0))

-- name: progress
SELECT totals, drafted, created, updated FROM jobs.report_progress WHERE run_id = $1 AND month = $2

-- name: write_chunk
-- The next $3 drafts as revisions, and as the rows that lists and totals read. $5 have been written before: whatever is
-- left has a higher position, and the dead rows below it are not read again.
WITH draft AS (
  DELETE FROM jobs.report_drafts WHERE run_id = $1 AND month = $2 AND position > $5 AND position <= (
    SELECT max(position) FROM (
      SELECT position FROM jobs.report_drafts
      WHERE run_id = $1 AND month = $2 AND position > $5 ORDER BY position LIMIT $3) AS next)
  RETURNING *
), revised AS (
  INSERT INTO jobs.monthly_report_revisions
    (month, agency_id, revision, agency_name, covers_until, figures, snapshot, changes, run_id, generated_at)
  SELECT month, agency_id, revision, agency_name, covers_until, figures, snapshot, changes, run_id, $4 FROM draft
  ON CONFLICT DO NOTHING RETURNING month, agency_id, figures
), figure AS (
  SELECT revised.agency_id, revised.figures, (revised.figures ->> 'revenue')::numeric AS revenue,
         (revised.figures ->> 'expenses')::numeric AS expenses,
         (revised.figures ->> 'previous_revenue')::numeric AS previous_revenue,
         (revised.figures ->> 'previous_expenses')::numeric AS previous_expenses,
         (revised.figures ->> 'recurring')::numeric AS recurring
  FROM revised
), written AS (
  INSERT INTO jobs.monthly_reports (
    agency_id, month, revenue, expenses, profit, margin, previous_revenue, previous_expenses, previous_profit,
    revenue_change, expenses_change, profit_change, recurring_revenue, recurring_share,
    top_revenue_categories, top_expense_categories, ai_generations, ai_cost, generated_at)
  SELECT agency_id, $2, trim_scale(revenue), trim_scale(expenses), trim_scale(revenue - expenses),
         CASE WHEN revenue > 0 THEN round((revenue - expenses) / revenue, 4) END,
         trim_scale(previous_revenue), trim_scale(previous_expenses), trim_scale(previous_revenue - previous_expenses),
         CASE WHEN previous_revenue > 0 THEN round(revenue / previous_revenue - 1, 4) END,
         CASE WHEN previous_expenses > 0 THEN round(expenses / previous_expenses - 1, 4) END,
         CASE WHEN previous_revenue > previous_expenses
              THEN round((revenue - expenses) / (previous_revenue - previous_expenses) - 1, 4) END,
         trim_scale(recurring), CASE WHEN revenue > 0 THEN round(recurring / revenue, 4) END,
         jsonb_path_query_array(figures, '$.sections.revenue_categories[0 to 4]'),
         jsonb_path_query_array(figures, '$.sections.expense_categories[0 to 4]'),
         (figures ->> 'ai_generations')::integer, (figures ->> 'ai_cost')::numeric, $4
  FROM figure
  ON CONFLICT (agency_id, month) DO UPDATE SET
    revenue = excluded.revenue, expenses = excluded.expenses, profit = excluded.profit, margin = excluded.margin,
    previous_revenue = excluded.previous_revenue, previous_expenses = excluded.previous_expenses,
    previous_profit = excluded.previous_profit, revenue_change = excluded.revenue_change,
    expenses_change = excluded.expenses_change, profit_change = excluded.profit_change,
    recurring_revenue = excluded.recurring_revenue, recurring_share = excluded.recurring_share,
    top_revenue_categories = excluded.top_revenue_categories, top_expense_categories = excluded.top_expense_categories,
    ai_generations = excluded.ai_generations, ai_cost = excluded.ai_cost, generated_at = excluded.generated_at
)
SELECT draft.agency_id, draft.revision, draft.is_first FROM draft ORDER BY draft.position

-- name: advance
UPDATE jobs.report_progress SET created = created + $3, updated = updated + $4 WHERE run_id = $1 AND month = $2
RETURNING totals, drafted, created, updated

-- name: drop_progress
-- What runs have left behind that never came to their end.
WITH progress AS (DELETE FROM jobs.report_progress WHERE run_id = $1 OR began_at < $2 RETURNING run_id, month)
DELETE FROM jobs.report_drafts AS draft USING progress
WHERE draft.run_id = progress.run_id AND draft.month = progress.month

-- name: months
-- The months that have whole reports, of one agency or of any, from $1 up to before $2.
SELECT month FROM generate_series($1::date, $2::date - interval '1 month', interval '1 month') AS month
WHERE EXISTS (SELECT FROM jobs.monthly_reports AS report
              WHERE report.month = month.month::date AND ($3::text IS NULL OR report.agency_id = $3)) ORDER BY 1

-- name: allow_memory
-- Until the transaction ends: the aggregates of a hundred thousand agencies stay in memory.
SELECT set_config('work_mem', '64MB', true)
