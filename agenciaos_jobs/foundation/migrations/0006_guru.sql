-- Payments as Digital Manager Guru sends them.

ALTER TABLE jobs.payment_events DROP CONSTRAINT payment_events_pkey;
ALTER TABLE jobs.payment_events DROP CONSTRAINT payment_events_action_check;
ALTER TABLE jobs.payment_events
  ADD COLUMN id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  ADD COLUMN contract_id text,
  ADD COLUMN email text,
  ADD COLUMN code text,
  ADD COLUMN cycle integer,
  ADD COLUMN period_end timestamptz,
  ADD COLUMN due_at timestamptz,
  ALTER COLUMN status DROP NOT NULL,
  ALTER COLUMN customer_id DROP NOT NULL,
  ALTER COLUMN product_id DROP NOT NULL,
  ALTER COLUMN amount DROP NOT NULL,
  ADD CONSTRAINT payment_events_action_check CHECK (action IN (
    'activated', 'deactivated', 'renewed', 'unchanged', 'duplicate', 'outdated', 'rejected', 'unmatched', 'unverified',
    'ignored', 'assigned'));

COMMENT ON COLUMN jobs.payment_events.id IS 'In the order of the decisions about one agency.';
COMMENT ON COLUMN jobs.payment_events.contract_id IS 'The purchase it is about: see jobs.contracts.';
COMMENT ON COLUMN jobs.payment_events.code IS 'The reason, for programs.';
COMMENT ON COLUMN jobs.payment_events.due_at IS 'When the plan changes by itself, as of this event.';

DROP INDEX jobs.payment_events_once;
CREATE UNIQUE INDEX payment_events_once ON jobs.payment_events (source, event_id)
  WHERE source = 'api' AND event_id IS NOT NULL AND action IN ('activated', 'deactivated', 'unchanged', 'outdated');
CREATE INDEX payment_events_by_event ON jobs.payment_events (source, event_id, id);
CREATE INDEX payment_events_by_run ON jobs.payment_events (run_id);
CREATE INDEX payment_events_waiting ON jobs.payment_events (action, id) WHERE action IN ('unmatched', 'unverified');

CREATE FUNCTION jobs.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'jobs.% is an audit: rows are only ever added', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER payment_events_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON jobs.payment_events
  FOR EACH STATEMENT EXECUTE FUNCTION jobs.refuse_change();

ALTER TABLE jobs.subscriptions
  ADD COLUMN source text NOT NULL DEFAULT 'api',
  ADD COLUMN code text,
  ADD COLUMN period_end timestamptz,
  ADD COLUMN due_at timestamptz;

COMMENT ON COLUMN jobs.subscriptions.source IS 'guru, or api: the application''s own word.';
COMMENT ON COLUMN jobs.subscriptions.due_at IS 'When the plan changes although nothing more arrives.';

CREATE INDEX subscriptions_due ON jobs.subscriptions (due_at) WHERE due_at IS NOT NULL;

CREATE TABLE jobs.contracts (
  id text PRIMARY KEY,
  uuid text,
  agency_id text NOT NULL,
  facts jsonb NOT NULL,
  updated_at timestamptz NOT NULL
);

COMMENT ON TABLE jobs.contracts IS 'What is known of each purchase, gathered from its events: see core/contract.py.';
COMMENT ON COLUMN jobs.contracts.id IS 'Guru''s subscription code, or sale: and the id of a transaction without one.';

CREATE INDEX contracts_by_agency ON jobs.contracts (agency_id);
CREATE INDEX contracts_by_uuid ON jobs.contracts (uuid) WHERE uuid IS NOT NULL;

CREATE TABLE jobs.known_customers (
  customer text PRIMARY KEY,
  agency_id text NOT NULL,
  assigned_at timestamptz NOT NULL
);

COMMENT ON TABLE jobs.known_customers IS 'Whose payments somebody has said are an agency''s.';
COMMENT ON COLUMN jobs.known_customers.customer IS 'contract:, contact: or email:, and Guru''s name for it.';
