-- name: find_runs
-- An agency's runs are those that belong to it or name it in their payload; a person's, those that
-- mention the address anywhere.
SELECT run.id FROM jobs.runs AS run, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE run.agency_id = subject.agency OR run.payload::text ~* subject.pattern
   OR (subject.email IS NOT NULL AND concat_ws(' ', run.output, run.error, run.metadata, run.tags, run.idempotency_key,
                                               run.concurrency_key, run.queue) ~* subject.pattern)
UNION
SELECT line.run_id FROM jobs.run_logs AS line, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE subject.email IS NOT NULL AND concat_ws(' ', line.message, line.fields) ~* subject.pattern
UNION
SELECT attempt.run_id FROM jobs.attempts AS attempt, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE subject.email IS NOT NULL AND attempt.error::text ~* subject.pattern

-- name: errors
SELECT DISTINCT error ->> 'message' AS message FROM jobs.runs
WHERE id = ANY ($1::text[]) AND coalesce(error ->> 'message', '') NOT IN ('', '[erased]')

-- name: open
-- Runs that may still write: those under way, and those that their worker is just giving up.
SELECT id FROM jobs.runs
WHERE id = ANY ($1::text[])
  AND (finished_at IS NULL
       OR (status = 'CANCELED' AND started_at IS NOT NULL AND finished_at > $2::timestamptz - interval '1 minute'))
ORDER BY id

-- name: hold_search
-- Whoever fills the search meanwhile would write what is about to be erased.
SELECT pg_advisory_xact_lock(hashtext('agenciaos_jobs.run_search'))

-- name: months
SELECT DISTINCT to_char(jobs.month_of(id), 'YYYY_MM') AS month FROM unnest($1::text[]) AS id
WHERE jobs.month_of(id) IS NOT NULL ORDER BY 1

-- name: export_runs
SELECT to_jsonb(run)::text FROM jobs.runs AS run, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE run.id = ANY (subject.runs) ORDER BY run.id

-- name: export_attempts
SELECT to_jsonb(attempt)::text FROM jobs.attempts AS attempt, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE attempt.run_id = ANY (subject.runs) ORDER BY attempt.run_id, attempt.number

-- name: export_run_logs
SELECT to_jsonb(line)::text FROM jobs.run_logs AS line, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE line.run_id = ANY (subject.runs) ORDER BY line.run_id, line.logged_at

-- name: export_stream_chunks
SELECT to_jsonb(chunk)::text FROM jobs.stream_chunks AS chunk, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE chunk.run_id = ANY (subject.runs) ORDER BY chunk.run_id, chunk.id

-- name: export_wait_tokens
SELECT to_jsonb(token)::text FROM jobs.wait_tokens AS token, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE token.id IN (SELECT token_id FROM jobs.wait_token_runs WHERE run_id = ANY (subject.runs)) OR token.tags && subject.runs
   OR (subject.email IS NOT NULL AND concat_ws(' ', token.output, token.tags, token.idempotency_key) ~* subject.pattern)
ORDER BY token.id

-- name: export_debounced
SELECT to_jsonb(held)::text FROM jobs.debounced AS held, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE held.run_id = ANY (subject.runs) ORDER BY held.run_id

-- name: export_schedules
SELECT to_jsonb(schedule)::text FROM jobs.schedules AS schedule, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE schedule.external_id = subject.agency OR schedule.external_id = ANY (subject.users)
   OR (subject.email IS NOT NULL AND concat_ws(' ', schedule.external_id, schedule.deduplication_key) ~* subject.pattern)

-- name: export_batches
SELECT to_jsonb(batch)::text FROM jobs.batches AS batch, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE batch.id IN (SELECT batch_id FROM jobs.batch_items WHERE run_id = ANY (subject.runs)) ORDER BY batch.id

-- name: export_bulk_items
SELECT to_jsonb(item)::text FROM jobs.bulk_items AS item, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE item.run_id = ANY (subject.runs) ORDER BY item.bulk_id, item.position

