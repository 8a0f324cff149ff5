-- name: find_runs
SELECT generation.run_id AS id FROM jobs.ai_generations AS generation, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE generation.agency_id = subject.agency OR generation.user_id = ANY (subject.users)

-- name: export_ai_generations
SELECT to_jsonb(generation)::text
FROM jobs.ai_generations AS generation, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE generation.run_id = ANY (subject.runs) ORDER BY generation.run_id, generation.attempt

-- name: export_ai_responses
SELECT to_jsonb(response)::text FROM jobs.ai_responses AS response, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE response.run_id = ANY (subject.runs)

-- name: export_ai_quotas
SELECT to_jsonb(quota)::text FROM jobs.ai_quotas AS quota, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE quota.agency_id = subject.agency ORDER BY quota.month

-- name: export_ai_days
SELECT to_jsonb(spent)::text FROM jobs.ai_days AS spent, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE spent.agency_id = subject.agency ORDER BY spent.day

-- name: export_ai_agent_days
SELECT to_jsonb(spent)::text FROM jobs.ai_agent_days AS spent, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE spent.agency_id = subject.agency ORDER BY spent.day

-- name: export_ai_feedback
SELECT to_jsonb(feedback)::text FROM jobs.ai_feedback AS feedback, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE feedback.run_id = ANY (subject.runs) OR feedback.agency_id = subject.agency OR feedback.word ~* subject.pattern
ORDER BY feedback.run_id, feedback.author

-- name: erase_ai_generations
-- What was consumed stays: it is the month's limit, and the bill.
UPDATE jobs.ai_generations AS generation SET content = NULL, user_id = NULL
FROM (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE generation.run_id = ANY (subject.runs) AND num_nonnulls(generation.content, generation.user_id) > 0

-- name: erase_ai_responses
-- These are about to be canceled at OpenAI and billed, for which the usage is needed.
UPDATE jobs.ai_responses AS response
SET user_id = NULL,
    answer = CASE WHEN response.answer IS NOT NULL
             THEN jsonb_build_object('text', '', 'usage', response.answer -> 'usage', 'fault', NULL) END
FROM (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE response.run_id = ANY (subject.runs) AND (response.user_id IS NOT NULL OR response.answer ->> 'text' <> '')

-- name: erase_ai_feedback
-- The verdict stays, for it is about the agent.
UPDATE jobs.ai_feedback AS feedback SET word = NULL
FROM (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE feedback.word IS NOT NULL
  AND (feedback.run_id = ANY (subject.runs) OR feedback.agency_id = subject.agency OR feedback.word ~* subject.pattern)
