-- name: add
-- Alerts are locked in the order of kind and key. An alert not raised for $3 starts a new incident.
INSERT INTO jobs.alerts AS known (id, kind, key, subjects, details, since, raised_at, raised, pending, pending_since)
SELECT id, kind, key, subjects, details, $2, $2, occurrences, occurrences, $2
FROM jsonb_to_recordset($1) AS new (id text, kind text, key text, subjects text[], details jsonb, occurrences bigint)
ORDER BY kind, key
ON CONFLICT (kind, key) DO UPDATE SET
  details = excluded.details,
  subjects = CASE WHEN known.pending = 0 THEN excluded.subjects ELSE (
    SELECT coalesce(array_agg(subject ORDER BY place DESC), '{}') FROM (
      SELECT subject, min(place) AS place FROM unnest(excluded.subjects || known.subjects)
        WITH ORDINALITY AS named (subject, place) GROUP BY subject ORDER BY 2 LIMIT 10) AS newest) END,
  since = CASE WHEN known.raised_at < $2 - $3::interval THEN $2 ELSE known.since END,
  raised = excluded.raised + CASE WHEN known.raised_at < $2 - $3::interval THEN 0 ELSE known.raised END,
  told = CASE WHEN known.raised_at < $2 - $3::interval THEN 0 ELSE known.told END,
  raised_at = greatest(known.raised_at, $2), pending = known.pending + excluded.pending,
  pending_since = CASE WHEN known.pending = 0 THEN $2 ELSE known.pending_since END

-- name: add_once
INSERT INTO jobs.alerts (id, kind, key, subjects, details, since, raised_at, raised, pending, pending_since)
VALUES ($1, $2, $3, $4, $5, $6, $6, 1, 1, $6)
ON CONFLICT (kind, key) DO NOTHING

-- name: try_notifier_lock
SELECT pg_try_advisory_xact_lock(hashtext('agenciaos_jobs.alerts'))

-- name: lock_out_notifier
-- Waits for the same lock, because evaluation and notification lock alerts in different orders.
SELECT pg_advisory_xact_lock(hashtext('agenciaos_jobs.alerts'))

-- name: is_open
SELECT EXISTS (SELECT FROM jobs.alerts WHERE pending > 0)
    OR EXISTS (SELECT FROM jobs.alerts
               WHERE kind = ANY ($1::text[]) AND told_at >= since AND (ended_at IS NULL OR ended_at > told_at))

-- name: open
SELECT id, kind, key, subjects, details, since, raised_at, raised, pending, pending_since, told_at AS notified_at,
       told AS notifications, ended_at
FROM jobs.alerts
WHERE pending > 0
   OR (kind = ANY ($1::text[]) AND told_at >= since AND (ended_at IS NULL OR ended_at > told_at))
ORDER BY kind, key FOR UPDATE

-- name: mark_notified
UPDATE jobs.alerts SET pending = 0, pending_since = NULL,
  told_at = CASE WHEN id = ANY ($2::text[]) THEN $3 ELSE told_at END,
  told = told + CASE WHEN id = ANY ($2::text[]) THEN 1 ELSE 0 END
WHERE id = ANY ($1::text[]) OR id = ANY ($2::text[])

-- name: add_notices
INSERT INTO jobs.alert_notices (id, alert_id, kind, channel, telling, message, run_id, created_at)
SELECT id, alert_id, kind, channel, notification, message, run_id, $2
FROM jsonb_to_recordset($1) AS new (id text, alert_id text, kind text, channel text, notification text, message jsonb, run_id text)

-- name: notice
SELECT id, kind, channel, message, sent_at FROM jobs.alert_notices WHERE id = $1

-- name: unsent
-- The newest first: of those that a channel refuses for good, none may keep others waiting.
SELECT id FROM jobs.alert_notices WHERE sent_at IS NULL AND created_at <= $1 AND created_at > $2 ORDER BY created_at DESC LIMIT 20

-- name: mark_sent
WITH noted AS (
  INSERT INTO jobs.alert_channels AS known (channel, last_sent_at) VALUES ($2, $3)
  ON CONFLICT (channel) DO UPDATE SET last_sent_at = excluded.last_sent_at
)
UPDATE jobs.alert_notices SET sent_at = $3, error = NULL WHERE id = $1 AND sent_at IS NULL

-- name: mark_failed
WITH noted AS (
  INSERT INTO jobs.alert_channels AS known (channel, last_error, last_error_at) VALUES ($2, $3, $4)
  ON CONFLICT (channel) DO UPDATE SET last_error = excluded.last_error, last_error_at = excluded.last_error_at
)
UPDATE jobs.alert_notices SET error = $3, failed_at = $4 WHERE id = $1

-- name: channels
SELECT channel, last_sent_at, last_error, last_error_at FROM jobs.alert_channels ORDER BY channel

-- name: newest
SELECT id, kind, key, subjects, details, since, raised_at, raised, pending, pending_since, told_at AS notified_at,
       told AS notifications, ended_at
FROM jobs.alerts WHERE $1::text IS NULL OR kind = $1 ORDER BY raised_at DESC, id DESC LIMIT $2

-- name: drop_old
WITH gone AS (
  DELETE FROM jobs.alert_notices WHERE created_at < $1
)
DELETE FROM jobs.alerts WHERE raised_at < $1 AND pending = 0

-- name: affected
-- A subject is an agency's id or a run's, or neither.
WITH said AS (
  SELECT alert_id, subject FROM unnest($1::text[], $2::text[]) AS given (alert_id, subject)
), about AS (
  SELECT alert_id, subject, subject AS agency_id, NULL AS error FROM said
  UNION ALL
  SELECT said.alert_id, said.subject, run.agency_id, coalesce(run.error ->> 'code', run.error ->> 'type')
  FROM said JOIN jobs.runs AS run ON run.id = said.subject
  UNION ALL
  SELECT given.alert_id, NULL, run.agency_id, NULL
  FROM unnest($3::text[], $4::text[], $5::timestamptz[]) AS given (alert_id, fingerprint, since)
  CROSS JOIN LATERAL (
    SELECT agency_id FROM jobs.runs WHERE error_group = given.fingerprint AND finished_at >= given.since
    ORDER BY finished_at DESC LIMIT 100) AS run
)
SELECT DISTINCT about.alert_id, about.subject, agency.name AS agency, about.error
FROM about LEFT JOIN public.agencies AS agency ON agency.id = about.agency_id
WHERE agency.id IS NOT NULL OR about.error IS NOT NULL
ORDER BY about.alert_id, agency.name, about.error, about.subject
