-- name: export_monthly_reports
SELECT to_jsonb(report)::text FROM jobs.monthly_reports AS report, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE report.agency_id = subject.agency ORDER BY report.month

-- name: export_monthly_report_revisions
SELECT to_jsonb(held)::text FROM jobs.monthly_report_revisions AS held, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE held.agency_id = subject.agency ORDER BY held.month, held.revision

-- name: export_report_drafts
SELECT to_jsonb(held)::text FROM jobs.report_drafts AS held, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE held.agency_id = subject.agency ORDER BY held.month

-- name: export_report_insights
SELECT to_jsonb(held)::text FROM jobs.report_insights AS held, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE held.agency_id = subject.agency ORDER BY held.month

-- name: export_report_recipients
SELECT to_jsonb(held)::text FROM jobs.report_recipients AS held, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE held.agency_id = subject.agency OR lower(held.email) = subject.email
   OR (subject.email IS NOT NULL AND held.reason ~* subject.pattern)

-- name: export_report_deliveries
SELECT to_jsonb(held)::text FROM jobs.report_deliveries AS held, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE held.agency_id = subject.agency
   OR (subject.email IS NOT NULL AND concat_ws(' ', held.recipient, held.detail) ~* subject.pattern)

-- name: erase_monthly_reports
DELETE FROM jobs.monthly_reports AS report USING (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE report.agency_id = subject.agency

-- name: erase_monthly_report_revisions
DELETE FROM jobs.monthly_report_revisions AS held USING (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE held.agency_id = subject.agency

-- name: erase_report_drafts
DELETE FROM jobs.report_drafts AS held USING (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE held.agency_id = subject.agency

-- name: erase_report_insights
DELETE FROM jobs.report_insights AS held USING (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE held.agency_id = subject.agency

-- name: erase_report_recipients
DELETE FROM jobs.report_recipients AS held USING (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE held.agency_id = subject.agency OR lower(held.email) = subject.email
   OR (subject.email IS NOT NULL AND held.reason ~* subject.pattern)

-- name: erase_report_deliveries
DELETE FROM jobs.report_deliveries AS held USING (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE held.agency_id = subject.agency
   OR (subject.email IS NOT NULL AND concat_ws(' ', held.recipient, held.detail) ~* subject.pattern)
