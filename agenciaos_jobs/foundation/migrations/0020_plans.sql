-- Purchases of any payment provider and of the application, and plans that a person has given to products.

ALTER TABLE jobs.contracts ADD COLUMN source text NOT NULL DEFAULT 'guru';

COMMENT ON COLUMN jobs.contracts.source IS 'The payment provider. The release before this one wrote Guru''s purchases only.';

CREATE TABLE jobs.application_purchases (
  agency_id text PRIMARY KEY,
  facts jsonb NOT NULL,
  updated_at timestamptz NOT NULL
);

COMMENT ON TABLE jobs.application_purchases IS 'What the application has reported on each agency, as facts of one purchase.';

CREATE TABLE jobs.product_plans (
  product text PRIMARY KEY,
  plan text NOT NULL,
  assigned_at timestamptz NOT NULL
);

COMMENT ON TABLE jobs.product_plans IS 'Products that a person has given a plan, besides those in PLAN_PRODUCTS.';

ALTER TABLE jobs.payment_events
  ADD COLUMN currency text,
  ADD COLUMN is_capped boolean NOT NULL DEFAULT false;

COMMENT ON COLUMN jobs.payment_events.currency IS 'Of the amount, as ISO 4217; null: BRL.';
COMMENT ON COLUMN jobs.payment_events.is_capped IS 'The event was dated in the future; occurred_at is when it was delivered.';
