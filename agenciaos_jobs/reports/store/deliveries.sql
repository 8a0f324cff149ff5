-- name: with_recipients
-- Those of the agencies that somebody gets reports of.
SELECT agency.id FROM public.agencies AS agency
LEFT JOIN public.users AS owner ON owner.id = agency."ownerId" AND owner."emailVerified" IS NOT NULL
WHERE agency.id = ANY ($1::text[]) AND (
  EXISTS (SELECT FROM jobs.report_recipients AS other WHERE other.agency_id = agency.id AND other.status = 'active')
  OR owner.email IS NOT NULL AND NOT EXISTS (
    SELECT FROM jobs.report_recipients AS other
    WHERE other.agency_id = agency.id AND other.email = lower(btrim(owner.email)) AND other.status <> 'active'))

-- name: recipients
-- The owner, if the address is verified, and who was added; also those who no longer get reports, and why.
SELECT email, bool_or(is_owner) AS is_owner, coalesce(min(status), 'active') AS status, min(reason) AS reason
FROM (
  SELECT lower(btrim(owner.email)) AS email, true AS is_owner, NULL AS status, NULL AS reason
  FROM public.agencies AS agency JOIN public.users AS owner ON owner.id = agency."ownerId"
  WHERE agency.id = $1 AND owner."emailVerified" IS NOT NULL
  UNION ALL
  SELECT email, false, status, reason FROM jobs.report_recipients WHERE agency_id = $1) AS known
GROUP BY email ORDER BY bool_or(is_owner) DESC, email

-- name: set_recipient
INSERT INTO jobs.report_recipients (agency_id, email, status, reason, updated_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (agency_id, email) DO UPDATE SET status = $3, reason = $4, updated_at = $5

-- name: remove_recipient
DELETE FROM jobs.report_recipients WHERE agency_id = $1 AND email = $2

-- name: begin
-- Claims a delivery. Nothing is returned where it is done, or, by e-mail, where a lost attempt may have done it.
INSERT INTO jobs.report_deliveries AS delivery
  (agency_id, month, revision, channel, recipient, request, status, run_id, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, 'sending', $7, $8)
ON CONFLICT (agency_id, month, revision, channel, recipient, request)
DO UPDATE SET status = 'sending', run_id = $7, updated_at = $8 WHERE delivery.status = 'failed'
  OR delivery.channel = 'webhook' AND delivery.status = 'sending'
RETURNING 1

-- name: finish
UPDATE jobs.report_deliveries SET status = $7, detail = $8, updated_at = $9
WHERE agency_id = $1 AND month = $2 AND revision = $3 AND channel = $4 AND recipient = $5 AND request = $6

-- name: of_report
SELECT revision, channel, recipient, status, detail, run_id, updated_at FROM jobs.report_deliveries
WHERE agency_id = $1 AND month = $2 ORDER BY updated_at DESC LIMIT 50
