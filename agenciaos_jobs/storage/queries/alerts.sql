-- name: add
-- Alerts are locked in the order of kind and key. What was not raised for an episode's length ($3) begins anew.
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
