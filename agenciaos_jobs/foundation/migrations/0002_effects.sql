-- What the jobs change.

CREATE TABLE jobs.ai_quotas (
  agency_id text NOT NULL,
  month date NOT NULL,
  used_before integer NOT NULL,
  PRIMARY KEY (agency_id, month)
);

COMMENT ON COLUMN jobs.ai_quotas.used_before IS 'Generations of the month that are in the application''s ai_usage and were not made here.';

CREATE TABLE jobs.ai_reservations (
  run_id text COLLATE "C" PRIMARY KEY,
  agency_id text NOT NULL,
  month date NOT NULL,
  reserved_at timestamptz NOT NULL
);

COMMENT ON TABLE jobs.ai_reservations IS 'One row a generation that counts against the month: kept on success, deleted when the run ends without one.';

CREATE INDEX ai_reservations_by_month ON jobs.ai_reservations (agency_id, month);

CREATE TABLE jobs.ai_generations (
  run_id text COLLATE "C" NOT NULL,
  attempt integer NOT NULL,
  agency_id text NOT NULL,
  user_id text,
  agent_type text NOT NULL,
  status text NOT NULL CHECK (status IN ('completed', 'failed')),
  error_code text,
  content jsonb,
  model text NOT NULL,
  service_tier text,
  requests integer NOT NULL,
  input_tokens bigint NOT NULL,
  cached_tokens bigint NOT NULL,
  output_tokens bigint NOT NULL,
  reasoning_tokens bigint NOT NULL,
  cost numeric,
  created_at timestamptz NOT NULL
);

COMMENT ON TABLE jobs.ai_generations IS 'One row an attempt that was billed, written in the transaction that ended it.';
COMMENT ON COLUMN jobs.ai_generations.cost IS 'US dollars; null where the model''s price is not known.';

CREATE INDEX ai_generations_by_run ON jobs.ai_generations (run_id);
CREATE INDEX ai_generations_by_time ON jobs.ai_generations (created_at);

CREATE TABLE jobs.subscriptions (
  agency_id text PRIMARY KEY,
  plan text NOT NULL,
  status text NOT NULL,
  product_id text,
  last_event_id text,
  last_event_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL
);

CREATE TABLE jobs.payment_events (
  run_id text COLLATE "C" PRIMARY KEY,
  source text NOT NULL,
  event_id text,
  event text NOT NULL,
  status text NOT NULL,
  customer_id text NOT NULL,
  agency_id text,
  product_id text NOT NULL,
  amount numeric NOT NULL,
  occurred_at timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,
  action text NOT NULL CHECK (action IN ('activated', 'deactivated', 'unchanged', 'duplicate', 'outdated', 'rejected')),
  reason text NOT NULL,
  plan_before text,
  plan_after text,
  payload jsonb NOT NULL
);

COMMENT ON TABLE jobs.payment_events IS 'Every delivery, what it did and why. Rows are only ever added.';

CREATE UNIQUE INDEX payment_events_once ON jobs.payment_events (source, event_id)
  WHERE event_id IS NOT NULL AND action IN ('activated', 'deactivated', 'unchanged', 'outdated');
CREATE INDEX payment_events_by_agency ON jobs.payment_events (agency_id, occurred_at);

CREATE TABLE jobs.monthly_reports (
  agency_id text NOT NULL,
  month date NOT NULL CHECK (extract(day FROM month) = 1),
  revenue numeric NOT NULL,
  expenses numeric NOT NULL,
  profit numeric NOT NULL,
  margin numeric,
  previous_revenue numeric NOT NULL,
  previous_expenses numeric NOT NULL,
  previous_profit numeric NOT NULL,
  revenue_change numeric,
  expenses_change numeric,
  profit_change numeric,
  recurring_revenue numeric NOT NULL,
  recurring_share numeric,
  top_revenue_categories jsonb NOT NULL,
  top_expense_categories jsonb NOT NULL,
  ai_generations integer NOT NULL,
  ai_cost numeric NOT NULL,
  generated_at timestamptz NOT NULL,
  PRIMARY KEY (agency_id, month)
);

COMMENT ON TABLE jobs.monthly_reports IS 'One row an agency and month. Money is in reais, ai_cost in US dollars, shares and changes are fractions of one.';
COMMENT ON COLUMN jobs.monthly_reports.margin IS 'profit / revenue; null without revenue.';
COMMENT ON COLUMN jobs.monthly_reports.revenue_change IS 'revenue / previous revenue - 1; null where the month before had none.';

CREATE INDEX monthly_reports_by_month ON jobs.monthly_reports (month);
