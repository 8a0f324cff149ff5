-- name: customers
-- Guru's ids of the contacts with an e-mail address.
SELECT DISTINCT customer_id AS id FROM jobs.payment_events
WHERE source = 'guru' AND lower(email) = $1 AND strpos(customer_id, '@') = 0

-- name: find_runs
-- An event of kind time comes from a run that looks after the plans of all agencies.
SELECT payment.run_id AS id FROM jobs.payment_events AS payment, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE payment.event <> 'time'
  AND (payment.agency_id = subject.agency
       OR payment.contract_id IN (SELECT id FROM jobs.contracts WHERE agency_id = subject.agency)
       OR lower(payment.email) = subject.email OR payment.customer_id = ANY (subject.customers)
       OR (subject.email IS NOT NULL AND concat_ws(' ', payment.reason, payment.payload) ~* subject.pattern))

-- name: export_payment_events
SELECT to_jsonb(payment)::text FROM jobs.payment_events AS payment, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE payment.agency_id = subject.agency
   OR payment.contract_id IN (SELECT id FROM jobs.contracts WHERE agency_id = subject.agency)
   OR lower(payment.email) = subject.email OR payment.customer_id = ANY (subject.customers)
   OR (payment.event <> 'time' AND payment.run_id = ANY (subject.runs))
ORDER BY payment.id

-- name: export_contracts
SELECT to_jsonb(purchase)::text FROM jobs.contracts AS purchase, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE purchase.agency_id = subject.agency
   OR (subject.email IS NOT NULL
       AND purchase.id IN (SELECT contract_id FROM jobs.payment_events WHERE run_id = ANY (subject.runs)))

-- name: export_subscriptions
SELECT to_jsonb(subscription)::text
FROM jobs.subscriptions AS subscription, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE subscription.agency_id = subject.agency

-- name: export_application_purchases
SELECT to_jsonb(purchase)::text FROM jobs.application_purchases AS purchase, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE purchase.agency_id = subject.agency

-- name: export_known_customers
SELECT to_jsonb(known)::text FROM jobs.known_customers AS known, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE known.agency_id = subject.agency OR known.customer = 'email:' || subject.email

-- name: erase_payment_redactions
INSERT INTO jobs.payment_redactions (event_id, request_id, redacted_at)
SELECT payment.id, subject.request_id, subject.requested_at
FROM jobs.payment_events AS payment, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE payment.agency_id = subject.agency
   OR payment.contract_id IN (SELECT id FROM jobs.contracts WHERE agency_id = subject.agency)
   OR lower(payment.email) = subject.email OR payment.customer_id = ANY (subject.customers)
   OR (payment.event <> 'time' AND payment.run_id = ANY (subject.runs))
ON CONFLICT (event_id) DO NOTHING

-- name: erase_payment_events
-- The audit's trigger takes this change, of rows that have a redaction, and no other.
UPDATE jobs.payment_events AS payment
SET (email, customer_id, reason, payload) =
    (SELECT redacted.email, redacted.customer_id, redacted.reason, redacted.payload
     FROM jobs.redacted_payment(payment) AS redacted)
FROM jobs.payment_redactions AS redaction, (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE redaction.event_id = payment.id AND redaction.request_id = subject.request_id

-- name: erase_known_customers
DELETE FROM jobs.known_customers AS known USING (SELECT ($1::jobs.privacy_subject).*) AS subject
WHERE starts_with(known.customer, 'email:')
  AND (known.agency_id = subject.agency OR known.customer = 'email:' || subject.email)
