-- name: of_month
SELECT report.*, coalesce(agency.name, (
         SELECT agency_name FROM jobs.monthly_report_revisions AS revision
         WHERE revision.month = report.month AND revision.agency_id = report.agency_id ORDER BY revision DESC LIMIT 1)) AS agency_name
FROM jobs.monthly_reports AS report LEFT JOIN public.agencies AS agency ON agency.id = report.agency_id
WHERE report.month = $1 AND ($2::text IS NULL OR report.agency_id = $2) ORDER BY report.revenue DESC, report.agency_id
