-- name: generate
-- Every agency's month in one pass. Record dates are calendar dates at midnight UTC and compared as they stand;
-- AI usage is a moment in time and belongs to the month in the reports' time zone ($3 to $4).
WITH agency AS (
  SELECT id FROM public.agencies WHERE $2::text IS NULL OR id = $2
), entry AS (
  SELECT "agencyId" AS agency_id, 'revenue' AS kind, category, amount, "isRecurring" AS recurring,
         date >= $1::date AS current
  FROM public.revenues WHERE date >= $1::date - interval '1 month' AND date < $1::date + interval '1 month'
  UNION ALL
  SELECT "agencyId", 'expense', category, amount, false, date >= $1::date
  FROM public.expenses WHERE date >= $1::date - interval '1 month' AND date < $1::date + interval '1 month'
), total AS (
  SELECT agency_id,
    coalesce(sum(amount) FILTER (WHERE kind = 'revenue' AND current), 0) AS revenue,
    coalesce(sum(amount) FILTER (WHERE kind = 'expense' AND current), 0) AS expenses,
    coalesce(sum(amount) FILTER (WHERE kind = 'revenue' AND NOT current), 0) AS previous_revenue,
    coalesce(sum(amount) FILTER (WHERE kind = 'expense' AND NOT current), 0) AS previous_expenses,
    coalesce(sum(amount) FILTER (WHERE recurring AND current), 0) AS recurring
  FROM entry GROUP BY agency_id
), category AS (
  SELECT agency_id, kind, category, sum(amount) AS amount,
         row_number() OVER (PARTITION BY agency_id, kind ORDER BY sum(amount) DESC, category) AS place
  FROM entry WHERE current GROUP BY agency_id, kind, category
), top AS (
  SELECT agency_id, kind,
         jsonb_agg(jsonb_build_object('category', category, 'amount', trim_scale(amount)::text) ORDER BY place) AS categories
  FROM category WHERE place <= 5 GROUP BY agency_id, kind
), ai AS (
  SELECT agency_id, count(*) FILTER (WHERE status = 'completed') AS generations, coalesce(sum(cost), 0) AS cost
  FROM jobs.ai_generations WHERE created_at >= $3 AND created_at < $4 GROUP BY agency_id
), figures AS (
  SELECT agency.id AS agency_id, coalesce(revenue, 0) AS revenue, coalesce(expenses, 0) AS expenses,
         coalesce(revenue, 0) - coalesce(expenses, 0) AS profit,
         coalesce(previous_revenue, 0) AS previous_revenue, coalesce(previous_expenses, 0) AS previous_expenses,
         coalesce(previous_revenue, 0) - coalesce(previous_expenses, 0) AS previous_profit,
         coalesce(recurring, 0) AS recurring,
         coalesce(earned.categories, '[]') AS earned, coalesce(spent.categories, '[]') AS spent,
         coalesce(ai.generations, 0) AS generations, coalesce(ai.cost, 0) AS cost
  FROM agency
  LEFT JOIN total ON total.agency_id = agency.id
  LEFT JOIN top AS earned ON earned.agency_id = agency.id AND earned.kind = 'revenue'
  LEFT JOIN top AS spent ON spent.agency_id = agency.id AND spent.kind = 'expense'
  LEFT JOIN ai ON ai.agency_id = agency.id
), written AS (
  INSERT INTO jobs.monthly_reports AS report (
    agency_id, month, revenue, expenses, profit, margin, previous_revenue, previous_expenses, previous_profit,
    revenue_change, expenses_change, profit_change, recurring_revenue, recurring_share,
    top_revenue_categories, top_expense_categories, ai_generations, ai_cost, generated_at)
  SELECT agency_id, $1::date, trim_scale(revenue), trim_scale(expenses), trim_scale(profit),
         round(profit / nullif(revenue, 0), 4),
         trim_scale(previous_revenue), trim_scale(previous_expenses), trim_scale(previous_profit),
         round(revenue / nullif(previous_revenue, 0) - 1, 4), round(expenses / nullif(previous_expenses, 0) - 1, 4),
         round((profit - previous_profit) / nullif(abs(previous_profit), 0), 4),
         trim_scale(recurring), round(recurring / nullif(revenue, 0), 4), earned, spent, generations, cost, $5
  FROM figures
  ON CONFLICT (agency_id, month) DO UPDATE SET
    revenue = excluded.revenue, expenses = excluded.expenses, profit = excluded.profit, margin = excluded.margin,
    previous_revenue = excluded.previous_revenue, previous_expenses = excluded.previous_expenses,
    previous_profit = excluded.previous_profit, revenue_change = excluded.revenue_change,
    expenses_change = excluded.expenses_change, profit_change = excluded.profit_change,
    recurring_revenue = excluded.recurring_revenue, recurring_share = excluded.recurring_share,
    top_revenue_categories = excluded.top_revenue_categories, top_expense_categories = excluded.top_expense_categories,
    ai_generations = excluded.ai_generations, ai_cost = excluded.ai_cost, generated_at = excluded.generated_at
  WHERE (to_jsonb(report) - 'generated_at') IS DISTINCT FROM (to_jsonb(excluded) - 'generated_at')
  RETURNING report.agency_id, xmax = 0 AS is_new
)
SELECT count(*) AS agencies,
       (SELECT count(*) FROM written WHERE is_new) AS created,
       (SELECT count(*) FROM written WHERE NOT is_new) AS updated,
       count(*) FILTER (WHERE revenue = 0 AND expenses = 0) AS without_movement,
       trim_scale(coalesce(sum(revenue), 0)) AS revenue,
       trim_scale(coalesce(sum(expenses), 0)) AS expenses,
       trim_scale(coalesce(sum(profit), 0)) AS profit,
       coalesce(sum(generations), 0)::bigint AS ai_generations,
       trim_scale(coalesce(sum(cost), 0)) AS ai_cost
FROM figures

-- name: of_month
SELECT report.*, agency.name AS agency_name FROM jobs.monthly_reports AS report
LEFT JOIN public.agencies AS agency ON agency.id = report.agency_id
WHERE report.month = $1 ORDER BY report.revenue DESC, report.agency_id