-- name: export_error_groups
SELECT to_jsonb(known)::text FROM jobs.error_groups AS known, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE known.last_run_id = ANY (subject.runs) OR known.message = ANY (subject.errors) OR known.message ~* subject.pattern
ORDER BY known.fingerprint

-- name: export_saved_views
SELECT to_jsonb(view)::text FROM jobs.saved_views AS view, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE concat_ws(' ', view.filters, CASE WHEN subject.email IS NOT NULL THEN view.name END) ~* subject.pattern ORDER BY view.name

-- name: erase_saved_views
DELETE FROM jobs.saved_views AS view USING (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE concat_ws(' ', view.filters, CASE WHEN subject.email IS NOT NULL THEN view.name END) ~* subject.pattern

-- name: erase_run_search
DELETE FROM jobs.run_search AS held USING (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE held.run_id = ANY (subject.runs)

-- name: erase_run_logs
DELETE FROM jobs.run_logs AS line USING (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE line.run_id = ANY (subject.runs)

-- name: erase_stream_chunks
DELETE FROM jobs.stream_chunks AS chunk USING (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE chunk.run_id = ANY (subject.runs)

-- name: erase_wait_tokens
DELETE FROM jobs.wait_tokens AS token USING (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE token.id IN (SELECT token_id FROM jobs.wait_token_runs WHERE run_id = ANY (subject.runs)) OR token.tags && subject.runs
   OR (subject.email IS NOT NULL AND concat_ws(' ', token.output, token.tags, token.idempotency_key) ~* subject.pattern)

-- name: erase_debounced
DELETE FROM jobs.debounced AS held USING (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE held.run_id = ANY (subject.runs)

-- name: erase_run_tags
DELETE FROM jobs.run_tags AS tagged USING (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE tagged.run_id = ANY (subject.runs)

-- name: erase_attempts
UPDATE jobs.attempts AS attempt
SET error = jsonb_strip_nulls(jsonb_build_object('type', error -> 'type', 'code', error -> 'code', 'message', '[erased]'))
FROM (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE attempt.run_id = ANY (subject.runs) AND attempt.error ->> 'message' <> '[erased]'

-- name: erase_runs
UPDATE jobs.runs AS run
SET payload = '{}', output = NULL, metadata = NULL, tags = '{}', idempotency_key = NULL, concurrency_key = NULL, queue = NULL,
    error = CASE WHEN error IS NOT NULL THEN
      jsonb_strip_nulls(jsonb_build_object('type', error -> 'type', 'code', error -> 'code', 'message', '[erased]')) END
FROM (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE run.id = ANY (subject.runs)
  AND (run.payload <> '{}' OR run.tags <> '{}' OR run.error ->> 'message' <> '[erased]'
       OR num_nonnulls(run.output, run.metadata, run.idempotency_key, run.concurrency_key, run.queue) > 0)

-- name: erase_batches
UPDATE jobs.batches AS batch SET idempotency_key = NULL
FROM (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE batch.idempotency_key IS NOT NULL
  AND batch.id IN (SELECT batch_id FROM jobs.batch_items WHERE run_id = ANY (subject.runs))

-- name: erase_bulk_items
UPDATE jobs.bulk_items AS item SET problem = '[erased]'
FROM (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE item.run_id = ANY (subject.runs) AND item.problem <> '[erased]'

-- name: erase_schedules
DELETE FROM jobs.schedules AS schedule USING (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE schedule.type = 'IMPERATIVE'
  AND (schedule.external_id = subject.agency OR schedule.external_id = ANY (subject.users)
       OR (subject.email IS NOT NULL AND concat_ws(' ', schedule.external_id, schedule.deduplication_key) ~* subject.pattern))

-- name: erase_error_groups
-- Groups stay, so that an error that comes back is known. Failing runs lock these rows too, so they come late.
UPDATE jobs.error_groups AS known SET message = '[erased]'
FROM (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE known.message <> '[erased]'
  AND (known.last_run_id = ANY (subject.runs) OR known.message = ANY (subject.errors) OR known.message ~* subject.pattern)
