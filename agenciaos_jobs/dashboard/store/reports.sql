-- name: months
-- The months with reports, newest first; each is found by an index lookup from the one after it.
WITH RECURSIVE known AS (
  SELECT max(month) AS month FROM jobs.monthly_reports
  UNION ALL
  SELECT (SELECT max(report.month) FROM jobs.monthly_reports AS report WHERE report.month < known.month)
  FROM known WHERE known.month IS NOT NULL
)
SELECT month FROM known WHERE month IS NOT NULL LIMIT 240

-- name: totals
SELECT count(*) AS agencies, coalesce(sum(revenue), 0) AS revenue, coalesce(sum(expenses), 0) AS expenses,
       coalesce(sum(profit), 0) AS profit, coalesce(sum(previous_revenue), 0) AS previous_revenue,
       coalesce(sum(previous_expenses), 0) AS previous_expenses, coalesce(sum(previous_profit), 0) AS previous_profit,
       coalesce(sum(recurring_revenue), 0) AS recurring_revenue, coalesce(sum(ai_generations), 0)::bigint AS ai_generations,
       coalesce(sum(ai_cost), 0) AS ai_cost, max(generated_at) AS generated_at
FROM jobs.monthly_reports WHERE month = $1

-- name: page
SELECT report.*, coalesce(agency.name, (
         SELECT agency_name FROM jobs.monthly_report_revisions AS revision
         WHERE revision.month = report.month AND revision.agency_id = report.agency_id ORDER BY revision DESC LIMIT 1)) AS agency_name, agency.id IS NULL AS is_deleted
FROM (
  SELECT * FROM jobs.monthly_reports
  WHERE month = $1 AND ($2::numeric IS NULL OR (-revenue, agency_id) > (-$2::numeric, $3::text))
  ORDER BY -revenue, agency_id LIMIT $4) AS report
LEFT JOIN public.agencies AS agency ON agency.id = report.agency_id
ORDER BY -report.revenue, report.agency_id

-- name: of_agency
SELECT report.*, coalesce(agency.name, (
         SELECT agency_name FROM jobs.monthly_report_revisions AS revision
         WHERE revision.month = report.month AND revision.agency_id = report.agency_id ORDER BY revision DESC LIMIT 1)) AS agency_name, agency.id IS NULL AS is_deleted
FROM jobs.monthly_reports AS report
LEFT JOIN public.agencies AS agency ON agency.id = report.agency_id
WHERE report.agency_id = $1 AND report.month >= $2 AND report.month <= $3 ORDER BY report.month
