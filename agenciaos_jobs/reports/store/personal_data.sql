-- name: export_monthly_reports
SELECT to_jsonb(report)::text FROM jobs.monthly_reports AS report, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE report.agency_id = subject.agency ORDER BY report.month

-- name: erase_monthly_reports
DELETE FROM jobs.monthly_reports AS report USING (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE report.agency_id = subject.agency
