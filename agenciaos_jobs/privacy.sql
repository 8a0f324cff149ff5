-- name: users
SELECT id FROM public.users WHERE lower(btrim(email)) = $1

-- name: prepare
-- A reader who pauses the export must not lose it, and an erasure that finds a table in use must not wait for long.
SELECT set_config('idle_in_transaction_session_timeout', '0', true), set_config('lock_timeout', '10s', true)

-- name: record
INSERT INTO jobs.privacy_requests (id, action, subject, requested_by, requested_at, held) VALUES ($1, $2, $3, $4, $5, $6)

-- name: export_privacy_requests
SELECT to_jsonb(request)::text FROM jobs.privacy_requests AS request, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE request.subject = subject.label ORDER BY request.id
