-- name: current
-- An agency's month as it was last generated; the name that the agency has, or had.
SELECT month, agency_id, revision, coalesce(agency.name, agency_name) AS agency_name, agency.id IS NULL AS is_deleted,
       covers_until, figures, snapshot, changes, generated_at
FROM jobs.monthly_report_revisions AS report LEFT JOIN public.agencies AS agency ON agency.id = report.agency_id
WHERE month = $2 AND agency_id = $1 ORDER BY revision DESC LIMIT 1

-- name: all
SELECT revision, covers_until, changes, generated_at FROM jobs.monthly_report_revisions
WHERE month = $2 AND agency_id = $1 ORDER BY revision DESC LIMIT 50

-- name: page
-- The current revisions of a month, or of an agency, or both: newest month first, then by agency.
SELECT month, agency_id, revision, coalesce(agency.name, agency_name) AS agency_name, agency.id IS NULL AS is_deleted,
       covers_until, figures, snapshot, changes, generated_at
FROM (
  SELECT DISTINCT ON (month, agency_id) * FROM jobs.monthly_report_revisions
  WHERE ($1::date IS NULL OR month = $1) AND ($2::text IS NULL OR agency_id = $2)
    AND ($3::date IS NULL OR (month, agency_id) < ($3, $4::text COLLATE "C"))
  ORDER BY month DESC, agency_id DESC, revision DESC LIMIT $5) AS report
LEFT JOIN public.agencies AS agency ON agency.id = report.agency_id
ORDER BY month DESC, agency_id DESC

-- name: of_month
SELECT month, agency_id, revision, coalesce(agency.name, agency_name) AS agency_name, agency.id IS NULL AS is_deleted,
       covers_until, figures, snapshot, changes, generated_at
FROM (
  SELECT DISTINCT ON (agency_id) * FROM jobs.monthly_report_revisions
  WHERE month = $1 ORDER BY agency_id, revision DESC) AS report
LEFT JOIN public.agencies AS agency ON agency.id = report.agency_id
ORDER BY (figures ->> 'revenue')::numeric DESC, agency_id LIMIT $2
